/** The five ready-made roles as a desk: retrieval and action get tools, the rest is taken as it is. */
import assert from "node:assert/strict";
import { action, compliance, retrieval, reviewer, serviceDesk, triage } from "@remit/agents";
import { defineTool, extendAgent, memoryEngine, runSupervisor, user } from "@remit/core";
import { answers, asks, calls, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const seats = new Map([["u_17", 3]]);
const getPlan = defineTool({
  name: "get_plan",
  description: "A customer's plan and seats.",
  input: z.object({ customerId: z.string() }),
  output: z.object({ seats: z.int() }),
  effect: "read",
  execute: ({ customerId }) => ({ seats: seats.get(customerId) ?? 0 }),
});
const addSeats = defineTool({
  name: "add_seats",
  description: "Add seats to a customer's plan.",
  input: z.object({ customerId: z.string(), count: z.int().positive() }),
  output: z.object({ seats: z.int() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: ({ customerId, count }) => {
    seats.set(customerId, (seats.get(customerId) ?? 0) + count);
    return { seats: seats.get(customerId) ?? 0 };
  },
});

const lookup = extendAgent(retrieval, { tools: [getPlan] });
const act = extendAgent(action, { tools: [addSeats] });
const model = scriptedModel([
  answers(triage, {
    intent: "add_seats",
    kind: "change",
    severity: "low",
    sensitivity: "none",
    confidence: 0.9,
    summary: "Customer u_17 wants two more seats.",
    language: "en",
    question: "",
  }),
  calls(lookup, "get_plan", { customerId: "u_17" }),
  answers(lookup, {
    passages: [{ sourceId: "plan:u_17", text: "3 seats" }],
    summary: "The plan has 3 seats.",
    missing: [],
  }),
  answers(compliance, { verdict: "allow", ruleIds: ["no-rule"], reasons: [], conditions: [] }),
  asks(act, "customer", "I am about to add 2 seats. Is that right?"),
  calls(act, "add_seats", { customerId: "u_17", count: 2 }),
  answers(act, { done: ["2 seats added"], notDone: [], next: "review", wanted: "", handedOver: false }),
  answers(reviewer, { disposition: "answered", reply: "You now have 5 seats." }),
]);

const desk = runSupervisor(serviceDesk({ retrieval: lookup, action: act }), {
  engine: memoryEngine(),
  models: { fast: model, careful: model },
});
const run = await desk.start({ text: "Two more seats, please." }, { tenant: "acme", principal: user("u_17") });
assert.equal(await run.settled(), "parked");
const [question] = await run.questions();
console.log(question?.question);
await run.send("Yes.");
const result = await run.result();
console.log(result.status === "completed" ? result.output.reply : result);
assert.equal(seats.get("u_17"), 5);
model.assertUsed();
