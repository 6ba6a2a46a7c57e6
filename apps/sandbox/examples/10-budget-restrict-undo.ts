/** A run that may spend so much and no more, a tool that is taken away while a run waits, and a write that is undone. */
import assert from "node:assert/strict";
import { createSupervisor, defineAgent, defineTool, type Model, memoryEngine, operator, user } from "@remit/core";
import { answers, calls, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const booked = new Set<string>();
const room = z.object({ room: z.string() });
const cancelRoom = defineTool({
  name: "cancel_room",
  description: "Cancels a booking.",
  input: room,
  output: room,
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: ({ room: name }) => {
    booked.delete(name);
    return { room: name };
  },
});
const bookRoom = defineTool({
  name: "book_room",
  description: "Books a room.",
  input: room,
  output: room,
  effect: "write",
  risk: "high",
  idempotency: "key",
  undo: { tool: cancelRoom, input: (_, output) => ({ room: output.room }) },
  execute: ({ room: name }) => {
    booked.add(name);
    return { room: name };
  },
});
const clerk = defineAgent({
  name: "clerk",
  description: "Books rooms.",
  model: "fast",
  tools: [bookRoom],
  input: room,
  output: z.object({ booked: z.boolean() }),
  instructions: "Book the room, once.",
});
const script = scriptedModel([calls(clerk, "book_room", { room: "blue" }), answers(clerk, { booked: true })]);
/** A model that costs 400 millionths of a dollar a call, and says so before. */
const model: Model = {
  ...script,
  cost: "paid",
  quote: () => ({ microUsd: 400, tokens: 100 }),
  generate: async (request, options) => ({
    ...(await script.generate(request, options)),
    usage: { inputTokens: 80, outputTokens: 20 },
    cost: { microUsd: 400, basis: "reported" },
  }),
};
const desk = createSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  models: { fast: model },
  engine: memoryEngine(),
});
const begin = (budget: number) =>
  desk.start({ room: "blue" }, { tenant: "acme", principal: user("u_17"), budget: { microUsd: budget } });
const approve = async (run: Awaited<ReturnType<typeof begin>>) => {
  assert.equal(await run.settled(), "parked");
  for (const { tenant, address } of await run.approvals())
    await desk.approvals.approve(tenant, address, { reason: "it is free", principal: operator("op_1") });
  return run.result();
};

// Money is set aside before it is spent: the second call would cost more than is left, so it is not made.
const poor = await approve(await begin(700));
assert.equal(poor.status, "failed");
console.log("with 700:", poor.status === "failed" && poor.error.code, poor.cost);

// What is undone is an effect of a run of its own, with a key and a place in a journal.
assert.ok(booked.has("blue"));
const undone = await (await desk.compensate(poor.runId, { tenant: "acme" })).result();
assert.ok(undone.status === "completed" && undone.output.undone.length === 1);
assert.ok(!booked.has("blue"));
console.log("undone:", undone.output.undone);

// A tool that is taken away is gone at once, also for a run that waits with it.
const late = await begin(10_000);
assert.equal(await late.settled(), "parked");
await desk.restrict({ kind: "tool", name: "book_room" }, { tenant: "acme", reason: "the house is closed" });
const [open] = await late.approvals();
await assert.rejects(
  desk.approvals.approve("acme", open?.address ?? "", { reason: "it is free", principal: operator("op_1") }),
  { code: "approval/unknown" },
);
await late.result();
const denied = (await late.entries()).find((entry) => entry.type === "tool.denied");
assert.equal(denied?.type === "tool.denied" && denied.body.error.code, "policy/revoked");
assert.ok(!booked.has("blue"));
console.log("taken away:", denied?.type === "tool.denied" && denied.body.error.message);
