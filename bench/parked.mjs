// @ts-check
/**
 * What parked runs cost, on this machine and disk: many runs that each propose a write of high risk and wait for a
 * person, in one SQLite file; then a new process that opens the file, and everything approved.
 *
 *   npm run bench:parked -- [--runs 100000] [--in-flight 200] [--samples 20] [--folder path] [--json]
 *
 * Prints resident memory before and after parking and after the restart (each after a collection), the milliseconds from
 * `approve()` to a run's end (median), and runs per second. The exit code is 1 when a run did not end as it should, when
 * the tool's own count says that an effect is missing or was made twice, or when parked runs hold memory.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createSupervisor, defineAgent, defineTool, operator, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { z } from "zod";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    "in-flight": { type: "string", default: "200" },
    samples: { type: "string", default: "20" },
    folder: { type: "string", default: tmpdir() },
    json: { type: "boolean", default: false },
    /** Which part of it this process plays; none: it starts the two that do. */
    part: { type: "string" },
  },
});
const runs = Number(values.runs);
const inFlight = Number(values["in-flight"]);
const samples = Math.min(Number(values.samples), Math.floor(runs / 4));
const tenant = "acme";
/** Bytes by which the heap may differ before and after parking, whatever the number of runs. */
const heldMax = 8 * 2 ** 20;
const approver = operator("o_1");

/** @typedef {{ parked: number, startsPerSecond: number, rssBefore: number, rssTenth: number, rssAfter: number, heapBefore: number, heapAfter: number, fileBytes: number, disk: { payload: number, other: number }, continueMs: number, effects: Record<string, number> }} Parking */
/** @typedef {{ openMs: number, woken: number, rss: number, heap: number, firstPageMs: number, continueMs: number, finishesPerSecond: number, decided: number, refused: number, completed: number, rssAfter: number, heapAfter: number, effects: Record<string, number> }} Finishing */

if (values.part === "park") report(await park());
else if (values.part === "finish") report(await finish());
else await main();

async function main() {
  const folder = mkdtempSync(join(values.folder, "remit-parked-"));
  try {
    const parking = /** @type {Parking} */ (await play("park", folder));
    say(`parked ${parking.parked} runs: ${parking.startsPerSecond} runs/s, file ${mebibytes(parking.fileBytes)}`);
    const { rssBefore, rssTenth, rssAfter } = parking;
    say(`resident before ${mebibytes(rssBefore)}, a tenth parked ${mebibytes(rssTenth)}, all ${mebibytes(rssAfter)}`);
    say(`heap before ${mebibytes(parking.heapBefore)}, parked ${mebibytes(parking.heapAfter)}`);
    say(`from approve() to the end: median ${parking.continueMs.toFixed(1)} ms of ${samples}`);
    const finishing = /** @type {Finishing} */ (await play("finish", folder));
    say(`restart: opened and resumed in ${finishing.openMs.toFixed(0)} ms, ${finishing.woken} woken`);
    say(`resident after the restart ${mebibytes(finishing.rss)}, heap ${mebibytes(finishing.heap)}`);
    say(`first page of the inbox, 100 cases: ${finishing.firstPageMs.toFixed(1)} ms`);
    say(`from approve() to the end: median ${finishing.continueMs.toFixed(1)} ms of ${samples}`);
    say(
      `approved ${finishing.decided}, refused ${finishing.refused}: ${finishing.finishesPerSecond} runs/s to their end`,
    );
    say(`resident at the end ${mebibytes(finishing.rssAfter)}, heap ${mebibytes(finishing.heapAfter)}`);
    const counts = [...Object.entries(parking.effects), ...Object.entries(finishing.effects)];
    const effects = new Set(counts.map(([key]) => key)).size;
    const calls = counts.reduce((sum, [, count]) => sum + count, 0);
    say(`completed ${finishing.completed} of ${runs}; effects ${effects}, calls ${calls}`);
    const { payload, other } = parking.disk;
    say(`disk of a parked run: ${Math.round(payload)} bytes of payloads, ${Math.round(other)} beyond them`);
    const { effects: _, ...parked } = parking;
    const { effects: __, ...finished } = finishing;
    if (values.json) console.log(JSON.stringify({ runs, effects, calls, parked, finished }));
    // Nothing of a parked run is held: of so many, a hundred bytes each would show.
    const held = parking.heapAfter - parking.heapBefore;
    if (held > heldMax) say(`parked runs hold ${mebibytes(held)}`);
    if (held > heldMax || effects !== runs || calls !== runs || finishing.completed !== runs || finishing.refused > 0)
      process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Parking | Finishing} outcome */
function report(outcome) {
  process.send?.(outcome);
}

/** A part in a process of its own, so that what it holds is its own. @param {string} part @param {string} folder */
function play(part, folder) {
  const args = [fileURLToPath(import.meta.url), "--part", part, "--folder", folder];
  const options = ["--runs", String(runs), "--in-flight", String(inFlight), "--samples", String(samples)];
  const child = spawn(process.execPath, ["--expose-gc", "--conditions=@remit/source", ...args, ...options], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  return new Promise((resolve, reject) => {
    /** @type {unknown} */
    let answer;
    child.on("message", (message) => {
      answer = message;
    });
    child.on("exit", (code) => {
      if (code === 0 && answer !== undefined) resolve(answer);
      else reject(new Error(`the part ${part} ended with ${code}`));
    });
  });
}

/** The desk of every run, and the outside's own count of calls by idempotency key. */
function open() {
  /** @type {Map<string, number>} */
  const effects = new Map();
  const transfer = defineTool({
    name: "transfer_money",
    description: "Transfers money.",
    input: z.object({ to: z.string(), amountCents: z.int() }),
    output: z.object({ transferId: z.string() }),
    effect: "write",
    risk: "high",
    idempotency: "key",
    execute: ({ to }, { idempotencyKey }) => {
      effects.set(idempotencyKey, (effects.get(idempotencyKey) ?? 0) + 1);
      return { transferId: `t-${to}` };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Transfers what it is asked to.",
    model: "m",
    tools: [transfer],
    input: z.object({ text: z.string() }),
    output: z.object({ note: z.string() }),
    instructions: "Carry out the transfer you are handed.",
  });
  const engine = sqliteEngine({ path: join(values.folder, "runs.db") });
  const desk = createSupervisor({
    name: "desk",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: {
      m: {
        id: "instant",
        cost: "zero",
        generate: async ({ input, messages }) => {
          const { text } = /** @type {{ text: string }} */ (input);
          if (messages.length > 0) return { parts: [{ type: "output", value: { note: `${text} is done` } }] };
          const wish = { to: text, amountCents: 900 };
          return { parts: [{ type: "toolCall", callId: "c1", tool: "transfer_money", input: wish }] };
        },
      },
    },
    engine,
  });
  return { engine, desk, effects };
}

/** @returns {Promise<Parking>} */
async function park() {
  const { engine, desk, effects } = open();
  const principal = user("u_1");
  // One run, so that everything is loaded before anything is weighed.
  await (await desk.start({ text: "a_0" }, { tenant, principal })).settled();
  const before = weigh();
  const began = performance.now();
  let next = 1;
  let rssTenth = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < runs) {
        // What the process grows to at this pace; from here on only what each run holds would add to it.
        if (next === Math.ceil(runs / 10)) rssTenth = weigh().rss;
        await (await desk.start({ text: `a_${next++}` }, { tenant, principal })).settled();
      }
    }),
  );
  await engine.idle();
  const seconds = (performance.now() - began) / 1_000;
  const after = weigh();
  const { fileBytes, disk } = weighDisk(join(values.folder, "runs.db"));
  const continueMs = await continueSome(desk);
  await engine.close();
  return {
    parked: runs,
    startsPerSecond: Math.round(runs / seconds),
    rssBefore: before.rss,
    rssTenth,
    rssAfter: after.rss,
    heapBefore: before.heap,
    heapAfter: after.heap,
    fileBytes,
    disk,
    continueMs,
    effects: Object.fromEntries(effects),
  };
}

/** @returns {Promise<Finishing>} */
async function finish() {
  const openedAt = performance.now();
  const { engine, desk, effects } = open();
  const woken = await desk.resume();
  await engine.idle();
  const openMs = performance.now() - openedAt;
  const { rss, heap } = weigh();
  const listedAt = performance.now();
  await desk.approvals.list({ tenant });
  const firstPageMs = performance.now() - listedAt;
  const continueMs = await continueSome(desk);

  const began = performance.now();
  let decided = 0;
  let refused = 0;
  // Page by page; each page in some batches, which are decided at the same time.
  for (;;) {
    const cases = await desk.approvals.list({ tenant, most: 2_000 });
    if (cases.length === 0) break;
    const size = Math.ceil(cases.length / inFlight);
    const batches = Array.from({ length: inFlight }, (_, index) => cases.slice(index * size, (index + 1) * size));
    await Promise.all(
      batches.map(async (batch) => {
        const decisions = batch.map(({ address, binding }) => ({
          address,
          binding,
          decision: /** @type {const} */ ("approve"),
          reason: "as agreed",
          principal: approver,
        }));
        for (const outcome of await desk.approvals.decideAll(tenant, decisions)) {
          if (outcome.ok) decided++;
          else refused++;
        }
      }),
    );
    if (refused > 0) break;
  }
  await engine.idle();
  const seconds = (performance.now() - began) / 1_000;
  const after = weigh();
  const completed = await countCompleted(desk);
  await engine.close();
  return {
    openMs,
    woken,
    rss,
    heap,
    firstPageMs,
    continueMs,
    finishesPerSecond: Math.round(decided / seconds),
    decided,
    refused,
    completed,
    rssAfter: after.rss,
    heapAfter: after.heap,
    effects: Object.fromEntries(effects),
  };
}

/** Median of the milliseconds from a person's word to the run's end, one run after the other. @param {ReturnType<typeof open>["desk"]} desk */
async function continueSome(desk) {
  const times = [];
  for (const { address, run: runId } of await desk.approvals.list({ tenant, most: samples })) {
    const began = performance.now();
    await desk.approvals.approve(tenant, address, { reason: "as agreed", principal: approver });
    const result = await (await desk.find(runId, { tenant })).result();
    times.push(performance.now() - began);
    if (result.status !== "completed") throw new Error(`a run ended as ${JSON.stringify(result)}`);
  }
  times.sort((left, right) => left - right);
  return times[Math.floor(times.length / 2)] ?? 0;
}

/** @param {ReturnType<typeof open>["desk"]} desk */
async function countCompleted(desk) {
  let count = 0;
  /** @type {{ before?: number, beforeRunId?: string }} */
  let edge = {};
  for (;;) {
    const page = await desk.list({ tenant, status: ["completed"], most: 1_000, ...edge });
    count += page.length;
    const last = page.at(-1);
    if (!last) return count;
    edge = { before: last.startedAt, beforeRunId: last.runId };
  }
}

/** The file once its log is folded into it, and what of it each run has: bodies of entries, and all the rest. @param {string} path */
function weighDisk(path) {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  let payloadBytes = 0;
  for (const { lines } of database.prepare("SELECT lines FROM batches").iterate()) {
    for (const line of String(lines).split("\n")) payloadBytes += Buffer.byteLength(line.split("\t")[4] ?? "");
  }
  database.close();
  const fileBytes = statSync(path).size;
  return { fileBytes, disk: { payload: payloadBytes / runs, other: (fileBytes - payloadBytes) / runs } };
}

function weigh() {
  for (let round = 0; round < 3; round++) global.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

/** @param {string} line */
function say(line) {
  if (!values.json) console.log(line);
}

/** @param {number} bytes */
function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
