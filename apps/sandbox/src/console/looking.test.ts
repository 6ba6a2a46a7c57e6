import { type Journal, memoryJournal, type RunRecord } from "@remit/core";
import { beforeEach, describe, expect, test } from "vitest";
import { wakesNothing, wakesOnly } from "./looking.ts";

/** A run of each of two suites of one pack: their definition is the same, and both want to be woken. */
let journal: Journal;

beforeEach(() => {
  journal = memoryJournal();
  const record = (tenant: string): RunRecord => ({
    tenant,
    runId: `run_${tenant}`,
    supervisor: "desk",
    definitionHash: "same",
    status: "parked",
    startedAt: 1,
    updatedAt: 1,
    lastSeq: 1,
    wakeAt: 2,
    waits: ["timer"],
  });
  const found = ["north", "south"].map(record);
  const fitting = (tenant: string | undefined) => found.filter((one) => tenant === undefined || one.tenant === tenant);
  Object.assign(journal, {
    unfinishedRuns: async ({ tenant }: { tenant?: string } = {}) => fitting(tenant),
    unfinishedTenants: async ({ tenant }: { tenant?: string } = {}) => fitting(tenant).map((one) => one.tenant),
    nextWakeAt: async () => 2,
  });
});

describe("an engine over a journal finds to wake", () => {
  test("nothing, where somebody only looks", async () => {
    const looked = wakesNothing(journal);
    expect([await looked.unfinishedRuns({ dueAt: 3 }), await looked.unfinishedTenants()]).toEqual([[], []]);
    expect(await looked.nextWakeAt()).toBeUndefined();
  });

  test("runs of its own suite alone, whatever it asks for", async () => {
    const own = wakesOnly(journal, "north");
    for (const page of [{}, { dueAt: 3 }, { tenant: "south" }]) {
      expect((await own.unfinishedRuns(page)).map(({ tenant }) => tenant)).toEqual(["north"]);
      expect(await own.unfinishedTenants(page)).toEqual(["north"]);
    }
  });
});
