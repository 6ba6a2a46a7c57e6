import {
  createSupervisor,
  defineAgent,
  defineEscalation,
  defineHandoff,
  defineThreshold,
  memoryEngine,
  runSupervisor,
  user,
} from "@remit/core";
import { functionModel } from "@remit/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { serviceDesk } from "../desk.ts";
import { triage } from "../triage.ts";
import { trainClassifier } from "./classifier.ts";
import { letters } from "./letters.test.data.ts";
import { classifierModel } from "./model.ts";

const classifier = trainClassifier(letters(400));
const at = { tenant: "acme", principal: user("u_17") };

const sorter = defineAgent({
  name: "sorter",
  description: "Sorts letters.",
  model: "fast",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ intent: z.string(), confidence: z.number().min(0).max(1) }),
  instructions: "Name the kind of letter.",
});
const redirects = defineAgent({
  name: "redirects",
  description: "Redirects.",
  model: "careful",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Redirect.",
});

const sorting = classifierModel({
  agent: sorter,
  classifier,
  text: ({ text }) => text,
  answer: ({ intent, confidence }) => ({ intent, confidence }),
});

const office = (stronger?: "careful") =>
  createSupervisor({
    agents: { sorter, redirects },
    entry: "sorter",
    exit: "redirects",
    handoffs: [
      defineHandoff({
        from: sorter,
        to: redirects,
        when: ({ intent }) => intent === "redirect",
        map: () => ({ text: "" }),
      }),
      defineEscalation({ from: sorter, reason: "other_queue", packet: ({ intent }) => ({ intent }) }),
    ],
    thresholds: [
      defineThreshold({
        agent: sorter,
        atLeast: 0.7,
        read: ({ confidence }) => confidence,
        ...(stronger ? { stronger } : {}),
      }),
    ],
    models: {
      fast: sorting,
      careful: functionModel("large", ({ agent }) => [
        { type: "output", value: agent === "sorter" ? { intent: "redirect", confidence: 0.9 } : { reply: "Done." } },
      ]),
    },
    engine: memoryEngine(),
  });

test("what is sure is routed at once, and what is not goes to a person", async () => {
  const desk = office();
  const sure = await desk.start({ text: "I have moved house, the old address is wrong" }, at);
  expect(await sure.result()).toMatchObject({ status: "completed", output: { reply: "Done." } });
  const calls = (await sure.entries()).filter(({ type }) => type === "model.called");
  expect(calls.map(({ path }) => path)).toEqual(["sorter#1", "redirects#1"]);
  const other = await desk.start({ text: "The box was broken, I have pictures" }, at);
  expect(await other.result()).toMatchObject({ status: "escalated", reason: "other_queue" });
  const unsure = await desk.start({ text: "Vvbk zzqx?" }, at);
  expect(await unsure.result()).toMatchObject({ status: "escalated", reason: "low_confidence" });
});

test("or to a stronger model first", async () => {
  const run = await office("careful").start({ text: "Vvbk zzqx?" }, at);
  expect(await run.result()).toMatchObject({ status: "completed" });
});

test("it serves the ready-made triage, and a person gets what it is not sure of", async () => {
  const desk = serviceDesk({ judges: {}, confidenceAtLeast: 0.7 });
  const model = classifierModel({
    agent: triage,
    classifier,
    text: ({ text }) => text,
    answer: ({ intent, confidence }, { text }) => ({
      intent,
      confidence,
      kind: intent === "where_is_it" ? "question" : "change",
      severity: "low",
      sensitivity: "personal",
      summary: text.slice(0, 4_000),
      language: "en",
      question: "",
    }),
  });
  const says = functionModel("large", ({ agent }) => [
    {
      type: "output",
      value:
        agent === "retrieval"
          ? { passages: [], summary: "On its way.", missing: [] }
          : { disposition: "answered", reply: "It is on its way." },
    },
  ]);
  const service = runSupervisor(desk, { models: { fast: model, careful: says }, engine: memoryEngine() });
  const answered = await service.start({ text: "Where is my parcel, it is late" }, at);
  expect(await answered.result()).toMatchObject({ status: "completed", output: { reply: "It is on its way." } });
  const unsure = await service.start({ text: "Vvbk zzqx?" }, at);
  expect(await unsure.result()).toMatchObject({ status: "escalated", reason: "low_confidence" });
});

test("it answers for its own agent alone", async () => {
  const request = { agent: "writer", input: { text: "x" } } as never;
  expect(() => sorting.generate(request, { signal: new AbortController().signal })).toThrow(
    expect.objectContaining({ code: "classifier/request-foreign", data: { wanted: "sorter", agent: "writer" } }),
  );
});
