import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Batch, Journal } from "../port/journal.ts";
import { operator } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { exportEvidence } from "./evidence.ts";

const text = z.object({ text: z.string() });

async function played() {
  const engine = memoryEngine();
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    instructions: "Answer.",
    model: "fast",
    tools: [],
    input: text,
    output: text,
  });
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    blobChars: 60,
    models: {
      fast: { id: "m", cost: "zero", generate: ({ input }) => ({ parts: [{ type: "output", value: input }] }) },
    },
  });
  const run = await desk.start({ text: `pay 100 ${"and so on ".repeat(10)}` }, { tenant: "acme" });
  await run.result();
  await engine.idle();
  return { journal: engine.journal, key: { tenant: "acme", runId: run.id } };
}

/** The same journal, of which somebody has written over a part. */
function written(journal: Journal, over: Partial<Pick<Journal, "read" | "getBlob">>): Journal {
  return Object.assign(Object.create(journal) as Journal, over);
}

async function exported(journal: Journal, key: { readonly tenant: string; readonly runId: string }): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportEvidence(journal, key, { by: operator("auditor"), at: 0 })) lines.push(line);
  return lines;
}

test("a payload that somebody has written over is told by name, and is nobody's evidence", async () => {
  const { journal, key } = await played();
  expect((await exported(journal, key)).length).toBeGreaterThan(3);
  const changed = written(journal, {
    getBlob: async (tenant, address) => (await journal.getBlob(tenant, address))?.replaceAll("pay 100", "pay 900"),
  });
  await expect(exported(changed, key)).rejects.toMatchObject({
    code: "journal/broken-chain",
    data: { seq: 1, stream: key.runId, reason: "its payload does not fit its address" },
  });
});

test.each([
  ["a line that cannot be read", (lines: string) => lines.replace('{"', "{{"), "the line is not readable"],
  ["no line at all", () => "", "it is missing"],
])("%s is told by name", async (_, change, reason) => {
  const { journal, key } = await played();
  const changed = written(journal, {
    read: async (...about) =>
      (await journal.read(...about)).map(
        ({ firstSeq, lastSeq, hash, lines }): Batch => ({ firstSeq, lastSeq, hash, lines: change(lines) }),
      ),
  });
  await expect(exported(changed, key)).rejects.toMatchObject({
    code: "journal/broken-chain",
    data: { seq: 1, stream: key.runId, reason },
  });
});
