import { expect, test } from "vitest";
import { fakeClock } from "../testing/fake-clock.ts";
import { statesAtHand } from "./at-hand.ts";

function opened(most: number) {
  const clock = fakeClock();
  const atHand = statesAtHand({ most, clock });
  const gone: string[] = [];
  const wait = (name: string) => atHand.wait({ letGo: () => void gone.push(name) });
  return { clock, gone, wait };
}

test("of too many that wait, the longest waits let go, and not before they have waited for a while", () => {
  const { clock, gone, wait } = opened(2);
  for (const name of ["a", "b", "c", "d"]) wait(name);
  clock.advance(99);
  expect(gone).toEqual([]);
  clock.advance(1);
  expect(gone).toEqual(["a", "b"]);
});

test("as many as are kept let go of nothing, however long they wait", () => {
  const { clock, gone, wait } = opened(2);
  wait("a");
  wait("b");
  clock.advance(1_000_000);
  expect(gone).toEqual([]);
});

test("who has come back is not asked to let go, and makes room", () => {
  const { clock, gone, wait } = opened(1);
  const place = wait("a");
  wait("b");
  clock.advance(50);
  place.back();
  clock.advance(1_000);
  expect(gone).toEqual([]);
});

test("where none is kept, who waits lets go at once", () => {
  const { gone, wait } = opened(0);
  wait("a");
  wait("b");
  expect(gone).toEqual(["a", "b"]);
});
