import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { RunCore } from "./core.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options: { readonly type: "minor" }) => void;

/** Bytes that outlived two small collections, garbage or not. */
function oldBytes(): number {
  for (let times = 0; times < 2; times++) collect({ type: "minor" });
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name === "old_space")
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
}

test("a run that nobody holds is gone with the next small collection", () => {
  const definition = { limits: { mailbox: 8 } } as unknown as SupervisorDefinition;
  const makeMany = () => {
    for (let index = 0; index < 1_000; index++) {
      new RunCore({ definition, tenant: "acme", runId: `run_${index}`, tenantKey: "key" });
    }
  };
  makeMany();
  // What else lives in this process may grow old meanwhile, so the least of several counts.
  const left = Array.from({ length: 5 }, () => {
    const before = oldBytes();
    makeMany();
    return oldBytes() - before;
  });
  // Of each some 7 KiB would be left where its shape were its own.
  expect(Math.min(...left)).toBeLessThan(1_000 * 1_024);
});
