import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Engine } from "@remit/core";
import { afterAll, describe, expect, test } from "vitest";
import { codeDeskPack } from "../../apps/sandbox/packs/code-desk/pack.ts";
import { crmDeskPack } from "../../apps/sandbox/packs/crm-desk/pack.ts";
import { filesDeskPack } from "../../apps/sandbox/packs/files-desk/pack.ts";
import { invoiceDeskPack } from "../../apps/sandbox/packs/invoice-desk/pack.ts";
import { operationsDeskPack } from "../../apps/sandbox/packs/operations-desk/pack.ts";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { supplyDeskPack } from "../../apps/sandbox/packs/supply-desk/pack.ts";
import type { Pack } from "../../apps/sandbox/src/pack.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { retailPack } from "../../apps/sandbox/src/tau2/pack.ts";
import { telecomPack } from "../../apps/sandbox/src/tau2/telecom/pack.ts";

/** Where a pack is played; `close` comes behind it. */
export interface PackPlace {
  readonly engine: Engine;
  readonly close: () => Promise<void>;
}

const data = process.env.REMIT_DATA_DIR ?? "../shared/data";
const retail = resolve(data, "tau2-retail");
const telecom = resolve(data, "tau2-telecom");
/** Where the data of packs is that bring none. */
const folders: Readonly<Record<string, string>> = { "tau2-retail": retail, "tau2-telecom": telecom };
const packs = {
  "code-desk": codeDeskPack,
  "crm-desk": crmDeskPack,
  "files-desk": filesDeskPack,
  "invoice-desk": invoiceDeskPack,
  "operations-desk": operationsDeskPack,
  "order-desk": orderDeskPack,
  "supply-desk": supplyDeskPack,
  "tau2-retail": () => retailPack(retail),
  "tau2-telecom": () => telecomPack(telecom),
} as const satisfies Record<string, () => Pack>;
export type PackName = keyof typeof packs;

/**
 * Every pack of the sandbox on an engine, as it is.
 * @param open `path`: where an engine of one file may keep its journal
 * @param skips why a pack is not played there
 */
export function packsContract(
  name: string,
  open: (path: string) => PackPlace | Promise<PackPlace>,
  skips: Partial<Record<PackName, string>> = {},
): void {
  describe(`the packs on ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "remit-packs-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

    for (const pack of Object.keys(packs) as PackName[]) {
      const of = folders[pack];
      const noData = of !== undefined && !existsSync(of) ? `no data at ${of}` : undefined;
      const reason = skips[pack] ?? noData;
      test.skipIf(reason !== undefined)(
        `${pack} plays as written, nothing reaches the world that may not${reason === undefined ? "" : ` (${reason})`}`,
        async () => {
          const workspace = openWorkspace(join(folder, pack));
          const { engine, close } = await open(workspace.journal);
          try {
            const played = packs[pack]();
            const scenarios = played.scenarios().map((scenario) => scenario.name);
            const suite = {
              format: 1,
              id: pack,
              pack: of === undefined ? { name: pack } : { name: pack, folder: of },
              model: { name: "oracle", seed: 1 },
              scenarios,
              startedAt: 0,
            } as const;
            const report = await runSuite({ suite, pack: played, workspace, engine });
            const failed = report.scenarios.filter(({ ok }) => !ok).map((one) => [one.name, one.checks]);
            expect(failed).toEqual([]);
            expect(report.scenarios).toHaveLength(scenarios.length);
            expect(report.scenarios.flatMap(({ violations }) => violations)).toEqual([]);
          } finally {
            await close();
          }
        },
      );
    }
  });
}
