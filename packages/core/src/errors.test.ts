import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ErrorCode, errorCodes, errorFrom, OrchestrationError, reasonOf } from "./errors.ts";
import { findNonJson } from "./json.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];

/** The beginning of an entry in the text of a table. */
const entries = /^ {2}"(([a-z]+)\/[a-z-]+)": \{$/gm;

describe("errors", () => {
  test.each(codes)("%s has a sentence, a hint and its place in a family", (code) => {
    expect(code).toMatch(/^[a-z]+\/[a-z]+(-[a-z]+)*$/);
    const members = [...errorCodes[code].message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    const error = new OrchestrationError(code, Object.fromEntries(members.map((name) => [name, `the ${name}`])));
    for (const name of members) expect(error.message).toContain(`"the ${name}"`);
    expect(error.message.startsWith(`${code}: `)).toBe(true);
    expect(error.message).not.toMatch(/[{}]/);
    expect(error.hint.length).toBeGreaterThan(10);
    expect(error.retryable).toBe(errorCodes[code].retryable);
  });

  test("a family has its place in one table alone, and every table is part of the whole", () => {
    const folder = new URL("errors/", import.meta.url);
    const places = new Map<string, string>();
    const found: string[] = [];
    for (const file of readdirSync(folder)) {
      for (const [, code = "", family = ""] of readFileSync(new URL(file, folder), "utf8").matchAll(entries)) {
        expect([code, places.get(family) ?? file]).toEqual([code, file]);
        places.set(family, file);
        found.push(code);
      }
    }
    expect(found.sort()).toEqual(codes.toSorted());
  });

  test("the message holds its values: text in quotes, the rest as JSON, what is missing as a question mark", () => {
    expect(new OrchestrationError("bus/mailbox-full", { address: "triage#1", waiting: 3 }).message).toBe(
      'bus/mailbox-full: the mailbox of "triage#1" holds 3 of ? messages',
    );
    expect(new OrchestrationError("model/script-unused", { turns: ["a", "b"] }).message).toContain('["a","b"]');
  });

  test("a value that looks like a place is not filled in again", () => {
    const error = new OrchestrationError("tool/failed", { tool: "{reason}", reason: "$& {tool}" });
    expect(error.message).toBe('tool/failed: "{reason}" failed: "$& {tool}"');
  });

  test("is known by its brand, so that two copies of the package agree", () => {
    const ours = new OrchestrationError("engine/closed", { engine: "memory" });
    const theirs = Object.assign(new Error("from another copy"), { code: "engine/closed" });
    Object.defineProperty(theirs, Symbol.for("remit.error"), { value: true });
    for (const error of [ours, theirs]) {
      expect(OrchestrationError.is(error)).toBe(true);
      expect(OrchestrationError.is(error, "engine/closed")).toBe(true);
      expect(OrchestrationError.is(error, "run/unknown")).toBe(false);
    }
    for (const other of [new Error("no"), null, undefined, "engine/closed", { code: "engine/closed" }]) {
      expect(OrchestrationError.is(other)).toBe(false);
    }
  });

  test("goes through JSON and comes back the same", () => {
    const cause = new Error("below");
    const error = new OrchestrationError("tool/failed", { tool: "find", reason: "below", more: [1, null] }, { cause });
    expect(error.cause).toBe(cause);
    expect(JSON.parse(JSON.stringify(error))).toEqual(error.toRecord());
    const again = errorFrom(JSON.parse(JSON.stringify(error)));
    expect(again.toRecord()).toEqual(error.toRecord());
    expect(again.hint).toBe(error.hint);
    expect(findNonJson(error.toRecord())).toBeUndefined();
  });

  test("a record of another version can still be read", () => {
    for (const code of ["model/of-tomorrow", "toString"] as unknown as ErrorCode[]) {
      const error = errorFrom({ code, message: "from tomorrow", data: { limit: 1 } });
      expect(error.code).toBe("run/internal");
      expect(error.data).toMatchObject({ code, data: { limit: 1 } });
      expect(error.message).toContain("from tomorrow");
    }
  });

  test("anything that can be thrown has a text, and a long one is cut", () => {
    expect(reasonOf(new Error("boom"))).toBe("boom");
    expect(reasonOf("plain")).toBe("plain");
    expect(reasonOf(undefined)).toBe("undefined");
    expect(reasonOf(Symbol("s"))).toBe("Symbol(s)");
    expect(reasonOf("x".repeat(5000))).toHaveLength(2001);
    expect(typeof reasonOf(Object.create(null))).toBe("string");
    expect(typeof reasonOf(Object.assign(new Error("a"), { message: { odd: true } }))).toBe("string");
    const hostile = Object.defineProperty(new Error("a"), "message", {
      get: () => {
        throw new Error("never asked");
      },
    });
    expect(typeof reasonOf(hostile)).toBe("string");
  });
});
