import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryEngine } from "@remit/core";
import { afterEach, describe, expect, test } from "vitest";
import type { SuiteReport } from "../../src/suite/report.ts";
import { runSuite } from "../../src/suite/runner.ts";
import { openWorkspace } from "../../src/suite/workspace.ts";
import { matters } from "./office.ts";
import { filesDeskPack } from "./pack.ts";
import { fileTools, memoryTools, openFilesPlace } from "./servers.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "files-desk-"));
  folders.push(made);
  return made;
}

const pack = filesDeskPack();
const names = pack.scenarios().map(({ name }) => name);

async function play(model: string, seed: number): Promise<SuiteReport> {
  const engine = memoryEngine();
  try {
    const suite = {
      format: 1 as const,
      id: `files-${model}-${seed}`,
      pack: { name: pack.name },
      model: { name: model, seed },
      scenarios: names,
      startedAt: 0,
    };
    return await runSuite({ suite, pack, workspace: openWorkspace(folder()), engine });
  } finally {
    await engine.close();
  }
}

describe("the files desk, on the published servers", () => {
  test("every scenario has a matter of its own, and every matter a scenario", () => {
    expect(Object.keys(matters).sort()).toEqual([...names].sort());
    const own = Object.values(matters).map((matter) => matter.folder);
    expect(new Set(own).size).toBe(own.length);
  });

  test("every scenario plays as written, and nothing reaches a server that may not", async () => {
    const report = await play("oracle", 1);
    const failed = report.scenarios.filter(({ ok }) => !ok).map(({ name, checks }) => [name, checks]);
    expect(failed).toEqual([]);
    expect(report.scenarios).toHaveLength(12);
    expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
  });

  test.each([1, 2, 3])("a model that makes mistakes does no harm (seed %i)", async (seed) => {
    const report = await play("noisy", seed);
    expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
    expect(Object.values(report.noise).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  });
});

describe("a write that nobody knows the outcome of", () => {
  const context = {
    signal: new AbortController().signal,
    idempotencyKey: "k",
    tenant: "t",
    runId: "r",
    agent: "action",
    path: "action#1/tool#1",
    attempt: 1,
    attributes: {},
  };

  test("is found where it happened, and known never to have happened where it did not", async () => {
    const dir = join(folder(), "suite");
    mkdirSync(dir);
    await using place = await openFilesPlace({ dir });
    const cases: readonly (readonly [tool: string, input: object])[] = [
      ["create_directory", { path: "gorse/letters" }],
      ["write_file", { path: "gorse/letters/a.md", content: "Dear Ms Gorse\n" }],
      ["move_file", { source: "cedar/open/valuation.md", destination: "cedar/closed/valuation.md" }],
      ["create_entities", { entities: [{ name: "gorse: G", entityType: "client", observations: ["new"] }] }],
      ["add_observations", { observations: [{ entityName: "elder: Mrs Elder", contents: ["away in May"] }] }],
    ];
    for (const [name, input] of cases) {
      const tool = place.tools.get(name)!;
      const lookup = () => tool.lookup!(input, context as never);
      expect([name, await lookup()]).toEqual([name, { outcome: "never" }]);
      const output = await tool.execute(input, context as never);
      expect([name, await lookup()]).toEqual([name, { outcome: "found", output }]);
    }
  });

  test("is a person's to settle where a file holds another text: it may be somebody's from after the write", async () => {
    const dir = join(folder(), "suite");
    mkdirSync(dir);
    await using place = await openFilesPlace({ dir });
    const write = place.tools.get("write_file")!;
    const input = { path: "cedar/open/valuation.md", content: "# Valuation, second draft\n" };
    expect(await write.lookup!(input, context as never)).toEqual({ outcome: "unknown" });
  });

  test("every write that is named can be looked up", () => {
    const writes = Object.entries({ ...fileTools, ...memoryTools }).filter(([, { effect }]) => effect === "write");
    expect(writes.map(([name]) => name).sort()).toEqual([
      "add_observations",
      "create_directory",
      "create_entities",
      "move_file",
      "write_file",
    ]);
    expect(writes.every(([, config]) => "lookup" in config)).toBe(true);
  });
});
