// @ts-check
/**
 * What the journals cost, on this machine and disk.
 *
 *   node --conditions=@remit/source bench/journal.mjs [--folder path] [--appends 4000] [--streams 100] [--runs 0]
 *
 * One batch is about 1.5 KB, three entries. "one after the other" awaits each append; "in flight" keeps that many
 * streams busy, each awaiting its own. With `--runs n` the SQLite file is filled with n finished runs first.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sealBatch } from "../packages/core/src/journal/chain.ts";
import { emptyHead } from "../packages/core/src/journal/draft.ts";
import { memoryJournal } from "../packages/core/src/journal/memory.ts";
import { sqliteJournal } from "../packages/core/src/journal/sqlite.ts";

/** @import { Draft } from "../packages/core/src/journal/draft.ts" */
/** @import { Journal } from "../packages/core/src/port/journal.ts" */

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: tmpdir() },
    appends: { type: "string", default: "4000" },
    streams: { type: "string", default: "100" },
    runs: { type: "string", default: "0" },
  },
});
const [appends, streams, runs] = [Number(values.appends), Number(values.streams), Number(values.runs)];
const salt = () => "AAAAAAAAAAAAAAAAAAAAAA";
const tenant = "bench";

/** A run's stream: each call makes the next batch and what goes with it. @param {string} id @param {number} startedAt */
function stream(id, startedAt) {
  let head = emptyHead;
  const key = { tenant, kind: /** @type {const} */ ("run"), id };
  /** @param {"running" | "completed"} [status] */
  return (status = "running") => {
    const body = { message: `${id}/message#1`, agent: "retrieval", output: "x".repeat(260) };
    /** @type {Draft} */
    const draft = { type: "handoff.returned", at: startedAt, path: "retrieval#1", cause: 0, body };
    const batch = sealBatch(head, [draft, draft, draft], salt);
    const expectedSeq = head.seq;
    head = { seq: batch.lastSeq, hash: batch.hash };
    const record = {
      tenant,
      runId: id,
      supervisor: "desk",
      definitionHash: "d".repeat(43),
      status,
      startedAt,
      updatedAt: startedAt + head.seq,
      lastSeq: head.seq,
    };
    return { key, batch, expectedSeq, record };
  };
}

/** @param {Journal} journal @param {string} name @param {number} inFlight @param {number} total */
async function measure(journal, name, inFlight, total) {
  /** Sealing is the caller's work and is done before. */
  const work = Array.from({ length: inFlight }, (_, index) => {
    const next = stream(`${name}-${index}`, 1_700_000_000_000 + index);
    return Array.from({ length: Math.ceil(total / inFlight) }, () => next());
  });
  /** @type {number[]} */
  const latencies = [];
  const blocked = monitorDelay();
  const startedAt = performance.now();
  await Promise.all(
    work.map(async (batches) => {
      for (const { key, batch, expectedSeq, record } of batches) {
        const from = performance.now();
        await journal.append(key, batch, expectedSeq, record);
        latencies.push(performance.now() - from);
      }
    }),
  );
  const elapsed = performance.now() - startedAt;
  const longest = blocked();
  latencies.sort((left, right) => left - right);
  const at = (/** @type {number} */ share) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(3);
  const rate = Math.round((latencies.length / elapsed) * 1000).toLocaleString("en");
  console.log(
    `${name.padEnd(28)} ${rate.padStart(9)} batches/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   loop ≤ ${longest} ms`,
  );
}

/** The longest that this thread did not come round, in ms. */
function monitorDelay() {
  let last = performance.now();
  let longest = 0;
  const handle = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  return () => {
    clearInterval(handle);
    return longest.toFixed(1);
  };
}

/** @param {Journal} journal */
async function fill(journal) {
  const startedAt = performance.now();
  const portion = 5_000;
  for (let done = 0; done < runs; done += portion) {
    const writes = [];
    for (let index = done; index < Math.min(runs, done + portion); index++) {
      const next = stream(`filled-${index.toString(36)}`, 1_600_000_000_000 + index * 10);
      const { key, batch, expectedSeq, record } = next("completed");
      writes.push(journal.append(key, batch, expectedSeq, record));
    }
    await Promise.all(writes);
  }
  console.log(
    `filled with ${runs.toLocaleString("en")} runs in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
}

/** @param {string} name @param {() => Promise<unknown>} look */
async function time(name, look) {
  const samples = [];
  for (let round = 0; round < 20; round++) {
    const from = performance.now();
    await look();
    samples.push(performance.now() - from);
  }
  samples.sort((left, right) => left - right);
  console.log(`${name.padEnd(28)} first of 20 ${samples.at(-1)?.toFixed(2)} ms   p50 ${samples[10]?.toFixed(3)} ms`);
}

const folder = mkdtempSync(join(values.folder, "remit-bench-"));
try {
  const memory = memoryJournal();
  await measure(memory, "memory, one after the other", 1, appends);
  await measure(memory, `memory, ${streams} in flight`, streams, appends * 10);

  const path = join(folder, "journal.db");
  const sqlite = sqliteJournal({ path });
  await sqlite.tenantKey(tenant);
  if (runs > 0) await fill(sqlite);
  await measure(sqlite, "sqlite, one after the other", 1, appends);
  await measure(sqlite, `sqlite, ${streams} in flight`, streams, appends * 10);
  const newest = await sqlite.listRuns({ tenant, most: 1 });
  await time("list 100 newest", () => sqlite.listRuns({ tenant }));
  await time("list 100 completed", () => sqlite.listRuns({ tenant, status: ["completed"] }));
  await time("unfinished", () => sqlite.unfinishedRuns());
  const { runId = "" } = newest[0] ?? {};
  await time("find one", () => sqlite.findRun(tenant, runId));
  await time("read one stream", () => sqlite.read({ tenant, kind: "run", id: runId }));
  await sqlite.close();
  console.log(`file: ${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
