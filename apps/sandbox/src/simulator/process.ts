import {
  type CheckpointOptions,
  type Engine,
  type InputEvent,
  type Journal,
  type Json,
  type Logger,
  localEngine,
  type Model,
  type Principal,
  type RunHost,
  type RunKey,
  type RunSession,
  runSupervisor,
  type ServedSpecialist,
  type Supervisor,
  type SupervisorDefinition,
  seededIds,
  serveSpecialist,
} from "@remit/core";
import { BreakerWatch, saysOf, type WatchedCall } from "./breakers.ts";
import { virtualClock } from "./clock.ts";
import type { Faults } from "./fault.ts";
import type { History } from "./history.ts";
import type { FaultyJournal } from "./journal.ts";
import type { Plant } from "./plant.ts";
import type { Random } from "./random.ts";
import { restrictionsMaxAgeMs } from "./restraint.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { breakerSpec, budgetSpec, isRemote, placeSpec } from "./specs.ts";
import type { randomSpecialist } from "./team.ts";
import type { Violations } from "./violation.ts";
import { type CallPlace, callerAttribute } from "./world.ts";

/** One process of a simulation: an engine over the shared disk, and a supervisor for each version that it has loaded. */
export interface Process {
  readonly owner: Owner;
  readonly journal: FaultyJournal;
  readonly engine: Engine;
  /** The oldest version first. */
  readonly supervisors: readonly Supervisor[];
  /** The specialist's side, where this process has it. */
  readonly served: ServedSpecialist | undefined;
}

export interface ProcessOptions {
  /** Counts processes, from 1. */
  readonly incarnation: number;
  readonly seed: number;
  readonly owner: Owner;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly plant: Plant | undefined;
  readonly history: History;
  readonly violations: Violations;
  readonly journal: FaultyJournal;
  /** The versions that it loads, the oldest first. */
  readonly definitions: readonly SupervisorDefinition[];
  /** True for what a process before has looked at. */
  readonly isChecked: (definition: SupervisorDefinition) => boolean;
  readonly modelOf: (watch: BreakerWatch, onCall: (run: string, command: string) => void) => Model;
  /** The breaker before each tool. */
  readonly breakerOf: ReadonlyMap<string, string>;
  readonly snapshotEvery: number;
  /** How runs are checkpointed, where they are. */
  readonly checkpoints: CheckpointOptions | undefined;
  /** What the owner of a specialist has decided on, where this process serves it. */
  readonly specialist: ReturnType<typeof randomSpecialist>;
  readonly blobChars: number;
  readonly logger: Logger;
  /** Told of every call of a tool before it is made, with what is to be told when the world sees it. */
  readonly onCall: (call: CallPlace, seen: () => void) => void;
}

/** With a planted bug: a process looks once at what was taken away, and never again. */
const deafMs = 24 * 3_600_000;
/** Nobody acts here without a name. */
const nobody: Principal = { id: "nobody", kind: "service", roles: [], authenticated: false };

export function startProcess(options: ProcessOptions): Process {
  const { incarnation, seed, owner, scheduler, plant, journal, definitions, logger, history, violations } = options;
  const ids = seededIds(seed * 64 + incarnation);
  const clock = virtualClock(scheduler, owner, () => plant !== "timer-lost");
  const { concurrency, driving } = placeSpec(seed);
  const shared = isRemote(seed);
  const inner = localEngine({ name: owner.name, journal, clock, logger, ids, driving, shared });
  const breaker = breakerSpec(seed);
  const runtime = () => {
    const watch = new BreakerWatch({ owner, scheduler, history, violations, ...breaker });
    const seen = new Map<string, WatchedCall>();
    const engine = withFaults(inner, journal, options, { watch, seen });
    const noted = (run: string, command: string) => void seen.set(`${run} ${command}`, watch.started("model:random"));
    const model = options.modelOf(watch, noted);
    return {
      engine,
      models: { m: model },
      ids,
      logger,
      principals: { current: () => nobody },
      budgets: budgetSpec(seed, []).tenants,
      breaker: plant === "breaker-stuck" ? { ...breaker, failuresMax: 1_000_000 } : breaker,
      ...(concurrency === undefined ? {} : { concurrency }),
      restrictionsMaxAgeMs: plant === "restriction-ignored" ? deafMs : restrictionsMaxAgeMs,
      snapshotEvery: options.snapshotEvery,
      ...(options.checkpoints === undefined ? {} : { checkpoints: options.checkpoints }),
      blobChars: options.blobChars,
    };
  };
  const supervisors = definitions.map(
    (definition) =>
      runSupervisor(definition, {
        // Drawn teams may have what nobody would mean; those of a later process have been looked at.
        check: options.isChecked(definition) ? "done" : "log",
        ...runtime(),
      } as never) as Supervisor,
  );
  const served = options.specialist && serveSpecialist({ ...options.specialist, ...runtime() } as never);
  return { owner, journal, engine: inner, supervisors, served: served as ServedSpecialist | undefined };
}

interface Watching {
  readonly watch: BreakerWatch;
  /** Calls that the world has seen and whose outcome is not known yet, by run and command. */
  readonly seen: Map<string, WatchedCall>;
}

/** An engine whose completions may come twice, and where planted bugs sit. */
function withFaults(inner: Engine, journal: Journal, options: ProcessOptions, watching: Watching): Engine {
  const { plant, history } = options;
  const approved = new Map<string, InputEvent<"approval.decided">>();
  return {
    name: inner.name,
    shared: inner.shared,
    routes: inner.routes,
    journal,
    clock: inner.clock,
    register: (definition, host) => inner.register(definition, faultyHost(inner, definition, host, options, watching)),
    isRegistered: (definition) => inner.isRegistered(definition),
    definitionOf: (definition) => inner.definitionOf(definition),
    drives: (key) => inner.drives(key),
    deliver: async (key, definition, event) => {
      if (plant === "cancel-ignored" && event.type === "cancel.requested") return;
      if (plant === "self-approval" && event.type === "run.started") {
        const body = { ...event.body, principal: { ...event.body.principal, id: "u_0" } };
        return inner.deliver(key, definition, { ...event, body });
      }
      if (plant === "specialist-unbounded" && event.type === "run.started" && event.body.delegation) {
        const body = { ...event.body, delegation: { ...event.body.delegation, grant: {} } };
        return inner.deliver(key, definition, { ...event, body });
      }
      await inner.deliver(key, definition, event);
      if (plant !== "approval-reused" || event.type !== "approval.decided" || event.body.decision !== "approve") return;
      for (const [effect, binding] of history.run(key.runId).approvals) {
        if (effect === event.body.effect || approved.has(effect)) continue;
        const again = `${event.body.key}+`;
        approved.set(effect, event);
        const body = { ...event.body, effect, binding, key: again };
        await inner.deliver(key, definition, { ...event, id: `approval:${again}`, path: effect, body });
        return;
      }
    },
    resume: async (filter) => (plant === "resume-forgotten" ? 0 : inner.resume(filter)),
    watch: (key, watcher) => inner.watch(key, watcher),
    idle: () => inner.idle(),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  };
}

function faultyHost(
  inner: Engine,
  definition: string,
  host: RunHost,
  options: ProcessOptions,
  { watch, seen }: Watching,
): RunHost {
  const { plant, owner, scheduler, faults, random, onCall, breakerOf } = options;
  const outputs = new Map<string, Json>();
  const speakers = new Map<string, string>();
  const payloads = new Map<string, Json>();

  const bent = (key: RunKey, event: InputEvent): InputEvent => {
    if (plant === "unknown-guessed" && event.type === "tool.failed") {
      return { ...event, body: { ...event.body, mayHaveExecuted: false } };
    }
    if (plant === "crossed-completion" && event.type === "tool.returned") {
      const output = outputs.get(key.runId) ?? event.body.output;
      outputs.set(key.runId, event.body.output);
      return { ...event, body: { ...event.body, output } };
    }
    if (plant === "specialist-misheard" && event.type === "delegation.ended" && event.body.end.status === "completed") {
      return { ...event, body: { ...event.body, end: { status: "completed", output: { n: 1, text: "misheard" } } } };
    }
    if (plant === "label-dropped" && event.type === "tool.returned") {
      return { ...event, body: { ...event.body, labels: {} } };
    }
    if (plant === "budget-settled-twice" && event.type === "model.responded" && event.body.cost) {
      const cost = { ...event.body.cost, microUsd: event.body.cost.microUsd * 2 };
      return { ...event, body: { ...event.body, cost } };
    }
    if (plant === "reservation-skipped" && event.type === "budget.reserved") {
      return { ...event, body: { command: event.body.command, amount: { microUsd: 0, tokens: 0 } } };
    }
    return event;
  };
  const session = (given: RunSession): RunSession => {
    if (plant === "told-early") return talkative(given);
    return plant === "intent-late" ? hasty(given, scheduler, owner) : given;
  };
  return {
    ...(host.definition ? { definition: host.definition } : {}),
    drive: (given) => host.drive(session(given)),
    execute: async (key, asked, signal) => {
      const name = `${key.runId} ${asked.id}`;
      let command = asked;
      if (command.type === "callTool" || command.type === "lookup") {
        // Two processes may be at the same call; the world shall know whose it is that reaches it.
        command = { ...command, attributes: { ...command.attributes, [callerAttribute]: owner.name } };
        const { tool } = command;
        onCall({ ...command, runId: key.runId }, () => {
          seen.set(name, watch.started(`tool:${breakerOf.get(tool) ?? tool}`));
        });
      }
      if (plant === "agent-swapped" && command.type === "callTool") {
        const agent = speakers.get(command.tool) ?? command.agent;
        speakers.set(command.tool, command.agent);
        return host.execute(key, { ...command, agent }, signal);
      }
      if (plant === "payload-leaks" && command.type === "callModel") {
        const input = payloads.get(key.runId) ?? command.input;
        payloads.set(key.runId, command.input);
        return host.execute(key, { ...command, input }, signal);
      }
      if (plant === "command-twice" && command.type === "callTool") void host.execute(key, command, signal);
      const made = await host.execute(key, command, signal);
      const call = seen.get(name);
      if (call) {
        seen.delete(name);
        const code = made.type === "tool.failed" || made.type === "model.failed" ? made.body.error.code : undefined;
        watch.ended(call, saysOf(code, signal.aborted && command.type === "callModel"));
      }
      const event = bent(key, made);
      if (faults.strikes("doubled-completion")) {
        const act = () => {
          // A duplicate has nobody to complain to; what it must not do is change anything.
          inner.deliver(key, definition, event).catch(() => "refused");
        };
        scheduler.add({ kind: "duplicate", owner, delayMs: random.below(8_000), act });
      }
      return event;
    },
  };
}

/** A session that tells its watchers before it asks the disk. */
function talkative(session: RunSession): RunSession {
  return {
    ...plain(session),
    append: (batch, expectedSeq, record) => {
      session.published(batch);
      return session.append(batch, expectedSeq, record);
    },
    published: () => {},
  };
}

/** A session that says an intent is stored, and stores it a moment later; what follows comes behind it. */
function hasty(session: RunSession, scheduler: Scheduler, owner: Owner): RunSession {
  let tail: Promise<void> | undefined;
  return {
    ...plain(session),
    append: (batch, expectedSeq, record) => {
      const late = batch.lines.includes('"type":"effect.intended"');
      if (!late && tail === undefined) return session.append(batch, expectedSeq, record);
      const before = tail ?? Promise.resolve();
      tail = before
        .then(() => (late ? scheduler.wait("intent", owner, 50) : undefined))
        .then(() => session.append(batch, expectedSeq, record));
      tail.catch(() => "what was stored too late fails unheard");
      return late ? undefined : tail;
    },
  };
}

function plain(session: RunSession): RunSession {
  return {
    key: session.key,
    journal: session.journal,
    now: () => session.now(),
    salt: () => session.salt(),
    append: (batch, expectedSeq, record) => session.append(batch, expectedSeq, record),
    submit: (command) => session.submit(command),
    abort: (command) => session.abort(command),
    next: () => session.next(),
    published: (batch) => session.published(batch),
  };
}
