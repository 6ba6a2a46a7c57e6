import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { operator, user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, calls, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool, ToolRefusal } from "../tool.ts";

const text = z.object({ text: z.string() });
const tenant = "acme";

/** A write that asks somebody before it turns to the other side, as local code does; its first try may break in the midst. */
async function played({ breaks, asks }: { readonly breaks: boolean; readonly asks: boolean }) {
  const sent: number[] = [];
  const pay = defineTool({
    name: "pay",
    description: "",
    input: text,
    output: text,
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: async (one, { attempt, elicit }) => {
      if (breaks && attempt === 1) {
        sent.push(attempt); // The other side has it, and nobody hears of that.
        throw new Error("the line broke");
      }
      if (!asks) throw new ToolRefusal("not under this key");
      const said = await elicit?.({ mode: "url", message: "Shall I?", url: "https://example.com/1" });
      if (said?.action !== "accept") throw new ToolRefusal("a person said no");
      return one;
    },
  });
  const payer = defineAgent({
    ...{ name: "payer", description: "", model: "m", instructions: "" },
    ...{ tools: [pay], input: text, output: text },
  });
  const desk = createSupervisor({
    agents: { payer },
    entry: "payer",
    exit: "payer",
    handoffs: [],
    models: { m: scriptedModel([calls(payer, "pay", { text: "7" }), answers(payer, { text: "well" })]) },
    engine: memoryEngine(),
  });
  const run = await desk.start({ text: "pay" }, { tenant, principal: user("u_1") });
  await expect.poll(async () => (await desk.approvals.questions({ tenant })).length).toBe(asks ? 1 : 0);
  const waiting = await desk.approvals.questions({ tenant });
  for (const { address } of waiting)
    await desk.approvals.answer(tenant, address, { action: "decline", principal: operator("o_1") });
  await run.settled();
  const outcomes = async () => (await run.effects()).map(({ outcome }) => outcome);
  return { desk, run, sent, outcomes };
}

test("a person's no to a later try says nothing of an earlier one that may have happened: somebody has to look", async () => {
  const { desk, run, sent, outcomes } = await played({ breaks: true, asks: true });
  expect(sent).toEqual([1]);
  const [open] = await run.uncertain();
  expect(open?.tool).toBe("pay");
  expect(await outcomes()).toEqual(["uncertain"]);
  await run.settle(open?.effect ?? "", { outcome: "happened", output: { text: "7" }, reason: "seen" });
  expect((await run.result()).status).toBe("completed");
  expect(await outcomes()).toEqual(["done"]);
  expect(await desk.replay(run.id, { tenant })).toMatchObject({ ok: true });
});

test("to the first try it is a refusal", async () => {
  const { outcomes } = await played({ breaks: false, asks: true });
  expect(await outcomes()).toEqual(["refused"]);
});

test("and so is the other side's own answer under the key, whatever became of an earlier try", async () => {
  const { outcomes } = await played({ breaks: true, asks: false });
  expect(await outcomes()).toEqual(["refused"]);
});
