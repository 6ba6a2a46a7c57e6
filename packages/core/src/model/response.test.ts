import fc from "fast-check";
import { expect, test } from "vitest";
import { plainJson } from "../json.ts";
import { response, usualShape } from "./response.ts";

const text = fc.oneof({ weight: 9, arbitrary: fc.string({ minLength: 1 }) }, { weight: 1, arbitrary: fc.constant("") });
const odd = fc.constantFrom(
  undefined,
  null,
  -1,
  -0,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  "",
  [],
  {},
  true,
);
const mostly = <T>(arb: fc.Arbitrary<T>) => fc.oneof({ weight: 60, arbitrary: arb }, { weight: 1, arbitrary: odd });
const record = (model: Record<string, fc.Arbitrary<unknown>>, optional: readonly string[] = []) =>
  fc.record<Record<string, unknown>>(
    { ...Object.fromEntries(Object.entries(model).map(([key, arb]) => [key, mostly(arb)])), more: fc.boolean() },
    { requiredKeys: Object.keys(model).filter((key) => !optional.includes(key)) },
  );
const any = fc.anything({ maxDepth: 2 });
const part = fc.oneof(
  record({ type: fc.constant("text"), text }),
  record({ text, type: fc.constant("text") }),
  record({ type: fc.constant("toolCall"), callId: text, tool: text, input: any }),
  record({ type: fc.constant("output"), value: any }),
  record({ type: fc.constant("ask"), of: fc.constantFrom("customer", "operator"), question: text }),
  record({ type: fc.constant("refusal"), reason: text }),
  record({ type: fc.constant("reasoning"), provider: text, data: any }),
  record({ type: fc.constant("media"), media: record({ $media: text, data: text }, ["data"]) }),
);
const count = fc.nat();
const usage = record(
  {
    reasoningTokens: count,
    cachedInputTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    inputTokens: count,
  },
  ["cachedInputTokens", "cacheWriteTokens", "reasoningTokens"],
);
const cost = record({ basis: fc.constantFrom("reported", "estimated", "reserved"), microUsd: fc.double({ min: 0 }) });
const answer = fc.oneof(
  {
    weight: 20,
    arbitrary: record({ model: text, cost, usage, parts: fc.array(mostly(part), { maxLength: 4 }) }, [
      "model",
      "cost",
      "usage",
    ]),
  },
  { weight: 1, arbitrary: any },
);

test("an answer read by hand is what the schema makes of it, member by member and in its order", () => {
  let read = 0;
  fc.assert(
    fc.property(answer, (given) => {
      const shape = usualShape(given);
      if (!shape) return;
      read++;
      const parsed = response().safeParse(given);
      expect(parsed.success).toBe(true);
      const [ours, theirs] = [plainJson(shape), plainJson(parsed.data)];
      expect(ours).toEqual(theirs);
      expect(JSON.stringify(ours)).toBe(JSON.stringify(theirs));
    }),
    { numRuns: 5_000 },
  );
  expect(read).toBeGreaterThan(500);
});

test("the usual answers are read by hand", () => {
  const parts = [
    { type: "reasoning", provider: "p", data: { sealed: "x" } },
    { type: "text", text: "" },
    { type: "toolCall", callId: "c", tool: "t", input: null },
    { type: "output", value: false },
  ];
  const usage = { inputTokens: 3, outputTokens: 0, cachedInputTokens: 1 };
  const given = { parts, usage, cost: { microUsd: 7, basis: "reported" }, model: "m" };
  expect(usualShape(given)).toEqual(given);
});
