import {
  assertExamples,
  type Classification,
  type Example,
  type TrainingOptions,
  trainClassifier,
} from "./classifier.ts";
import { ClassifierError } from "./errors.ts";
import { seededRandom, shuffle } from "./random.ts";

/** One example, and what was said of it by a classifier that had not learned from it. */
export interface Answered<Intent extends string = string> {
  readonly example: Example<Intent>;
  readonly found: Classification<Intent>;
}

export interface Evaluation<Intent extends string = string> {
  readonly examples: number;
  /** Share of the examples whose intent was named. */
  readonly accuracy: number;
  /** How far confidences are from how often they are right, on the whole (expected calibration error, ten bins); 0 is best. */
  readonly calibrationError: number;
  /** Intents that are taken for others, the most frequent first. */
  readonly confusions: readonly { readonly intent: Intent; readonly takenFor: Intent; readonly count: number }[];
  /**
   * The confidence at which this share of the examples is routed, and how many of those are right: what to give a threshold
   * as `atLeast`, when people can look at the rest.
   * @param share above 0, 1 at most
   */
  readonly routing: (share: number) => Routing;
  /** All of them, as they were answered. */
  readonly answers: readonly Answered<Intent>[];
}

export interface Routing {
  readonly atLeast: number;
  readonly routed: number;
  /** Share of those routed whose intent is right. */
  readonly accuracy: number;
}

/** Answers that were given elsewhere, such as by a classifier on examples of its own, in numbers. */
export function evaluateAnswers<Intent extends string>(answers: readonly Answered<Intent>[]): Evaluation<Intent> {
  const sure = answers
    .map(({ example, found }) => ({ confidence: found.confidence, right: found.intent === example.intent }))
    .sort((left, right) => right.confidence - left.confidence);
  const shareRight = (some: readonly { readonly right: boolean }[]) =>
    some.length === 0 ? 0 : some.filter(({ right }) => right).length / some.length;
  return {
    examples: answers.length,
    accuracy: shareRight(sure),
    calibrationError: calibrationError(sure),
    confusions: confusionsOf(answers),
    routing: (share) => {
      if (!(share > 0 && share <= 1)) {
        const reason = "it is above 0 and at most 1";
        throw new ClassifierError("classifier/option-invalid", { option: "share", value: String(share), reason });
      }
      const atLeast = sure[Math.max(0, Math.ceil(share * sure.length) - 1)]?.confidence ?? 0;
      // All that are as sure as the last one are routed with it.
      const routed = sure.filter(({ confidence }) => confidence >= atLeast);
      return { atLeast, routed: sure.length === 0 ? 0 : routed.length / sure.length, accuracy: shareRight(routed) };
    },
    answers,
  };
}

/**
 * Cross-validation: the examples are dealt into folds, each intent evenly, and each fold is answered by a classifier that has
 * learned from the others. Trains as many classifiers as there are folds. The same seed deals and trains the same.
 * @param folds 2 to 20; 5 when absent
 * @throws ClassifierError `classifier/examples-invalid`, `classifier/option-invalid`
 */
export function crossValidate<const Intent extends string>(
  examples: readonly Example<Intent>[],
  options: TrainingOptions & {
    readonly folds?: number;
    readonly onFold?: (done: number, folds: number) => void;
  } = {},
): Evaluation<Intent> {
  const { folds = 5, onFold, ...training } = options;
  if (!(Number.isInteger(folds) && folds >= 2 && folds <= 20)) {
    const reason = "it is a whole number from 2 to 20";
    throw new ClassifierError("classifier/option-invalid", { option: "folds", value: String(folds), reason });
  }
  assertExamples(examples);
  const random = seededRandom(training.seed ?? 1);
  const byIntent = [...Map.groupBy(examples, ({ intent }) => intent)].sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  // Intents follow each other around the folds, so that those with few examples do not all meet in the first.
  const dealt = byIntent
    .flatMap(([, some]) => shuffle([...some], random))
    .map((example, index) => ({ example, fold: index % folds }));
  const answers: Answered<Intent>[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const learned = dealt.filter((one) => one.fold !== fold).map(({ example }) => example);
    const classifier = trainClassifier<Intent>(learned, training);
    for (const { example, fold: own } of dealt) {
      if (own === fold) answers.push({ example, found: classifier.classify(example.text) });
    }
    onFold?.(fold + 1, folds);
  }
  return evaluateAnswers(answers);
}

const bins = 10;

function calibrationError(answers: readonly { readonly confidence: number; readonly right: boolean }[]): number {
  let sum = 0;
  for (let bin = 0; bin < bins; bin++) {
    const some = answers.filter(({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)) === bin);
    const expected = some.reduce((all, { confidence }) => all + confidence, 0);
    sum += Math.abs(expected - some.filter(({ right }) => right).length);
  }
  return answers.length === 0 ? 0 : sum / answers.length;
}

function confusionsOf<Intent extends string>(answers: readonly Answered<Intent>[]): Evaluation<Intent>["confusions"] {
  const wrong = answers.filter(({ example, found }) => example.intent !== found.intent);
  return [...Map.groupBy(wrong, ({ example, found }) => JSON.stringify([example.intent, found.intent]))]
    .map(([key, some]) => {
      const [intent, takenFor] = JSON.parse(key) as [Intent, Intent];
      return { intent, takenFor, count: some.length };
    })
    .sort(
      (left, right) =>
        right.count - left.count || (left.intent + left.takenFor < right.intent + right.takenFor ? -1 : 1),
    );
}
