import { expect, test } from "vitest";
import { fakeClock } from "../testing/fake-clock.ts";
import { patience } from "./patience.ts";

const begin = (holdMs = 10_000) => {
  const clock = fakeClock();
  const due: number[] = [];
  const began = clock.now();
  const time = patience({ clock, timeoutMs: 1_000, holdMs, onDue: () => due.push(clock.now() - began) });
  return { clock, time, due };
};

test("without a hold the time is up when it is up, once", () => {
  const { clock, time, due } = begin();
  clock.advance(999);
  expect(due).toEqual([]);
  clock.advance(5_000);
  expect(due).toEqual([1_000]);
  expect(time.isOver()).toBe(true);
  time.hold()();
});

test("it stands still while anybody holds it, and goes on where it was", () => {
  const { clock, time, due } = begin();
  clock.advance(400);
  const first = time.hold();
  clock.advance(3_000);
  const second = time.hold();
  clock.advance(3_000);
  first();
  first();
  clock.advance(3_000);
  expect(due).toEqual([]);
  second();
  clock.advance(599);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual([10_000]);
});

test("a hold that nobody releases ends by itself", () => {
  const { clock, time, due } = begin(2_000);
  clock.advance(400);
  time.hold();
  clock.advance(2_599);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual([3_000]);
});

test("what went by after a hold had ended by itself is gone, whoever releases it then", () => {
  const { clock, time, due } = begin(2_000);
  clock.advance(400);
  const first = time.hold();
  clock.advance(2_300);
  first();
  clock.advance(299);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual([3_000]);
});

test("a clock that is put back gives no call more time than it had", () => {
  let now = 1_000_000;
  const armed: number[] = [];
  const clock = { now: () => now, at: (dueAt: number) => ({ cancel: () => {}, left: armed.push(dueAt - now) }) };
  const time = patience({ clock, timeoutMs: 1_000, holdMs: 2_000, onDue: () => {} });
  now -= 3_600_000;
  time.hold()();
  expect(armed).toEqual([1_000, 3_000, 1_000]);
});

test("what is over is not due any more", () => {
  const { clock, time, due } = begin();
  const release = time.hold();
  time.stop();
  release();
  clock.advance(60_000);
  expect(due).toEqual([]);
});
