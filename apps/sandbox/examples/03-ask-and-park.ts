/** A run asks its customer, is forgotten by the process, and goes on in another engine when the answer comes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSupervisor, defineAgent, defineQuestion, type Engine, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { answers, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const intake = defineAgent({
  name: "intake",
  description: "Finds out which order is meant.",
  model: "fast",
  tools: [],
  input: z.object({ text: z.string(), order: z.string().optional() }),
  output: z.object({ order: z.string().nullable() }),
  instructions: "Name the order, or null when the customer has not said which.",
});

const desk = (engine: Engine) =>
  createSupervisor({
    name: "intake-desk",
    agents: { intake },
    entry: "intake",
    exit: "intake",
    handoffs: [
      defineQuestion({
        from: intake,
        when: ({ order }) => order === null,
        max: 2,
        of: "customer",
        ask: () => "Which order is it about?",
        answer: z.string().regex(/^\d+$/, "a number"),
        to: intake,
        map: (answer) => ({ text: "The customer has answered.", order: answer }),
      }),
    ],
    models: { fast: scriptedModel([answers(intake, { order: null }), answers(intake, { order: "42" })]) },
    engine,
  });

const folder = mkdtempSync(join(tmpdir(), "remit-example-"));
try {
  const path = join(folder, "journal.db");
  const monday = sqliteEngine({ path });
  const asked = await desk(monday).start({ text: "Where is my parcel?" }, { tenant: "acme", principal: user("u_17") });
  assert.equal(await asked.settled(), "parked");
  console.log((await asked.questions())[0]?.question);
  await monday.close(); // nothing of the run is in memory now

  const friday = sqliteEngine({ path });
  const run = await desk(friday).find(asked.id, { tenant: "acme" });
  await assert.rejects(run.send("the blue one"), { code: "run/answer-invalid" });
  await run.send("42", { key: "mail-1" });
  await run.send("42", { key: "mail-1" }); // delivered twice, taken once
  const result = await run.result();
  assert.deepEqual(result.status === "completed" && result.output, { order: "42" });
  console.log("answered on Friday:", result.status);
  await friday.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
