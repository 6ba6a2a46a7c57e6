import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = import.meta.dirname;
const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(path),
);

/** Files of the kernel whose text fits. */
function filesWith(pattern: RegExp): string[] {
  return sources.filter((path) => pattern.test(readFileSync(join(root, path), "utf8"))).sort();
}

test("R3 only the dispatcher calls what a tool does, only the model gateway calls a model", () => {
  expect(sources.length).toBeGreaterThan(40);
  expect(filesWith(/\btool\.execute\(|\blookup\(input/)).toEqual(["effect/dispatcher.ts"]);
  // Two are models made of other models: they call those only when the gateway calls them.
  const composed = ["model/hedge.ts", "testing/recorded-model.ts"];
  expect(filesWith(/\.generate\(/)).toEqual(["model/generation.ts", ...composed]);
  // The gateway is two files: what goes before a call, and what lasts as long as it.
  expect(filesWith(/\/generation\.ts"/)).toEqual(["model/asking.ts", "model/gateway.ts"]);
  expect(filesWith(/model\/asking\.ts"/)).toEqual([]);
  expect(filesWith(/"\.\/asking\.ts"/).filter((path) => path.startsWith("model/"))).toEqual(["model/gateway.ts"]);
  expect(filesWith(/\b(hedge|recordedModel)\(/)).toEqual(composed);
  // The ports of the gates are held by the one place that makes them.
  expect(filesWith(/\b(dispatcher|modelGateway)\(\{/)).toEqual(["supervisor/at-work.ts"]);
});

test("R2 nothing that decides asks a clock, draws a random number or waits", () => {
  const deciding = [
    "agent-loop/machine.ts",
    "effect/machine.ts",
    "approval/decide.ts",
    "effect/tries.ts",
    "run/accept.ts",
    "run/active-time.ts",
    "run/begin-call.ts",
    "run/budget.ts",
    "run/call.ts",
    "run/call-result.ts",
    "run/core.ts",
    "run/core-work.ts",
    "run/delegations.ts",
    "run/delivery.ts",
    "run/denial.ts",
    "run/dispatch.ts",
    "run/ending.ts",
    "run/gated.ts",
    "run/input.ts",
    "run/invocation.ts",
    "run/leaving.ts",
    "run/outcome.ts",
    "run/place.ts",
    "run/propose.ts",
    "run/recall.ts",
    "run/resume.ts",
    "run/retry.ts",
    "run/settlements.ts",
    "run/start.ts",
    "run/summary.ts",
    "run/team.ts",
    "run/thinking.ts",
    "run/undo.ts",
    "run/waits.ts",
    "step.ts",
    "supervisor/machine.ts",
  ];
  for (const path of deciding) expect(sources).toContain(path);
  const impure =
    /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\brandomUUID\b|\bsetTimeout\b|\bawait\b|\basync\b|\bprocess\.|\bfetch\(/;
  expect(filesWith(impure).filter((path) => deciding.includes(path))).toEqual([]);
  const machines = /\binvoke:|\bafter:|\bspawn\w*\(|\bsendTo\(/;
  expect(filesWith(machines).filter((path) => path.endsWith("machine.ts"))).toEqual([]);
});
