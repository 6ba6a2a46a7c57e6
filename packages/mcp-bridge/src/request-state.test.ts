import { fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { requestStates, type StateBinding } from "./request-state.ts";

const secret = Buffer.alloc(32, 7);
const bound: StateBinding = { callerKey: "a", method: "tools/call", target: "pay", arguments: { cents: 5 } };

function states(validMs = 1_000) {
  const clock = fakeClock();
  let id = 0;
  const newId = () => `n${++id}`;
  return { clock, ...requestStates({ secret, clock, newId, validMs }) };
}

test("Q1 a state is good for its caller, method, tool and arguments, and for nothing else", () => {
  const { seal, open } = states();
  const state = seal(bound, { run: "run_1" });
  const others: StateBinding[] = [
    { ...bound, callerKey: "b" },
    { ...bound, method: "prompts/get" },
    { ...bound, target: "pay2" },
    { ...bound, arguments: { cents: 6 } },
  ];
  for (const other of others) expect(() => open(other, state)).toThrow("Invalid or expired requestState");
  expect(open(bound, state)).toEqual({ run: "run_1" });
});

test("Q2 a state is good once, and for a while", () => {
  const { seal, open, clock } = states();
  const state = seal(bound, 1);
  expect(open(bound, state)).toBe(1);
  expect(() => open(bound, state)).toThrow("Invalid or expired requestState");
  const old = seal(bound, 2);
  clock.advance(1_000);
  expect(() => open(bound, old)).toThrow("Invalid or expired requestState");
});

test("Q3 a state that was changed anywhere is refused with the one sentence", () => {
  const { seal, open } = states();
  const state = seal(bound, { run: "run_1" });
  fc.assert(
    fc.property(fc.nat(state.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, char) => {
      fc.pre(state[at] !== char);
      const changed = `${state.slice(0, at)}${char}${state.slice(at + 1)}`;
      expect(() => open(bound, changed)).toThrow(/^Invalid or expired requestState$/);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => open(bound, text)).toThrow(/^Invalid or expired requestState$/);
      expect(() => open(bound, state + text.padEnd(1, "."))).toThrow(/^Invalid or expired requestState$/);
    }),
  );
  expect(() => open(bound, "x".repeat(1_000_000))).toThrow(/^Invalid or expired requestState$/);
  expect(open(bound, state)).toEqual({ run: "run_1" });
});

test("another process with the same secret takes it up; one with another does not", () => {
  const state = states().seal(bound, "on");
  expect(states().open(bound, state)).toBe("on");
  const other = requestStates({ secret: Buffer.alloc(32, 8), clock: fakeClock(), newId: () => "n", validMs: 1_000 });
  expect(() => other.open(bound, state)).toThrow("Invalid or expired requestState");
});
