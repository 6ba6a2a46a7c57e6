import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { operator, user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { calls, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";

/** What people say comes from forms and requests, which no compiler reads: a misspelt word is none, and never the other one. */

const text = z.object({ text: z.string() });

async function waitingFor(risk: "low" | "high") {
  const pay = defineTool({
    name: "pay",
    description: "",
    input: text,
    output: text,
    effect: "write",
    risk,
    idempotency: "none",
    execute: () => {
      throw new Error("the line broke");
    },
  });
  const payer = defineAgent({
    name: "payer",
    description: "",
    model: "m",
    tools: [pay],
    input: text,
    output: text,
    instructions: "",
  });
  const desk = createSupervisor({
    agents: { payer },
    entry: "payer",
    exit: "payer",
    handoffs: [],
    models: { m: scriptedModel([calls(payer, "pay", { text: "7" })]) },
    engine: memoryEngine(),
  });
  const run = await desk.start({ text: "pay" }, { tenant: "acme", principal: user("u_1") });
  await run.settled();
  return { desk, run, before: (await run.entries()).length };
}

const refused = (member: string) =>
  expect.objectContaining({ code: "options/invalid", data: expect.objectContaining({ member }) });

test.each([
  [{ outcome: "HAPPENED", reason: "seen" }, "outcome"],
  [{ outcome: true, reason: "seen" }, "outcome"],
  [{ reason: "seen" }, "outcome"],
  [{ outcome: "happened", reason: { text: "seen" } }, "reason"],
  [undefined, "options"],
])("an outcome of %o settles no write: it was taken for one that never happened", async (word, member) => {
  const { run, before } = await waitingFor("low");
  const [open] = await run.uncertain();
  await expect(run.settle(open?.effect ?? "", word as never)).rejects.toEqual(refused(member));
  expect(await run.uncertain()).toEqual([open]);
  expect(await run.entries()).toHaveLength(before);
});

test.each([
  [{ decision: "yes", reason: "seen" }, "decision"],
  [{ reason: "seen" }, "decision"],
  [{ decision: "approve" }, "reason"],
  [undefined, "options"],
])("a decision of %o is no word on a case, and in no journal", async (word, member) => {
  const { desk, run, before } = await waitingFor("high");
  const [open] = await run.approvals();
  const said = word && { ...word, principal: operator("o_1") };
  await expect(desk.approvals.decide("acme", open?.address ?? "", said as never)).rejects.toEqual(refused(member));
  expect(await run.entries()).toHaveLength(before);
  expect(await run.approvals()).toEqual([open]);
});

test("a case in the place of its address, no filter, and a reason that is no text are told", async () => {
  const { desk, run, before } = await waitingFor("high");
  const [open] = await run.approvals();
  const word = { reason: "seen", principal: operator("o_1") };
  await expect(desk.approvals.approve("acme", open as never, word)).rejects.toEqual(refused("address"));
  await expect(desk.approvals.list(undefined as never)).rejects.toEqual(refused("options"));
  await expect(run.cancel({ reason: "enough" } as never)).rejects.toEqual(refused("reason"));
  await expect(run.cancel("enough", { subtree: 1 as never })).rejects.toEqual(refused("subtree"));
  expect(await run.entries()).toHaveLength(before);
});
