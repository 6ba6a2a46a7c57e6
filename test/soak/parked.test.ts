import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** A small edition of `npm run soak -- --only parked`, which parks 100,000 runs. */

const program = fileURLToPath(new URL("../../bench/parked.mjs", import.meta.url));

test("500 runs wait for approvals, in the journal alone, and end after a restart with each effect made once", () => {
  const args = ["--conditions=@remit/source", program, "--runs", "500", "--samples", "5", "--json"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    runs: 500,
    effects: 500,
    calls: 500,
    parked: { parked: 500 },
    finished: { woken: 0, decided: 490, refused: 0, completed: 500 },
  });
}, 240_000);
