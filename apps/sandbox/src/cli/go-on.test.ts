import { expect, test } from "vitest";
import type { Context } from "./context.ts";
import { wentOnLines } from "./go-on.ts";

test("a question and a reason, which a model may have written, cannot move the cursor of whoever has just decided", () => {
  const plain = (text: string) => text;
  const paint = { good: plain, bad: plain, warn: plain };
  const context = { out: { paint }, place: { command: (words: string) => words } } as unknown as Context;
  const said = "yes?\u001b[2J\u202e";
  const waits = { run: "run_1", status: "parked", reason: said, waiting: [], questions: [said] };
  expect(wentOnLines(waits, context)).toEqual([
    "The run went on and waits again: yes?␛[2J<202e>.",
    "  “yes?␛[2J<202e>”",
  ]);
  const ended = { ...waits, status: "escalated", questions: [] };
  expect(wentOnLines(ended, context)[0]).toBe("The run went on and has ended: escalated · yes?␛[2J<202e>");
});
