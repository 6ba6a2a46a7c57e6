// @ts-check
/**
 * How long hostile MCP servers hold the event loop of whoever connects to them: every row of the hostile servers in
 * packages/mcp-bridge/src/testing, each on a connection of its own, while a timer wants to fire every 2 ms.
 *
 *   npm run bench:hostile [-- --rounds 3] [--only big,deep] [--all] [--json]
 *
 * A block is the processor time that the thread spent between two firings of that timer (`process.threadCpuUsage`): work
 * that let nothing else run. Time in which a busy machine gave the thread no processor is no block of ours; the delay by
 * the clock (`monitorEventLoopDelay`), which has both, stands beside it. A row is the worst of its rounds, and longer than
 * 100 ms is missed. The servers are processes of their own. What is loaded late is loaded before the first row, and what
 * one row leaves behind is collected before the next, so that none pays for another.
 *
 * Prints the slowest rows (`--all`: all of them). The exit code is 1 where a row is missed.
 */
import { fork } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { connectMcp, http } from "@remit/mcp-bridge";
import { contextOf, hostileServer } from "../packages/mcp-bridge/src/testing/fixture.ts";
import { behaviours } from "../packages/mcp-bridge/src/testing/hostile-calls.ts";
import { hostileHttp, tricks } from "../packages/mcp-bridge/src/testing/hostile-http.ts";
import { badLists } from "../packages/mcp-bridge/src/testing/hostile-lists.ts";

const blockMsMax = 100;
const shownRows = 20;
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    /** Which part of it this process plays; none: it measures. */
    part: { type: "string" },
  },
});

setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collect = runInNewContext("gc");

/** @typedef {{ row: string, blockMs: number, delayMs: number, outcome: string }} Found */

const megabyte = 2 ** 20;
/** What a tool is called with, where it takes a size: the sizes of the tests, and the largest that the limits let in. */
/** @type {Readonly<Record<string, readonly (string | number)[]>>} */
const sizes = {
  big: [50 * megabyte, 7.9 * megabyte, 5 * megabyte],
  objects: [9 * megabyte, 7.5 * megabyte, 1 * megabyte],
  escapes: [7.5 * megabyte],
  deep: [200, 5_000, 40_000, 2_000_000],
  newlines: [10 * megabyte],
  notices: [200_000],
  storm: [20_000],
  orphans: [200_000],
  progress: [200_000],
  strange_notices: [200_000],
  asks_much: [20_000],
  progress_while: [300],
  refuse: ["long"],
  catastrophe: [`${"a".repeat(40)}!`],
};
const listModes = [
  ...["listing-error", "listing-nonsense", "same-page", "endless-pages", "endless-tools", "endless-bytes"],
  ...[
    "full-list",
    "many-names",
    "odd-cursor",
    "odd-names",
    "bad-tools",
    "rug-on-list",
    "rug-and-back",
    "poisoned",
    "drift",
  ],
];
const startModes = [
  ...["silent", "hangs-at-list", "exit-at-start", "refuses-handshake", "nonsense-handshake", "other-version"],
  ...["dies-of-probe", "stubborn", "stderr-flood", "noise"],
];
const limits = { connectTimeoutMs: 3_000, closeGraceMs: 100, callMsMax: 2_000, backoffMs: 1, backoffMsMax: 1 };
const read = /** @type {const} */ ({ effect: "read", timeoutMs: 1_500 });

if (values.part === "http") await serveTricks();
else await main();

async function main() {
  const server = fork(fileURLToPath(import.meta.url), ["--part", "http"]);
  const url = await new Promise((resolve) => server.once("message", resolve));
  try {
    await warmUp(url);
    const rows = rowsOf(url).filter(([row]) => values.only?.split(",").some((part) => row.includes(part)) ?? true);
    /** @type {Found[]} */
    const found = [];
    for (const [row, play] of rows) found.push(await worstOf(row, play));
    if (values.json) console.log(JSON.stringify(found));
    else report(found);
    process.exitCode = found.length > 0 && found.every(({ blockMs }) => blockMs <= blockMsMax) ? 0 : 1;
  } finally {
    server.kill("SIGKILL");
  }
}

/** @param {string} url @returns {readonly (readonly [string, () => Promise<string>])[]} */
function rowsOf(url) {
  const calls = Object.keys(behaviours).flatMap((name) =>
    (sizes[name] ?? [""]).map((text) => {
      const size = typeof text === "number" ? ` ${text.toLocaleString("en-US")}` : "";
      return /** @type {const} */ ([`call ${name}${size}`, () => overStdio("good", name, String(text))]);
    }),
  );
  const lists = [...startModes, ...listModes].map(
    (mode) => /** @type {const} */ ([`list ${mode}`, () => overStdio(mode, "echo", "x")]),
  );
  const bad = badLists.map((mode) => /** @type {const} */ ([`schema ${mode}`, () => overStdio(mode, "bad", "x")]));
  const http = Object.keys(tricks).map(
    (name) => /** @type {const} */ ([`http ${name}`, () => overHttp(url, name, "x")]),
  );
  return [...lists, ...bad, ...calls, ...http];
}

/** Loads what is loaded late, so that no row pays for it: both wires, the thread that checks, the collector's first turns. */
async function warmUp(/** @type {string} */ url) {
  for (let round = 0; round < 5; round += 1) {
    await overStdio("good", "echo", "x");
    await overStdio("good", "doubled", "xx");
    await overStdio("good", "error_code_text", "x");
    await overHttp(url, "echo", "x");
    await overHttp(url, "stream_echo", "x");
  }
}

/** @param {string} mode @param {string} name @param {string} text */
async function overStdio(mode, name, text) {
  const fixture = hostileServer(mode);
  try {
    return await once({ transport: fixture.transport }, name, text);
  } finally {
    fixture.remove();
  }
}

/** @param {string} url @param {string} name @param {string} text */
function overHttp(url, name, text) {
  const small = { messageBytes: 100_000, responseBytes: 500_000 };
  return once({ transport: http({ url, protocol: "legacy" }), limits: small }, name, text);
}

/**
 * Connects, calls once, closes; what came of it.
 * @param {{ readonly transport: any, readonly limits?: object }} where @param {string} name @param {string} text
 */
async function once({ transport, limits: more = {} }, name, text) {
  try {
    const tools = { [name]: read };
    const connection = await connectMcp({ name: "hostile", transport, tools, limits: { ...limits, ...more } });
    try {
      await connection.tools[name]?.execute({ text }, contextOf());
      return "answered";
    } finally {
      await connection.close();
    }
  } catch (thrown) {
    const { code, name: kind } = /** @type {{ code?: string, name?: string }} */ (thrown);
    return code ?? kind ?? "thrown";
  }
}

/** @param {string} row @param {() => Promise<string>} play @returns {Promise<Found>} */
async function worstOf(row, play) {
  const worst = { row, blockMs: 0, delayMs: 0, outcome: "" };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    collect();
    const delays = monitorEventLoopDelay({ resolution: 2 });
    delays.enable();
    const probe = blockProbe();
    worst.outcome = await play();
    worst.blockMs = Math.max(worst.blockMs, probe());
    delays.disable();
    worst.delayMs = Math.max(worst.delayMs, delays.max / 1e6);
  }
  if (process.stderr.isTTY) process.stderr.write(`${row}: ${worst.blockMs.toFixed(1)} ms\n`);
  return worst;
}

/** Begins to watch; what it gives back ends it, and says the longest block in milliseconds of processor time. */
function blockProbe() {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let last = spent();
  let longest = 0;
  const timer = setInterval(() => {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
  }, 2);
  return () => {
    clearInterval(timer);
    return Math.max(longest, spent() - last);
  };
}

/** @param {readonly Found[]} found */
function report(found) {
  const slowest = found.toSorted((one, other) => other.blockMs - one.blockMs);
  const missed = slowest.filter(({ blockMs }) => blockMs > blockMsMax);
  const shown = values.all ? found : slowest.slice(0, Math.max(shownRows, missed.length));
  console.log("| row | longest block | delay by the clock | outcome | 100 ms |\n| --- | --- | --- | --- | --- |");
  for (const { row, blockMs, delayMs, outcome } of shown) {
    const held = blockMs <= blockMsMax ? "met" : "missed";
    console.log(`| ${row} | ${blockMs.toFixed(1)} ms | ${delayMs.toFixed(1)} ms | ${outcome} | ${held} |`);
  }
  const median = slowest[Math.floor(slowest.length / 2)]?.blockMs ?? 0;
  console.log(
    `${found.length - missed.length} of ${found.length} rows within ${blockMsMax} ms; median ${median.toFixed(1)} ms`,
  );
}

/** The server behind an address, until it is killed. */
async function serveTricks() {
  const { url } = await hostileHttp();
  process.send?.(url);
}
