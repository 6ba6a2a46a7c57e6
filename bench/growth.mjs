// @ts-check
/**
 * What growth costs: a step of a long run beside one of a short run, and a start and a list in a database of many ended
 * runs beside one of few.
 *
 *   npm run bench:growth -- [--rounds 5] [--steps 2000] [--runs 1000000] [--only steps|runs] [--folder path]
 *
 * Steps are measured in processor time, in turns with as many steps of short runs; the ratio is the median of the rounds.
 * A database is filled with copies of one run that ended, row by row as it would be written, its lines included; starts
 * and lists are measured by the clock, in turns with a small one. The exit code is 1 when a ratio is above 1.5.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { createSupervisor, defineAgent, defineHandoff, defineTool, memoryEngine, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { z } from "zod";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "2000" },
    runs: { type: "string", default: "1000000" },
    only: { type: "string" },
    folder: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const long = Number(values.steps);
const short = 20;
const most = 1.5;
const tenant = "acme";
const principal = user("u_1");
const limits = { steps: 10_000, handoffs: 10_000, turns: 10_000, repeats: 10_000 };

if (values.only !== "runs") await measureSteps();
if (values.only !== "steps") await measureRuns();

async function measureSteps() {
  for (const [name, desk] of /** @type {const} */ ([
    ["delegations, one after the other", relay()],
    ["turns of one agent, each with a call", reader()],
  ])) {
    /** @type {number[]} */
    const ratios = [];
    for (let round = -1; round < rounds; round++) {
      const few = await costOf(desk, short, long / short);
      const many = await costOf(desk, long, 1);
      if (round >= 0) ratios.push(many / few);
      console.log(`${name}: ${few.toFixed(1)} µs a step in runs of ${short}, ${many.toFixed(1)} µs in one of ${long}`);
    }
    say(`${name}: a step of ${long} against one of ${short}`, ratios);
  }
}

/** Microseconds of processor time per step. @param {any} desk @param {number} steps @param {number} times */
async function costOf(desk, steps, times) {
  global.gc?.();
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) {
    const run = await desk.start({ left: steps - 1 }, { tenant, principal });
    const { status } = await run.result();
    if (status !== "completed") throw new Error(`a run of ${steps} steps ${status}`);
  }
  const { user: busy, system } = process.cpuUsage(before);
  return (busy + system) / (steps * times);
}

/** Two agents that hand a number to each other until it is 0: a model call for each delegation. */
function relay() {
  const left = z.object({ left: z.int() });
  const common = {
    description: "Counts down.",
    model: "m",
    tools: [],
    input: left,
    output: left,
    instructions: "Count down.",
  };
  const ping = defineAgent({ name: "ping", ...common });
  const pong = defineAgent({ name: "pong", ...common });
  const edge = {
    when: (/** @type {{ left: number }} */ output) => output.left >= 0,
    map: (/** @type {{ left: number }} */ output) => output,
  };
  return createSupervisor({
    name: "relay",
    agents: { ping, pong },
    entry: "ping",
    exit: "ping",
    handoffs: [
      defineHandoff({ from: ping, to: pong, ...edge }),
      defineHandoff({ from: pong, to: ping, map: (output) => output }),
    ],
    limits,
    engine: memoryEngine(),
    models: {
      m: {
        id: "countdown",
        cost: "zero",
        generate: async (request) => {
          const { left: before } = /** @type {{ left: number }} */ (request.input);
          return { parts: [{ type: "output", value: { left: before - 1 } }] };
        },
      },
    },
  });
}

/** One agent that reads something else in every turn: its conversation grows by two messages with each. */
function reader() {
  const look = defineTool({
    name: "look_up",
    description: "Looks something up.",
    input: z.object({ page: z.int() }),
    output: z.object({ text: z.string() }),
    effect: "read",
    execute: ({ page }) => ({ text: `page ${page}` }),
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Reads page after page.",
    model: "m",
    tools: [look],
    input: z.object({ left: z.int() }),
    output: z.object({ pages: z.int() }),
    instructions: "Read all pages.",
  });
  return createSupervisor({
    name: "reader",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    limits,
    engine: memoryEngine(),
    models: {
      m: {
        id: "pages",
        cost: "zero",
        generate: async ({ input, messages }) => {
          // A turn is a model call and a tool call: two steps.
          const turns = Math.floor(/** @type {{ left: number }} */ (input).left / 2);
          const page = messages.length / 2;
          if (page >= turns) return { parts: [{ type: "output", value: { pages: page } }] };
          return { parts: [{ type: "toolCall", callId: `c${page}`, tool: "look_up", input: { page } }] };
        },
      },
    },
  });
}

async function measureRuns() {
  const folder = mkdtempSync(join(values.folder, "remit-growth-"));
  try {
    const sizes = [1_000, Number(values.runs)];
    /** @type {ReturnType<typeof store>[]} */
    const stores = [];
    for (const size of sizes) {
      const path = join(folder, `${size}.db`);
      const began = performance.now();
      await fill(path, size);
      console.log(
        `${size} runs, ${Math.round(statSync(path).size / 2 ** 20)} MiB, filled in ${Math.round((performance.now() - began) / 1_000)} s`,
      );
      stores.push(store(path));
    }
    const [few, many] = /** @type {[ReturnType<typeof store>, ReturnType<typeof store>]} */ (stores);
    for (const [name, act] of /** @type {const} */ ([
      ["a start to its end", start],
      ["list, newest", (/** @type {any} */ desk) => desk.list({ tenant })],
      ["list, completed", (/** @type {any} */ desk) => desk.list({ tenant, status: ["completed"] })],
      [
        "list, completed or failed",
        (/** @type {any} */ desk) => desk.list({ tenant, status: ["completed", "failed"] }),
      ],
      ["list, failed, a hundred among all", (/** @type {any} */ desk) => desk.list({ tenant, status: ["failed"] })],
      ["list, parked, of which there are none", (/** @type {any} */ desk) => desk.list({ tenant, status: ["parked"] })],
      ["list, one conversation", (/** @type {any} */ desk) => desk.list({ tenant, conversationId: "c_7" })],
      ["list, waiting for an approval", (/** @type {any} */ desk) => desk.list({ tenant, waitingFor: "approval" })],
      [
        "list, a page in the middle",
        (/** @type {any} */ desk, /** @type {number} */ middle) => desk.list({ tenant, before: middle }),
      ],
      ["resume, nothing to do", (/** @type {any} */ desk) => desk.resume()],
    ])) {
      /** @type {number[]} */
      const ratios = [];
      let [small, large] = [0, 0];
      for (let round = -1; round < rounds; round++) {
        small = await timeOf(() => act(few.desk, few.middle));
        large = await timeOf(() => act(many.desk, many.middle));
        if (round >= 0) ratios.push(large / small);
      }
      say(`${name} (${small.toFixed(2)} ms with ${sizes[0]}, ${large.toFixed(2)} ms with ${sizes[1]})`, ratios);
    }
    for (const { engine } of stores) await engine.close?.();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median milliseconds of twenty. @param {() => Promise<unknown>} act */
async function timeOf(act) {
  /** @type {number[]} */
  const times = [];
  for (let time = 0; time < 20; time++) {
    const began = performance.now();
    await act();
    times.push(performance.now() - began);
  }
  return middleOf(times);
}

/** @param {any} desk */
async function start(desk) {
  const run = await desk.start({ text: "hello" }, { tenant, principal });
  await run.result();
}

/** @param {string} path */
function store(path) {
  const engine = sqliteEngine({ path });
  const echo = defineAgent({
    name: "echo",
    description: "Says it again.",
    model: "m",
    tools: [],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Say it again.",
  });
  const desk = createSupervisor({
    name: "desk",
    agents: { echo },
    entry: "echo",
    exit: "echo",
    handoffs: [],
    engine,
    models: {
      m: { id: "echo", cost: "zero", generate: async ({ input }) => ({ parts: [{ type: "output", value: input }] }) },
    },
  });
  return { engine, desk, middle: Date.now() - 500_000 };
}

/** A database of `size` ended runs: one that was driven, and its rows again under other names and times. @param {string} path @param {number} size */
async function fill(path, size) {
  const { engine, desk } = store(path);
  await start(desk);
  await engine.close?.();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144");
  const copy = { $size: size, $now: Date.now() };
  database.exec("BEGIN");
  const numbers = "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < $size)";
  const { stream, name } = /** @type {{ stream: number, name: string }} */ (
    database.prepare("SELECT stream, run_id AS name FROM runs").get()
  );
  const id = `'run_' || substr(hex(n * 2654435761 % 4294967296) || '0000000000000000000000', 1, 22)`;
  database
    .prepare(
      `${numbers} INSERT INTO streams (stream, tenant, kind, id) SELECT 1000000 + n, '${tenant}', 'run', ${id} FROM numbers`,
    )
    .run({ $size: size });
  database
    .prepare(
      `${numbers} INSERT INTO batches (stream, first_seq, last_seq, hash, lines)
       SELECT 1000000 + n, first_seq, last_seq, hash, lines FROM numbers, batches WHERE stream = ${stream}`,
    )
    .run({ $size: size });
  // A hundred have failed, however many there are; a conversation has ten runs.
  database
    .prepare(
      `${numbers} INSERT INTO runs (stream, tenant, run_id, supervisor, definition_hash, status, started_at, updated_at,
         last_seq, conversation_id, wake_at, waits)
       SELECT 1000000 + n, tenant, ${id}, supervisor, definition_hash, iif(n % ($size / 100) = 9, 'failed', status),
         $now - ($size - n) * (1000000 / $size), $now, last_seq, 'c_' || (n / 10), NULL, NULL
       FROM numbers, runs WHERE run_id = '${name}'`,
    )
    .run(copy);
  database.exec("COMMIT");
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

/** @param {string} what @param {number[]} ratios */
function say(what, ratios) {
  const ratio = middleOf(ratios);
  if (ratio > most) process.exitCode = 1;
  console.log(`| ${what} | ${ratio.toFixed(2)} | ${ratio > most ? "missed" : "met"} |`);
}

/** @param {readonly number[]} all */
function middleOf(all) {
  const sorted = [...all].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
