import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { exportEvidence } from "../audit/evidence.ts";
import { verifyEvidence } from "../audit/verify.ts";
import { memoryEngine } from "../engine/memory.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";

test("a run's evidence says which values were disclosed, and to whom, and its verifier takes it", async () => {
  const engine = memoryEngine();
  const echo = defineAgent({
    name: "echo",
    description: "Echoes.",
    instructions: "Echo.",
    model: "m",
    tools: [],
    input: z.object({ name: z.string().meta({ dataClass: "person" }) }),
    output: z.object({ name: z.string() }),
  });
  const supervisor = createSupervisor({
    agents: { echo },
    entry: "echo",
    exit: "echo",
    handoffs: [],
    engine,
    vault: { key: Buffer.alloc(32, 5) },
    answers: { reveals: ["person"] },
    models: { m: { id: "m", cost: "zero", generate: ({ input }) => ({ parts: [{ type: "output", value: input }] }) } },
  });
  const run = await supervisor.start({ name: "Ada Lovelace" }, { tenant: "acme" });
  await run.result();
  const lines: string[] = [];
  const key = { tenant: "acme", runId: run.id };
  for await (const line of exportEvidence(engine.journal, key, { by: user("auditor"), at: 0 })) lines.push(line);
  expect(lines.filter((line) => line.includes("value.disclosed"))).toHaveLength(1);
  expect(lines.join("")).not.toContain("Ada Lovelace");
  expect(await verifyEvidence(lines)).toMatchObject({ ok: true });
});
