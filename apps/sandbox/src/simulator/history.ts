import { type Batch, type EndStatus, type Entry, openBatch, type Principal, type StreamKey } from "@remit/core";

/** Where something that a run has under way stands, as its durable entries tell. */
export type OpenState =
  | "model.reserving"
  | "model.called"
  | "model.waiting"
  | "read.called"
  | "read.waiting"
  | "write.proposed"
  | "write.judging"
  | "write.preparing"
  | "write.approving"
  | "write.called"
  | "write.waiting"
  | "write.retried"
  | "write.looked-up"
  | "write.uncertain"
  | "question.open"
  | "handoff.delayed"
  | "handoff.elsewhere"
  | "run.delayed"
  | "run.parked"
  | "run.cancelling"
  | "run.running";

const ends: Readonly<Record<string, EndStatus>> = {
  "run.completed": "completed",
  "run.denied": "denied",
  "run.escalated": "escalated",
  "run.failed": "failed",
  "run.cancelled": "cancelled",
};

/** The status that an entry type ends a run with, if it does. */
export function endOf(type: string): EndStatus | undefined {
  return ends[type];
}

/** One run, as far as it is durable: what the world and the faults may know of it. */
export interface RunHistory {
  readonly runId: string;
  readonly tenant: string;
  lastSeq: number;
  end: EndStatus | undefined;
  cancelled: boolean;
  parked: boolean;
  /** Hash of the definition that decides it now. */
  definition: string;
  /** It has to reserve before it calls a model. */
  budgeted: boolean;
  /** It undoes another run. */
  compensates: boolean;
  /** It takes the place of a run that failed. */
  redrives: boolean;
  /** The run and the place in it that it works for, as a specialist's. */
  delegated: { readonly run: string; readonly path: string } | undefined;
  /** Who started it, or the run that it works for. */
  principal: Principal | undefined;
  /** Keys of intended writes. */
  readonly intents: Set<string>;
  /** Ids of commands whose `tool.called` or look-up is durable. */
  readonly called: Set<string>;
  /** `path turn` of model calls: the definition that had them made. */
  readonly models: Map<string, string>;
  /** How often money was set aside for a model call, by the call's command. */
  readonly reserved: Map<string, number>;
  readonly open: Map<string, OpenState>;
  /** Paths of agent instances at work. */
  readonly instances: Set<string>;
  /** Bindings of approvals that are asked for, by effect. */
  readonly approvals: Map<string, string>;
  /** Questions of tools that wait for people, and those of which the run has said what the tool is told. */
  readonly asked: Set<string>;
  readonly told: Set<string>;
  /** Where the loop of each instance stands. */
  readonly loops: Map<string, string>;
}

/** Follows what becomes durable, entry by entry. It reads the journal's own text and nothing of the kernel's state. */
export class History {
  readonly runs = new Map<string, RunHistory>();
  readonly entryTypes = new Map<string, number>();
  /** `from → to` of effects, agents and runs. */
  readonly transitions = new Map<string, number>();

  run(runId: string, tenant = ""): RunHistory {
    let run = this.runs.get(runId);
    if (!run) {
      run = {
        runId,
        tenant,
        lastSeq: 0,
        end: undefined,
        cancelled: false,
        parked: false,
        definition: "",
        budgeted: false,
        compensates: false,
        redrives: false,
        delegated: undefined,
        principal: undefined,
        intents: new Set(),
        called: new Set(),
        models: new Map(),
        reserved: new Map(),
        open: new Map(),
        instances: new Set(),
        approvals: new Map(),
        asked: new Set(),
        told: new Set(),
        loops: new Map(),
      };
      if (tenant !== "") this.runs.set(runId, run);
    }
    return run;
  }

  /** @param blob the text that is stored under an address */
  committed(key: StreamKey, batch: Batch, blob: (address: string) => string | undefined): void {
    if (key.kind !== "run") return;
    const run = this.run(key.id, key.tenant);
    const entries = openBatch(batch, key.id);
    const retried = new Set(entries.flatMap((entry) => (entry.type === "step.retried" ? [entry.path] : [])));
    for (const entry of entries) {
      // What will be tried again has not ended.
      if (entry.type === "tool.failed" && !retried.has(entry.path) && run.open.get(entry.path) === "read.called") {
        this.count("read.called → tool.failed");
        run.open.delete(entry.path);
      }
      const { $blob: address } = entry.body as { readonly $blob?: string };
      const text = address === undefined ? undefined : blob(address);
      this.#follow(run, text === undefined ? entry : ({ ...entry, body: JSON.parse(text) as unknown } as Entry));
    }
    run.lastSeq = batch.lastSeq;
  }

  /** States of everything under way in unfinished runs, each once. */
  states(): ReadonlySet<OpenState> {
    const states = new Set<OpenState>();
    for (const run of this.runs.values()) {
      if (run.end) continue;
      states.add(run.cancelled ? "run.cancelling" : run.parked ? "run.parked" : "run.running");
      for (const state of run.open.values()) states.add(state);
    }
    return states;
  }

  count(transition: string): void {
    this.transitions.set(transition, (this.transitions.get(transition) ?? 0) + 1);
  }

  #follow(run: RunHistory, entry: Entry): void {
    this.entryTypes.set(entry.type, (this.entryTypes.get(entry.type) ?? 0) + 1);
    run.end ??= endOf(entry.type);
    if (entry.cause === 0 && entry.type !== "run.migrated") run.parked = false;
    const move = (id: string, to: OpenState) => {
      this.count(`${run.open.get(id) ?? "start"} → ${to}`);
      run.open.set(id, to);
    };
    const close = (id: string, as: string) => {
      const from = run.open.get(id);
      if (from === undefined) return;
      this.count(`${from} → ${as}`);
      run.open.delete(id);
    };
    const loop = (path: string, to: string) => {
      const from = run.loops.get(path);
      if (from === to && to === "acting") return;
      this.count(`agent.${from ?? "idle"} → agent.${to}`);
      if (to === "returned" || to === "failed") run.loops.delete(path);
      else run.loops.set(path, to);
    };
    const acting = () => {
      const owner = ownerOf(entry.path);
      if (run.loops.get(owner) === "thinking") loop(owner, "acting");
    };
    switch (entry.type) {
      case "run.started":
        run.definition = entry.body.definitionHash;
        run.budgeted = entry.body.budget !== undefined;
        run.compensates = entry.body.compensates !== undefined;
        run.redrives = entry.body.redrives !== undefined;
        run.delegated = entry.body.delegation?.parent;
        run.principal = entry.body.principal;
        if ((entry.body.startAt ?? 0) > entry.at) move("start", "run.delayed");
        return;
      case "run.migrated":
        run.definition = entry.body.to;
        this.count("run.parked → migrated");
        return;
      case "model.called":
        close("start", "begun");
        run.models.set(`${entry.path} ${entry.body.turn}`, run.definition);
        loop(entry.path, "thinking");
        return move(entry.body.command, run.budgeted ? "model.reserving" : "model.called");
      case "budget.reserved": {
        const call = callOf(entry.body.command);
        run.reserved.set(call, (run.reserved.get(call) ?? 0) + 1);
        if (run.open.get(call) === "model.reserving") move(call, "model.called");
        return;
      }
      case "budget.refused":
        return close(callOf(entry.body.command), "budget.refused");
      case "budget.exceeded":
        return this.count(`model.reserving → exceeded by ${entry.body.scope}`);
      case "model.responded":
      case "model.failed":
        return close(entry.body.command, entry.type);
      case "step.retried": {
        const { step } = entry.body;
        if (isCall(step)) {
          return move(step, run.open.get(step)?.startsWith("read") ? "read.waiting" : "write.waiting");
        }
        loop(step, "waiting");
        return move(step, "model.waiting");
      }
      case "timer.fired":
        if (run.open.get(entry.path) === "model.waiting") close(entry.path, "due");
        return;
      case "output.rejected":
        return loop(entry.path, "repairing");
      case "effect.proposed":
        acting();
        return move(entry.path, "write.proposed");
      case "handoff.delayed":
        return move(`delay ${entry.body.edge}`, "handoff.delayed");
      case "handoff.delivered": {
        close(`delay ${entry.body.edge}`, "delivered");
        run.instances.add(entry.path);
        const { judges, edge } = entry.body;
        if (judges !== undefined) move(judges, edge === "effect:compliance" ? "write.judging" : "write.preparing");
        return;
      }
      case "delegation.sent":
        return move(entry.path, "handoff.elsewhere");
      case "delegation.ended":
        return close(entry.path, `ended as ${entry.body.end.status}`);
      case "delegation.recalled":
        return close(entry.path, "recalled");
      case "delegation.refused":
        return close(entry.path, "refused");
      case "handoff.returned":
        run.instances.delete(entry.path);
        if (run.loops.has(entry.path)) loop(entry.path, "returned");
        return;
      case "agent.failed":
        run.instances.delete(entry.path);
        run.open.delete(entry.path);
        if (run.loops.has(entry.path)) loop(entry.path, "failed");
        return;
      case "approval.requested":
        run.approvals.set(entry.body.effect, entry.body.binding);
        return move(entry.body.effect, "write.approving");
      case "approval.recorded":
        return move(entry.body.effect, "write.approving");
      case "approval.granted":
        run.approvals.delete(entry.body.effect);
        return;
      case "approval.edited":
        run.approvals.delete(entry.body.effect);
        return close(entry.body.effect, "superseded");
      case "tool.denied":
        acting();
        run.approvals.delete(entry.path);
        if (!run.open.has(entry.path)) return this.count(`start → denied as ${entry.body.error.code}`);
        return close(entry.path, `denied as ${entry.body.error.code}`);
      case "question.opened":
        run.asked.add(entry.body.question);
        return;
      case "question.closed": {
        const { question, command, outcome, answer } = entry.body;
        run.asked.delete(question);
        if (answer) run.told.add(`${command} ${question}`);
        return this.count(`question → ${outcome}`);
      }
      case "effect.intended":
        run.intents.add(entry.body.key);
        return;
      case "tool.called": {
        acting();
        run.called.add(entry.body.command);
        const { effect, attempt } = entry.body;
        return move(entry.path, effect === "read" ? "read.called" : attempt > 1 ? "write.retried" : "write.called");
      }
      case "effect.dispatched":
        if (entry.body.via !== "lookup") return;
        run.called.add(`${entry.path}/lookup#${entry.body.attempt}`);
        return move(entry.path, "write.looked-up");
      case "effect.uncertain":
        return move(entry.path, "write.uncertain");
      case "effect.settled":
        run.approvals.delete(entry.path);
        return close(entry.path, `settled as ${entry.body.outcome}`);
      case "tool.returned":
        if (run.open.get(entry.path) === "read.called") close(entry.path, entry.type);
        return;
      case "input.requested":
        if (run.loops.get(entry.path) === "thinking") loop(entry.path, "asking");
        return move(entry.body.ask, "question.open");
      case "input.received":
        return close(entry.body.ask, "answered");
      case "cancel.requested":
        if (entry.body.subtree === undefined) run.cancelled = true;
        this.count(`run → cancelled in ${entry.body.subtree === undefined ? "whole" : "part"}`);
        return;
      case "restrictions.changed":
        return this.count("run → restricted");
      case "run.parked":
        this.count("run.running → run.parked");
        run.parked = true;
        return;
      default:
        if (endOf(entry.type)) this.count(`run → ${endOf(entry.type)}`);
    }
  }
}

/** The model call that a reservation is for. */
export function callOf(command: string): string {
  return command.slice(0, command.lastIndexOf("/budget@"));
}

/** The command of a model call, as a request tells of it. */
export function modelCommandOf({
  path,
  turn,
  attempt,
}: {
  readonly path: string;
  readonly turn: number;
  readonly attempt: number;
}): string {
  return attempt > 1 ? `${path}/model#${turn}/try#${attempt}` : `${path}/model#${turn}`;
}

/** The instance that a call belongs to. */
function ownerOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/tool#")));
}

/** True for the path of a tool call, as opposed to that of an instance. */
export function isCall(path: string): boolean {
  return /(^|\/)(tool|undo|edit)#\d+$/.test(path);
}
