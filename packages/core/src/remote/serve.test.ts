import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { eraseRun } from "../audit/erasure.ts";
import { localEngine } from "../engine/local.ts";
import { OrchestrationError } from "../errors.ts";
import { seededIds } from "../ids.ts";
import { openBatch } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Journal } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import { operator, user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { type FakeClock, fakeClock } from "../testing/fake-clock.ts";
import { answers, asks, scriptedModel } from "../testing/scripted-model.ts";
import { remoteAgent } from "./agent.ts";
import { defineSpecialist } from "./contract.ts";
import { lettersStream } from "./directory.ts";
import { serveSpecialist } from "./serve.ts";

const order = z.object({ id: z.string() });
const done = z.object({ done: z.string() });
const refunds = defineSpecialist({
  name: "refunds",
  version: "1",
  description: "",
  input: order,
  output: done,
  tools: {},
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  asks: ["customer"],
  input: order,
  output: done,
  instructions: "",
});
const agent = remoteAgent(refunds);

let clock: FakeClock;
let passing: NodeJS.Timeout;
beforeEach(() => {
  clock = fakeClock();
  passing = setInterval(() => clock.advance(200), 0);
});
afterEach(() => clearInterval(passing));

/** A process whose events reach no other one: what it says to them it leaves in the journal. */
function processOn(journal: Journal, name: string) {
  return localEngine({
    name,
    journal: { ...journal, close: async () => {} },
    clock,
    logger: silentLogger,
    shared: true,
  });
}

async function owner(journal: Journal, name: string) {
  const engine = processOn(journal, name);
  const model = scriptedModel([asks(clerk, "customer", "Sure?"), answers(clerk, { done: "7" })]);
  const served = serveSpecialist({ specialist: refunds, agent: clerk, engine, models: { m: model } });
  await served.ready();
  return {
    stop: async () => {
      served.close();
      await engine.close();
    },
  };
}

function caller(journal: Journal) {
  const team = { agents: { refunds: agent }, entry: "refunds", exit: "refunds", handoffs: [] } as const;
  const desk = createSupervisor({ ...team, engine: processOn(journal, "desk"), models: {} });
  return async () => {
    const run = await desk.start({ id: "order-of-ann" }, { tenant: "acme", principal: user("u_1") });
    await expect.poll(async () => (await run.questions()).length).toBe(1);
    await run.send("yes, says ann", { key: "k" });
    expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
    const sent = (await run.entries()).find(({ type }) => type === "delegation.sent");
    return sent?.type === "delegation.sent" ? sent.body.run : "";
  };
}

test("what was left for a run is erased with it, and the next process of its owner takes what is new", async () => {
  const journal = memoryJournal();
  const refund = caller(journal);
  const first = await owner(journal, "one");
  const run = await refund();
  await first.stop();
  const letters = lettersStream({ tenant: "acme", runId: run });
  const left = async () => [
    ...(await journal.read(letters)),
    ...(await journal.read({ tenant: "remit", kind: "delegations", id: "left:refunds@1" })),
  ];
  expect(JSON.stringify(await left())).toContain("ann");
  const by = { by: operator("dpo"), reason: "asked for", now: clock.now, salt: seededIds(1).salt };
  await eraseRun(journal, { tenant: "acme", runId: run }, by);
  const stored = await left();
  expect(stored.flatMap((batch) => openBatch(batch, "")).length).toBe(4);
  expect(JSON.stringify(stored)).not.toContain("ann");
  // It reads the box from its beginning, where the letters of the erased run lie.
  const next = await owner(journal, "two");
  await refund();
  await next.stop();
});

test("one run that cannot be gone on with does not hold up what lies behind it in the box", async () => {
  const journal = memoryJournal();
  const refund = caller(journal);
  let broken: string | undefined;
  const damaged: Journal = {
    ...journal,
    append: (key, batch, expectedSeq, record) => {
      if (key.kind === "run" && record?.supervisor === "refunds") broken ??= key.id;
      if (key.id !== broken) return journal.append(key, batch, expectedSeq, record);
      throw new OrchestrationError("journal/broken-chain", { stream: key.id, seq: 1, reason: "it was damaged" });
    },
  };
  const stopped = createSupervisor({
    agents: { refunds: agent },
    entry: "refunds",
    exit: "refunds",
    handoffs: [],
    name: "first",
    engine: processOn(journal, "first"),
    models: {},
  });
  const serving = await owner(damaged, "one");
  await stopped.start({ id: "order-of-bob" }, { tenant: "acme", principal: user("u_1") });
  await expect.poll(() => broken).toBeDefined();
  await refund();
  await serving.stop();
});

test("a run waits for no place of its own: what it begins and stops elsewhere in its process needs none", async () => {
  const engine = localEngine({ name: "one", journal: memoryJournal(), clock, logger: silentLogger, driving: 1 });
  const model = scriptedModel([
    asks(clerk, "customer", "Sure?"),
    answers(clerk, { done: "7" }),
    asks(clerk, "customer", "Sure?"),
  ]);
  const served = serveSpecialist({ specialist: refunds, agent: clerk, engine, models: { m: model } });
  await served.ready();
  const team = { agents: { refunds: agent }, entry: "refunds", exit: "refunds", handoffs: [] } as const;
  const desk = createSupervisor({ ...team, engine, models: {} });
  const start = () => desk.start({ id: "7" }, { tenant: "acme", principal: user("u_1") });
  const run = await start();
  await expect.poll(async () => (await run.questions()).length).toBe(1);
  await run.send("yes");
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });

  const second = await start();
  await expect.poll(async () => (await second.questions()).length).toBe(1);
  await second.cancel("not wanted");
  expect((await second.result()).status).toBe("cancelled");
  const ended = (await second.entries()).filter(({ type }) => type.startsWith("delegation.")).at(-1);
  expect(ended).toMatchObject({ type: "delegation.ended", body: { end: { status: "cancelled" } } });
  await engine.close();
});

test("who was told of much waits no longer for what is not told any more", async () => {
  clearInterval(passing);
  const engine = localEngine({ name: "one", journal: memoryJournal(), clock, logger: silentLogger });
  const questions = Array.from({ length: 7 }, () => asks(clerk, "customer", "Sure?"));
  const model = scriptedModel([...questions, answers(clerk, { done: "7" })]);
  const served = serveSpecialist({ specialist: refunds, agent: clerk, engine, models: { m: model } });
  await served.ready();
  const team = { agents: { refunds: agent }, entry: "refunds", exit: "refunds", handoffs: [] } as const;
  const desk = createSupervisor({ ...team, engine, models: {} });
  const run = await desk.start({ id: "7" }, { tenant: "acme", principal: user("u_1") });
  for (const [index] of questions.entries()) {
    await engine.idle();
    await run.send("yes", { ask: `refunds#1/clerk#1/ask#${index + 1}` });
    clock.advance(1_000);
  }
  await engine.idle();
  const looks = (await run.entries()).flatMap((one) => (one.type === "delegation.accepted" ? [one.body] : []));
  expect(looks.length).toBeGreaterThan(5);
  // Seven seconds are gone, and not hours.
  for (const { lookAfterMs } of looks) expect(lookAfterMs).toBeLessThanOrEqual(7 * 7_000);
  expect(await run.result()).toMatchObject({ status: "completed" });
  await engine.close();
});
