import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { defineQuestion } from "../handoff.ts";
import { memoryJournal } from "../journal/memory.ts";
import { silentLogger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, fakeClock, scriptedModel } from "../testing/index.ts";

const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ done: z.boolean() }),
  instructions: "Ask on.",
});
const unfinished = answers(clerk, { done: false });

test("a stream shows what another process wrote meanwhile, in order and once", async () => {
  const journal = memoryJournal();
  const open = () =>
    createSupervisor({
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [
        defineQuestion({
          from: clerk,
          when: ({ done }) => !done,
          of: "customer",
          ask: () => "?",
          to: clerk,
          map: (text) => ({ text }),
        }),
      ],
      models: { m: scriptedModel([unfinished, unfinished, unfinished, answers(clerk, { done: true })]) },
      engine: localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger }),
    });
  const here = open();
  const there = open();
  const principal = user("u_1");
  const run = await here.start({ text: "hello" }, { tenant: "acme", principal });
  await run.settled();
  const seen: number[] = [];
  const watching = (async () => {
    for await (const { seq } of run.events()) seen.push(seq);
  })();
  const elsewhere = await there.find(run.id, { tenant: "acme" });
  await elsewhere.send("one", { principal });
  await elsewhere.settled();
  await elsewhere.send("two", { principal });
  await elsewhere.settled();
  await run.send("three", { principal });
  await watching;
  const entries = await run.entries();
  expect(entries.at(-1)?.type).toBe("run.completed");
  expect(seen).toEqual(entries.map(({ seq }) => seq));
});

test.each([0, -3, 1.5, 2.5])("a stream from %d on begins with the next entry that there is", async (fromSeq) => {
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: scriptedModel([answers(clerk, { done: true })]) },
    engine: localEngine({ name: "memory", journal: memoryJournal(), clock: fakeClock(), logger: silentLogger }),
  });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  await run.result();
  const seen: number[] = [];
  for await (const { seq } of run.events({ fromSeq })) seen.push(seq);
  const all = (await run.entries()).map(({ seq }) => seq);
  expect(seen).toEqual(all.filter((seq) => seq >= fromSeq));
});
