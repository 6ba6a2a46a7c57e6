import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { OrchestrationError } from "../errors.ts";
import { defineParallel } from "../handoff.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, calls, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";

const text = z.object({ text: z.string() });
const agent = { description: "", input: text, output: text, instructions: "" } as const;

test("a run that failed and only waits for a write under way asks nobody any more", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const book = defineTool({
    name: "book_room",
    description: "",
    input: text,
    output: text,
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: async (one) => {
      begun.resolve();
      await go.promise;
      return one;
    },
  });
  const plan = defineAgent({ ...agent, name: "plan", model: "m", tools: [] });
  const booker = defineAgent({ ...agent, name: "booker", model: "m", tools: [book] });
  const asker = defineAgent({ ...agent, name: "asker", model: "m", tools: [], asks: ["customer"] });
  const loser = defineAgent({ ...agent, name: "loser", model: "late", tools: [] });
  const lost = Promise.withResolvers<void>();
  const desk = createSupervisor({
    agents: { plan, booker, asker, loser },
    entry: "plan",
    exit: "plan",
    handoffs: [
      defineParallel({
        from: plan,
        max: 1,
        branches: {
          book: { to: booker, map: (one) => one },
          ask: { to: asker, map: (one) => one },
          lose: { to: loser, map: (one) => one },
        },
        join: { to: plan, map: ({ book: one }) => one },
      }),
    ],
    models: {
      m: scriptedModel([
        answers(plan, { text: "a room" }),
        calls(booker, "book_room", { text: "7" }),
        asks(asker, "customer", "Which day?"),
      ]),
      late: {
        id: "late",
        cost: "zero",
        generate: async () => {
          await lost.promise;
          throw new Error("lost");
        },
      },
    },
    engine: memoryEngine(),
  });
  const run = await desk.start({ text: "a room" }, { tenant: "acme", principal: user("u_1") });
  const asked = async (type: string) => {
    for await (const entry of run.events()) if (entry.type === type) return;
  };
  await begun.promise;
  await asked("input.requested");
  const waiting = async () => [
    (await run.questions()).length,
    (await desk.list({ tenant: "acme", waitingFor: "question" })).length,
  ];
  expect((await run.questions()).map(({ question }) => question)).toEqual(["Which day?"]);

  lost.resolve();
  await asked("agent.failed");
  expect(await run.status()).toBe("running");
  expect(await waiting()).toEqual([0, 0]);
  const refused = await run.send("Monday").catch((thrown: unknown) => thrown);
  expect(OrchestrationError.is(refused, "run/not-waiting")).toBe(true);

  go.resolve();
  const result = await run.result();
  expect(result.status).toBe("failed");
  expect((await run.effects()).map(({ outcome }) => outcome)).toEqual(["done"]);
  expect(await desk.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
});
