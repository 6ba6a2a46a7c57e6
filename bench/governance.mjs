// @ts-check
/**
 * What governance costs for one tool call: everything between a model's wish and its tool, and back, with nothing stored.
 * The same run is decided by the pure core and made at the gate, without a policy, under one of TypeScript rules and under
 * one in Cedar; what a policy adds is the difference. A commit to the journal is apart: docs/benchmarks.md has it.
 *
 *   npm run bench:governance
 */
import { createSupervisor, defineAgent, definePolicy, defineTool, memoryEngine, user } from "@remit/core";
import { cedarPolicy } from "@remit/core/cedar";
import { z } from "zod";
import { policyGate } from "../packages/core/src/policy/gate.ts";
import { judgeCall } from "../packages/core/src/run/asked.ts";

const rounds = 20_000;
const warm = 5_000;
const text = z.object({ text: z.string() });
const refund = defineTool({
  name: "refund_order",
  description: "Refunds.",
  input: z.object({ orderId: z.string(), amountCents: z.int(), reason: z.string() }),
  output: text,
  effect: "write",
  risk: "low",
  idempotency: "key",
  version: "1",
  execute: () => ({ text: "done" }),
});
const action = defineAgent({
  name: "action",
  description: "Acts.",
  model: "m",
  tools: [refund],
  input: text,
  output: text,
  instructions: "Act.",
});
const args = {
  orderId: "order-7",
  amountCents: 450,
  reason: "The parcel came broken, and the customer has sent a photo.",
};

const rules = definePolicy({
  name: "rules",
  version: "1",
  rules: [
    { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "they work" },
    ...Array.from({ length: 20 }, (_, index) => ({
      id: `never-${index}`,
      on: /** @type {const} */ ("tool"),
      effect: /** @type {const} */ ("deny"),
      when: (/** @type {import("@remit/core").RequestOn<"tool">} */ { labels }) =>
        labels.includes(`mcp:server-${index}`),
      because: "read from there",
    })),
    {
      id: "small",
      on: "tool",
      effect: "allow",
      tools: ["refund_order"],
      when: (/** @type {import("@remit/core").RequestOn<"tool">} */ call) =>
        /** @type {{ amountCents: number }} */ (call.arguments).amountCents <= 500 && call.principal.kind === "user",
      because: "small",
    },
  ],
});
const cedar = cedarPolicy({
  name: "cedar",
  version: "1",
  text: `
    @id("work") permit(principal, action in [Action::"handoff", Action::"model", Action::"egress"], resource);
    ${Array.from({ length: 20 }, (_, index) => `@id("never-${index}") forbid(principal, action in Action::"tool", resource) when { context.labels.contains("mcp:server-${index}") };`).join("\n")}
    @id("small") permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
      when { context.arguments.amountCents <= 500 && context.principal.kind == "user" };`,
});
const few = cedarPolicy({
  name: "few",
  version: "1",
  text: `
    @id("work") permit(principal, action in [Action::"handoff", Action::"model", Action::"egress"], resource);
    @id("small") permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
      when { context.arguments.amountCents <= 500 };`,
});

/** Median, and the 95th of 100. @param {Float64Array} times */
function figuresOf(times) {
  times.sort();
  return { p50: times[rounds >> 1] ?? 0, p95: times[Math.floor(rounds * 0.95)] ?? 0 };
}

/** Microseconds of each act, one behind the other for each call. @param {((call: number) => void)[]} acts */
function timed(...acts) {
  const times = [...acts.map(() => new Float64Array(rounds)), new Float64Array(rounds)];
  for (let round = -warm; round < rounds; round += 1) {
    let whole = 0;
    for (const [index, act] of acts.entries()) {
      const startedAt = process.hrtime.bigint();
      act(round);
      const tookUs = Number(process.hrtime.bigint() - startedAt) / 1_000;
      whole += tookUs;
      if (round >= 0) /** @type {Float64Array} */ (times[index])[round] = tookUs;
    }
    if (round >= 0) /** @type {Float64Array} */ (times[acts.length])[round] = whole;
  }
  return times.map(figuresOf);
}

console.log("policy | core p50 (p95) | gate p50 (p95) | together p50 (p95), µs");
for (const [name, policy] of /** @type {const} */ ([
  ["none", undefined],
  ["TypeScript, 22 rules", rules],
  ["Cedar, 2 policies", few],
  ["Cedar, 22 policies", cedar],
])) {
  const { definition } = createSupervisor({
    name: "desk",
    agents: { action },
    entry: "action",
    exit: "action",
    handoffs: [],
    models: { m: { id: "m", cost: "zero", generate: () => ({ parts: [] }) } },
    engine: memoryEngine(),
    check: "log",
    ...(policy === undefined ? {} : { policy }),
  });
  const labels = ["tool:get_order", "user"];
  const principal = user("u_1", ["customer"]);
  const state = { tenant: "acme", runId: "run_1", principal };
  const work = /** @type {any} */ ({
    state,
    root: definition,
    tenantKey: "k".repeat(43),
    attributes: {},
    note: () => {},
  });
  const asking = { agent: "action", path: "action#1/tool#1", labels };
  const gate = policyGate(definition);
  const key = { tenant: "acme", runId: "run_1" };
  const facts = { supervisor: "desk", principal, labels };
  const command = /** @type {any} */ ({
    agent: "action",
    tool: "refund_order",
    path: "action#1/tool#1",
    attributes: {},
    facts,
  });
  // No two calls are the same: what was answered before is no answer to the next.
  const argsOf = (/** @type {number} */ call) => ({
    ...args,
    orderId: `order-${call}`,
    amountCents: (call + warm) % 500,
  });
  const figures = timed(
    (call) => void judgeCall(work, asking, refund, argsOf(call)),
    (call) => void gate.tool(key, command, refund, argsOf(call)),
  ).map(({ p50, p95 }) => `${p50.toFixed(1)} (${p95.toFixed(1)})`);
  console.log([name, ...figures].join(" | "));
}
