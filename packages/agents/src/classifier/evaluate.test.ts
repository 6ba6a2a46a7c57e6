import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Example } from "./classifier.ts";
import { type Answered, crossValidate, evaluateAnswers } from "./evaluate.ts";
import { letters } from "./letters.test.data.ts";

const answered = (intent: string, found: string, confidence: number): Answered => ({
  example: { text: "x", intent },
  found: { intent: found, confidence, others: [] },
});

test("answers in numbers: accuracy, confusions, and what is right among those that are routed", () => {
  const evaluation = evaluateAnswers([
    answered("a", "a", 0.95),
    answered("a", "a", 0.9),
    answered("b", "b", 0.8),
    answered("b", "a", 0.4),
    answered("c", "a", 0.4),
    answered("b", "a", 0.3),
  ]);
  expect(evaluation).toMatchObject({ examples: 6, accuracy: 0.5 });
  expect(evaluation.confusions).toEqual([
    { intent: "b", takenFor: "a", count: 2 },
    { intent: "c", takenFor: "a", count: 1 },
  ]);
  expect(evaluation.routing(0.5)).toEqual({ atLeast: 0.8, routed: 0.5, accuracy: 1 });
  // Two are as sure as each other, so that both are routed.
  expect(evaluation.routing(0.6)).toEqual({ atLeast: 0.4, routed: 5 / 6, accuracy: 3 / 5 });
  expect(evaluation.routing(1)).toEqual({ atLeast: 0.3, routed: 1, accuracy: 0.5 });
  expect(evaluation.calibrationError).toBeCloseTo((0.15 + 0.2 + 0.8 + 0.3) / 6, 9);
  for (const share of [0, 1.1, Number.NaN]) {
    expect(() => evaluation.routing(share)).toThrow(expect.objectContaining({ code: "classifier/option-invalid" }));
  }
  expect(evaluateAnswers([])).toMatchObject({ examples: 0, accuracy: 0, calibrationError: 0 });
});

test("each example is answered once, by a classifier that has not seen it, and the seed decides how", () => {
  const examples = letters(300, { mistaken: 0.2 });
  const told: number[] = [];
  const first = crossValidate(examples, { folds: 3, epochs: 4, onFold: (done) => told.push(done) });
  expect(told).toEqual([1, 2, 3]);
  expect(new Set(first.answers.map(({ example }) => example))).toEqual(new Set(examples));
  expect(first.accuracy).toBeGreaterThan(0.75);
  expect(first.accuracy).toBeLessThan(0.97);
  const numbers = ({ answers }: typeof first) => answers.map(({ found }) => found.confidence);
  expect(numbers(crossValidate(examples, { folds: 3, epochs: 4 }))).toEqual(numbers(first));
  expect(() => crossValidate(examples, { folds: 1 })).toThrow(
    expect.objectContaining({ code: "classifier/option-invalid" }),
  );
});

const file = join(
  process.env.REMIT_DATA_DIR ?? join(import.meta.dirname, "../../../../../shared/data"),
  "banking77/train.csv",
);
const because = existsSync(file) ? "" : ` (skipped: there is no ${file})`;

describe.skipIf(because !== "")(`published questions of bank customers${because}`, () => {
  test("a sample is named well, and confidences can be believed", () => {
    // Rows with a line break or a quotation mark within are left out: `npm run measure:triage` reads all.
    const examples = readFileSync(file, "utf8")
      .split(/\r?\n/)
      .slice(1)
      .flatMap((line): Example[] => {
        const [, text, intent] = /^"?([^"]+?)"?,(\w+)$/.exec(line) ?? [];
        return text === undefined || intent === undefined ? [] : [{ text, intent }];
      })
      .filter((_, index) => index % 4 === 0);
    const { accuracy, calibrationError, routing } = crossValidate(examples, { folds: 2, epochs: 6 });
    expect(accuracy).toBeGreaterThan(0.7);
    expect(calibrationError).toBeLessThan(0.06);
    expect(routing(0.9).accuracy).toBeGreaterThan(accuracy);
  });
});
