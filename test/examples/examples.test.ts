import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CheckOptions, SupervisorDefinition } from "@remit/core";
import { describe, expect, test, vi } from "vitest";

/** What the examples have put to work, with what it was run with. */
const working = vi.hoisted((): { definition: SupervisorDefinition; options: CheckOptions }[] => []);
vi.mock("@remit/core", async (original) => {
  const core = await original<typeof import("@remit/core")>();
  const run: typeof core.runSupervisor = (definition, options) => {
    working.push({ definition: definition as never, options: options as never });
    return core.runSupervisor(definition, options);
  };
  const create = (options: never) => run(core.defineSupervisor(options), options);
  return { ...core, runSupervisor: run, createSupervisor: create };
});
const { checkSupervisor } = await import("@remit/core");

const folder = new URL("../../apps/sandbox/examples/", import.meta.url);
const files = readdirSync(folder)
  .filter((name) => /^\d\d-.*\.ts$/.test(name))
  .sort();

describe("examples run, assert their own result, and have no finding", () => {
  test("they are numbered without a gap", () => {
    expect(files.map((name) => Number(name.slice(0, 2)))).toEqual(files.map((_, index) => index + 1));
  });

  test.each(files)("%s", async (name) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    working.length = 0;
    try {
      await import(/* @vite-ignore */ fileURLToPath(new URL(name, folder)));
    } finally {
      log.mockRestore();
    }
    // A scenario is put to work by the kernel's own hand.
    expect(working.length).toBeGreaterThanOrEqual(name === "07-scenario.ts" ? 0 : 1);
    for (const { definition, options } of working) expect(checkSupervisor(definition, options).findings).toEqual([]);
  });
});
