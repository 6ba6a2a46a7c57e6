import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineQuestion } from "../handoff.ts";
import type { Logger } from "../port/logger.ts";
import { operator, user } from "../principal.ts";
import { answers, callsAll, scriptedModel } from "../testing/index.ts";
import { type AnyTool, defineTool } from "../tool.ts";
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

describe("what people say to a run of another version", () => {
  const answered = z.object({ paid: z.boolean() });
  const till = (engine: ReturnType<typeof memoryEngine>, version: "1" | "2") => {
    const [input, output] = version === "1" ? [{ cents: z.int() }, { receipt: z.string() }] : [{ euros: z.int() }, {}];
    const write = { description: "", effect: "write", idempotency: "none", version } as const;
    const schemas = { input: z.strictObject(input), output: z.strictObject(output) };
    const pay = defineTool({
      ...write,
      ...schemas,
      name: "pay",
      risk: "high",
      execute: () => ({ receipt: "r" }) as never,
    });
    const fail = () => {
      throw new Error("socket hang up");
    };
    const book = defineTool({ ...write, ...schemas, name: "book", risk: "low", execute: fail });
    const cashier = defineAgent({
      name: "cashier",
      description: "Pays.",
      model: "m",
      tools: [pay, book] as readonly AnyTool[],
      input: z.object({ n: z.int() }),
      output: answered,
      instructions: "Pay.",
    });
    const wanted = ["book", "pay"].map((tool) => [tool, { cents: 7 }] as const);
    return createSupervisor({
      name: "till",
      agents: { cashier },
      entry: "cashier",
      exit: "cashier",
      handoffs: [],
      models: { m: scriptedModel([callsAll(cashier, wanted), answers(cashier, { paid: true })]) },
      engine,
    });
  };

  test("is read by the schemas of the version that it began with, whichever desk hears it", async () => {
    const engine = memoryEngine();
    const old = till(engine, "1");
    const desk = till(engine, "2");
    const started = await old.start({ n: 1 }, { tenant: "acme", principal: user("u") });
    await started.settled();
    const run = await desk.find(started.id, { tenant: "acme" });

    const happened = { outcome: "happened", reason: "seen" } as const;
    await expect(run.settle("cashier#1/tool#1", { ...happened, output: {} })).rejects.toMatchObject({
      code: "tool/output-invalid",
    });
    await run.settle("cashier#1/tool#1", { ...happened, output: { receipt: "r-1" } });

    const [{ address = "" } = {}] = await run.approvals();
    const who = { reason: "less", principal: operator("o_1") };
    await expect(desk.approvals.edit("acme", address, { euros: 1 }, who)).rejects.toMatchObject({
      code: "tool/input-invalid",
    });
    const { next = "" } = await desk.approvals.edit("acme", address, { cents: 5 }, who);
    await desk.approvals.approve("acme", next, { reason: "yes", principal: operator("o_2") });
    expect(await run.result()).toMatchObject({ status: "completed" });
    expect((await run.entries()).map(({ type }) => type)).not.toContain("approval.refused");
  });
});
