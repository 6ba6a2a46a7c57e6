import type { RevealedCase } from "@remit/core";
import { expect, test } from "vitest";
import { minuteText, revealedLines, untilText } from "./case.ts";
import { screenOn } from "./screen.ts";

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

test("what was shown in the clear, and what was not and why", () => {
  const screen = screenOn(process.stdout);
  const plain = { ...screen, paint: { ...screen.paint, warn: (text: string) => text } };
  const lines = (revealed: readonly string[], withheld: RevealedCase["withheld"]) =>
    revealedLines({ revealed, withheld } as unknown as RevealedCase, plain);
  expect(
    lines(
      ["email", "person"],
      [
        { class: "iban", why: "not-cleared", pointers: ["/input/from", "/input/to"] },
        { class: "phone", why: "erased", pointers: [] },
      ],
    ),
  ).toEqual([
    "in the clear: email, person; that you saw it is recorded",
    "still sealed: iban at /input/from, /input/to; none of your roles is cleared for it",
    "still sealed: phone; it was erased",
  ]);
  expect(lines([], [])).toEqual(["nothing in its arguments is sealed"]);
});
