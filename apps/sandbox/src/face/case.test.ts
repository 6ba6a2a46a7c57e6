import { expect, test } from "vitest";
import { minuteText, untilText } from "./case.ts";

test("how long it is until then, in its two largest units", () => {
  const minute = 60_000;
  const now = 1_700_000_000_000;
  expect(
    [0, 59_000, 5 * minute, 90 * minute, 24 * 60 * minute, 26 * 60 * minute, -3 * minute].map((ms) =>
      untilText(now + ms, now),
    ),
  ).toEqual([
    "in less than a minute",
    "in less than a minute",
    "in 5 min",
    "in 1 h 30 min",
    "in 1 d",
    "in 1 d 2 h",
    "3 min ago",
  ]);
  expect(minuteText(now)).toBe("2023-11-14 22:13 UTC");
});
