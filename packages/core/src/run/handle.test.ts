import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { memoryEngine } from "../engine/memory.ts";
import { seededIds } from "../ids.ts";
import { memoryJournal } from "../journal/memory.ts";
import { systemClock } from "../port/clock.ts";
import { silentLogger } from "../port/logger.ts";
import type { Model, ModelResponse } from "../port/model.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, scriptedModel } from "../testing/scripted-model.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  asks: ["customer"],
  input: text,
  output: text,
  instructions: "",
});
const who = { tenant: "acme", principal: user("u_1") };
const team = { agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] } as const;

test("methods that are taken off a run go on to be its own", async () => {
  const desk = createSupervisor({
    ...team,
    engine: memoryEngine(),
    models: { m: scriptedModel([answers(clerk, { text: "done" })]) },
  });
  const begin = () => desk.start({ text: "go" }, who);
  const { id, result, status, entries } = await begin();
  expect(await result()).toMatchObject({ runId: id });
  const other = await begin();
  expect(await other.result()).toMatchObject({ runId: other.id });
  expect(await status()).toBe("completed");
  expect((await entries()).at(-1)?.type).toBe("run.completed");
  expect(await Promise.all([other].map(({ settled }) => settled()))).toEqual(["completed"]);
});

test("a cancel that comes behind the end says so, however close behind", async () => {
  const said = Promise.withResolvers<ModelResponse>();
  const asked = Promise.withResolvers<void>();
  const model: Model = {
    id: "late",
    cost: "zero",
    generate: () => {
      asked.resolve();
      return said.promise;
    },
  };
  const journal = memoryJournal();
  let looks = 0;
  let ended: Promise<unknown> | undefined;
  const findRun: typeof journal.findRun = async (tenant, runId) => {
    const found = await journal.findRun(tenant, runId);
    // The first look of the cancel: the run ends between that and its word.
    if (ended && looks++ === 0) {
      said.resolve({ parts: [{ type: "output", value: { text: "done" } }] });
      await ended;
    }
    return found;
  };
  const engine = localEngine({
    name: "test",
    journal: { ...journal, findRun },
    clock: systemClock(),
    logger: silentLogger,
  });
  const run = await createSupervisor({ ...team, engine, models: { m: model } }).start({ text: "go" }, who);
  await asked.promise;
  const result = run.result();
  ended = result;
  await expect(run.cancel("too late")).rejects.toMatchObject({
    code: "run/already-ended",
    data: { status: "completed" },
  });
  expect(await result).toMatchObject({ status: "completed" });
});

test("the answer to another question is not lost under a key that was used", async () => {
  const desk = createSupervisor({
    ...team,
    engine: memoryEngine(),
    models: {
      m: scriptedModel([
        asks(clerk, "customer", "Which?"),
        asks(clerk, "customer", "How many?"),
        answers(clerk, { text: "done" }),
      ]),
    },
  });
  const run = await desk.start({ text: "go" }, who);
  await run.settled();
  const [first] = await run.questions();
  await run.send("this", { key: "k", ask: first?.ask ?? "" });
  await run.settled();
  const [second] = await run.questions();
  expect(second?.question).toBe("How many?");
  // The same answer once more, as somebody sends it who has heard of no receipt.
  await run.send("this", { key: "k", ask: first?.ask ?? "" });
  await run.send("this", { key: "k" });
  await expect(run.send("two", { key: "k", ask: second?.ask ?? "" })).rejects.toMatchObject({
    code: "run/key-used",
    data: { key: "k", answered: first?.ask, ask: second?.ask },
  });
  expect(await run.questions()).toEqual([second]);
  await run.send("two", { key: "k2", ask: second?.ask ?? "" });
  expect(await run.result()).toMatchObject({ status: "completed" });
});

test.each([[""], [null], [7], [{}]])("%j is no key: it would make one of what strangers say", async (key) => {
  const desk = createSupervisor({
    ...team,
    engine: memoryEngine(),
    models: { m: scriptedModel([asks(clerk, "customer", "Which?")]) },
  });
  const refused = { code: "run/key-invalid", data: { value: JSON.stringify(key) } };
  await expect(desk.start({ text: "go" }, { ...who, idempotencyKey: key as string })).rejects.toMatchObject(refused);
  const run = await desk.start({ text: "go" }, who);
  await run.settled();
  await expect(run.send("this", { key: key as string })).rejects.toMatchObject(refused);
});

test("a run that is given the id of another one is refused, and is not taken for that one", async () => {
  const engine = memoryEngine({ logger: silentLogger });
  const model: Model = { id: "slow", cost: "zero", generate: () => new Promise<never>(() => {}) };
  const parts = { ...team, engine, models: { m: model } };
  const one = await createSupervisor({ ...parts, ids: seededIds(1) }).start({ text: "mine" }, who);
  await expect(createSupervisor({ ...parts, ids: seededIds(1) }).start({ text: "yours" }, who)).rejects.toMatchObject({
    code: "journal/conflict",
  });
  expect((await one.entries())[0]?.body).toMatchObject({ input: { text: "mine" } });
  await engine.close();
});
