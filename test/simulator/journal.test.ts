import { type Batch, type Entry, type Journal, openBatch, sha256 } from "@remit/core";
import { expect, test } from "vitest";
import { type FaultKind, Faults } from "../../apps/sandbox/src/simulator/fault.ts";
import { History } from "../../apps/sandbox/src/simulator/history.ts";
import { type FaultyJournal, faultyJournal } from "../../apps/sandbox/src/simulator/journal.ts";
import { randomStream } from "../../apps/sandbox/src/simulator/random.ts";
import { type Owner, Scheduler, settled } from "../../apps/sandbox/src/simulator/scheduler.ts";
import { Store } from "../../apps/sandbox/src/simulator/store.ts";
import { journalContract } from "../contract/journal.ts";
import { testStream } from "../contract/journal-stream.ts";

/** A disk, a scheduler and a process's way to the disk, with the faults named. */
function openDisk(seed: number, kinds: readonly FaultKind[]) {
  const scheduler = new Scheduler(randomStream(seed, "scheduler"));
  const store = new Store(new History(), (tenant) => sha256(tenant));
  const faults = new Faults(randomStream(seed, "faults"), new Set(kinds), () => {});
  const owner: Owner = { name: "process", alive: true, paused: false, offsetMs: 0 };
  const random = randomStream(seed, "world");
  const disk = { fullUntil: 0 };
  const journal = faultyJournal({ store, disk, scheduler, owner, faults, random, plant: undefined });
  return { scheduler, store, owner, journal };
}

/** A journal whose promises settle by themselves, because the scheduler runs whenever somebody waits. */
function driven(journal: FaultyJournal, scheduler: Scheduler): Journal {
  let waiting = 0;
  let running = false;
  const run = async () => {
    if (running) return;
    running = true;
    while (waiting > 0) if (!(await scheduler.step())) await settled();
    running = false;
  };
  return new Proxy<Journal>(journal, {
    get: (target, name: keyof Journal) => {
      const member = target[name] as ((...args: never[]) => unknown) | undefined;
      if (!member) return member;
      return (...args: never[]) => {
        const outcome = member(...args);
        if (!(outcome instanceof Promise)) return outcome;
        waiting++;
        const done = () => {
          waiting--;
        };
        outcome.then(done, done);
        void run();
        return outcome;
      };
    },
  });
}

/** The same without what it gives beside the stored batches, which has to be what their lines say. */
function unopened(journal: Journal): Journal {
  return {
    ...journal,
    read: async (...asked) =>
      (await journal.read(...asked)).map(({ entries, ...batch }) => {
        expect(entries).toEqual(openBatch(batch, "any"));
        return batch;
      }),
  };
}

let seed = 0;
journalContract("simulated, slow", () => {
  const { journal, scheduler } = openDisk(seed++, ["slow-commit", "slow-read"]);
  return { journal: driven({ ...journal, ...unopened(journal) }, scheduler) };
});

test("whoever changes what he was given to read is found out by the audit, which reads the text", async () => {
  const { store } = openDisk(1, []);
  const stream = testStream("run_1");
  for (const entries of [1, 2]) {
    const { batch, expectedSeq } = stream.next(entries);
    store.commit(stream.key, batch, expectedSeq, undefined);
  }
  const changed: number[] = [];
  const look = async () => {
    const audited = store.audited((_, { firstSeq }: Batch) => changed.push(firstSeq));
    return (await audited.read(stream.key)).flatMap(({ entries = [] }) => entries);
  };
  const before = structuredClone(await look());
  expect(changed).toEqual([]);
  const [entry] = (await store.read(stream.key, 2)).flatMap(({ entries }) => entries) as [Entry];
  Object.assign(entry.body, { agent: "somebody else" });
  expect(await look()).toEqual(before);
  expect(changed).toEqual([2]);
});

test("after a crash a stream holds a first part of what was under way, and never more than that", async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const { journal, store, scheduler, owner } = openDisk(seed, ["slow-commit", "torn-commit"]);
    const stream = testStream("run_1");
    for (let index = 0; index < 4; index++) {
      const { batch, expectedSeq } = stream.next();
      void journal.append(stream.key, batch, expectedSeq);
    }
    owner.alive = false;
    journal.crash();
    while (await scheduler.step());
    const found = await store.journal.read(stream.key);
    expect(found).toEqual(stream.batches.slice(0, found.length));
    for (const { batch } of store.acknowledged) expect(found).toContainEqual(batch);
    lengths.add(found.length);
  }
  expect([...lengths].sort()).toEqual([0, 1, 2, 3, 4]);
});

test("after a failed batch all later ones of its stream fail, and other streams go on", async () => {
  let failures = 0;
  for (let seed = 0; seed < 200; seed++) {
    const { journal, store, scheduler } = openDisk(seed, ["slow-commit", "failed-commit"]);
    const streams = [testStream("run_1"), testStream("run_2")];
    const outcomes = streams.map((): string[] => []);
    for (let index = 0; index < 4; index++) {
      for (const [at, stream] of streams.entries()) {
        const { batch, expectedSeq } = stream.next();
        const note = (what: string) => () => {
          (outcomes[at] as string[])[index] = what;
        };
        try {
          const stored = journal.append(stream.key, batch, expectedSeq);
          if (stored) stored.then(note("stored"), note("failed"));
          else note("stored")();
        } catch {
          note("failed")();
        }
      }
    }
    while (await scheduler.step());
    for (const [at, stream] of streams.entries()) {
      const stored = (await store.journal.read(stream.key)).length;
      expect(outcomes[at]).toEqual(Array.from({ length: 4 }, (_, index) => (index < stored ? "stored" : "failed")));
      if (stored < 4) failures++;
    }
  }
  expect(failures).toBeGreaterThan(5);
});
