import { expect, test } from "vitest";
import { harmlessLogger, harmlessTracer } from "./harmless.ts";
import type { Logger } from "./port/logger.ts";
import { silentTracer } from "./port/tracer.ts";

const burst = (): never => {
  throw new Error("the disk is full");
};

test("a logger that throws loses its line and nothing else", () => {
  const lines: string[] = [];
  const logger: Logger = { debug: burst, info: burst, error: burst, warn: (_, sentence) => lines.push(sentence) };
  const harmless = harmlessLogger(logger);
  for (const level of ["debug", "info", "warn", "error"] as const) harmless[level]({}, `at ${level}`);
  expect(lines).toEqual(["at warn"]);
});

test("a tracer that throws loses its span and nothing else", () => {
  const opened = harmlessTracer({ span: burst }).span("chat m", {});
  opened.set({ tokens: 1 });
  opened.end({ code: "model/failed" });
  const ended: unknown[] = [];
  const span = harmlessTracer({ span: () => ({ set: burst, end: (error) => ended.push(error) }) }).span("chat m", {});
  span.set({ tokens: 1 });
  span.end({ code: "model/timeout" });
  expect(ended).toEqual([{ code: "model/timeout" }]);
});

test("a tracer is given its own span as a parent, and says whether it wants contents", () => {
  const own = { set: () => {}, end: () => {} };
  const parents: unknown[] = [];
  const tracer = harmlessTracer({
    content: true,
    span: (_name, _attributes, parent) => {
      parents.push(parent);
      return own;
    },
  });
  tracer.span("chat m", {}, tracer.span("invoke_agent clerk", {}));
  expect(parents).toEqual([undefined, own]);
  expect(parents[1]).toBe(own);
  expect(tracer.content).toBe(true);
});

test("who gives neither gets silence", () => {
  harmlessLogger().info({}, "nobody hears");
  harmlessTracer().span("chat m", {}).end();
  // By name, so that nobody keeps account of what nobody hears.
  expect(harmlessTracer()).toBe(silentTracer);
});
