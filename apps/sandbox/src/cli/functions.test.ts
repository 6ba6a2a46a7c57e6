import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tinyCalls } from "../bfcl/tiny-calls.test.data.ts";
import type { Screen } from "../face/screen.ts";
import type { Context } from "./context.ts";
import { type RunOptions, run } from "./run.ts";

const tiny = tinyCalls(afterAll);

const played = async (options: Partial<RunOptions>, pack?: string) => {
  const lines: string[] = [];
  const documents: unknown[] = [];
  const paint = new Proxy({}, { get: () => (text: string) => text });
  const out = { live: false, columns: 100, paint, print: (...more: string[]) => lines.push(...more), status: () => {} };
  const context = {
    place: { resolve: (path: string) => path },
    out: out as unknown as Screen,
    err: out as unknown as Screen,
    json: (document: unknown) => documents.push(document),
  } as unknown as Context;
  const code = await run(pack, { report: true, ...options }, context);
  return { code, lines, documents };
};

test("each file has its line, and the exit code says whether all came out right", async () => {
  const { code, lines } = await played({ bfcl: tiny(), model: "eager" });
  expect(code).toBe(0);
  expect(lines[0]).toBe("Function-calling conversations · eager · 4 conversations, 2 requests");
  expect(lines.slice(-4).map((line) => line.split(":")[0])).toEqual([
    "multi_turn_base",
    "multi_turn_miss_func",
    "multi_turn_miss_param",
    "irrelevance",
  ]);
  const guide = readFileSync(join(import.meta.dirname, "../../../../docs/guides/run-scenarios.md"), "utf8");
  for (const line of [lines[2], ...lines.slice(-3)]) expect(guide).toContain(line);
  const some = await played({ bfcl: tiny(), filter: "miss_func", json: true });
  expect(some.lines).toEqual([]);
  expect(some.documents).toMatchObject([
    { command: "run", ok: true, exitCode: 0, conversations: [{ name: "multi_turn_miss_func" }], requests: [] },
  ]);
});

test.each<[Partial<RunOptions>, string | undefined, string]>([
  [{ model: "noisy" }, undefined, '--model oracle or eager, not "noisy"'],
  [{ spendLimit: "1" }, undefined, "leave --spend-limit out"],
  [{ gate: ["containment>=0.5"] }, undefined, "leave --gate out"],
  [{ tau2: "x" }, undefined, "leave --tau2 out"],
  [{}, "order-desk", "leave pack order-desk out"],
])("wrong usage %j %s is told", async (options, pack, reason) => {
  await expect(played({ bfcl: tiny(), ...options }, pack)).rejects.toMatchObject({
    code: "usage/wrong",
    message: expect.stringContaining(reason),
  });
});

test("a filter that nothing fits is told", async () => {
  await expect(played({ bfcl: tiny(), filter: "nothing" })).rejects.toMatchObject({ code: "scenario/unknown" });
});
