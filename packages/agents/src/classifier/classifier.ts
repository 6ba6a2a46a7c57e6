import { sha256 } from "@remit/core";
import { z } from "zod";
import { type Judged, temperatureFor } from "./calibrate.ts";
import { ClassifierError } from "./errors.ts";
import { bagsOf, type Vocabulary, vectorizer, vectorsOf } from "./features.ts";
import { seededRandom, shuffle } from "./random.ts";
import { type Softmax, scoresOf, toShares, trainSoftmax } from "./softmax.ts";

/** A text, and what it is about. */
export interface Example<Intent extends string = string> {
  readonly text: string;
  readonly intent: Intent;
}

export interface Classification<Intent extends string = string> {
  readonly intent: Intent;
  /** 0 to 1: how often answers that are as sure as this one are right, for texts of the kind that was learned from. */
  readonly confidence: number;
  /** The intents that come next, the likeliest first. */
  readonly others: readonly { readonly intent: Intent; readonly confidence: number }[];
}

/**
 * Names what a text is about, from examples, in this process, without a model download: TF-IDF and multinomial logistic
 * regression, with calibrated confidences. The same text always gets the same answer.
 */
export interface Classifier<Intent extends string = string> {
  readonly intents: readonly Intent[];
  /** Whether the confidences were held against examples that had been kept back; too few of those leave them as they are. */
  readonly calibrated: boolean;
  /** Names what it has learned: the same for the same examples and options. */
  readonly fingerprint: string;
  /** Looks at the first 8,000 characters. @throws ClassifierError `classifier/text-invalid` */
  readonly classify: (text: string) => Classification<Intent>;
  /** Plain data from which `readClassifier` makes it again, exactly. */
  readonly toJSON: () => StoredClassifier;
}

export interface TrainingOptions {
  /** Decides about order and about what is kept back; 1 when absent. */
  readonly seed?: number;
  /** Times that every example is looked at, 1 to 200; 10 when absent. */
  readonly epochs?: number;
  /** Features that are kept at most, 1 to 200,000; 12,000 when absent, and fewer where there are very many intents. */
  readonly features?: number;
}

export interface StoredClassifier {
  readonly kind: "remit/classifier";
  readonly version: 1;
  readonly intents: readonly string[];
  readonly features: readonly string[];
  readonly temperature: number;
  readonly calibrated: boolean;
  /** Little-endian 32-bit floats in base64: the weights of features, and of features by intent. */
  readonly featureWeights: string;
  readonly weights: string;
}

const defaults = { seed: 1, epochs: 10, features: 12_000 };
/** Weights of a classifier: some 80 MB as they are stored. */
const weightsMax = 20_000_000;
const othersMax = 4;
/** One example in so many is kept back to calibrate by, unless that makes fewer than so many. */
const keptBack = 5;
const keptBackMin = 30;

/**
 * Learns from examples. Takes time in proportion to examples × intents (some seconds for 10,000 of 77) and stands in the way
 * of everything else meanwhile: train beforehand, and store what comes of it.
 * @throws ClassifierError `classifier/examples-invalid`, `classifier/option-invalid`
 */
export function trainClassifier<const Intent extends string>(
  examples: readonly Example<Intent>[],
  options: TrainingOptions = {},
): Classifier<Intent> {
  const { seed, epochs, features: featuresMax } = checkedOptions(options);
  assertExamples(examples);
  const intents = intentsOf(examples);
  const indexOf = new Map<string, number>(intents.map((intent, index) => [intent, index]));
  const { names, bags } = bagsOf(examples.map(({ text }) => text));
  const learned = bags.map((bag, at) => ({ bag, label: indexOf.get(examples[at]?.intent ?? "") as number }));
  const most = Math.min(featuresMax, Math.max(1, Math.floor(weightsMax / intents.length)));
  const fit = (some: typeof learned) => {
    const { vocabulary, vectorOf } = vectorsOf(
      names,
      some.map(({ bag }) => bag),
      most,
    );
    const softmax = trainSoftmax({
      vectors: some.map(({ bag }) => vectorOf(bag)),
      labels: some.map(({ label }) => label),
      classes: intents.length,
      features: vocabulary.names.length,
      epochs,
      random: seededRandom(seed),
    });
    return { vocabulary, vectorOf, softmax };
  };
  let temperature = 1;
  const isEnough = Math.floor(learned.length / keptBack) >= keptBackMin;
  if (isEnough) {
    const mixed = shuffle([...learned], seededRandom(seed + 1));
    const { vectorOf, softmax } = fit(mixed.filter((_, index) => index % keptBack !== 0));
    const judged = mixed
      .filter((_, index) => index % keptBack === 0)
      .map(({ bag, label }): Judged => ({ scores: scoresOf(softmax, vectorOf(bag)), label }));
    temperature = temperatureFor(judged);
  }
  const { vocabulary, softmax } = fit(learned);
  return classifierOf({ intents, vocabulary, softmax, temperature, calibrated: isEnough });
}

interface Parts<Intent extends string> {
  readonly intents: readonly Intent[];
  readonly vocabulary: Vocabulary;
  readonly softmax: Softmax;
  readonly temperature: number;
  readonly calibrated: boolean;
}

function classifierOf<Intent extends string>(parts: Parts<Intent>): Classifier<Intent> {
  const { intents, vocabulary, softmax, temperature, calibrated } = parts;
  const vectorOf = vectorizer(vocabulary);
  const stored = (): StoredClassifier => ({
    kind: "remit/classifier",
    version: 1,
    intents,
    features: vocabulary.names,
    temperature,
    calibrated,
    featureWeights: toText(vocabulary.weights),
    weights: toText(softmax.weights),
  });
  let fingerprint: string | undefined;
  return {
    intents,
    calibrated,
    get fingerprint() {
      fingerprint ??= sha256(JSON.stringify(stored())).slice(0, 16);
      return fingerprint;
    },
    classify: (text) => {
      if (typeof text !== "string") {
        throw new ClassifierError("classifier/text-invalid", { found: text === null ? "null" : typeof text });
      }
      const shares = toShares(scoresOf(softmax, vectorOf(text)), temperature);
      const [first, ...others] = [...shares]
        .map((confidence, index) => ({ intent: intents[index] as Intent, confidence }))
        .sort((left, right) => right.confidence - left.confidence)
        .slice(0, 1 + othersMax) as [
        { intent: Intent; confidence: number },
        ...{ intent: Intent; confidence: number }[],
      ];
      return { ...first, others };
    },
    toJSON: stored,
  };
}

const storedClassifier = z.strictObject({
  kind: z.literal("remit/classifier"),
  version: z.literal(1),
  intents: z
    .array(z.string().min(1))
    .min(2)
    .refine((intents) => new Set(intents).size === intents.length, "an intent is there twice"),
  features: z.array(z.string()),
  temperature: z.number().positive(),
  calibrated: z.boolean(),
  featureWeights: z.string(),
  weights: z.string(),
});

/**
 * Makes a classifier from what `toJSON()` gave, without training.
 * @throws ClassifierError `classifier/data-invalid`
 */
export function readClassifier(stored: unknown): Classifier {
  const parsed = storedClassifier.safeParse(stored);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidData(`at /${issue?.path.map(String).join("/") ?? ""} ${issue?.message ?? "it is wrong"}`);
  }
  const { intents, features, temperature, calibrated, ...texts } = parsed.data;
  const classes = intents.length;
  if (features.length * classes > weightsMax) throw invalidData(`it has more than ${weightsMax} weights`);
  const vocabulary = { names: features, weights: floatsOf("featureWeights", texts.featureWeights, features.length) };
  const softmax = {
    classes,
    weights: floatsOf("weights", texts.weights, features.length * classes),
  };
  return classifierOf({ intents, vocabulary, softmax, temperature, calibrated });
}

function toText(floats: Float32Array): string {
  const bytes = Buffer.alloc(floats.length * 4);
  floats.forEach((float, index) => void bytes.writeFloatLE(float, index * 4));
  return bytes.toString("base64");
}

function floatsOf(name: string, text: string, count: number): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== count * 4) throw invalidData(`${name} has ${bytes.length / 4} numbers in place of ${count}`);
  const floats = Float32Array.from({ length: count }, (_, index) => bytes.readFloatLE(index * 4));
  if (floats.some((float) => !Number.isFinite(float))) throw invalidData(`${name} has what is no number`);
  return floats;
}

function invalidData(reason: string): ClassifierError {
  return new ClassifierError("classifier/data-invalid", { reason });
}

/** @throws ClassifierError `classifier/examples-invalid` for what is no list of texts with their intents */
export function assertExamples(examples: unknown): asserts examples is readonly Example[] {
  const wrong = (reason: string, data = {}) => new ClassifierError("classifier/examples-invalid", { reason, ...data });
  if (!Array.isArray(examples)) throw wrong("they are no list");
  for (const [index, example] of (examples as readonly unknown[]).entries()) {
    if (typeof example !== "object" || example === null) throw wrong(`at ${index} there is no example`, { index });
    const { text, intent } = example as Readonly<Record<string, unknown>>;
    if (typeof text !== "string" || text.trim() === "") throw wrong(`the text at ${index} is empty`, { index });
    if (typeof intent !== "string" || intent === "") throw wrong(`the text at ${index} has no intent`, { index });
  }
}

/** Sorted, so that the order of the examples does not name them. */
function intentsOf<Intent extends string>(examples: readonly Example<Intent>[]): readonly Intent[] {
  const intents = new Set(examples.map(({ intent }) => intent));
  if (intents.size < 2) {
    throw new ClassifierError("classifier/examples-invalid", { reason: `there are ${intents.size} intents` });
  }
  return [...intents].sort();
}

function checkedOptions(options: TrainingOptions): Required<TrainingOptions> {
  const unknown = Object.entries(options).find(([option]) => !Object.hasOwn(defaults, option));
  if (unknown) {
    const reason = `there is no such option, but ${Object.keys(defaults).join(", ")}`;
    throw new ClassifierError("classifier/option-invalid", { option: unknown[0], value: String(unknown[1]), reason });
  }
  const all = { ...defaults, ...options };
  for (const [option, least, most] of [
    ["seed", 0, 2 ** 32 - 2],
    ["epochs", 1, 200],
    ["features", 1, 200_000],
  ] as const) {
    const value = all[option];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    const reason = `it is a whole number from ${least} to ${most}`;
    throw new ClassifierError("classifier/option-invalid", { option, value: String(value), reason });
  }
  return all;
}
