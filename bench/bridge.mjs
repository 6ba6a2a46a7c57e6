// @ts-check
/**
 * What the bridge costs on top of an MCP SDK: the same calls to the same server, once by the SDK's client alone and once by a
 * tool of the bridge with its output parsed, turn by turn in one run. Each side has a process of its own behind it. No journal: what
 * a commit costs is measured in bench/journal.mjs. The schemas are statically safe.
 *
 *   npm run bench:bridge [-- --rounds 40] [--calls 200] [--only stdio]
 *
 * The targets: at most 50 µs more at the median of calls one after the other, and of the calls per second with 32 under way at least
 * 90 % over stdio and 95 % over HTTP. The exit code is 1 where one is missed. Figures are medians over rounds, each with its
 * pair beside it, because other work on the machine touches both alike.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { parseWith } from "@remit/core";
import { connectMcp, http, stdio } from "@remit/mcp-bridge";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    calls: { type: "string", default: "200" },
    only: { type: "string", default: "stdio,http" },
    serve: { type: "string" },
  },
});
const inFlight = 32;
const warmUp = 20_000;
const addedUsMax = 50;
const shareMin = { stdio: 0.9, http: 0.95 };

// The SDKs are the package's own, not this folder's.
const load = createRequire(new URL("../packages/mcp-bridge/package.json", import.meta.url));
/** @param {string} name */
const sdk = (name) => import(pathToFileURL(load.resolve(name)).href);
const schema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
const definition = { name: "echo", description: "Says it again.", inputSchema: schema, outputSchema: schema };

if (values.serve === "stdio") await serveStdio();
else if (values.serve === "http") await serveHttp();
else await compare();

/** A server of few lines, so that what is measured is the client. */
async function serveStdio() {
  const { createInterface } = await import("node:readline");
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const message = JSON.parse(line);
      if (message.id === undefined) return;
      process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: message.id, result: answerTo(message) })}\n`);
    })
    .on("close", () => process.exit(0));
}

async function serveHttp() {
  const server = createServer((request, response) => {
    if (request.method !== "POST") return void response.writeHead(405).end();
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const message = JSON.parse(body);
      if (message.id === undefined) return void response.writeHead(202).end();
      const legacy = ["initialize", "tools/list", "tools/call", "ping"].includes(message.method);
      const outcome = legacy ? { result: answerTo(message) } : { error: { code: -32601, message: "unknown method" } };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...outcome }));
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    process.send?.(`http://127.0.0.1:${port}/mcp`);
  });
  process.on("disconnect", () => process.exit(0));
}

/** @param {{ method: string, params?: any }} message */
function answerTo({ method, params }) {
  switch (method) {
    case "initialize": {
      const serverInfo = { name: "echo", version: "1.0.0" };
      return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
    }
    case "tools/list":
      return { tools: [definition] };
    case "tools/call":
      return {
        content: [{ type: "text", text: JSON.stringify({ text: params.arguments.text }) }],
        structuredContent: { text: params.arguments.text },
      };
    default:
      return {};
  }
}

/** @typedef {{ call: (index: number) => Promise<unknown>, close: () => Promise<unknown> }} Side */

async function compare() {
  const rounds = Number(values.rounds);
  const calls = Number(values.calls);
  const script = fileURLToPath(import.meta.url);
  const args = ["--conditions=@remit/source", script, "--serve", "stdio"];
  for (const path of values.only.split(",")) {
    /** @type {(() => Promise<unknown>)[]} */
    const ends = [];
    const url = async () => {
      const child = fork(script, ["--serve", "http"], { execArgv: ["--conditions=@remit/source"] });
      ends.push(async () => {
        child.disconnect();
        await once(child, "exit");
      });
      return new URL((await once(child, "message"))[0]);
    };
    const sides =
      path === "stdio"
        ? { raw: await rawStdio(args), bridge: await bridged(stdio(process.execPath, args)) }
        : { raw: await rawHttp(await url()), bridge: await bridged(http({ url: await url(), protocol: "legacy" })) };
    await measure(/** @type {"stdio" | "http"} */ (path), sides, rounds, calls);
    await Promise.all([sides.raw.close(), sides.bridge.close()]);
    for (const end of ends) await end();
  }
}

/** @param {import("@remit/mcp-bridge").McpTransport} transport @returns {Promise<Side>} */
async function bridged(transport) {
  const connection = await connectMcp({ name: "echo", transport, tools: { echo: { effect: "read" } } });
  const { echo } = connection.tools;
  const { signal } = new AbortController();
  const context = {
    signal,
    idempotencyKey: "key",
    tenant: "acme",
    runId: "run_1",
    agent: "a",
    path: "a#1",
    attempt: 1,
  };
  return {
    call: async (index) => {
      const parsed = parseWith(echo.output, await echo.execute({ text: `t${index}` }, { ...context, attributes: {} }));
      if (!parsed.ok || /** @type {any} */ (parsed.value).text !== `t${index}`) throw new Error("a wrong answer");
    },
    close: connection.close,
  };
}

/** @param {string[]} args @returns {Promise<Side>} */
async function rawStdio(args) {
  const { Client } = await sdk("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await sdk("@modelcontextprotocol/sdk/client/stdio.js");
  return raw(
    new Client({ name: "bench", version: "1.0.0" }),
    new StdioClientTransport({ command: process.execPath, args }),
  );
}

/** @param {URL} url @returns {Promise<Side>} */
async function rawHttp(url) {
  const { Client, StreamableHTTPClientTransport } = await sdk("@modelcontextprotocol/client");
  return raw(new Client({ name: "bench", version: "1.0.0" }), new StreamableHTTPClientTransport(url));
}

/** @param {any} client @param {any} transport @returns {Promise<Side>} */
async function raw(client, transport) {
  await client.connect(transport);
  await client.listTools();
  return {
    call: async (index) => {
      const { structuredContent } = await client.callTool({ name: "echo", arguments: { text: `t${index}` } });
      if (structuredContent.text !== `t${index}`) throw new Error("a wrong answer");
    },
    close: () => client.close(),
  };
}

/** @param {"stdio" | "http"} path @param {{ raw: Side, bridge: Side }} sides @param {number} rounds @param {number} calls */
async function measure(path, sides, rounds, calls) {
  // The first calls measure the compiler.
  for (const side of [sides.raw, sides.bridge]) await together(side, warmUp);
  /** @type {number[]} */
  const added = [];
  /** @type {number[]} */
  const shares = [];
  /** @type {Record<"raw" | "bridge", { p50: number[], rate: number[] }>} */
  const seen = { raw: { p50: [], rate: [] }, bridge: { p50: [], rate: [] } };
  for (let round = 0; round < rounds; round++) {
    // Who is first takes turns.
    const order = /** @type {("raw" | "bridge")[]} */ (round % 2 === 0 ? ["raw", "bridge"] : ["bridge", "raw"]);
    for (const name of order) seen[name].p50.push(await oneByOne(sides[name], calls));
    for (const name of order) seen[name].rate.push(await together(sides[name], calls * 4));
    added.push(last(seen.bridge.p50) - last(seen.raw.p50));
    shares.push(last(seen.bridge.rate) / last(seen.raw.rate));
  }
  const [us, share] = [median(added), median(shares)];
  const figures = (/** @type {"raw" | "bridge"} */ name) =>
    `${name} ${median(seen[name].p50).toFixed(0)} µs, ${median(seen[name].rate).toFixed(0)}/s`;
  console.log(`${path.padEnd(6)} ${figures("raw")}; ${figures("bridge")}`);
  console.log(
    `       added at the median ${us.toFixed(1)} µs (at most ${addedUsMax}), throughput ${(share * 100).toFixed(1)} % (at least ${shareMin[path] * 100})`,
  );
  if (us > addedUsMax || share < shareMin[path]) {
    console.log("       MISSED");
    process.exitCode = 1;
  }
}

/** Microseconds of the median call. @param {Side} side @param {number} calls */
async function oneByOne(side, calls) {
  const times = [];
  for (let index = 0; index < calls; index++) {
    const began = performance.now();
    await side.call(index);
    times.push((performance.now() - began) * 1_000);
  }
  return median(times);
}

/** Calls per second. @param {Side} side @param {number} calls */
async function together(side, calls) {
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < calls) await side.call(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (calls * 1_000) / (performance.now() - began);
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** @param {number[]} numbers */
function last(numbers) {
  return numbers.at(-1) ?? Number.NaN;
}
