import { expect, test } from "vitest";
import { choicesOf, readToolAnswer } from "./answer.ts";
import type { ToolQuestion } from "./question.ts";

const form = {
  mode: "form",
  message: "Tell me.",
  schema: {
    type: "object",
    properties: {
      mail: { type: "string", format: "email" },
      word: { type: "string", minLength: 2, maxLength: 4, pattern: "^never run$" },
      plain: { type: "string" },
      age: { type: "integer", minimum: 0, maximum: 120 },
      score: { type: "number" },
      ok: { type: "boolean", default: false },
      one: { type: "string", enum: ["a", "b"], enumNames: ["Ah"] },
      other: { type: "string", oneOf: [{ const: "x", title: "X" }] },
      some: { type: "array", items: { type: "string", enum: ["p", "q"] }, minItems: 1, maxItems: 2 },
    },
    required: ["mail"],
  },
} as const satisfies ToolQuestion;
const page = { mode: "url", message: "Open it.", url: "https://example.com/" } as const satisfies ToolQuestion;

test("what fits comes out, with the form's own defaults for what was left open", () => {
  const content = { mail: "a@b.co", word: "abc", age: 3, score: 1.5, one: "b", other: "x", some: ["q", "p"] };
  expect(readToolAnswer(form, { action: "accept", content })).toEqual({
    ok: true,
    value: { action: "accept", content: { ...content, ok: false } },
  });
  expect(readToolAnswer(page, { action: "accept" })).toEqual({ ok: true, value: { action: "accept" } });
  for (const action of ["decline", "cancel"] as const) {
    expect(readToolAnswer(form, { action })).toEqual({ ok: true, value: { action } });
  }
});

test.each([
  ["/content/mail", { mail: "no" }],
  ["/content/mail", {}],
  ["/content/word", { word: "a" }],
  ["/content/word", { word: "abcde" }],
  ["/content/plain", { plain: "x".repeat(10_001) }],
  ["/content/plain", { plain: null }],
  ["/content/age", { age: 1.5 }],
  ["/content/age", { age: -1 }],
  ["/content/age", { age: 121 }],
  ["/content/age", { age: "3" }],
  ["/content/ok", { ok: "yes" }],
  ["/content/one", { one: "c" }],
  ["/content/other", { other: "X" }],
  ["/content/some", { some: [] }],
  ["/content/some", { some: ["p", "p"] }],
  ["/content/some", { some: ["r"] }],
  ["/content/some", { some: "p" }],
  ["/content/toString", { toString: "nobody" }],
  ["/content/a~1b", { "a/b": 1 }],
])("what does not fit is named: %s", (pointer, content) => {
  const given = pointer === "/content/mail" ? content : { mail: "a@b.co", ...content };
  const read = readToolAnswer(form, { action: "accept", content: given });
  expect(read.ok ? [] : read.issues.map((issue) => issue.pointer)).toEqual([pointer]);
});

test.each([
  ["a page with content", page, { action: "accept", content: {} }],
  ["a no with content", form, { action: "decline", content: { mail: "a@b.co" } }],
  ["content that is a list", form, { action: "accept", content: [] }],
  ["another action", form, { action: "maybe" }],
  ["nothing", form, null],
  ["what is not JSON", form, { action: "accept", content: { mail: undefined, age: Number.NaN } }],
])("%s is no answer", (_, question, given) => {
  expect(readToolAnswer(question, given)).toMatchObject({ ok: false });
});

test("a choice has words for people; where there are none it is its own", () => {
  expect(choicesOf(form.schema.properties.one)).toEqual([
    { value: "a", title: "Ah" },
    { value: "b", title: "b" },
  ]);
  expect(choicesOf(form.schema.properties.mail)).toBeUndefined();
});
