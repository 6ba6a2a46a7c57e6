import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesDeskPack } from "../../apps/sandbox/packs/files-desk/pack.ts";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { closeNode, openPlace, theNode } from "./place.ts";

/** The scenario packs on a cluster, as they are. */

const folder = mkdtempSync(join(tmpdir(), "remit-packs-"));
beforeAll(theNode);
afterAll(async () => {
  await closeNode();
  rmSync(folder, { recursive: true });
});

test.each([
  ["files-desk", filesDeskPack()],
  // The longer one only where all of the contract is played.
  ...(process.env.REMIT_RESTATE_THEMES === "all" ? [["order-desk", orderDeskPack()] as const] : []),
] as const)(
  "the pack %s plays as written, nothing reaches the world that may not, and each run replays",
  async (name, pack) => {
    const place = openPlace(await theNode());
    const engine = place.engine();
    try {
      const scenarios = pack.scenarios().map((scenario) => scenario.name);
      const suite = {
        format: 1,
        id: name,
        pack: { name },
        model: { name: "oracle", seed: 1 },
        scenarios,
        startedAt: 0,
      } as const;
      const report = await runSuite({ suite, pack, workspace: openWorkspace(join(folder, name)), engine });
      const failed = report.scenarios.filter(({ ok }) => !ok).map((one) => [one.name, one.checks]);
      expect(failed).toEqual([]);
      expect(report.scenarios).toHaveLength(scenarios.length);
      expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
    } finally {
      await engine.close();
      await place.clear();
    }
  },
);
