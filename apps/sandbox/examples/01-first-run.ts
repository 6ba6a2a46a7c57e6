/** A supervisor, two agents, one tool: the smallest desk that can move money, and a person who has to say yes. */
import assert from "node:assert/strict";
import {
  createSupervisor,
  defineAgent,
  defineEscalation,
  defineHandoff,
  defineTool,
  memoryEngine,
  operator,
  user,
} from "@remit/core";
import { answers, calls, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const refundOrder = defineTool({
  name: "refund_order",
  description: "Refund part or all of one order.",
  input: z.object({ orderId: z.string(), amountCents: z.int().positive() }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ orderId }, { idempotencyKey }) => ({
    refundId: `refund of ${orderId} under ${idempotencyKey.slice(0, 6)}`,
  }),
});

const triage = defineAgent({
  name: "triage",
  description: "Names the kind of request.",
  model: "fast",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("question"), query: z.string() }),
    z.object({ kind: z.literal("refund"), orderId: z.string(), amountCents: z.int() }),
  ]),
  instructions: "Say which kind of request this is.",
});

const action = defineAgent({
  name: "action",
  description: "Carries out one change.",
  model: "careful",
  tools: [refundOrder],
  input: z.object({ orderId: z.string(), amountCents: z.int() }),
  output: z.object({ refundId: z.string() }),
  instructions: "Carry out the refund you are handed, once.",
});

// Stands in for two real models; a script needs no key.
const model = scriptedModel([
  answers(triage, { kind: "refund", orderId: "7", amountCents: 900 }),
  calls(action, "refund_order", { orderId: "7", amountCents: 900 }),
  answers(action, { refundId: "r-7" }),
]);

const desk = createSupervisor({
  agents: { triage, action },
  entry: "triage",
  exit: "action",
  handoffs: [
    // `when` narrows: `map` sees a refund, and a field that action needs and map does not give is a compile error.
    defineHandoff({
      from: triage,
      to: action,
      when: (output) => output.kind === "refund",
      map: ({ orderId, amountCents }) => ({ orderId, amountCents }),
    }),
    defineEscalation({ from: triage, reason: "not_a_refund" }),
  ],
  models: { fast: model, careful: model },
  engine: memoryEngine(),
});

const run = await desk.start({ text: "Please refund order 7, 9 euros." }, { tenant: "acme", principal: user("u_17") });
// The refund is of high risk: the run waits, in its journal, for somebody who did not ask for it.
assert.equal(await run.settled(), "parked");
for (const { tenant, address, tool, input } of await run.approvals()) {
  console.log("waits for an approval:", tool, input);
  await desk.approvals.approve(tenant, address, { reason: "order 7 was lost", principal: operator("op_1") });
}
for await (const { seq, type, path } of run.events()) console.log(String(seq).padStart(3), type.padEnd(20), path);
const result = await run.result();
console.log(result);
assert.equal(result.status, "completed");
