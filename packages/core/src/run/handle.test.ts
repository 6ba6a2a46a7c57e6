import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, scriptedModel } from "../testing/scripted-model.ts";

test("methods that are taken off a run go on to be its own", async () => {
  const text = z.object({ text: z.string() });
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "m",
    tools: [],
    input: text,
    output: text,
    instructions: "",
  });
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine(),
    models: { m: scriptedModel([answers(clerk, { text: "done" })]) },
  });
  const begin = () => desk.start({ text: "go" }, { tenant: "acme", principal: user("u_1") });
  const { id, result, status, entries } = await begin();
  expect(await result()).toMatchObject({ runId: id });
  const other = await begin();
  expect(await other.result()).toMatchObject({ runId: other.id });
  expect(await status()).toBe("completed");
  expect((await entries()).at(-1)?.type).toBe("run.completed");
  expect(await Promise.all([other].map(({ settled }) => settled()))).toEqual(["completed"]);
});
