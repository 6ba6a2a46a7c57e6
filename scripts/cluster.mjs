// @ts-check
/**
 * `npm run cluster`: three Restate nodes and two workers on loopback, a pack of the sandbox played on them from the same
 * files, with a live view, and nothing left behind.
 *
 *   npm run cluster                         the order desk
 *   npm run cluster -- --pack files-desk    another pack
 *   npm run cluster -- --filter refund      some of its scenarios, by name, title or tag
 *   npm run cluster -- --kill               kills a worker when a third of the scenarios has ended, and starts it again
 *   npm run cluster -- --keep               leaves it up until Ctrl-C, with its addresses
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { restateEngine } from "@remit/core/restate";
import { filtered } from "../apps/sandbox/src/cli/filtered.ts";
import { openPack } from "../apps/sandbox/src/cli/packs.ts";
import { runSuite } from "../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../apps/sandbox/src/suite/workspace.ts";
import { openBalancer } from "./restate/balancer.mjs";
import { freePorts, startNodes } from "./restate/server.mjs";

const { values: options } = parseArgs({
  options: {
    pack: { type: "string", default: "order-desk" },
    filter: { type: "string" },
    concurrency: { type: "string", default: "8" },
    kill: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
/** @type {(() => Promise<unknown>)[]} */
const closers = [];
const close = async () => {
  for (const one of closers.splice(0).reverse()) await one();
};
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.once(signal, () => {
    close().finally(() => process.exit(130));
  });
}

try {
  const pack = await openPack({ name: options.pack });
  const scenarios = filtered(pack.scenarios(), options.filter);
  const dir = await mkdtemp(join(tmpdir(), "remit-cluster-"));
  closers.push(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  console.log("three nodes …");
  const nodes = await startNodes({ count: 3, sign: true });
  closers.push(nodes.close);
  for (const { name, ingress, admin } of nodes.nodes) console.log(`  ${name}  ingress ${ingress}  admin ${admin}`);

  const startedAt = Date.now();
  const suite = /** @type {const} */ ({
    format: 1,
    id: `${pack.name}-cluster`,
    pack: { name: pack.name },
    model: { name: "oracle", seed: 1 },
    scenarios: scenarios.map(({ name }) => name),
    startedAt,
  });
  console.log("two workers behind a load balancer …");
  const workers = await startWorkers({ nodes, dir, suite });
  console.log(`  ${workers.uri}`);
  const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin, deadlineMs: 60_000 });
  closers.push(() => engine.close());

  console.log(`\n${pack.title}: ${scenarios.length} scenarios, as the sandbox plays them`);
  const view = openView({ engine, tenant: suite.id, total: scenarios.length });
  const third = Math.ceil(scenarios.length / 3);
  /** @type {Promise<void> | undefined} */
  let killing;
  const report = await runSuite({
    suite,
    pack,
    workspace: openWorkspace(join(dir, "suite")),
    engine,
    concurrency: Number(options.concurrency),
    onEvent: (event) => {
      if (event.type !== "ended") return;
      view.ended(event.report, event.done);
      if (options.kill && event.done === third) killing ??= workers.killOne(view.tell);
    },
  });
  await killing;
  await view.close();
  const passed = report.scenarios.filter(({ ok }) => ok).length;
  const violations = report.scenarios.flatMap((scenario) => scenario.violations);
  console.log(`\n${passed} of ${scenarios.length} scenarios as written, ${violations.length} violations`);
  for (const { name, ok, checks } of report.scenarios) {
    for (const check of ok ? [] : checks.filter((one) => !one.ok)) {
      console.log(`  ${name}: ${check.name}${"detail" in check && check.detail ? `: ${check.detail}` : ""}`);
    }
  }
  for (const { id, uri, runs, underWay } of await engine.operator.deployments())
    console.log(`deployment ${id} at ${uri}: needed by ${runs} unfinished runs and ${underWay} calls`);
  if (passed < scenarios.length || violations.length > 0) process.exitCode = 1;
  if (options.keep) {
    console.log("\nup until Ctrl-C");
    await new Promise(() => {});
  }
} finally {
  await close();
}
console.log("everything is stopped and removed");

/**
 * @param {{ nodes: import("./restate/server.mjs").Nodes, dir: string,
 *   suite: import("./restate/pack-worker.mjs").PackWorkerSettings["suite"] }} shared
 */
async function startWorkers({ nodes, dir, suite }) {
  const ports = await freePorts(2);
  const balancer = await openBalancer(ports.map((port) => `http://127.0.0.1:${port}`));
  closers.push(balancer.close);
  /** @type {Map<number, import("node:child_process").ChildProcess>} */
  const children = new Map();
  const start = async (/** @type {number} */ port) => {
    const { ingress, admin, identityKey } = nodes;
    const identityKeys = identityKey === undefined ? [] : [identityKey];
    const settings = { ingress, admin, identityKeys, port, uri: balancer.uri, dir, suite };
    const program = join(import.meta.dirname, "restate", "pack-worker.mjs");
    const args = ["--conditions=@remit/source", program, JSON.stringify(settings)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    children.set(port, child);
    await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`a worker ended with ${code}`))),
    ]);
  };
  const end = async (/** @type {number} */ port, /** @type {NodeJS.Signals} */ signal) => {
    const child = children.get(port);
    children.delete(port);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const onExit = () => {
    for (const child of children.values()) child.kill("SIGKILL");
  };
  process.once("exit", onExit);
  closers.push(async () => {
    await Promise.all(ports.map((port) => end(port, "SIGTERM")));
    process.off("exit", onExit);
  });
  for (const port of ports) await start(port);
  return {
    uri: balancer.uri,
    killOne: async (/** @type {(text: string) => void} */ tell) => {
      const [port = 0] = ports;
      tell(`kill -9 of the worker at port ${port}`);
      await end(port, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await start(port);
      tell(`the worker at port ${port} is there again`);
    },
  };
}

/**
 * A line for each scenario that has ended, and each second what the cluster has of the others.
 * @param {{ engine: import("@remit/core").Engine, tenant: string, total: number }} about
 */
function openView({ engine, tenant, total }) {
  const began = performance.now();
  const stamp = () => `${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s`;
  const isLive = process.stdout.isTTY;
  let status = "";
  let open = true;
  const tell = (/** @type {string} */ text) => {
    if (isLive) process.stdout.write("\r\x1b[K");
    console.log(`${stamp()}  ${text}`);
    if (isLive) process.stdout.write(status);
  };
  const look = async () => {
    const runs = await engine.journal.listRuns({ tenant, most: total * 4 });
    /** @type {Record<string, number>} */
    const by = {};
    let entries = 0;
    for (const { status: name, waits, lastSeq } of runs) {
      const what = name === "parked" ? `waiting for ${waits?.join(", ")}` : name;
      by[what] = (by[what] ?? 0) + 1;
      entries += lastSeq;
    }
    const words = Object.entries(by).map(([what, number]) => `${number} ${what}`);
    const text = `${stamp()}  ${words.join(" · ")} · ${entries} entries`;
    if (isLive) process.stdout.write(`\r\x1b[K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
    else if (words.length > 0) console.log(text);
    status = text;
  };
  const looking = (async () => {
    while (open) {
      await look().catch(() => {}); // While a node or a worker is away there is nothing to tell.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  })();
  return {
    tell,
    /** @param {import("../apps/sandbox/src/suite/report.ts").ScenarioReport} report @param {number} done */
    ended: ({ ok, name, status: end, path }, done) => {
      tell(`${ok ? "✓" : "✗"} ${String(done).padStart(3)}/${total}  ${name}: ${path.join(" → ")} ■ ${end}`);
    },
    close: async () => {
      open = false;
      await looking;
      if (isLive) process.stdout.write("\r\x1b[K");
    },
  };
}
