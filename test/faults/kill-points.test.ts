import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ledger, playEveryKill, playRandomKills, startLedger } from "./kills.ts";

/** A sample of what `npm run soak -- --only kills` plays in full: each write to the journal, and 300 kills at random. */

let ledger: Ledger;
beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger.close());

test("R7 a run whose process is killed at a write ends as it should: no effect twice, none missing, none guessed", async () => {
  const reports = await playEveryKill(ledger, { every: 7 });
  expect(reports.length).toBeGreaterThan(4);
  for (const { kills } of reports) expect(kills).toBe(1);
}, 240_000);

test("R7 runs whose processes are killed at random end as they should", async () => {
  const { kills, entries } = await playRandomKills(ledger, { seed: 1, runs: 20, kills: 12 });
  expect(kills).toBe(12);
  expect(entries).toBeGreaterThan(20 * 40);
}, 240_000);
