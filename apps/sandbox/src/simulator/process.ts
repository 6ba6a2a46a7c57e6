import {
  type Engine,
  type InputEvent,
  type Journal,
  type Json,
  type Logger,
  localEngine,
  type Model,
  type RunHost,
  type RunKey,
  type RunSession,
  runSupervisor,
  type Supervisor,
  type SupervisorDefinition,
  seededIds,
} from "@remit/core";
import { virtualClock } from "./clock.ts";
import type { Faults } from "./fault.ts";
import type { FaultyJournal } from "./journal.ts";
import type { Plant } from "./plant.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** One process of a simulation: an engine and a supervisor of its own over the shared disk. */
export interface Process {
  readonly owner: Owner;
  readonly journal: FaultyJournal;
  readonly supervisor: Supervisor;
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
  readonly journal: FaultyJournal;
  readonly definition: SupervisorDefinition;
  readonly model: Model;
  readonly snapshotEvery: number;
  readonly blobChars: number;
  readonly logger: Logger;
  /** Told of every call of a tool before it is made. */
  readonly onCall: (run: string, path: string, attempt: number) => void;
}

export function startProcess(options: ProcessOptions): Process {
  const { incarnation, seed, owner, scheduler, plant, journal, definition, model, logger } = options;
  const ids = seededIds(seed * 64 + incarnation);
  const clock = virtualClock(scheduler, owner, () => plant !== "timer-lost");
  const inner = localEngine({ name: owner.name, journal, clock, logger, ids });
  const engine = withFaults(inner, journal, options);
  const supervisor = runSupervisor(definition, {
    engine,
    models: { m: model },
    ids,
    logger,
    snapshotEvery: options.snapshotEvery,
    blobChars: options.blobChars,
  } as never) as Supervisor;
  return { owner, journal, supervisor };
}

/** An engine whose completions may come twice, and where planted bugs sit. */
function withFaults(inner: Engine, journal: Journal, options: ProcessOptions): Engine {
  const { plant } = options;
  return {
    name: inner.name,
    shared: inner.shared,
    journal,
    clock: inner.clock,
    register: (definition, host) => inner.register(definition, faultyHost(inner, definition, host, options)),
    isRegistered: (definition) => inner.isRegistered(definition),
    deliver: async (key, definition, event) => {
      if (plant === "cancel-ignored" && event.type === "cancel.requested") return;
      await inner.deliver(key, definition, event);
    },
    resume: async (filter) => (plant === "resume-forgotten" ? 0 : inner.resume(filter)),
    watch: (key, watcher) => inner.watch(key, watcher),
    idle: () => inner.idle(),
    close: () => inner.close(),
  };
}

function faultyHost(inner: Engine, definition: string, host: RunHost, options: ProcessOptions): RunHost {
  const { plant, owner, scheduler, faults, random, onCall } = options;
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
    return event;
  };
  return {
    drive: (session) => host.drive(plant === "told-early" ? talkative(session) : session),
    execute: async (key, command, signal) => {
      if (command.type === "callTool" || command.type === "lookup") onCall(key.runId, command.path, command.attempt);
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
      const event = bent(key, await host.execute(key, command, signal));
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
    key: session.key,
    journal: session.journal,
    now: () => session.now(),
    salt: () => session.salt(),
    append: (batch, expectedSeq, record) => {
      session.published(batch);
      return session.append(batch, expectedSeq, record);
    },
    submit: (command) => session.submit(command),
    abort: (command) => session.abort(command),
    next: () => session.next(),
    published: () => {},
  };
}
