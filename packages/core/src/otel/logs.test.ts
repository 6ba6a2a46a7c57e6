import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";
import { exportOtelLogs, type OtelLogRecord } from "./logs.ts";

const secret = "zanzibar canary";
const look = defineTool({
  name: "look",
  description: "",
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  effect: "read",
  execute: (input) => input,
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [look],
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  instructions: "",
});

async function logs(captureContent?: boolean, blobChars = 16_384) {
  const engine = memoryEngine();
  const desk = createSupervisor({
    name: "desk",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    blobChars,
    models: {
      m: scriptedModel([
        callsAll(clerk, [
          ["look", { text: secret }],
          ["burn", { text: secret }],
        ]),
        answers(clerk, { text: secret }),
      ]),
    },
  });
  const run = await desk.start({ text: secret }, { tenant: "acme", principal: user("ann") });
  await run.result();
  const records: OtelLogRecord[] = [];
  const logger = { emit: (record: OtelLogRecord) => void records.push(record) };
  const key = { tenant: "acme", runId: run.id };
  const sent = await exportOtelLogs(engine.journal, key, { logger, ...(captureContent ? { captureContent } : {}) });
  return { records, sent, entries: await run.entries() };
}

test("every entry is one record, in order, with its place in the chain", async () => {
  const { records, sent, entries } = await logs();
  expect(sent).toBe(entries.length);
  expect(records.map(({ eventName }) => eventName)).toEqual(entries.map(({ type }) => `remit.${type}`));
  expect(records.every(({ attributes }) => typeof attributes["remit.entry.hash"] === "string")).toBe(true);
  expect(records[0]?.attributes).toMatchObject({
    "remit.principal": "ann",
    "remit.supervisor": "desk",
    "remit.entry.seq": 1,
  });
  expect(records.find(({ eventName }) => eventName === "remit.tool.denied")).toMatchObject({
    severityText: "WARN",
    attributes: { "gen_ai.tool.name": "burn", "remit.rule": "allowlist", "error.type": "policy/tool-unknown" },
  });
});

test("L1 contents go along only where that is asked for", async () => {
  expect(JSON.stringify((await logs()).records)).not.toContain(secret);
  expect(JSON.stringify((await logs(true)).records)).toContain(secret);
});

test("a body that is stored by reference is told as any other", async () => {
  const told = async (blobChars?: number) =>
    (await logs(true, blobChars)).records.map(({ eventName, body, attributes }) => {
      const { "remit.entry.hash": _, "remit.run.id": __, ...rest } = attributes;
      return [eventName, body?.includes("$blob"), Object.keys(rest).sort()];
    });
  expect(await told(20)).toEqual(await told());
});

test("a run that is not there is an error", async () => {
  const { journal } = memoryEngine();
  const logger = { emit: () => undefined };
  await expect(exportOtelLogs(journal, { tenant: "acme", runId: "run_x" }, { logger })).rejects.toThrow(/run\/unknown/);
});
