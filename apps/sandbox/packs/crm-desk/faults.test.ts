import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { cutAtEachAppend } from "../cut.test.data.ts";
import { flaky } from "../desk.test.data.ts";
import { playAll } from "../play.test.data.ts";
import { crmDeskPack } from "./pack.ts";

/** The desk while its services and its own process fail: what the CRM becomes is the same. */

const pack = crmDeskPack();
const scenarios = pack.scenarios();

let dir = "";
let world: InProcessWorld;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crm-faults-"));
  world = inProcessTools(pack, dir);
});
afterEach(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

test.each(["before", "after"] as const)(
  "every first try fails %s it is done: each write is made once all the same",
  { timeout: 120_000 },
  async (when) => {
    const definition = pack.team(flaky(world.tools, when));
    // A share of all kinds: the oracle's own suite plays them all.
    const chosen = scenarios.filter((_, index) => index % 6 === 0);
    const played = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen });
    expect(played.flatMap(({ checks }) => checks.filter(({ ok }) => !ok))).toEqual([]);
    expect(played.flatMap(({ violations }) => violations)).toEqual([]);
    const outcomes = new Set(
      played.flatMap(({ log }) => log.flatMap((one) => (one.effect === "write" ? [one.outcome] : []))),
    );
    // A write whose answer was lost came again under its key, and was not made again.
    expect([outcomes.has("done"), outcomes.has("duplicate")]).toEqual([true, when === "after"]);
  },
);

test.each(["a-visit", "the-owner-says-no", "three-records-of-one-company"])(
  "UC2-L3 %s ends the same whichever append is the last of its first process",
  { timeout: 120_000 },
  async (name) => {
    const cuts = await cutAtEachAppend({ pack, world, definition: pack.team(world.tools), name });
    expect(cuts.length).toBeGreaterThan(10);
    expect(cuts.flatMap(({ nth, broken }) => broken.map((one) => [nth, one]))).toEqual([]);
    for (const { ended } of cuts.slice(0, -1)) expect(ended).toMatchObject({ code: "journal/unavailable" });
    const writes = scenarios.find((one) => one.name === name)?.expect.writes;
    for (const { nth, log } of cuts) {
      const done = log.filter((line) => line.effect === "write" && line.outcome === "done").map(({ tool }) => tool);
      expect([nth, done]).toEqual([nth, writes]);
      // A draft is on record once, whenever the process ended.
      const drafts = done.filter((tool) => tool === "save_draft");
      expect(done.filter((tool) => tool === "log_activity")).toHaveLength(drafts.length);
    }
  },
);
