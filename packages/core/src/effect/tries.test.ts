import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorCodes } from "../errors.ts";
import { backoffMs, defaultRetry, isRetried, kindOf } from "./tries.ts";

const codes = Object.keys(errorCodes);
const retry = defaultRetry.tool;
const read = { effect: "read", retry: undefined, mayHaveExecuted: false } as const;
const write = { effect: "write", retry: undefined, mayHaveExecuted: false } as const;
const retried = (tried: Parameters<typeof isRetried>[1]) => codes.filter((code) => isRetried(code, tried)).sort();

describe("what is tried again", () => {
  test("of models: what may pass by itself", () => {
    expect(retried("model")).toEqual([
      "journal/unavailable",
      "limits/queue-full",
      "model/overloaded",
      "model/rate-limited",
      "model/timeout",
      "model/unreachable",
    ]);
  });

  test("of reads: what got no answer, and what failed inside where the tool says so", () => {
    const reads = [
      "journal/unavailable",
      "limits/queue-full",
      "tool/dispatch-late",
      "tool/timeout",
      "tool/unreachable",
    ];
    expect(retried(read)).toEqual(reads);
    expect(retried({ ...read, retry })).toEqual([
      "journal/unavailable",
      "limits/queue-full",
      "tool/dispatch-late",
      "tool/failed",
      "tool/timeout",
      "tool/unreachable",
    ]);
  });

  test("T1 of writes: what was not begun, whatever the tool says", () => {
    for (const said of [undefined, retry]) {
      expect(retried({ ...write, retry: said })).toEqual([
        "journal/unavailable",
        "limits/queue-full",
        "tool/dispatch-late",
        "tool/unreachable",
      ]);
      expect(retried({ ...write, retry: said, mayHaveExecuted: true })).toEqual([]);
    }
  });

  test("T2 T3 validation and open breakers never; every code that is retried says that it can be", () => {
    for (const tried of ["model", read, { ...read, retry }, write] as const) {
      for (const code of retried(tried)) {
        expect(kindOf(code)).not.toBe("validation");
        expect(kindOf(code)).not.toBe("none");
      }
      expect(isRetried("breaker/open", tried)).toBe(false);
      expect(isRetried("made/up", tried)).toBe(false);
    }
  });
});

test.each([
  ["model/overloaded", "model"],
  ["model/unreachable", "transport"],
  ["model/response-invalid", "validation"],
  ["tool/failed", "tool"],
  ["tool/unreachable", "transport"],
  ["tool/output-invalid", "validation"],
  ["breaker/open", "transport"],
  ["policy/revoked", "none"],
  ["made/up", "none"],
])("%s is a failure of kind %s", (code, kind) => {
  expect(kindOf(code)).toBe(kind);
});

describe("the wait before another try", () => {
  const arbPolicy = fc
    .record({ backoffMs: fc.integer({ min: 1, max: 60_000 }), backoffMsMax: fc.integer({ min: 1, max: 600_000 }) })
    .map((bounds) => ({ attempts: 3, ...bounds }));

  test("doubles up to its bound, less up to half of it, and is the same each time", () => {
    fc.assert(
      fc.property(arbPolicy, fc.integer({ min: 1, max: 2_000 }), fc.string(), (policy, attempt, seed) => {
        const full = Math.min(policy.backoffMsMax, policy.backoffMs * 2 ** (attempt - 1));
        const waitMs = backoffMs(policy, attempt, seed);
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(full / 2);
        expect(waitMs).toBeLessThanOrEqual(full);
        expect(waitMs).toBeGreaterThan(0);
        expect(backoffMs(policy, attempt, seed)).toBe(waitMs);
      }),
    );
  });

  test("differs between calls that failed together", () => {
    const waits = Array.from({ length: 100 }, (_, call) =>
      backoffMs(defaultRetry.model, 3, `run_1 action#1/tool#${call}`),
    );
    expect(new Set(waits).size).toBeGreaterThan(80);
    expect(backoffMs(retry, 1, "run_1 action#1")).toBe(literal);
  });

  test("is at least what the other side named, and ends the tries where that is too long", () => {
    fc.assert(
      fc.property(arbPolicy, fc.double({ min: 0, max: 200_000, noNaN: true }), (policy, retryAfterMs) => {
        const own = backoffMs(policy, 1, "s") ?? 0;
        const waitMs = backoffMs(policy, 1, "s", { data: { retryAfterMs } });
        if (retryAfterMs > 60_000) expect(waitMs).toBeUndefined();
        else expect(waitMs).toBe(Math.max(own, Math.ceil(retryAfterMs)));
      }),
    );
    for (const retryAfterMs of [-1, "5", null, Number.NaN]) {
      expect(backoffMs(retry, 1, "s", { data: { retryAfterMs } })).toBe(backoffMs(retry, 1, "s"));
    }
    expect(backoffMs(retry, 1, "s", {})).toBe(backoffMs(retry, 1, "s"));
  });
});

/** Journals hold waits that were drawn so; another draw would be another run. */
const literal = 195;
