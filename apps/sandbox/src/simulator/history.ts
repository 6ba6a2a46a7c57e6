import { type Batch, type EndStatus, type Entry, openBatch, type StreamKey } from "@remit/core";

/** Where something that a run has under way stands, as its durable entries tell. */
export type OpenState =
  | "model.called"
  | "read.called"
  | "write.called"
  | "write.retried"
  | "write.looked-up"
  | "write.uncertain"
  | "question.open"
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
  lastSeq: number;
  end: EndStatus | undefined;
  cancelled: boolean;
  parked: boolean;
  /** Keys of intended writes. */
  readonly intents: Set<string>;
  /** Ids of commands whose `tool.called` or look-up is durable. */
  readonly called: Set<string>;
  /** `path turn` of model calls. */
  readonly models: Set<string>;
  readonly open: Map<string, OpenState>;
}

/** Follows what becomes durable, entry by entry. It reads the journal's own text and nothing of the kernel's state. */
export class History {
  readonly runs = new Map<string, RunHistory>();
  readonly entryTypes = new Map<string, number>();
  /** `from → to` of effects and runs. */
  readonly transitions = new Map<string, number>();

  run(runId: string): RunHistory {
    let run = this.runs.get(runId);
    if (!run) {
      run = {
        runId,
        lastSeq: 0,
        end: undefined,
        cancelled: false,
        parked: false,
        intents: new Set(),
        called: new Set(),
        models: new Set(),
        open: new Map(),
      };
      this.runs.set(runId, run);
    }
    return run;
  }

  committed(key: StreamKey, batch: Batch): void {
    if (key.kind !== "run") return;
    const run = this.run(key.id);
    for (const entry of openBatch(batch, key.id)) this.#follow(run, entry);
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

  #follow(run: RunHistory, entry: Entry): void {
    this.entryTypes.set(entry.type, (this.entryTypes.get(entry.type) ?? 0) + 1);
    run.end ??= endOf(entry.type);
    if (entry.cause === 0) run.parked = false;
    const move = (id: string, to: OpenState) => {
      this.#count(`${run.open.get(id) ?? "start"} → ${to}`);
      run.open.set(id, to);
    };
    const close = (id: string, as: string) => {
      const from = run.open.get(id);
      if (from === undefined) return;
      this.#count(`${from} → ${as}`);
      run.open.delete(id);
    };
    switch (entry.type) {
      case "model.called":
        run.models.add(`${entry.path} ${entry.body.turn}`);
        return move(entry.body.command, "model.called");
      case "model.responded":
      case "model.failed":
        return close(entry.body.command, entry.type);
      case "effect.intended":
        run.intents.add(entry.body.key);
        return;
      case "tool.called": {
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
        return close(entry.path, `settled as ${entry.body.outcome}`);
      case "tool.returned":
      case "tool.failed":
        if (run.open.get(entry.path) === "read.called") close(entry.path, entry.type);
        return;
      case "input.requested":
        return move(entry.body.ask, "question.open");
      case "input.received":
        return close(entry.body.ask, "answered");
      case "cancel.requested":
        run.cancelled = true;
        return;
      case "run.parked":
        this.#count("run.running → run.parked");
        run.parked = true;
        return;
      default:
        if (endOf(entry.type)) this.#count(`run → ${endOf(entry.type)}`);
    }
  }

  #count(transition: string): void {
    this.transitions.set(transition, (this.transitions.get(transition) ?? 0) + 1);
  }
}
