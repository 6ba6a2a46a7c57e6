import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineAgent,
  defineSupervisor,
  eraseEndedRuns,
  eraseRun,
  erasureStream,
  type Journal,
  localEngine,
  type Model,
  memoryJournal,
  openBatch,
  operator,
  runSupervisor,
  seededIds,
  silentLogger,
  user,
  verifyChain,
} from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import { fakeClock } from "@remit/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

/** Canaries: nothing of them may be left where a run was erased. */
const canary = "canary-7d2f-Ottoline";
const long = `${canary} ${"and so on ".repeat(400)}`;
const kept = "kept-of-another-run";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Answers.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  asks: ["customer"],
  instructions: "Answer.",
});
const desk = defineSupervisor({ name: "desk", agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
/** Asks once and answers with what it was given: equal requests bring equal payloads, under one address. */
const echo: Model = {
  id: "echo",
  cost: "zero",
  generate: async ({ input, messages }) => {
    const asked = messages.some(({ role }) => role === "answer");
    const { text: said } = input as { readonly text: string };
    if (!asked && said !== kept) return { parts: [{ type: "ask", of: "customer", question: canary }] };
    return { parts: [{ type: "output", value: { text: said } }] };
  },
};
const erasing = { by: operator("dpo", ["privacy"]), reason: "they asked for it", salt: seededIds(3).salt };

interface Opened {
  readonly journal: Journal;
  /** All bytes that the journal has anywhere. */
  readonly bytes?: () => string;
}

function sqlite(): Opened {
  const folder = mkdtempSync(join(tmpdir(), "remit-erase-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return {
    journal: sqliteJournal({ path: join(folder, "journal.db") }),
    bytes: () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "latin1"))
        .join("\n"),
  };
}

async function play(journal: Journal) {
  const clock = fakeClock();
  const engine = localEngine({ name: "test", journal, clock, logger: silentLogger });
  const supervisor = runSupervisor(desk, { engine, models: { m: echo }, snapshotEvery: 1, blobChars: 900 });
  const start = (said: string) => supervisor.start({ text: said }, { tenant: "acme", principal: user("u") });
  const first = await start(long);
  await first.settled();
  expect(await first.questions()).toHaveLength(1);
  await first.send(canary, { key: "k", principal: user("u") });
  await first.result();
  clock.advance(10_000);
  const second = await start(kept);
  await second.result();
  return { clock, supervisor, first, second, start };
}

test.each([
  ["memory", (): Opened => ({ journal: memoryJournal() })],
  ["sqlite", sqlite],
])("%s: an erased run leaves its chain and nothing of what it held; the erasure is on record", async (_, open) => {
  const { journal, bytes } = open();
  const { first, second, clock, supervisor, start } = await play(journal);
  const stream = { tenant: "acme", kind: "run", id: first.id } as const;
  const { head } = verifyChain(await journal.read(stream));
  const addresses = (await journal.read(stream)).flatMap(({ lines }) =>
    [...lines.matchAll(/"\$blob":"([^"]+)"/g)].map(([, address = ""]) => address),
  );
  expect(addresses.length).toBeGreaterThan(1);
  if (bytes) expect(bytes()).toContain(canary);

  expect(await eraseRun(journal, { tenant: "acme", runId: first.id }, { ...erasing, now: clock.now })).toBe(head.seq);
  const batches = await journal.read(stream);
  expect(verifyChain(batches)).toEqual({ head });
  expect(JSON.stringify(batches)).not.toContain(canary);
  for (const address of addresses) expect(await journal.getBlob("acme", address)).toBeUndefined();
  expect(await journal.loadSnapshot(stream)).toBeUndefined();
  if (bytes) {
    expect(bytes()).not.toContain(canary);
    expect(bytes()).toContain(kept);
  }
  const audit = (await journal.read(erasureStream("acme"))).flatMap((batch) => openBatch(batch, "audit"));
  expect(audit.map(({ at, type, body }) => ({ at, type, body }))).toEqual([
    {
      at: clock.now(),
      type: "erasure.requested",
      body: { run: first.id, reason: erasing.reason, principal: erasing.by },
    },
    { at: clock.now(), type: "run.erased", body: { run: first.id, entries: head.seq, through: head.seq } },
  ]);
  // Runs of before and after are untouched, and the erased one says what it is.
  expect((await supervisor.replay(second.id, { tenant: "acme" })).ok).toBe(true);
  expect((await supervisor.replay(first.id, { tenant: "acme" })).fault).toMatchObject({ kind: "erased", seq: 1 });
  expect((await supervisor.costs("acme")).byRun.size).toBeLessThanOrEqual(2);
  const third = await start(kept);
  await third.result();
  expect((await supervisor.replay(third.id, { tenant: "acme" })).ok).toBe(true);
  await journal.close();
});

test("X2 a run that has not ended is not erased; a payload that another run names stays; retention takes what is old", async () => {
  const { journal } = sqlite();
  const { first, second, clock, supervisor, start } = await play(journal);
  const asking = await start("?");
  await asking.settled();
  await expect(
    eraseRun(journal, { tenant: "acme", runId: asking.id }, { ...erasing, now: clock.now }),
  ).rejects.toMatchObject({ code: "audit/run-not-ended", data: { run: asking.id, status: "parked" } });
  await expect(
    eraseRun(journal, { tenant: "other", runId: first.id }, { ...erasing, now: clock.now }),
  ).rejects.toMatchObject({ code: "run/unknown" });

  clock.advance(10_000);
  const third = await start(long);
  await third.settled();
  await third.send(canary, { key: "k", principal: user("u") });
  await third.result();
  const endedBefore = clock.now() - 15_000;
  expect(await eraseEndedRuns(journal, "acme", { ...erasing, now: clock.now, endedBefore })).toBe(1);
  expect(await eraseEndedRuns(journal, "acme", { ...erasing, now: clock.now, endedBefore })).toBe(0);
  expect((await supervisor.replay(first.id, { tenant: "acme" })).fault?.kind).toBe("erased");
  for (const run of [second, third])
    expect((await supervisor.replay(run.id, { tenant: "acme" })).fault).toBeUndefined();
  await journal.close();
});

test("only entries of before a time are emptied where one is named", async () => {
  const journal = memoryJournal();
  const { second, clock } = await play(journal);
  const start = (await journal.read({ tenant: "acme", kind: "run", id: second.id })).flatMap((batch) =>
    openBatch(batch, ""),
  );
  const options = { ...erasing, now: clock.now, before: start[0]?.at ?? 0 };
  expect(await eraseRun(journal, { tenant: "acme", runId: second.id }, options)).toBe(0);
});
