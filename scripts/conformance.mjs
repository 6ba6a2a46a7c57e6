// @ts-check
/**
 * The official conformance suite of MCP against what this project has, with no expected failures. What a release of the
 * protocol requires is scored; the rest is shown. The last line counts the runs.
 *
 *   npm run conformance                                       all runs
 *   npm run conformance -- --side server                      one side: client, server or gateway
 *   npm run conformance -- --requirements 2026-07-28          one release of the protocol
 *   npm run conformance -- --scenario ping                    one scenario, scored or not
 *   npm run conformance -- --verbose                          with everything that the suite says
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { build } from "rolldown";
import { cache, root } from "./workspace.mjs";

/**
 * `start` is a program that says the address of its server on its first line, and ends on SIGTERM with exit code 0. A
 * `client` is a program that the suite starts itself, once for each scenario.
 * @typedef {{ side: "server" | "gateway", title: string, requirements: string, start: readonly string[] }} ServerRun
 * @typedef {{ side: "client", title: string, requirements: string, client: string }} ClientRun
 * @typedef {ServerRun | ClientRun} Run
 */

const server = ["--conditions=@remit/source", "test/mcp/conformance-server.ts"];
/** The suite's own server fixture behind our client and our server. */
const gateway = ["--conditions=@remit/source", "test/mcp/conformance-gateway.ts"];
const client = "test/mcp/conformance-client.ts";
/** How long one scenario of a client may take, in ms. They all run at once, and machines differ. */
const scenarioMs = 90_000;

/** @type {readonly Run[]} */
const runs = ["2025-11-25", "2026-07-28"].flatMap((requirements) => [
  /** @type {const} */ ({ side: "client", title: "the bridge's client", requirements, client }),
  /** @type {const} */ ({ side: "server", title: "serveMcp", requirements, start: server }),
  /** @type {const} */ ({ side: "gateway", title: "through the gateway", requirements, start: gateway }),
]);

const { values: options } = parseArgs({
  options: {
    side: { type: "string" },
    requirements: { type: "string" },
    scenario: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const suite = join(root, "test/mcp/node_modules/@modelcontextprotocol/conformance/dist/index.js");
const wanted = runs.filter(
  ({ side, requirements }) =>
    (options.side ?? side) === side && (options.requirements ?? requirements) === requirements,
);
let failed = wanted.length === 0 ? 1 : 0;
for (const run of wanted) {
  const startedAt = performance.now();
  const { ok, said } = await ("client" in run ? runClient(run) : runServer(run));
  if (!ok) failed += 1;
  if (!ok || options.verbose) console.log(said);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(
    `${ok ? "ok    " : "FAILED"} ${run.side} ${run.requirements} ${run.title} (${seconds} s): ${totalOf(said)}`,
  );
}
console.log(`${wanted.length - failed} of ${wanted.length} conformance runs passed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * What the suite is told to play.
 * @param {string} requirements
 */
function played(requirements) {
  return options.scenario === undefined
    ? ["--requirements", requirements]
    : ["--scenario", options.scenario, "--spec-version", requirements];
}

/**
 * @param {ClientRun} run
 * @returns {Promise<{ ok: boolean, said: string }>}
 */
async function runClient({ requirements, client: input }) {
  // As one file it starts much faster, and it is started once for each scenario; always the same one, as Node keeps what
  // it compiles by the path.
  const file = join(cache, "conformance-client.mjs");
  await build({
    input: join(root, input),
    platform: "node",
    resolve: { conditionNames: ["@remit/source", "node", "import", "default"] },
    output: { file, format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  const command = `"${process.execPath}" "${file}"`;
  const args = ["client", "--command", command, "--timeout", String(scenarioMs), ...played(requirements)];
  const { code, said } = await suiteSays(args, requirements);
  return { ok: code === 0, said };
}

/**
 * @param {ServerRun} run
 * @returns {Promise<{ ok: boolean, said: string }>}
 */
async function runServer({ requirements, start }) {
  const env = { ...process.env, MCP_CONFORMANCE_PROTOCOL_VERSION: requirements };
  const served = spawn(process.execPath, start, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => served.once("exit", (code, signal) => resolve(code ?? signal)));
  try {
    const lines = createInterface(served.stdout);
    const url = await Promise.race([new Promise((resolve) => lines.once("line", resolve)), ended]);
    if (typeof url !== "string") return { ok: false, said: `The server ended at once (${url}).` };
    const { code, said } = await suiteSays(["server", "--url", url, ...played(requirements)], requirements);
    served.kill("SIGTERM");
    const exit = await ended;
    return { ok: code === 0 && exit === 0, said: exit === 0 ? said : `${said}\nThe server ended with ${exit}.` };
  } finally {
    served.kill("SIGKILL");
  }
}

/**
 * @param {readonly string[]} args
 * @param {string} requirements
 * @returns {Promise<{ code: number | null, said: string }>}
 */
function suiteSays(args, requirements) {
  const folder = mkdtempSync(join(tmpdir(), "remit-conformance-"));
  return new Promise((resolve) => {
    // Set where the suite forgets to pass it on.
    const env = { ...process.env, MCP_CONFORMANCE_PROTOCOL_VERSION: requirements };
    const child = spawn(process.execPath, [suite, ...args, "--output-dir", folder], { cwd: root, env });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (chunk) => {
        said += chunk;
      });
    }
    child.once("close", (code) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ code, said });
    });
  });
}

/** @param {string} said */
function totalOf(said) {
  const summary = said.slice(Math.max(0, said.indexOf("=== SUMMARY ===")));
  const [scored = "", rest = ""] = summary.split(/^Not scored/m);
  const unscored = new Set([...rest.matchAll(/^ +[✓✗] (\S+)/gm)].map(([, name]) => name));
  const scenarios = [...scored.matchAll(/^([✓✗]) ([^:\s]+)/gm)].filter(([, , name]) => !unscored.has(name));
  const passed = scenarios.filter(([, mark]) => mark === "✓").length;
  return `${passed} of ${scenarios.length} required scenarios; ${unscored.size} more are not scored`;
}
