import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { eraseRun } from "../audit/erasure.ts";
import { memoryEngine } from "../engine/memory.ts";
import { lettersHandled } from "../governance/letters.ts";
import { randomIds } from "../ids.ts";
import { operator, user } from "../principal.ts";
import { functionModel } from "../testing/index.ts";
import { createSupervisor } from "./supervisor.ts";

const tenant = "acme";
const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Gives up.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "",
});

/** A team whose only run has failed. */
async function failed() {
  const engine = memoryEngine();
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: functionModel("m", () => [{ type: "refusal", reason: "no" }]) },
    engine,
  });
  const run = await supervisor.start({ text: "go" }, { tenant, principal: user("u_1") });
  expect((await run.result()).status).toBe("failed");
  return { engine, supervisor, run };
}

test("the run that a letter's first word names is the one that takes its place, whatever it would be called now", async () => {
  const { engine, supervisor, run } = await failed();
  const { salt } = randomIds();
  const handled = lettersHandled({ journal: engine.journal, now: () => 1, salt });
  await handled.redriven(tenant, run.id, "run_of_before", operator("o_1"));
  for (let asked = 0; asked < 2; asked++) {
    expect(await supervisor.deadLetters.redrive(tenant, run.id)).toBe("run_of_before");
  }
  const runs = await supervisor.list({ tenant });
  expect(runs.map(({ runId }) => runId).sort()).toEqual(["run_of_before", run.id].sort());
});

test("a failed run that was erased is no letter: nobody can say what it was asked, or what stands of it", async () => {
  const { engine, supervisor, run } = await failed();
  const { salt } = randomIds();
  const erasure = { by: operator("o_1"), reason: "asked for", now: () => 1, salt };
  await eraseRun(engine.journal, { tenant, runId: run.id }, erasure);
  const { deadLetters } = supervisor;
  expect(await deadLetters.list({ tenant })).toEqual([]);
  for (const act of [deadLetters.inspect, deadLetters.redrive]) {
    await expect(act(tenant, run.id)).rejects.toMatchObject({ code: "letter/unknown" });
  }
  await expect(deadLetters.dismiss(tenant, run.id, { reason: "" })).rejects.toMatchObject({ code: "letter/unknown" });
});
