import { expect, test } from "vitest";
import { questionHash, readQuestion } from "./question.ts";

const form = (properties: object, more: object = {}) => ({
  mode: "form",
  message: "Tell me.",
  schema: { type: "object", properties, ...more },
});

test("Q1 a form has flat primitive fields; what is not known of them is left out", () => {
  const given = form(
    {
      name: { type: "string", title: "Name", minLength: 1, format: "email", pattern: "^a", evil: { deep: true } },
      age: { type: "integer", minimum: 0, default: 3 },
      score: { type: "number" },
      ok: { type: "boolean", default: false },
      one: { type: "string", enum: ["a", "b"], enumNames: ["A", "B"] },
      other: { type: "string", oneOf: [{ const: "x", title: "X" }] },
      some: { type: "array", items: { type: "string", enum: ["p", "q"] }, minItems: 1 },
      titled: { type: "array", items: { anyOf: [{ const: "p", title: "P" }] }, default: ["p"] },
    },
    { required: ["name"], $schema: "https://json-schema.org/draft/2020-12/schema", additionalProperties: false },
  );
  const read = readQuestion({ ...given, meta: 1 });
  expect(read).toMatchObject({ ok: true });
  expect(read.ok && Object.keys(read.value)).toEqual(["mode", "message", "schema"]);
  expect(read.ok && read.value.mode === "form" && read.value.schema).toEqual({
    type: "object",
    properties: {
      ...given.schema.properties,
      name: { type: "string", title: "Name", minLength: 1, format: "email", pattern: "^a" },
    },
    required: ["name"],
  });
});

test.each([
  ["an object inside", form({ a: { type: "object", properties: {} } })],
  ["a list of anything", form({ a: { type: "array", items: { type: "string" } } })],
  ["a reference", form({ a: { $ref: "#/x" } })],
  ["no choices", form({ a: { type: "array", items: { type: "string", enum: [] } } })],
  ["a required field that is not there", form({}, { required: ["a"] })],
  ["a field without a name", form({ "": { type: "boolean" } })],
  ["a name that turns the line", form({ "a\u202e": { type: "boolean" } })],
  [
    "too many fields",
    form(Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, { type: "boolean" }]))),
  ],
  ["too long a message", { ...form({}), message: "x".repeat(4_001) }],
  ["too much in all", form({ a: { type: "string", enum: Array.from({ length: 200 }, () => "x".repeat(900)) } })],
  ["no message", { ...form({}), message: "" }],
  ["a way that is not known", { mode: "voice", message: "Hm?" }],
  ["what is not JSON", { ...form({}), message: 1n }],
  ["too long an address", { mode: "url", message: "Open it.", url: `https://example.com/${"x".repeat(2_048)}` }],
  ["nothing", null],
])("Q1 %s is no question", (_, given) => {
  expect(readQuestion(given)).toMatchObject({ ok: false });
});

test.each([
  ["https://login.example.com/a?b#c", true],
  ["http://127.0.0.1:8080/callback", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["file:///etc/passwd", false],
  ["https://user:secret@example.com/", false],
  ["https://user@example.com/", false],
  ["//example.com", false],
  ["not a page", false],
])("Q2 a page is http or https, without a name in its address: %s", (url, ok) => {
  expect(readQuestion({ mode: "url", message: "Open it.", url }).ok).toBe(ok);
});

test("the same question has one hash, another one another", () => {
  const page = { mode: "url", message: "Open it.", url: "https://example.com/" } as const;
  const turned = { url: page.url, message: page.message, mode: page.mode };
  expect(questionHash(turned)).toBe(questionHash(page));
  expect(questionHash({ ...page, url: "https://example.com/2" })).not.toBe(questionHash(page));
});
