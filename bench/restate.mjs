// @ts-check
/**
 * What a step costs on a Restate cluster, beside a handler as one would write it by hand, with the same steps, in turns:
 *
 *   npm run bench:restate                one node
 *   npm run bench:restate -- --nodes 3   three
 *
 * A step of ours is a model call or a tool call; a model that costs nothing and a tool that answers at once leave what the
 * engine takes. By hand each of them is a `ctx.run`. Reads wait for nothing; a write waits until its intent is durable.
 */
import { createServer } from "node:http2";
import { parseArgs } from "node:util";
import { createSupervisor, defineAgent, defineTool, user } from "@remit/core";
import { restateEngine } from "@remit/core/restate";
import * as restate from "@restatedev/restate-sdk";
import { z } from "zod";
import { post, startNodes } from "../scripts/restate/server.mjs";

const { values: options } = parseArgs({
  options: { nodes: { type: "string" }, rounds: { type: "string" }, clients: { type: "string" } },
});
const count = options.nodes === "3" ? 3 : 1;
const rounds = Number(options.rounds ?? 6);
const clients = Number(options.clients ?? 16);
/** Tool calls of a run; as many model calls come before them, and one behind. */
const calls = 12;
const steps = calls * 2 + 1;
const tenant = "bench";

const nodes = await startNodes({ count });
const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin, worker: { port: 0 } });
const plain = restate.service({
  name: "Plain",
  options: { journalRetention: 0, idempotencyRetention: 0 },
  handlers: {
    /** @param {restate.Context} ctx @returns {Promise<number>} milliseconds by recorded times */
    run: async (ctx) => {
      const startedAt = await ctx.run("start", async () => Date.now());
      let at = startedAt;
      for (let step = 1; step <= steps; step++) at = await ctx.run(`step ${step}`, async () => Date.now());
      return at - startedAt;
    },
  },
});
const handler = restate.createEndpointHandler({ services: [plain], logger: () => {} });
const server = createServer(handler);
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const { port } = /** @type {{ port: number }} */ (server.address());
await post(`${nodes.admin[0]}/deployments`, { uri: `http://127.0.0.1:${port}` });

/** @param {"read" | "write"} effect */
function teamOf(effect) {
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
    models: {
      m: {
        id: "counting",
        cost: "zero",
        generate: async ({ context: { agentCall } }) => ({
          parts:
            agentCall < calls
              ? [{ type: "toolCall", callId: `c${agentCall}`, tool: "count_up", input: { n: agentCall } }]
              : [{ type: "output", value: { text: "done" } }],
        }),
      },
    },
    engine,
  });
}
const teams = { read: teamOf("read"), write: teamOf("write") };

/** One run of ours; milliseconds between its first and its last entry. @param {"read" | "write"} effect */
async function ours(effect) {
  const run = await teams[effect].start({ text: "go" }, { tenant, principal: user("u") });
  const { status } = await run.result();
  if (status !== "completed") throw new Error(`a run ended as ${status}`);
  const all = await run.entries();
  return (all.at(-1)?.at ?? 0) - (all[0]?.at ?? 0);
}
const byHand = () => post(`${nodes.ingress[0]}/Plain/run`, undefined);

const kinds = { "by hand": byHand, "ours, reads": () => ours("read"), "ours, writes": () => ours("write") };
/** @type {Record<string, { perStep: number[], perSecond: number[] }>} */
const measured = Object.fromEntries(Object.keys(kinds).map((name) => [name, { perStep: [], perSecond: [] }]));
/** @param {number[]} values */
const median = (values) => [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;

try {
  for (let round = -1; round < rounds; round++) {
    for (const [name, one] of Object.entries(kinds)) {
      const alone = [];
      for (let index = 0; index < 5; index++) alone.push((await one()) / steps);
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: clients }, one));
      const perSecond = (clients * steps) / ((performance.now() - startedAt) / 1000);
      if (round < 0) continue; // The first round warms up.
      measured[name]?.perStep.push(...alone);
      measured[name]?.perSecond.push(perSecond);
    }
  }
  const base = measured["by hand"];
  console.log(`${count} node${count > 1 ? "s" : ""}, ${steps} steps a run, ${rounds} rounds, ${clients} clients`);
  for (const [name, { perStep, perSecond }] of Object.entries(measured)) {
    const step = median(perStep);
    const rate = median(perSecond);
    const against =
      base && name !== "by hand"
        ? `  ${(step / median(base.perStep)).toFixed(2)}x a step, ${(rate / median(base.perSecond)).toFixed(2)}x steps/s`
        : "";
    console.log(`${name.padEnd(14)} p50 ${step.toFixed(2)} ms a step, ${rate.toFixed(0)} steps/s${against}`);
  }
} finally {
  await engine.close();
  server.close();
  await nodes.close();
  process.exit();
}
