import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { OrchestrationError } from "../errors.ts";
import { type Logger, silentLogger } from "../port/logger.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";

const text = z.object({ text: z.string() });
const send = defineTool({
  name: "send",
  description: "Sends.",
  input: text,
  output: text,
  effect: "write",
  risk: "high",
  idempotency: "key",
  reversible: true,
  execute: (input) => input,
});
const clerk = defineAgent({
  name: "clerk",
  description: "Sends.",
  model: "m",
  tools: [send],
  input: text,
  output: text,
  instructions: "The password: hunter2hunter2.",
});
const open = (more: { readonly check?: "refuse" | "log" | "done"; readonly logger?: Logger } = {}) =>
  createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: scriptedModel([]) },
    engine: memoryEngine(),
    ...more,
  });

test("a supervisor with an error is not put to work, and the error has every one of them as data", () => {
  const thrown = (() => {
    try {
      return open();
    } catch (error) {
      return error;
    }
  })();
  if (!OrchestrationError.is(thrown, "supervisor/unsound")) throw new Error("nothing was refused", { cause: thrown });
  expect(thrown.data).toMatchObject({
    supervisor: "supervisor",
    count: 1,
    findings: [{ code: "check/secret-in-text", severity: "error", path: ["supervisor", "clerk"] }],
  });
  expect(thrown.message).toContain("check/secret-in-text");
  expect(JSON.stringify(thrown)).not.toContain("hunter2");
});

test("with `log` it is put to work, and each error is a line; a warning is none", () => {
  const lines: unknown[] = [];
  const error: Logger["error"] = (fields, sentence) => lines.push([sentence, fields]);
  expect(open({ check: "log", logger: { ...silentLogger, error, warn: error } }).definition.name).toBe("supervisor");
  expect(lines).toEqual([
    [
      "a supervisor will go wrong",
      {
        supervisor: "supervisor",
        code: "check/secret-in-text",
        path: "supervisor > clerk",
        reason: expect.any(String),
      },
    ],
  ]);
});

test("with `done` it is put to work without a look", () => {
  const lines: unknown[] = [];
  const error: Logger["error"] = (fields, sentence) => lines.push([sentence, fields]);
  expect(open({ check: "done", logger: { ...silentLogger, error } }).definition.name).toBe("supervisor");
  expect(lines).toEqual([]);
});
