import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Journal,
  localEngine,
  memoryJournal,
  OrchestrationError,
  type Run,
  silentLogger,
  systemClock,
} from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import type { Engine } from "../../packages/core/src/port/engine.ts";
import { assertTold, type Life, Outside, playPeople, storyStart, tellStory, tenant } from "./story.ts";

/** A run whose journal fails, or whose process dies, at each of its appends: the end is always the same. */

const folder = mkdtempSync(join(tmpdir(), "remit-faults-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Fault =
  /** The append is refused and nothing is written. */
  | "it is refused"
  /** It is written, but its answer is lost. */
  | "its answer is lost"
  /** The process dies before it is written. */
  | "the process dies before it"
  /** The process dies when it is written, before anybody hears of it. */
  | "the process dies after it";

/** A journal that does wrong at its n-th append from now. Appends of one stream stay in order, as the port asks. */
function faultyJournal(journal: Journal, fault: Fault, nth: number, life: Life) {
  let count = 0;
  let struck = false;
  const died = Promise.withResolvers<"died">();
  const unavailable = () => new OrchestrationError("journal/unavailable", { reason: "a test" });
  const die = () => {
    life.dead = true;
    died.resolve("died");
    return new Promise<never>(() => {});
  };
  const faulty: Journal = {
    ...journal,
    append: async (...args) => {
      if (life.dead) return new Promise<never>(() => {});
      if (++count < nth) return journal.append(...args);
      // Behind a failed append of a stream nothing of that stream is written; the engine lets go at the failure.
      if (count > nth) throw unavailable();
      struck = true;
      switch (fault) {
        case "it is refused":
          throw unavailable();
        case "its answer is lost":
          await journal.append(...args);
          throw unavailable();
        case "the process dies before it":
          return die();
        case "the process dies after it":
          await journal.append(...args);
          return die();
      }
    },
    close: async () => {},
  };
  return { faulty, struck: () => struck, died: died.promise };
}

/** Plays the story with one fault per process until one process meets none. Resolves with how often a process failed. */
async function playWithFaults(journal: Journal, fault: Fault, nth: number, outside: Outside) {
  let failures = 0;
  let runId: string | undefined;
  for (let process = 1; ; process++) {
    const life: Life = { dead: false };
    // Only the first process of a story fails at its n-th append; those after it are well.
    const { faulty, struck, died } = faultyJournal(journal, fault, process === 1 ? nth : Number.MAX_SAFE_INTEGER, life);
    const engine = localEngine({ name: "faults", journal: faulty, clock: systemClock(), logger: silentLogger });
    const outcome = await Promise.race([died, attempt(engine, outside, life)]);
    if (struck()) failures++;
    if (outcome !== "died" && outcome.result) {
      runId = outcome.run?.id;
      await engine.close();
      return { failures, result: outcome.result, runId: runId ?? "" };
    }
    if (outcome !== "died") {
      expect(outcome.error).toMatchObject({ code: "journal/unavailable" });
      await engine.close();
    }
    for (const id of await journal.listStreams(tenant, "run")) await outside.look(journal, id);
  }
}

async function attempt(engine: Engine, outside: Outside, life: Life) {
  let run: Run<unknown> | undefined;
  try {
    const story = tellStory(engine, outside, life);
    run = await story.start({ text: "go" }, storyStart);
    await story.resume();
    return { run, result: await playPeople(run, outside) };
  } catch (error) {
    return { run, error };
  }
}

describe("a story", () => {
  test("is told to its end when nothing fails", async () => {
    const outside = new Outside();
    const journal = memoryJournal();
    const { failures, result, runId } = await playWithFaults(
      journal,
      "it is refused",
      Number.MAX_SAFE_INTEGER,
      outside,
    );
    expect(failures).toBe(0);
    await assertTold(journal, runId, outside, result);
    expect(new Set(outside.executed).size).toBe(outside.executed.length);
  });

  for (const fault of [
    "it is refused",
    "its answer is lost",
    "the process dies before it",
    "the process dies after it",
  ] as const) {
    test(`ends the same whichever append it is: ${fault}`, async () => {
      let again = 0;
      let nth = 0;
      for (let failures = 1; failures > 0; ) {
        const outside = new Outside();
        const journal = memoryJournal();
        const played = await playWithFaults(journal, fault, ++nth, outside);
        await assertTold(journal, played.runId, outside, played.result);
        failures = played.failures;
        again += outside.executed.length - new Set(outside.executed).size;
      }
      // The story has so many boundaries, and each was hit.
      expect(nth).toBeGreaterThan(20);
      // What was not durable was done again, so the faults did hit work under way.
      expect(again).toBeGreaterThan(0);
    });
  }
});

describe("a full disk under SQLite", () => {
  test("reaches the caller as a typed error; with room again, resume ends the run", async () => {
    let errors = 0;
    for (let nth = 1, struck = true; struck; nth += 3) {
      const outside = new Outside();
      let messages = 0;
      let full = false;
      struck = false;
      const journal = sqliteJournal({
        path: join(folder, `full-${nth}.db`),
        simulateFault: () => {
          messages++;
          if (messages >= nth && !struck) full = true;
          if (!full) return undefined;
          struck = true;
          return "full-disk";
        },
      });
      const life: Life = { dead: false };
      const shared = { ...journal, close: async () => {} };
      const open = () => localEngine({ name: "full", journal: shared, clock: systemClock(), logger: silentLogger });
      const first = open();
      const outcome = await attempt(first, outside, life);
      // A write that is small enough may find room in the pages that are there.
      if (!outcome.result) {
        errors++;
        expect(outcome.error).toMatchObject({ code: "journal/unavailable", retryable: true });
      }
      await first.close();
      full = false;
      for (const id of await journal.listStreams(tenant, "run")) await outside.look(journal, id);
      const second = open();
      const { run, result, error } = await attempt(second, outside, life);
      expect(error).toBeUndefined();
      await assertTold(journal, run?.id ?? "", outside, result);
      await second.close();
      await journal.close();
    }
    expect(errors).toBeGreaterThan(5);
  });
});
