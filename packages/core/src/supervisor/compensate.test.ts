import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { eraseRun } from "../audit/erasure.ts";
import { exportEvidence } from "../audit/evidence.ts";
import { memoryEngine } from "../engine/memory.ts";
import { randomIds } from "../ids.ts";
import { type Clock, systemClock } from "../port/clock.ts";
import { operator, user } from "../principal.ts";
import { fakeClock, functionModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import type { RuntimeOptions } from "./options.ts";
import { createSupervisor } from "./supervisor.ts";

const order = z.object({ order: z.string() });
const done = z.object({ ok: z.boolean() });
const tenant = "acme";

/** A team that books an order, where the order is to be booked, and keeps what was undone. */
function team({
  answer,
  risk = "low",
  clock = systemClock(),
  ...options
}: Pick<RuntimeOptions<string>, "roles"> & {
  readonly answer?: () => { ok: boolean };
  /** Of the undo. */
  readonly risk?: "low" | "high";
  readonly clock?: Clock;
} = {}) {
  const undone: string[] = [];
  const cancel = defineTool({
    name: "cancel_order",
    description: "Cancels an order.",
    input: order,
    output: done,
    effect: "write",
    risk,
    idempotency: "key",
    execute: (input) => {
      undone.push(input.order);
      return answer?.() ?? { ok: true };
    },
  });
  const book = defineTool({
    name: "book_order",
    description: "Books an order.",
    input: order,
    output: done,
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => ({ ok: true }),
    undo: { tool: cancel, input: (input) => input },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Books.",
    model: "m",
    tools: [book],
    input: order,
    output: done,
    instructions: "",
  });
  const model = functionModel("m", ({ input, context }) => {
    const asked = input as { readonly order: string };
    return context.turn === 1 && asked.order !== ""
      ? [{ type: "toolCall", callId: "1", tool: "book_order", input: asked }]
      : [{ type: "output", value: { ok: true } }];
  });
  const engine = memoryEngine({ clock });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: model },
    engine,
    ...options,
  });
  const start = (asked: string, conversationId?: string) =>
    supervisor.start(
      { order: asked },
      { tenant, principal: user("u_1"), ...(conversationId ? { conversationId } : {}) },
    );
  return { supervisor, engine, start, undone };
}

test("what is undone stays so, however many runs of others share the conversation that its runs are found by", async () => {
  const { supervisor, start, undone } = team();
  const run = await start("7");
  await run.result();
  await (await supervisor.compensate(run.id, { tenant })).result();
  for (let other = 0; other <= 1_000; other++) await (await start("", `undo:${run.id}`)).result();
  await expect(supervisor.compensate(run.id, { tenant })).rejects.toMatchObject({ code: "run/not-undoable" });
  expect(undone).toEqual(["7"]);
});

test("an undo that was done is not done again where its answer could not be read", async () => {
  const { supervisor, start, undone } = team({ answer: () => ({ ok: "yes" }) as never });
  const run = await start("7");
  await run.result();
  const undo = await supervisor.compensate(run.id, { tenant });
  expect(await undo.result()).toMatchObject({
    output: { undone: [], failed: [{ error: { code: "tool/output-invalid" } }] },
  });
  await expect(supervisor.compensate(run.id, { tenant })).rejects.toMatchObject({ code: "run/not-undoable" });
  expect(undone).toEqual(["7"]);
});

test("an undo of which nobody knows whether it was done is not done again under another key", async () => {
  const { supervisor, start, undone } = team({
    answer: () => {
      throw new Error("the line went dead");
    },
  });
  const run = await start("7");
  await run.result();
  const undo = await supervisor.compensate(run.id, { tenant });
  await undo.settled();
  await undo.cancel("nobody can say");
  expect(await undo.result()).toMatchObject({ status: "cancelled", openEffects: ["undo#1"] });
  const tried = undone.length;
  await expect(supervisor.compensate(run.id, { tenant })).rejects.toMatchObject({
    code: "run/not-undoable",
    data: { reason: expect.stringContaining("nobody knows") as string },
  });
  expect(undone).toHaveLength(tried);
});

describe("an undo that was given up", () => {
  const monthMs = 31 * 24 * 3_600_000;
  const approver = { principal: operator("ann"), reason: "" };

  async function givenUp() {
    const clock = fakeClock();
    const made = team({ risk: "high", clock });
    const run = await made.start("7");
    await run.result();
    const undo = await made.supervisor.compensate(run.id, { tenant });
    await undo.settled();
    clock.advance(monthMs);
    expect(await undo.result()).toMatchObject({ status: "failed" });
    const approve = async (one: { readonly approvals: typeof undo.approvals }) => {
      for (const { address } of await one.approvals())
        await made.supervisor.approvals.approve(tenant, address, approver);
    };
    return { ...made, run, undo, approve };
  }

  test("is not redriven once another run has undone the same", async () => {
    const { supervisor, run, undo, undone, approve } = await givenUp();
    const next = await supervisor.compensate(run.id, { tenant });
    await next.settled();
    expect(await supervisor.deadLetters.redrive(tenant, undo.id)).toBe(next.id);
    await approve(next);
    await next.result();
    expect(await supervisor.deadLetters.redrive(tenant, undo.id)).toBe(next.id);
    expect(undone).toEqual(["7"]);
  });

  test("has nothing left to redrive where its effects were undone before", async () => {
    const { supervisor, run, undo, undone, approve } = await givenUp();
    const next = await supervisor.compensate(run.id, { tenant });
    await next.settled();
    await approve(next);
    await next.result();
    await expect(supervisor.deadLetters.redrive(tenant, undo.id)).rejects.toMatchObject({ code: "run/not-undoable" });
    await supervisor.deadLetters.dismiss(tenant, undo.id, { reason: "done" });
    expect(undone).toEqual(["7"]);
  });

  test("is redriven as the next undo of its run, whoever asks for that", async () => {
    const { supervisor, run, undo, undone, approve } = await givenUp();
    const again = await supervisor.deadLetters.redrive(tenant, undo.id);
    expect(await supervisor.deadLetters.redrive(tenant, undo.id)).toBe(again);
    const next = await supervisor.compensate(run.id, { tenant });
    expect(next.id).toBe(again);
    await next.settled();
    await approve(next);
    expect(await next.result()).toMatchObject({ status: "completed", output: { undone: [{ tool: "cancel_order" }] } });
    expect(await supervisor.deadLetters.list({ tenant })).toEqual([]);
    expect(undone).toEqual(["7"]);
  });
});

test("a run's evidence names the runs that undid it, and none that only says so", async () => {
  const { supervisor, engine, start } = team();
  const run = await start("7");
  await run.result();
  const undo = await supervisor.compensate(run.id, { tenant });
  await undo.result();
  for (let other = 0; other <= 100; other++) await (await start("", `undo:${run.id}`)).result();
  const lines = exportEvidence(engine.journal, { tenant, runId: run.id }, { by: operator("o_1"), at: 1 });
  const first = await lines.next();
  expect(JSON.parse(first.value ?? "{}")).toMatchObject({ file: { run: run.id, undoneBy: [undo.id] } });
});

test("of an undo that was erased its evidence still tells, and nothing is undone beside it", async () => {
  const { supervisor, engine, start, undone } = team();
  const run = await start("7");
  await run.result();
  const undo = await supervisor.compensate(run.id, { tenant });
  const stranger = await start("", `undo:${run.id}`);
  for (const gone of [undo, stranger]) {
    await gone.result();
    const key = { tenant, runId: gone.id };
    await eraseRun(engine.journal, key, {
      by: operator("o_1"),
      reason: "asked for",
      now: () => 1,
      salt: randomIds().salt,
    });
  }
  const first = await exportEvidence(engine.journal, { tenant, runId: run.id }, { by: operator("o_1"), at: 1 }).next();
  expect(JSON.parse(first.value ?? "{}")).toMatchObject({ file: { run: run.id, undoneBy: [undo.id] } });
  await expect(supervisor.compensate(run.id, { tenant })).rejects.toMatchObject({
    code: "run/not-undoable",
    data: { reason: expect.stringContaining("erased") as string },
  });
  expect(undone).toEqual(["7"]);
});

test("who may not operate is not told which runs there are, and who may not see not what was shown of them", async () => {
  const roles = { start: ["*"], see: ["auditor"], approve: [], restrict: [], operate: ["lead"] };
  const { supervisor, start } = team({ roles });
  const run = await start("7");
  await run.result();
  const stranger = operator("sam");
  for (const id of [run.id, "run_none"]) {
    await expect(supervisor.compensate(id, { tenant, principal: stranger })).rejects.toMatchObject({
      code: "policy/operator-not-allowed",
      data: { action: "operate" },
    });
    await expect(supervisor.disclosures(id, { tenant, principal: stranger })).rejects.toMatchObject({
      code: "policy/operator-not-allowed",
      data: { action: "see" },
    });
  }
  expect(await supervisor.disclosures(run.id, { tenant, principal: operator("ann", ["auditor"]) })).toEqual([]);
});
