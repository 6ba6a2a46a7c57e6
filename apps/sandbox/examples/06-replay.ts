/** A finished run is decided again from its journal alone; a changed byte is found and named. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createSupervisor, defineAgent, type Engine, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { answers, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const clerk = defineAgent({
  name: "clerk",
  description: "Decides on a claim.",
  model: "fast",
  tools: [],
  input: z.object({ claim: z.string() }),
  output: z.object({ payCents: z.int() }),
  instructions: "Decide.",
});
const desk = (engine: Engine) =>
  createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { fast: scriptedModel([answers(clerk, { payCents: 1_000 })]) },
    engine,
  });

const folder = mkdtempSync(join(tmpdir(), "remit-example-"));
try {
  const path = join(folder, "journal.db");
  const engine = sqliteEngine({ path });
  const run = await desk(engine).start({ claim: "c1" }, { tenant: "acme", principal: user("u_17") });
  await run.result();
  const honest = await desk(engine).replay(run.id, { tenant: "acme" });
  console.log(honest);
  assert.equal(honest.ok, true);
  await engine.close();

  // Somebody pays himself more, with full access to the file.
  const file = new DatabaseSync(path);
  file.exec("UPDATE batches SET lines = replace(lines, '\"payCents\":1000', '\"payCents\":9000')");
  file.close();

  const reopened = sqliteEngine({ path });
  const tampered = await desk(reopened).replay(run.id, { tenant: "acme" });
  console.log(tampered.fault);
  assert.equal(tampered.fault?.kind, "chain");
  await reopened.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
