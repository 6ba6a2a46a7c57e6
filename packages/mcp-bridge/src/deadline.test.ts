import { getEventListeners } from "node:events";
import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import { deadlineOf, firstOf } from "./deadline.ts";

test("a wait that ends says which time was over: that of silence, or the most there is", () => {
  const clock = fakeClock();
  const silent = deadlineOf(clock, 100, [], { totalMsMax: 250 });
  clock.advance(100);
  expect([silent.timedOut(), silent.overMs()]).toEqual([true, 100]);

  const lively = deadlineOf(clock, 100, [], { totalMsMax: 250 });
  for (let signs = 0; signs < 6; signs++) {
    clock.advance(50);
    lively.renew();
  }
  expect([lively.timedOut(), lively.overMs()]).toEqual([true, 250]);
});

test("both times stand still while somebody is asked", () => {
  const clock = fakeClock();
  const deadline = deadlineOf(clock, 100, [], { totalMsMax: 250 });
  clock.advance(50);
  deadline.hold(true);
  deadline.hold(true);
  clock.advance(10_000);
  deadline.hold(false);
  clock.advance(10_000);
  deadline.hold(false);
  for (let signs = 0; signs < 3; signs++) {
    clock.advance(60);
    expect(deadline.timedOut()).toBe(false);
    deadline.renew();
  }
  clock.advance(100);
  expect([deadline.timedOut(), deadline.overMs()]).toEqual([true, 250]);
});

test("the first of two signals aborts, and neither keeps a listener", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const either = firstOf(one.signal, other.signal);
  other.abort("enough");
  expect(either.signal.reason).toBe("enough");
  either.letGo();
  expect(getEventListeners(one.signal, "abort")).toEqual([]);
  expect(firstOf(one.signal, undefined).signal).toBe(one.signal);
});

test("who listens to a wait hears of its end once, before or after there is a signal of it", () => {
  const clock = fakeClock();
  const caller = new AbortController();
  const deadline = deadlineOf(clock, 100, [caller.signal]);
  const heard: string[] = [];
  const takenBack = () => heard.push("taken back");
  deadline.listen(() => heard.push("listener"));
  deadline.listen(takenBack);
  deadline.unlisten(takenBack);
  deadline.signal().addEventListener("abort", () => heard.push("signal"));
  caller.abort();
  clock.advance(1_000);
  expect(heard).toEqual(["listener", "signal"]);
  expect([deadline.stopped(), deadline.timedOut()]).toEqual([true, false]);
  expect(deadline.signal().reason).toBe(deadline.reason());

  const late = deadlineOf(clock, 100, []);
  clock.advance(100);
  expect([late.signal().aborted, late.signal().reason]).toEqual([true, late.reason()]);
  expect(late.reason()).toMatchObject({ name: "TimeoutError" });
  late.listen(() => expect.unreachable());
  deadline.cancel();
  expect(getEventListeners(caller.signal, "abort")).toEqual([]);
});
