// @ts-check
/**
 * What a run costs on a Restate cluster, beside a handler as one would write it by hand, with the same steps, in turns:
 *
 *   npm run bench:restate                         one node, then three that keep everything twice
 *   npm run bench:restate -- --nodes 3            three alone
 *   npm run bench:restate -- --nodes 1 --profile  what a run asks of the cluster, call by call, and whose processor it takes
 *
 * A step is a model call or a tool call; a model that costs nothing and a tool that answers at once leave what the engine
 * takes. By hand each of them is a `ctx.run` of a virtual object, whose result is what the model or the tool said, and the
 * last answer is kept in the object's state. Of ours, reads wait for nothing, and a write waits until its intent is
 * durable. A run in memory says what is left when there is no cluster. Rates are compared within a round, so that other
 * load on the machine falls on all alike.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createSupervisor, defineAgent, defineTool, memoryEngine, user } from "@remit/core";
import { restateEngine } from "@remit/core/restate";
import * as restate from "@restatedev/restate-sdk";
import { z } from "zod";
import { post, startNodes } from "../scripts/restate/server.mjs";
import { countWire } from "./restate/wire.mjs";

const { values: options } = parseArgs({
  options: {
    nodes: { type: "string" },
    rounds: { type: "string" },
    clients: { type: "string" },
    profile: { type: "boolean" },
  },
});
const wire = options.profile ? countWire() : undefined;
const counts = options.nodes === "1" ? [1] : options.nodes === "3" ? [3] : [1, 3];
const rounds = Number(options.rounds ?? 6);
const levels = options.clients?.split(",").map(Number) ?? (options.profile ? [16] : [1, 4, 16]);
/** Tool calls of a run; as many model calls come before them, and one behind. */
const calls = 12;
const steps = calls * 2 + 1;
/** Runs of one client in a round. */
const runsEach = 3;
const tenant = "bench";

/** What the model says in its n-th call. @param {number} n @returns {Pick<import("@remit/core").ModelResponse, "parts">} */
const said = (n) => ({
  parts:
    n < calls
      ? [{ type: "toolCall", callId: `c${n}`, tool: "count_up", input: { n } }]
      : [{ type: "output", value: { text: "done" } }],
});

const byHand = restate.object({
  name: "ByHand",
  options: { journalRetention: 0, idempotencyRetention: 0 },
  handlers: {
    /** @param {restate.ObjectContext} ctx @returns {Promise<number>} milliseconds between its first and its last step */
    run: async (ctx) => {
      let startedAt = 0;
      for (let n = 0; ; n++) {
        const answer = await ctx.run("model", async () => ({ ...said(n), at: Date.now() }));
        startedAt ||= answer.at;
        const [part] = answer.parts;
        if (part?.type !== "toolCall") {
          ctx.set("result", answer.parts);
          return answer.at - startedAt;
        }
        await ctx.run("tool", async () => part.input);
      }
    },
  },
});

/** @param {"read" | "write"} effect @param {import("@remit/core").Engine} engine */
function teamOf(effect, engine) {
  const shape = {
    name: "count_up",
    description: "Counts.",
    input: z.object({ n: z.number() }),
    output: z.object({ n: z.number() }),
  };
  const execute = async (/** @type {{ n: number }} */ { n }) => ({ n });
  const tool =
    effect === "read"
      ? defineTool({ ...shape, effect, execute })
      : defineTool({ ...shape, effect, risk: "low", idempotency: "key", execute });
  const worker = defineAgent({
    name: "worker",
    description: "Counts.",
    model: "m",
    tools: [tool],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Count.",
  });
  return createSupervisor({
    name: `bench-${effect}`,
    check: "log",
    agents: { worker },
    entry: "worker",
    exit: "worker",
    handoffs: [],
    limits: { steps: 200 },
    models: { m: { id: "counting", cost: "zero", generate: async ({ context: { agentCall } }) => said(agentCall) } },
    engine,
  });
}

/** @param {number[]} values */
const median = (values) => [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;

/** @param {1 | 3} count */
async function measure(count) {
  const nodes = await startNodes({ count });
  const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin, worker: { port: 0 } });
  const server = createServer(restate.createEndpointHandler({ services: [byHand], logger: () => {} }));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {{ port: number }} */ (server.address());
  await post(`${nodes.admin[0]}/deployments`, { uri: `http://127.0.0.1:${port}` });
  const memory = memoryEngine();
  const on = (/** @type {import("@remit/core").Engine} */ where) => ({
    read: teamOf("read", where),
    write: teamOf("write", where),
  });
  const teams = { cluster: on(engine), memory: on(memory) };

  /** Milliseconds between a run's first and last entry, when somebody asks. */
  const ours = (/** @type {"cluster" | "memory"} */ where, /** @type {"read" | "write"} */ effect) => {
    return async (/** @type {boolean} */ timed) => {
      const run = await teams[where][effect].start({ text: "go" }, { tenant, principal: user("u") });
      const result = await run.result();
      if (result.status !== "completed") throw new Error(`a run ended: ${JSON.stringify(result).slice(0, 500)}`);
      if (!timed) return 0;
      const all = await run.entries();
      return (all.at(-1)?.at ?? 0) - (all[0]?.at ?? 0);
    };
  };
  let names = 0;
  const kinds = {
    "by hand": () => post(`${nodes.ingress[0]}/ByHand/run-${names++}/run`, undefined),
    "ours, reads": ours("cluster", "read"),
    "ours, writes": ours("cluster", "write"),
    "ours, writes, in memory": ours("memory", "write"),
  };
  const order = /** @type {(keyof typeof kinds)[]} */ (Object.keys(kinds));
  const measured = Object.fromEntries(
    order.map((name) => [
      name,
      {
        perStep: /** @type {number[]} */ ([]),
        /** Steps a second, for each number of clients, round by round. */
        rates: levels.map(() => /** @type {number[]} */ ([])),
        runs: 0,
        nodeMs: 0,
        serverMs: 0,
        wire: /** @type {Map<string, number>} */ (new Map()),
      },
    ]),
  );
  /** What the servers' processes have used, ms; unknown where the system has no such file. */
  const serverMs = () => {
    let ticks = 0;
    for (const node of nodes.nodes) {
      try {
        const stat = readFileSync(`/proc/${node.pid()}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        ticks += Number(fields[11]) + Number(fields[12]);
      } catch {
        return Number.NaN;
      }
    }
    return ticks * 10;
  };
  /** What was sent and is not done yet belongs to whoever sent it. */
  const quiet = async () => {
    for (let left = 1, look = 0; left > 0 && look < 100; look++) {
      await pause(20);
      const [row] = await nodes.query("SELECT count(*) AS n FROM sys_invocation WHERE status <> 'completed'");
      left = Number(row.n);
    }
  };

  try {
    for (let round = -1; round < rounds; round++) {
      for (const [at, clients] of levels.entries()) {
        // Whoever is first in one round is not in the next.
        for (const name of order.map((_, index) => order[(index + Math.max(round, 0)) % order.length])) {
          const all = name && measured[name];
          if (!name || !all) continue;
          const one = kinds[name];
          wire?.take();
          const before = { node: process.cpuUsage(), server: serverMs(), at: performance.now() };
          /** @type {number[]} */
          const times = [];
          const client = async () => {
            for (let index = 0; index < runsEach; index++) times.push(await one(clients === 1));
          };
          await Promise.all(Array.from({ length: clients }, client));
          const seconds = (performance.now() - before.at) / 1000;
          await quiet();
          if (round < 0) continue; // The first round warms up.
          const node = process.cpuUsage(before.node);
          all.rates[at]?.push((times.length * steps) / seconds);
          if (clients === 1) all.perStep.push(...times.map((time) => time / steps));
          all.runs += times.length;
          all.nodeMs += (node.user + node.system) / 1000;
          all.serverMs += serverMs() - before.server;
          for (const [what, n] of wire?.take() ?? []) all.wire.set(what, (all.wire.get(what) ?? 0) + n);
        }
      }
    }
  } finally {
    await engine.close();
    await memory.close();
    server.close();
    await nodes.close();
  }

  const base = measured["by hand"];
  console.log(`\n${count} node${count > 1 ? "s, everything twice" : ""}; ${steps} steps a run, ${rounds} rounds`);
  for (const [name, all] of Object.entries(measured)) {
    const rates = all.rates.map((rate, at) => {
      const ratio = median(rate.map((value, round) => value / (base?.rates[at]?.[round] ?? Number.NaN)));
      return `${levels[at]}: ${median(rate).toFixed(0)} (${ratio.toFixed(2)}x)`;
    });
    const step = all.perStep.length > 0 ? median(all.perStep) : undefined;
    const perStep =
      step === undefined
        ? ""
        : `  p50 ${step.toFixed(2)} ms a step (${(step / median(base?.perStep ?? [])).toFixed(2)}x)`;
    const cpu = `${(all.nodeMs / all.runs).toFixed(1)} ms here, ${(all.serverMs / all.runs).toFixed(1)} ms servers`;
    console.log(`${name.padEnd(24)} steps/s by clients ${rates.join("  ")}${perStep}  processor a run: ${cpu}`);
    if (!wire) continue;
    for (const [what, n] of [...all.wire].sort()) console.log(`    ${what.padEnd(48)} ${(n / all.runs).toFixed(2)}`);
  }
}

for (const count of counts) await measure(/** @type {1 | 3} */ (count));
process.exit();
