import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineEscalation, defineHandoff } from "../handoff.ts";
import { operator, user } from "../principal.ts";
import { answers, calls, scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { createSupervisor } from "./supervisor.ts";

const keys: string[] = [];
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refund part or all of one order.",
  input: z.object({ orderId: z.string(), amountCents: z.int().positive() }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ orderId }, { idempotencyKey }) => {
    keys.push(idempotencyKey);
    return { refundId: `r-${orderId}` };
  },
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
const desk = (model: ReturnType<typeof scriptedModel>) =>
  createSupervisor({
    agents: { triage, action },
    entry: "triage",
    exit: "action",
    handoffs: [
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

describe("a supervisor on the memory engine", () => {
  test("delegates, calls, returns; its journal replays exactly", async () => {
    const model = scriptedModel([
      answers(triage, { kind: "refund", orderId: "7", amountCents: 900 }),
      calls(action, "refund_order", { orderId: "7", amountCents: 900 }),
      answers(action, { refundId: "r-7" }),
    ]);
    const supervisor = desk(model);
    const run = await supervisor.start({ text: "refund order 7" }, { tenant: "acme", principal: user("u_17") });
    // A refund is of high risk: a person has to say yes, and not the one who asked.
    expect(await run.settled()).toBe("parked");
    expect(keys).toEqual([]);
    const [open] = await supervisor.approvals.list({ tenant: "acme" });
    expect(open).toMatchObject({ run: run.id, tool: "refund_order", input: { orderId: "7", amountCents: 900 } });
    const address = open?.address ?? "";
    const own = supervisor.approvals.approve("acme", address, { reason: "mine", principal: user("u_17") });
    await expect(own).rejects.toMatchObject({ code: "approval/self-approval" });
    await supervisor.approvals.approve("acme", address, { reason: "fine", principal: operator("o_1") });
    const result = await run.result();
    expect(result).toMatchObject({ status: "completed", output: { refundId: "r-7" } });
    expect(keys).toHaveLength(1);
    const types = (await run.entries()).map(({ type }) => type);
    expect(types).toEqual([
      "run.started",
      "handoff.delivered",
      "model.called",
      "model.responded",
      "handoff.returned",
      "edge.chosen",
      "handoff.delivered",
      "model.called",
      "model.responded",
      "effect.proposed",
      "approval.requested",
      "run.parked",
      "approval.decided",
      "approval.granted",
      "effect.intended",
      "tool.called",
      "tool.returned",
      "effect.settled",
      "model.called",
      "model.responded",
      "handoff.returned",
      "run.completed",
    ]);
    model.assertUsed();
    const report = await supervisor.replay(run.id, { tenant: "acme" });
    expect(report).toMatchObject({ ok: true, entries: types.length, journalHash: result.journalHash });
    expect(JSON.parse(JSON.stringify(result))).toMatchObject({ journalHash: result.journalHash });
    expect({ ...result }.journalHash).toBe(result.journalHash);
    const seen: number[] = [];
    for await (const entry of run.events({ fromSeq: 5 })) seen.push(entry.seq);
    expect(seen).toEqual(types.map((_, index) => index + 1).filter((seq) => seq >= 5));
  });

  test("an escalation is a typed outcome", async () => {
    const supervisor = desk(scriptedModel([answers(triage, { kind: "question", query: "opening hours" })]));
    const run = await supervisor.start({ text: "when are you open" }, { tenant: "acme", principal: user("u_17") });
    expect(await run.result()).toMatchObject({
      status: "escalated",
      reason: "not_a_refund",
      by: "triage",
      packet: { kind: "question", query: "opening hours" },
    });
  });
});
