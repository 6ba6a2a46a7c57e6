import { parseWith } from "@remit/core";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { ToolsError } from "./errors.ts";
import { createSchemaValidator, type SchemaValidator, type SchemaValidatorOptions } from "./schema-validator.ts";

const validators: SchemaValidator[] = [];
afterEach(() => Promise.all(validators.splice(0).map((validator) => validator.close())));

function validator(options?: SchemaValidatorOptions): SchemaValidator {
  const made = createSchemaValidator({ budgetMs: 20_000, ...options });
  validators.push(made);
  return made;
}

async function failureOf(promise: unknown): Promise<ToolsError> {
  try {
    await promise;
  } catch (thrown) {
    if (ToolsError.is(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}

const catastrophic = { type: "object", properties: { text: { pattern: "^(?:(a+)+)(?!\\1)$" } } };

test("a plain document is checked at once, and starts no thread", async () => {
  const { schema, check, place } = validator().readObject(
    { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
    "a tool",
  );
  expect(place).toBe("at-once");
  expect(check({ n: 1 })).toBeUndefined();
  expect(check({ n: "1" })).toBeUndefined();
  expect(parseWith(schema, { n: "1" })).toEqual({ ok: false, issues: [{ pointer: "/n", message: "must be integer" }] });
  expect(threads()).toBe(0);
});

test.each([
  ["a back-reference", { properties: { a: { pattern: "^(.)\\1$" } } }, { a: "xx" }, { a: "xy" }],
  ["a look-behind", { properties: { a: { pattern: "(?<=x)y" } } }, { a: "xy" }, { a: "y" }],
  ["a pattern of the old syntax", { properties: { a: { pattern: "^[\\w-.]+\\-$" } } }, { a: "a.b-" }, { a: "-?" }],
  ["unevaluatedProperties", { properties: { a: {} }, unevaluatedProperties: false }, { a: 1 }, { b: 1 }],
  ["a large document", { properties: { a: {}, b: { enum: ["x".repeat(300_000)] } } }, { a: 1 }, { b: 1 }],
])("%s is checked on the thread", async (_, document, good, bad) => {
  const { schema, check, place } = validator().read(document, "a tool");
  expect(place).toBe("thread");
  expect(await check(good)).toEqual([]);
  expect(await check(bad)).toHaveLength(1);
  expect(z.toJSONSchema(schema, { io: "input" })).toMatchObject(document);
});

test("a value that takes many steps is checked on the thread by the same document", async () => {
  const branches = Array.from({ length: 50 }, (_, index) => ({ required: [`a${index}`] }));
  const { schema, check, place } = validator().read({ items: { anyOf: branches } }, "a tool");
  expect(place).toBe("at-once");
  const value = Array.from({ length: 3_000 }, () => ({ a49: 1 }));
  expect(await check(value)).toEqual([]);
  expect(parseWith(schema, value).ok).toBe(true);
  expect(await check([...value, {}])).not.toEqual([]);
});

test("T1 a check that takes too long ends its thread, is said to have done so, and is not tried again", async () => {
  const checks = validator({ budgetMs: 1_000 });
  const hostile = checks.read(catastrophic, "the hostile tool");
  const good = checks.read({ pattern: "^(.)\\1$" }, "a good tool");
  const hung = failureOf(hostile.check({ text: `${"a".repeat(40)}!` }));
  const behind = failureOf(hostile.check({ text: "a" }));
  const innocent = good.check("xx");
  expect(await hung).toMatchObject({
    code: "schema/check-timeout",
    data: { owner: "the hostile tool", budgetMs: 1_000 },
  });
  expect(await behind).toMatchObject({
    code: "schema/check-failed",
    data: { reason: "an earlier check took too long" },
  });
  // T2
  expect(await innocent).toEqual([]);
  expect([hostile.spent(), good.spent()]).toEqual([true, false]);
});

test("while it hangs the event loop turns", async () => {
  const hostile = validator({ budgetMs: 400 }).read(catastrophic, "the hostile tool");
  let turns = 0;
  let over = false;
  const hung = failureOf(hostile.check({ text: `${"a".repeat(40)}!` })).finally(() => {
    over = true;
  });
  while (!over) {
    turns++;
    await new Promise(setImmediate);
  }
  expect(await hung).toMatchObject({ code: "schema/check-timeout" });
  expect(turns).toBeGreaterThan(10);
});

test("documents that cannot be used are refused with a reason, also by the thread", async () => {
  const checks = validator();
  const codeOf = async (document: unknown) => {
    const read = async () => checks.read(document, "a tool").ready();
    return (await failureOf(read())).code;
  };
  expect(await codeOf({ type: "text", unevaluatedItems: false })).toBe("schema/invalid");
  expect(await codeOf({ unevaluatedItems: 7 })).toBe("schema/invalid");
  expect(await codeOf({ pattern: "(" })).toBe("schema/pattern-refused");
  expect(await codeOf({ $ref: "#" })).toBe("schema/reference-refused");
  expect(await codeOf({ $ref: "http://169.254.169.254/" })).toBe("schema/reference-refused");
  expect(await codeOf({ description: "x".repeat(2_000_000) })).toBe("schema/too-large");
  const names = Array.from({ length: 60_000 }, (_, index) => [`p${index}`, {}]);
  expect(await codeOf({ properties: Object.fromEntries(names) })).toBe("schema/too-large");
  expect((await failureOf((async () => checks.readObject({ type: "array" }, "a tool"))())).code).toBe("schema/invalid");
});

test("a schema of 20,000 patterns costs its owner, and nobody else", async () => {
  const names = Array.from({ length: 20_000 }, (_, index) => [`p${index}`, { pattern: `^a{0,9}${index}$` }]);
  const refused = await failureOf(
    validator({ budgetMs: 250 })
      .read({ properties: Object.fromEntries(names) }, "a tool")
      .ready(),
  );
  expect(["schema/check-timeout", "schema/too-large", "schema/invalid", "schema/check-failed"]).toContain(refused.code);
});

test("a value that cannot be handed over is an error of its own", async () => {
  const { check } = validator().read({ unevaluatedItems: false }, "a tool");
  let deep: unknown[] = [];
  for (let depth = 0; depth < 200_000; depth++) deep = [deep];
  expect(await failureOf(check(deep))).toMatchObject({ code: "schema/check-failed" });
  expect(await check([])).toEqual([]);
});

test("after a close nothing is left, and what was open has failed", async () => {
  const checks = createSchemaValidator({ budgetMs: 60_000 });
  const hostile = checks.read(catastrophic, "the hostile tool");
  const open = failureOf(hostile.check({ text: `${"a".repeat(40)}!` }));
  await checks.close();
  expect(await open).toMatchObject({ code: "schema/check-failed", data: { reason: "the connection is closed" } });
  expect(await failureOf(hostile.check({}))).toMatchObject({ code: "schema/check-failed" });
  expect(threads()).toBe(0);
  await checks.close();
});

function threads(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "MessagePort" || name === "Worker").length;
}
