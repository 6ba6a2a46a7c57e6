import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ErrorCode, OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import { fakeClock } from "../testing/index.ts";
import { type Breakers, type BreakerView, breakers, evidenceOf, type Pass } from "./breaker.ts";

const startAt = 1_700_000_000_000;

function passed(outcome: ReturnType<Breakers["pass"]>): Pass {
  if ("retryAt" in outcome) throw new Error(`it did not pass; it may at ${outcome.retryAt}`);
  return outcome;
}

function opened(options: { readonly failuresMax?: number; readonly probes?: number } = {}) {
  const clock = fakeClock(startAt);
  const changes: string[] = [];
  const made = breakers({
    clock,
    failuresMax: 2,
    cooldownMs: 100,
    ...options,
    onChange: ({ key, from, state }) => changes.push(`${key}: ${from} → ${state}`),
  });
  passed(made.pass("tool:a")).record(false);
  passed(made.pass("tool:a")).record(false);
  return { clock, made, changes };
}

describe("a breaker", () => {
  test("B1 opens after so many failures in a row; a success before that forgets them", () => {
    const clock = fakeClock(startAt);
    const made = breakers({ clock, failuresMax: 3, cooldownMs: 100 });
    for (const ok of [false, false, true, false, false]) passed(made.pass("a")).record(ok);
    expect(made.states()).toEqual([{ key: "a", state: "closed", failures: 2 }]);
    passed(made.pass("a")).record(false);
    expect(made.states()).toEqual([{ key: "a", state: "open", failures: 3, retryAt: startAt + 100 }]);
    expect(made.pass("a")).toEqual({ retryAt: startAt + 100 });
    expect(made.peek("b")).toBe(true);
  });

  test("B2 lets exactly one probe pass when it has cooled down", () => {
    const { clock, made } = opened();
    clock.advance(99);
    expect(made.peek("tool:a")).toEqual({ retryAt: startAt + 100 });
    clock.advance(1);
    expect(made.peek("tool:a")).toBe(true);
    passed(made.pass("tool:a"));
    expect(made.pass("tool:a")).toEqual({ retryAt: startAt + 200 });
    expect(made.states()).toEqual([{ key: "tool:a", state: "halfOpen", failures: 2 }]);
  });

  test("B3 is closed by the probe's success and opened again by its failure", () => {
    const { clock, made, changes } = opened();
    clock.advance(100);
    passed(made.pass("tool:a")).record(false);
    expect(made.pass("tool:a")).toEqual({ retryAt: startAt + 200 });
    clock.advance(100);
    passed(made.pass("tool:a")).record(true);
    expect(made.states()).toEqual([{ key: "tool:a", state: "closed", failures: 0 }]);
    expect(changes).toEqual([
      "tool:a: closed → open",
      "tool:a: open → halfOpen",
      "tool:a: halfOpen → open",
      "tool:a: open → halfOpen",
      "tool:a: halfOpen → closed",
    ]);
  });

  test("B3 a probe that learnt nothing leaves its place at once, and once", () => {
    const { clock, made } = opened();
    clock.advance(100);
    const first = passed(made.pass("tool:a"));
    first.record(undefined);
    passed(made.pass("tool:a"));
    first.record(undefined);
    expect(made.pass("tool:a")).toHaveProperty("retryAt");
  });

  test("B4 a call that comes back late says nothing of the state that is now", () => {
    const clock = fakeClock(startAt);
    const made = breakers({ clock, failuresMax: 1, cooldownMs: 100 });
    const late = [passed(made.pass("a")), passed(made.pass("a")), passed(made.pass("a"))];
    late[0]?.record(false);
    clock.advance(50);
    late[1]?.record(false);
    expect(made.states()[0]?.retryAt).toBe(startAt + 100);
    clock.advance(50);
    const probe = passed(made.pass("a"));
    late[2]?.record(false);
    expect(made.states()[0]?.state).toBe("halfOpen");
    probe.record(true);
    expect(made.states()[0]?.state).toBe("closed");
  });

  test("remembers a bounded number of targets, open ones longer than closed ones", () => {
    const made = breakers({ clock: fakeClock(startAt), failuresMax: 1, keysMax: 2 });
    passed(made.pass("open")).record(false);
    for (const key of ["b", "c", "d"]) passed(made.pass(key)).record(true);
    expect(made.states().map(({ key }) => key)).toEqual(["d", "open"]);
    passed(made.pass("d")).record(false);
    passed(made.pass("e")).record(false);
    expect(made.states().map(({ key }) => key)).toEqual(["d", "e"]);
  });

  test.each([{ failuresMax: 0 }, { cooldownMs: -1 }, { probes: 0.5 }, { keysMax: 0 }])("%j is no bound", (bound) => {
    expect(() => breakers({ clock: fakeClock(), ...bound })).toThrow("limits/not-a-bound");
  });
});

/** The same rules, written down once more and as plainly as they can be. */
function naive({ failuresMax, cooldownMs, probes }: { failuresMax: number; cooldownMs: number; probes: number }) {
  let state: BreakerView["state"] = "closed";
  let failures = 0;
  let openedAt = 0;
  let out = 0;
  let period = 0;
  const to = (next: typeof state) => {
    state = next;
    period++;
    out = 0;
  };
  return {
    state: () => ({ state, failures }),
    pass: (now: number): ((ok: boolean | undefined, at: number) => void) | undefined => {
      if (state === "open" && now - openedAt >= cooldownMs) to("halfOpen");
      if (state === "open" || (state === "halfOpen" && out >= probes)) return undefined;
      if (state === "halfOpen") out++;
      const mine = period;
      let told = false;
      return (ok, at) => {
        if (told || mine !== period) return;
        told = true;
        if (ok === undefined) out = Math.max(0, out - 1);
        else if (ok) {
          failures = 0;
          if (state === "halfOpen") to("closed");
        } else {
          failures++;
          if (state === "halfOpen" || failures >= failuresMax) {
            openedAt = at;
            to("open");
          }
        }
      };
    },
  };
}

test("B1 B2 B3 B4 for any history a breaker does what its rules say", () => {
  const arbStep = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ do: "pass" as const }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("record" as const),
        which: fc.nat(30),
        ok: fc.constantFrom(true, false, false, undefined),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 60 }) }) },
  );
  const arbBounds = fc.record({
    failuresMax: fc.integer({ min: 1, max: 4 }),
    cooldownMs: fc.integer({ min: 1, max: 80 }),
    probes: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(arbBounds, fc.array(arbStep, { maxLength: 80 }), (bounds, steps) => {
      const clock = fakeClock(startAt);
      const made = breakers({ clock, ...bounds });
      const model = naive(bounds);
      const passes: { real: Pass; model: (ok: boolean | undefined, at: number) => void }[] = [];
      for (const step of steps) {
        if (step.do === "wait") clock.advance(step.ms);
        else if (step.do === "pass") {
          const peeked = made.peek("k") === true;
          const real = made.pass("k");
          const expected = model.pass(clock.now());
          expect("record" in real).toBe(expected !== undefined);
          expect(peeked).toBe(expected !== undefined);
          if ("retryAt" in real) expect(real.retryAt).toBeGreaterThan(clock.now());
          else if (expected) passes.push({ real, model: expected });
        } else {
          const pass = passes[step.which % Math.max(1, passes.length)];
          pass?.real.record(step.ok);
          pass?.model(step.ok, clock.now());
        }
        const { state, failures } = made.states()[0] ?? { state: "closed", failures: 0 };
        expect({ state, failures }).toEqual(model.state());
      }
    }),
  );
});

test.each<[ErrorCode, Record<string, Json>, boolean | undefined]>([
  ["tool/failed", {}, false],
  ["tool/timeout", {}, false],
  ["tool/unreachable", {}, false],
  ["model/overloaded", {}, false],
  ["model/rate-limited", { status: 429 }, false],
  ["model/unreachable", {}, false],
  ["model/timeout", {}, false],
  ["model/failed", {}, false],
  ["model/failed", { status: 400 }, true],
  ["tool/failed", { cause: { code: "mcp/call-rejected" } }, true],
  ["tool/failed", { cause: { code: "mcp/call-failed" } }, false],
  ["tool/refused", {}, true],
  ["tool/output-invalid", {}, true],
  ["model/response-invalid", {}, true],
  ["tool/input-invalid", {}, undefined],
  ["tool/cancelled", {}, undefined],
  ["policy/not-granted", {}, undefined],
  ["limits/queue-full", {}, undefined],
  ["breaker/open", {}, undefined],
])("B5 %s with %j says of the other side: %s", (code, data, evidence) => {
  expect(evidenceOf(new OrchestrationError(code, data))).toBe(evidence);
});
