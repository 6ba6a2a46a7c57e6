import { OrchestrationError } from "../../packages/core/src/errors.ts";
import type { InputEvent } from "../../packages/core/src/event.ts";
import type { RunHost, RunKey, RunSession } from "../../packages/core/src/port/engine.ts";
import type { Batch, Journal } from "../../packages/core/src/port/journal.ts";

/** `RunSession` with nothing under it: the driver's entries here are the measure for those on Restate. */
export function memorySession(
  key: RunKey,
  batches: Batch[],
  inbox: InputEvent[],
  execute: RunHost["execute"],
): RunSession {
  const running = new Map<string, Promise<void>>();
  const elsewhere = (): never => {
    throw new OrchestrationError("journal/unavailable", { reason: "this stand-in holds one run's stream only" });
  };
  const append = (batch: Batch, expectedSeq: number): void => {
    const actual = batches.at(-1)?.lastSeq ?? 0;
    if (expectedSeq !== actual) {
      throw new OrchestrationError("journal/conflict", { stream: key.runId, expected: expectedSeq, actual });
    }
    batches.push(batch);
  };
  const journal: Journal = {
    read: async () => [...batches],
    append: (_key, batch, expectedSeq) => append(batch, expectedSeq),
    putBlob: elsewhere,
    getBlob: elsewhere,
    erase: elsewhere,
    saveSnapshot: elsewhere,
    loadSnapshot: elsewhere,
    findRun: elsewhere,
    listRuns: elsewhere,
    unfinishedRuns: elsewhere,
    unfinishedTenants: elsewhere,
    nextWakeAt: elsewhere,
    waitingDefinitions: elsewhere,
    listStreams: elsewhere,
    tenantKey: elsewhere,
    close: async () => {},
  };
  return {
    key: { tenant: key.tenant, kind: "run", id: key.runId },
    journal,
    now: () => 0,
    salt: () => "salt",
    append,
    submit: (command) => {
      if (command.type === "startTimer") {
        if (!command.durable)
          inbox.push({ id: command.id, type: "timer.fired", path: "", body: { timer: command.id } });
        return;
      }
      const done = execute(key, command, new AbortController().signal).then((event) => {
        inbox.push(event);
        running.delete(command.id);
      });
      running.set(command.id, done);
    },
    abort: () => {},
    next: async () => {
      while (inbox.length === 0 && running.size > 0) await Promise.race(running.values());
      return inbox.shift();
    },
    published: () => {},
  };
}
