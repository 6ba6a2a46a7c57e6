import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryEngine } from "@remit/core";
import { expect, test } from "vitest";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { orderDeskReferences } from "../../apps/sandbox/packs/order-desk/references.ts";
import { orderDeskWorld } from "../../apps/sandbox/packs/order-desk/world.ts";
import { parseScenario } from "../../apps/sandbox/src/scenario/yaml.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { allPages } from "./pages.ts";

test("the scenario files on the pages are read, played and pass", async () => {
  const fixtures = orderDeskReferences(orderDeskWorld().initial());
  const scenarios = allPages().flatMap(({ file, blocks }) =>
    blocks
      .filter(({ language, words }) => language === "yaml" && words.includes("scenario"))
      .map(({ text, line }) => parseScenario(text, `${file}:${line}`, { fixtures })),
  );
  expect(scenarios.length).toBeGreaterThan(0);
  const pack = { ...orderDeskPack(), scenarios: () => scenarios };
  const folder = mkdtempSync(join(tmpdir(), "remit-docs-"));
  const engine = memoryEngine();
  try {
    const report = await runSuite({
      suite: {
        format: 1,
        id: "docs",
        pack: { name: pack.name },
        model: { name: "oracle", seed: 0 },
        scenarios: scenarios.map(({ name }) => name),
        startedAt: 0,
      },
      pack,
      workspace: openWorkspace(folder),
      engine,
    });
    const failed = report.scenarios.flatMap(({ name, checks }) =>
      checks.flatMap((check) => (check.ok ? [] : [{ name, check: check.name, detail: check.detail }])),
    );
    expect(failed).toEqual([]);
    expect(report.violations).toEqual([]);
    expect(report.passed).toBe(scenarios.length);
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
