// @ts-check
/**
 * What governance costs for one tool call: everything between a model's wish and its tool, and back, with nothing stored.
 * The same call is decided by the pure core and made at the gate, without a policy, under one of TypeScript rules and under
 * one in Cedar. With it goes all the rest: the flow rule, for an agent that has read mail and made a plan; sealing of the
 * arguments and of the answer by all detectors, and what is revealed to the tool; and the links of the audit chain for the
 * entries of the call. A commit to the journal is apart: docs/benchmarks.md has it.
 *
 *   npm run bench:governance
 */
import { createSupervisor, defineAgent, definePolicy, defineTool, memoryEngine, planSteps, user } from "@remit/core";
import { cedarPolicy } from "@remit/core/cedar";
import { allDetectors } from "@remit/tools/detect";
import { z } from "zod";
import { sealBatch } from "../packages/core/src/journal/chain.ts";
import { emptyHead } from "../packages/core/src/journal/draft.ts";
import { policyGate } from "../packages/core/src/policy/gate.ts";
import { judgeCall } from "../packages/core/src/run/asked.ts";
import { flowOf, keepReading } from "../packages/core/src/run/flows.ts";
import { readVaultKey } from "../packages/core/src/seal/cipher.ts";
import { openJson, sealJson } from "../packages/core/src/seal/sealer.ts";
import { sealRules } from "../packages/core/src/seal/settings.ts";
import { openVault } from "../packages/core/src/seal/vault.ts";

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
  protect: ["orderId", "amountCents"],
  reveals: ["email"],
  execute: () => ({ text: "done" }),
});
const readMail = defineTool({
  name: "read_mail",
  description: "Reads mail.",
  input: z.object({}),
  output: z.string(),
  effect: "read",
  labels: ["mail"],
  execute: () => "",
});
const action = defineAgent({
  name: "action",
  description: "Acts.",
  model: "m",
  tools: [planSteps, readMail, refund],
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

/** What the agent has read: the user's wish, a record of the house, and a mail of about a kilobyte. */
const mail = "The lid came loose on the way and was glued by the shop; please see to it as soon as you can. ".repeat(
  11,
);
const answer = {
  refundId: "refund-7",
  order: {
    status: "refunded",
    items: ["kettle", "lid", "cup"].map((name, at) => ({ name, sku: `K-${at}`, cents: 4900 })),
  },
  history: ["placed", "paid", "packed", "shipped"].map((step, day) => ({ step, at: `2026-05-1${day}T10:00:00Z` })),
  note: "Left with the neighbour, who was told to water it. The lid came loose and was glued by the shop, and the customer has been told that the money is on its way to the account that it came from.",
};
const salt = () => "0123456789012345678901";

console.log("policy | flow | core | gate | sealing | chain | together, each p50 (p95) in µs");
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
  const labels = ["mail", "tool:get_order", "user"];
  const principal = user("u_1", ["customer"]);
  const state = /** @type {any} */ ({
    tenant: "acme",
    runId: "run_1",
    principal,
    readings: [],
    readingBytes: 0,
    // Each call is the next of what was announced: its order is named, its amount left open.
    plan: [],
  });
  const work = /** @type {any} */ ({
    state,
    root: definition,
    rules: { flows: true },
    tenantKey: "k".repeat(43),
    attributes: {},
    note: () => {},
  });
  keepReading(work, "input", "", { text: "Refund what the mails ask for, at most 5." }, { "": ["user"] });
  keepReading(
    work,
    "get_order",
    "action#1/tool#1",
    { orderId: "order-7", items: answer.order.items },
    { "": ["tool:get_order"] },
  );
  keepReading(work, "read_mail", "action#1/tool#2", mail, { "": ["mail"] });
  const asking = { agent: "action", path: "action#1/tool#3", labels };
  const gate = policyGate(definition);
  const key = { tenant: "acme", runId: "run_1" };
  const facts = { supervisor: "desk", principal, labels };
  const command = /** @type {any} */ ({
    agent: "action",
    tool: "refund_order",
    path: "action#1/tool#3",
    attributes: {},
    facts,
  });
  const seal = sealRules({ vault: { key: Buffer.alloc(32, 3) }, seal: { detectors: allDetectors() } });
  if (!seal) throw new Error("nothing is sealed");
  const vault = await openVault({
    key,
    journal: memoryEngine().journal,
    now: () => 0,
    salt,
    keys: seal.keys,
    passing: { id: "passing", bytes: readVaultKey(Buffer.alloc(32, 4)).bytes },
  });
  for (const name of ["ada", "bob", "cleo"]) vault.seal("email", `${name}@example.org`, true);
  const context = { vault, rules: seal, tenant: "acme" };
  // No two calls are the same: what was answered before is no answer to the next.
  const argsOf = (/** @type {number} */ call) => ({
    ...args,
    orderId: `order-${call}`,
    amountCents: (call + warm) % 500,
  });
  const invocation = /** @type {any} */ ({ agent: action, labels, path: "action#1" });
  const hole = { $hole: { type: "integer", min: 0, max: 500 } };
  const drafts = (/** @type {number} */ call) => {
    const effect = command.path;
    const at = 1_790_000_000_000 + call;
    const given = argsOf(call);
    const decision = { ruleId: "small", policyVersion: "rules@1", inputs: "h".repeat(43) };
    const bodies = /** @type {const} */ ([
      ["effect.proposed", { effect, agent: "action", tool: "refund_order", input: given, risk: "low", tier: "none" }],
      [
        "effect.intended",
        {
          effect,
          agent: "action",
          tool: "refund_order",
          input: given,
          inputHash: "h".repeat(43),
          key: `k${call}`,
          risk: "low",
          decision,
          planned: 0,
        },
      ],
      ["effect.dispatched", { effect, attempt: 1, via: "call" }],
      ["tool.returned", { command: `c${call}`, output: answer, labels: { "": ["tool:refund_order"] }, durationMs: 3 }],
      ["effect.settled", { effect, outcome: "done" }],
    ]);
    return /** @type {any} */ (bodies.map(([type, body]) => ({ type, at, path: effect, cause: 1, body })));
  };
  // Made before the clock runs: the entries of a call are written with or without a chain.
  const entries = drafts(0);
  /** Two hashes an entry is what the chain costs; their JSON is written in any case. */
  const plan = /** @type {any[]} */ (state.plan);
  const figures = timed(
    (call) => {
      const given = argsOf(call);
      plan[0] = { tool: "refund_order", arguments: { ...given, amountCents: hole }, times: 1, by: "action", used: 0 };
      const { because, planned } = flowOf(work, invocation, refund, given);
      if (because.length > 1 || planned !== 0) throw new Error("the flow rule does not see what it should");
    },
    (call) => void judgeCall(work, asking, refund, argsOf(call)),
    (call) => void gate.tool(key, command, refund, argsOf(call)),
    (call) => {
      const sealed = sealJson(argsOf(call), undefined, context);
      openJson(sealed, refund.reveals ?? [], vault);
      sealJson({ ...answer, refundId: `refund-${call}` }, undefined, context);
    },
    () => void sealBatch(emptyHead, entries, salt),
  ).map(({ p50, p95 }) => `${p50.toFixed(1)} (${p95.toFixed(1)})`);
  console.log([name, ...figures].join(" | "));
}
