import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorldPack } from "../src/pack.ts";
import { sealedUnder } from "../src/suite/sealing.ts";
import { inProcessTools } from "../src/world/in-process.ts";
import { codeDeskPack } from "./code-desk/pack.ts";
import { crmDeskPack } from "./crm-desk/pack.ts";
import { invoiceDeskPack } from "./invoice-desk/pack.ts";
import { operationsDeskPack } from "./operations-desk/pack.ts";
import { orderDeskPack } from "./order-desk/pack.ts";
import { playAll } from "./play.test.data.ts";
import { supplyDeskPack } from "./supply-desk/pack.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-packs-sealed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const packs: readonly WorldPack[] = [
  orderDeskPack(),
  invoiceDeskPack(),
  operationsDeskPack(),
  codeDeskPack(),
  crmDeskPack(),
  supplyDeskPack(),
];

test.each(packs)("with what comes in sealed the stories of $name end as without", { timeout: 60_000 }, async (pack) => {
  const world = inProcessTools(pack, folder);
  try {
    const played = await playAll({
      pack,
      world,
      definition: pack.team(world.tools),
      name: "oracle",
      seed: 0,
      chosen: pack.scenarios(),
      sealing: sealedUnder("5".repeat(64), pack),
    });
    const failed = played.flatMap(({ outcome, checks, violations, replayed }) => [
      ...checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${outcome.scenario.name}: ${name}: ${detail}`),
      ...violations.map((one) => `${outcome.scenario.name}: ${one}`),
      ...(replayed ? [] : [`${outcome.scenario.name}: its replay differs`]),
    ]);
    expect(failed).toEqual([]);
  } finally {
    world.close();
  }
});
