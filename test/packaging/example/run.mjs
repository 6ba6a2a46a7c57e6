// A user's program, run with the installed packages. It must print the last line and nothing else.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceDesk } from "@remit/agents";
import {
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineTool,
  memoryEngine,
  OrchestrationError,
  user,
} from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { answers, asks, calls, scriptedModel } from "@remit/core/testing";
import { calculate } from "@remit/tools";
import { z } from "zod";

assert.throws(
  () =>
    defineTool({
      name: "no spaces please",
      description: "",
      input: z.object({}),
      output: z.object({}),
      effect: "read",
    }),
  (error) => OrchestrationError.is(error, "tool/name-invalid"),
);

const keys = new Set();
const addNote = defineTool({
  name: "add_note",
  description: "Adds a note to a case.",
  input: z.object({ caseId: z.string(), text: z.string() }),
  output: z.object({ noteId: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: ({ caseId }, { idempotencyKey }) => {
    keys.add(idempotencyKey);
    return { noteId: `${caseId}-note` };
  },
});
const sorter = defineAgent({
  name: "sorter",
  description: "Names the case.",
  model: "fast",
  tools: [calculate],
  asks: ["customer"],
  input: z.object({ text: z.string() }),
  output: z.object({ caseId: z.string() }),
  instructions: "Say which case this is about.",
});
const writer = defineAgent({
  name: "writer",
  description: "Writes the note.",
  model: "fast",
  tools: [addNote],
  input: z.object({ caseId: z.string() }),
  output: z.object({ noteId: z.string() }),
  instructions: "Write one note.",
});
const desk = (engine) =>
  createSupervisor({
    agents: { sorter, writer },
    entry: "sorter",
    exit: "writer",
    handoffs: [defineHandoff({ from: sorter, to: writer, map: ({ caseId }) => ({ caseId }) })],
    models: {
      fast: scriptedModel([
        asks(sorter, "customer", "Which case?"),
        answers(sorter, { caseId: "c1" }),
        calls(writer, "add_note", { caseId: "c1", text: "hello" }),
        answers(writer, { noteId: "c1-note" }),
      ]),
    },
    engine,
  });

const folder = mkdtempSync(join(tmpdir(), "a-user-"));
try {
  const path = join(folder, "journal.db");
  for (const open of [() => memoryEngine(), () => sqliteEngine({ path })]) {
    const engine = open();
    const run = await desk(engine).start({ text: "a note, please" }, { tenant: "acme", principal: user("u_1") });
    assert.equal(await run.settled(), "parked");
    await run.send("c1");
    const result = await run.result();
    assert.deepEqual(result.output, { noteId: "c1-note" });
    const replayed = await desk(engine).replay(run.id, { tenant: "acme" });
    assert.equal(replayed.ok, true);
    assert.equal(replayed.journalHash, result.journalHash);
    await engine.close();
  }
  assert.equal(keys.size, 2);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
assert.match(serviceDesk().hash, /^[\w-]{43}$/);
console.log("the example ran");
