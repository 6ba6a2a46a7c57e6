import fc from "fast-check";
import { expect, test } from "vitest";
import { readClassifier, type StoredClassifier, trainClassifier } from "./classifier.ts";
import type { ClassifierError } from "./errors.ts";
import { crossValidate } from "./evaluate.ts";
import { featuresOf } from "./features.ts";
import { letters } from "./letters.test.data.ts";

const trained = trainClassifier(letters(400));

test("names what new texts are about, and is unsure of what it has never seen", () => {
  const fresh = letters(200, { seed: 7 });
  const right = fresh.filter(({ text, intent }) => trained.classify(text).intent === intent);
  expect(right.length).toBeGreaterThan(195);
  expect(trained.classify("where's my parcl??")).toMatchObject({ intent: "where_is_it" });
  for (const text of ["", "… 😀", "Ποια ώρα είναι τώρα στην Αθήνα;", "zzqx vvbk"]) {
    expect(trained.classify(text).confidence, text).toBeLessThan(0.6);
  }
  const { intent, confidence, others } = trained.classify("I have moved house");
  expect([intent, others.map((one) => one.intent).sort()]).toEqual(["redirect", ["complaint", "where_is_it"]]);
  expect(confidence + others.reduce((sum, one) => sum + one.confidence, 0)).toBeCloseTo(1, 9);
});

test("the same examples and seed make the same classifier, whatever was done before", () => {
  const again = trainClassifier(letters(400));
  expect(again.fingerprint).toBe(trained.fingerprint);
  expect(trainClassifier(letters(400), { seed: 2 }).fingerprint).not.toBe(trained.fingerprint);
  expect(again.intents).toEqual(["complaint", "redirect", "where_is_it"]);
});

test("where examples are mistaken, confidence says how often it is right", () => {
  const noisy = trainClassifier(letters(2_000, { mistaken: 0.3 }));
  expect(noisy.calibrated).toBe(true);
  const fresh = letters(500, { seed: 9 }).map(({ text }) => noisy.classify(text).confidence);
  const mean = fresh.reduce((sum, one) => sum + one, 0) / fresh.length;
  // Three of ten are drawn anew among three intents: eight of ten are right.
  expect(mean).toBeGreaterThan(0.7);
  expect(mean).toBeLessThan(0.9);
  expect(trainClassifier(letters(60)).calibrated).toBe(false);
});

test("what is strange to it has no confidence to it, however often one intent was there", () => {
  const all = letters(2_000);
  const most = all.filter(({ intent }) => intent === "where_is_it").slice(0, 400);
  const few = all.filter(({ intent }) => intent === "redirect").slice(0, 20);
  const uneven = trainClassifier([...most, ...few]);
  expect(uneven.calibrated).toBe(true);
  for (const text of ["", "…", "今天天气怎么样", "Ποια ώρα είναι τώρα στην Αθήνα;", "zzqx vvbk"]) {
    expect(uneven.classify(text).confidence, text).toBe(0.5);
  }
  // One word that it knows among many that it does not.
  const { confidence } = uneven.classify("Ποια ώρα είναι τώρα parcel στην Αθήνα");
  expect(confidence).toBeLessThan(uneven.classify("parcel").confidence - 0.1);
});

test("that all of the few that were kept back were right does not make it certain", () => {
  const sure = letters(400).map(({ text }) => trained.classify(text));
  expect(trained.calibrated).toBe(true);
  expect(Math.max(...sure.map(({ confidence }) => confidence))).toBeLessThan(0.9999);
  expect(trained.classify("the").confidence).toBeLessThan(0.6);
});

test("stored and read it answers the same, to the last digit", () => {
  const text = JSON.stringify(trained);
  const read = readClassifier(JSON.parse(text));
  for (const one of letters(50, { seed: 3 })) expect(read.classify(one.text)).toEqual(trained.classify(one.text));
  expect([read.fingerprint, read.intents, read.calibrated]).toEqual([trained.fingerprint, trained.intents, true]);
});

test.each<[string, (stored: StoredClassifier) => unknown, string]>([
  ["nothing", () => undefined, "expected object"],
  ["another version", (stored) => ({ ...stored, version: 2 }), "/version"],
  ["too few weights", (stored) => ({ ...stored, weights: stored.weights.slice(0, 400) }), "weights has"],
  [
    "weights of no number",
    (stored) => ({ ...stored, featureWeights: Buffer.alloc(4 * stored.features.length, 0xff).toString("base64") }),
    "no number",
  ],
  ["what nobody reads", (stored) => ({ ...stored, biases: "" }), "biases"],
  ["an intent twice", (stored) => ({ ...stored, intents: ["a", "b", "a"] }), "there twice"],
  ["a temperature of none", (stored) => ({ ...stored, temperature: 0 }), "/temperature"],
  ["one intent", (stored) => ({ ...stored, intents: ["a"] }), "/intents"],
])("what is stored wrongly is refused: %s", (_, change, reason) => {
  const thrown = thrownBy(() => readClassifier(change(trained.toJSON())));
  expect(thrown).toMatchObject({ code: "classifier/data-invalid", message: expect.stringContaining(reason) });
});

test("examples and options that teach nothing are refused", () => {
  const one = { text: "Hello", intent: "a" };
  for (const examples of [[], [one, one], [one, { text: " ", intent: "b" }], [one, { text: "x", intent: "" }]]) {
    expect(thrownBy(() => trainClassifier(examples))).toMatchObject({ code: "classifier/examples-invalid" });
  }
  for (const options of [{ epochs: 0 }, { epochs: 1.5 }, { features: 0 }, { seed: -1 }]) {
    expect(thrownBy(() => trainClassifier(letters(10), options))).toMatchObject({ code: "classifier/option-invalid" });
  }
  const misspelt = { epoch: 3 } as object;
  expect(thrownBy(() => trainClassifier(letters(10), misspelt))).toMatchObject({
    code: "classifier/option-invalid",
    message: expect.stringContaining("epochs"),
  });
  expect(thrownBy(() => trainClassifier([one, null as never]))).toMatchObject({ code: "classifier/examples-invalid" });
  for (const examples of [undefined, "no", { examples: letters(10) }]) {
    const expected = { code: "classifier/examples-invalid", message: expect.stringContaining("they are no list") };
    expect(thrownBy(() => trainClassifier(examples as never))).toMatchObject(expected);
    expect(thrownBy(() => crossValidate(examples as never))).toMatchObject(expected);
  }
  expect(thrownBy(() => crossValidate([one, null as never]))).toMatchObject({ code: "classifier/examples-invalid" });
  const { hint, retryable, message } = thrownBy(() => trainClassifier([])) as ClassifierError;
  expect([retryable, hint.length > 0]).toEqual([false, true]);
  expect(message).toBe("classifier/examples-invalid: these examples cannot be learned from: there are 0 intents");
});

test.each([undefined, null, 7, ["x"]])("what is no text is not classified: %j", (text) => {
  expect(thrownBy(() => trained.classify(text as never))).toMatchObject({ code: "classifier/text-invalid" });
});

test("any text is classified in bounded work, and names of features are no names of objects", () => {
  expect(featuresOf("x".repeat(1_000_000)).size).toBeLessThan(20_000);
  expect(featuresOf("__proto__ constructor").get("wproto")).toBe(1);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { confidence, intent } = trained.classify(text);
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
      expect(trained.intents).toContain(intent);
    }),
  );
});

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}
