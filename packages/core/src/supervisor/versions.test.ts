import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineQuestion } from "../handoff.ts";
import type { Logger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { answers, scriptedModel } from "../testing/index.ts";
import { createSupervisor } from "./supervisor.ts";

const clerk = defineAgent({
  name: "clerk",
  description: "Counts.",
  model: "m",
  tools: [],
  input: z.object({ n: z.int() }),
  output: z.object({ n: z.int() }),
  instructions: "Count.",
});

function desk(engine: ReturnType<typeof memoryEngine>, version: string, when: (output: { n: number }) => boolean) {
  const warnings: Record<string, unknown>[] = [];
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (fields, sentence) => warnings.push({ ...fields, sentence }),
    error: () => {},
  };
  const supervisor = createSupervisor({
    name: "counting",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [
      defineQuestion({
        from: clerk,
        name: "again",
        version,
        when,
        of: "customer",
        ask: () => "?",
        to: clerk,
        map: () => ({ n: 1 }),
      }),
    ],
    models: { m: scriptedModel([answers(clerk, { n: 1 })]) },
    engine,
    logger,
  });
  const play = async () => {
    const run = await supervisor.start({ n: 1 }, { tenant: "acme", principal: user("u") });
    await run.result();
    return warnings;
  };
  return { play };
}

describe("a function that changed", () => {
  test("under an unchanged version is reported when the definition is loaded", async () => {
    const engine = memoryEngine();
    expect(await desk(engine, "1", ({ n }) => n > 5).play()).toEqual([]);
    expect(await desk(engine, "1", ({ n }) => n > 5).play()).toEqual([]);
    const warnings = await desk(engine, "1", ({ n }) => n > 6).play();
    expect(warnings).toMatchObject([
      { code: "definition/version-changed", supervisor: "counting", definition: "edge again", version: "1" },
    ]);
  });

  test("under a new version is a new definition and nothing to report", async () => {
    const engine = memoryEngine();
    await desk(engine, "1", ({ n }) => n > 5).play();
    expect(await desk(engine, "2", ({ n }) => n > 6).play()).toEqual([]);
  });
});
