import { expect, test } from "vitest";
import { openLibrary, today } from "../library.ts";
import { openRunbookIndex, standingOf } from "./index.ts";

const library = openLibrary(1);

test("the current runbook of an alert comes first, by its name, in parts of it, and by what is seen", () => {
  for (const query of ["DiskFilling", "disk filling", "a node's disk is nearly full, of logs mostly"]) {
    expect(library.index().search(query)[0]?.runbookId).toBe("RB-107");
  }
  expect(library.index().search("Ålérts: CÉRTIFICATE ran out")[0]?.runbookId).toBe("RB-110");
});

test("outdated and retired ones come only when they are asked for, and say what they are", () => {
  const found = library.index().search("CapacityShort QueueBacklog", { most: 50 });
  expect(found.map(({ runbookId }) => runbookId)).not.toContain("RB-021");
  expect(found.every(({ standing }) => standing === "current")).toBe(true);
  const all = new Map(
    library
      .index()
      .search("CapacityShort QueueBacklog", { most: 50, outdated: true })
      .map((one) => [one.runbookId, one]),
  );
  expect(all.get("RB-021")).toMatchObject({ sourceId: "RB-021@2", standing: "outdated" });
  expect(all.get("RB-022")).toMatchObject({ standing: "retired" });
});

test("a runbook is gone by for a year after its last review", () => {
  const on = (reviewedOn: string | undefined) => standingOf({ status: "current", reviewedOn }, today);
  expect([on("2025-06-08"), on("2025-06-07"), on(undefined)]).toEqual(["current", "outdated", "current"]);
});

test("any text may be searched for", () => {
  const index = openRunbookIndex(library.runbooks, today);
  for (const query of ['"', "NEAR(a b)", "title:x OR *", "-", "a".repeat(5_000), "'; DROP TABLE found; --", "日本"]) {
    expect(Array.isArray(index.search(query))).toBe(true);
  }
  expect(index.search("")).toEqual([]);
  expect(index.search("disk", { most: 1_000 }).length).toBeLessThanOrEqual(50);
  index.close();
});
