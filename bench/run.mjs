// @ts-check
/**
 * What a run costs, on this machine: a supervisor that is asked before each step and five specialists, 13 model calls,
 * 2 tool calls, models and tools that answer at once. Everything on: contracts, allowlists, journal, hash chain.
 *
 *   node --conditions=@remit/source bench/run.mjs [--runs 2000] [--in-flight 100] [--sqlite] [--profile] [--top 5]
 *
 * Prints milliseconds per run one after another (median and p99 over rounds of 50), runs per second with many in
 * flight, and with --profile the functions in which the time of the sequential part goes, by their own time.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSupervisor, defineAgent, defineHandoff, defineTool, memoryEngine, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { z } from "zod";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    "in-flight": { type: "string", default: "100" },
    sqlite: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    top: { type: "string", default: "5" },
  },
});
const runs = Number(values.runs);
const inFlight = Number(values["in-flight"]);

const ticket = z.object({ text: z.string() });
const verdict = z.object({ note: z.string(), confidence: z.number() });
const step = z.object({ step: z.int(), ticket: z.string() });

const searchPolicy = defineTool({
  name: "search_policy",
  description: "Finds passages.",
  input: z.object({ query: z.string() }),
  output: z.object({ passages: z.array(z.string()) }),
  effect: "read",
  execute: ({ query }) => ({ passages: [`about ${query}`] }),
});
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds an order.",
  input: z.object({ orderId: z.string(), amountCents: z.int() }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: ({ orderId }) => ({ refundId: `r-${orderId}` }),
});

/** @template {string} Name @param {Name} name @param {readonly (typeof searchPolicy | typeof refundOrder)[]} tools */
const specialist = (name, tools = []) =>
  defineAgent({
    name,
    description: `The ${name}.`,
    model: "m",
    tools,
    input: ticket,
    output: verdict,
    instructions: `You are the ${name} of a service desk.`,
  });
const planner = defineAgent({
  name: "planner",
  description: "Says which step comes next.",
  model: "m",
  tools: [],
  input: step,
  output: step,
  instructions: "Say the next step.",
});
const team = /** @type {const} */ (["triage", "retrieval", "action", "compliance", "reviewer"]);
const agents = {
  planner,
  triage: specialist("triage"),
  retrieval: specialist("retrieval", [searchPolicy]),
  action: specialist("action", [refundOrder]),
  compliance: specialist("compliance"),
  reviewer: specialist("reviewer"),
};
const handoffs = team.flatMap((name, index) => [
  defineHandoff({
    from: planner,
    to: agents[name],
    when: (output) => output.step === index,
    map: ({ ticket: text }) => ({ text }),
  }),
  defineHandoff({
    from: agents[name],
    to: planner,
    map: ({ note }) => ({ step: index + 1, ticket: note }),
  }),
]);

/** @type {Record<string, [string, import("@remit/core").Json]>} */
const wants = {
  retrieval: ["search_policy", { query: "refunds" }],
  action: ["refund_order", { orderId: "o_1", amountCents: 900 }],
};
/** @type {import("@remit/core").Model} */
const model = {
  id: "instant",
  cost: "zero",
  generate: async ({ agent, input, messages }) => {
    if (agent === "planner") return { parts: [{ type: "output", value: input }] };
    const wish = messages.length === 0 ? wants[agent] : undefined;
    if (wish) return { parts: [{ type: "toolCall", callId: "c1", tool: wish[0], input: wish[1] }] };
    return { parts: [{ type: "output", value: { note: `${agent} has looked at it`, confidence: 0.9 } }] };
  },
};

const folder = mkdtempSync(join(tmpdir(), "remit-bench-"));
const engine = values.sqlite ? sqliteEngine({ path: join(folder, "runs.db") }) : memoryEngine();
const supervisor = createSupervisor({
  agents,
  entry: "planner",
  exit: "planner",
  handoffs,
  models: { m: model },
  engine,
});

const one = async () => {
  const run = await supervisor.start(
    { step: 0, ticket: "refund order o_1" },
    { tenant: "bench", principal: user("u") },
  );
  const result = await run.result();
  if (result.status !== "completed") throw new Error(`a run ended as ${JSON.stringify(result)}`);
  return run;
};

/** @param {readonly number[]} sorted @param {number} share */
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const first = await one();
const entries = await first.entries();
const calls = entries.filter(({ type }) => type === "model.called").length;
const tools = entries.filter(({ type }) => type === "tool.called").length;
console.log(`${engine.name}: ${entries.length} entries, ${calls} model calls, ${tools} tool calls a run`);
for (let index = 0; index < Math.min(300, runs); index++) await one();

const session = new Session();
if (values.profile) {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 100 });
  await session.post("Profiler.start");
}
const cpu = process.cpuUsage();
const times = [];
for (let done = 0; done < runs; done++) {
  const before = performance.now();
  await one();
  times.push(performance.now() - before);
}
const used = process.cpuUsage(cpu);
if (values.profile) {
  const { profile } = await session.post("Profiler.stop");
  printProfile(profile);
}
times.sort((left, right) => left - right);
const cpuMs = (used.user + used.system) / 1_000 / runs;
console.log(
  `one after another: median ${at(times, 0.5).toFixed(3)} ms, p99 ${at(times, 0.99).toFixed(3)} ms, cpu ${cpuMs.toFixed(3)} ms a run`,
);

const began = performance.now();
let left = runs;
await Promise.all(
  Array.from({ length: inFlight }, async () => {
    while (left-- > 0) await one();
  }),
);
console.log(`${inFlight} in flight: ${Math.round(runs / ((performance.now() - began) / 1_000))} runs/s`);
await engine.close();
rmSync(folder, { recursive: true, force: true });

/** @param {import("node:inspector").Profiler.Profile} profile */
function printProfile({ nodes, samples = [], timeDeltas = [] }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const own = new Map();
  let total = 0;
  samples.forEach((id, index) => {
    const frame = byId.get(id);
    if (!frame || frame.functionName === "(idle)") return;
    const file = frame.url.replace(/^.*\/(node_modules\/(\.pnpm\/)?|packages\/)/, "");
    const name = `${frame.functionName || "(anonymous)"} ${file}:${frame.lineNumber + 1}`;
    const spent = timeDeltas[index] ?? 0;
    own.set(name, (own.get(name) ?? 0) + spent);
    total += spent;
  });
  const ranked = [...own].sort(([, left], [, right]) => right - left).slice(0, Number(values.top));
  for (const [name, spent] of ranked) console.log(`  ${((100 * spent) / total).toFixed(1).padStart(5)} %  ${name}`);
}
