/** Two people have to approve a payment; one of them changes the amount first. Nobody approves what they asked for. */
import assert from "node:assert/strict";
import { createSupervisor, defineAgent, defineTool, memoryEngine, operator, user } from "@remit/core";
import { answers, calls, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const paid: number[] = [];
const payInvoice = defineTool({
  name: "pay_invoice",
  description: "Pays an invoice.",
  input: z.object({ invoice: z.string(), amountCents: z.int().positive() }),
  output: z.object({ paidCents: z.int() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ amountCents }) => {
    paid.push(amountCents);
    return { paidCents: amountCents };
  },
});
const clerk = defineAgent({
  name: "clerk",
  description: "Pays invoices.",
  model: "careful",
  tools: [payInvoice],
  input: z.object({ invoice: z.string() }),
  output: z.object({ paidCents: z.int() }),
  instructions: "Pay the invoice you are handed, once.",
});
const desk = createSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  // A rule may only ask for more than the risk does: here for two people from finance, within an hour.
  approvals: [{ tool: payInvoice, by: "human", quorum: 2, roles: ["finance"], expiresMs: 3_600_000 }],
  models: {
    careful: scriptedModel([
      calls(clerk, "pay_invoice", { invoice: "I-7", amountCents: 90_000 }),
      answers(clerk, { paidCents: 9_000 }),
    ]),
  },
  engine: memoryEngine(),
});

const run = await desk.start({ invoice: "I-7" }, { tenant: "acme", principal: user("u_17") });
const [ann, ben, cleo] = ["ann", "ben", "cleo"].map((id) => operator(id, ["finance"]));
assert.ok(ann && ben && cleo);
const waiting = async () => {
  await run.settled();
  const [open] = await run.approvals();
  assert.ok(open);
  return open;
};

const first = await waiting();
await assert.rejects(
  desk.approvals.approve("acme", first.address, { reason: "mine", principal: user("u_17", ["finance"]) }),
  { code: "approval/self-approval" },
);
const input = { invoice: "I-7", amountCents: 9_000 };
await desk.approvals.edit("acme", first.address, input, { reason: "a zero too many", principal: ann });

const second = await waiting(); // the edit is a proposal of its own, and ann has asked for it
console.log(second.address, second.diff, `${second.approvals.length} of ${second.quorum}`);
await assert.rejects(desk.approvals.approve("acme", second.address, { reason: "fine", principal: ann }), {
  code: "approval/self-approval",
});
const one = await desk.approvals.approve("acme", second.address, { reason: "fine", principal: ben });
const two = await desk.approvals.approve("acme", second.address, { reason: "fine", principal: cleo });
assert.deepEqual([one.outcome, two.outcome], ["recorded", "granted"]);

const result = await run.result();
assert.equal(result.status, "completed");
assert.deepEqual(paid, [9_000]);
console.log(
  "paid",
  paid,
  "after",
  (await run.entries()).filter(({ type }) => type.startsWith("approval.")).length,
  "words",
);
