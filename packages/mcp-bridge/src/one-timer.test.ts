import { fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { oneTimer } from "./one-timer.ts";

type Step =
  | { readonly kind: "at"; readonly inMs: number; readonly again: number | undefined }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "advance"; readonly ms: number };

const arbMs = fc.nat(100);
const arbStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("at" as const), inMs: arbMs, again: fc.option(arbMs, { nil: undefined }) }),
  fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant("advance" as const), ms: arbMs }),
);

test("timers that share one fire when those of the clock would, in the same order", () => {
  fc.assert(
    fc.property(fc.array(arbStep, { maxLength: 40 }), (steps) => {
      const [own, shared] = [false, true].map((isShared) => {
        const clock = fakeClock(0);
        const timers = isShared ? oneTimer(clock) : clock;
        const fired: [number, number][] = [];
        const begun: { readonly cancel: () => void }[] = [];
        const wait = (inMs: number, again: number | undefined) => {
          const which = begun.length;
          begun.push(
            timers.at(clock.now() + inMs, () => {
              fired.push([which, clock.now()]);
              if (again !== undefined) wait(again, undefined);
            }),
          );
        };
        for (const step of steps) {
          if (step.kind === "at") wait(step.inMs, step.again);
          else if (step.kind === "cancel") begun[step.which]?.cancel();
          else clock.advance(step.ms);
        }
        clock.advance(1_000);
        return fired;
      });
      expect(shared).toEqual(own);
    }),
  );
});

test("a thousand waits that are over in time make one timer, and none is left when it is let go", () => {
  const clock = fakeClock();
  let made = 0;
  let left = 0;
  const timers = oneTimer({
    now: clock.now,
    at: (dueAt, callback) => {
      made++;
      left++;
      const timer = clock.at(dueAt, () => {
        left--;
        callback();
      });
      return {
        cancel: () => {
          left--;
          timer.cancel();
        },
      };
    },
  });
  for (let wait = 0; wait < 1_000; wait++) {
    timers.at(clock.now() + 30_000, () => expect.unreachable()).cancel();
    clock.advance(1);
  }
  expect({ made, left }).toEqual({ made: 1, left: 1 });
  const waiting = timers.at(clock.now() + 30_000, () => {});
  timers.rest();
  expect(left).toBe(1);
  waiting.cancel();
  timers.rest();
  expect(left).toBe(0);
});
