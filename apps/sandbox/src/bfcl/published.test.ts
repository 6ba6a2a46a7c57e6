import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runBfcl } from "./bench.ts";
import { loadBfcl } from "./load.ts";
import { bfclModels } from "./model.ts";

/** The published conversations, where the folder of third-party data has them. */
const folder = join(
  process.env.REMIT_DATA_DIR ?? join(import.meta.dirname, "../../../../../shared/data"),
  "bfcl-multi-turn",
);
const because = existsSync(folder) ? "" : ` (skipped: there is no ${folder})`;

describe.skipIf(because !== "")(`the published conversations of BFCL${because}`, () => {
  test.each(bfclModels)(
    "every right call fits, every wrong one is refused, and all comes out right, by %s",
    async (model) => {
      const { ok, findings, contracts, conversations, requests } = await runBfcl({ folder: loadBfcl(folder), model });
      expect([findings, contracts.unfit, contracts.accepted]).toEqual([[], [], []]);
      expect(conversations.map(({ others }) => others)).toEqual(conversations.map(() => 0));
      expect(requests.map(({ ran }) => ran)).toEqual(requests.map(() => 0));
      expect(ok).toBe(true);
    },
  );
});
