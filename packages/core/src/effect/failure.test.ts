import { expect, test } from "vitest";
import { mayHaveExecuted, toolError } from "./failure.ts";

const notToBeRead = () => {
  throw new Error("not to be read");
};

test.each(["code", "name", "data", "mayHaveExecuted"])(
  "an error whose %s cannot be read has failed, and may have happened",
  (member) => {
    const broken = Object.defineProperty(new Error("said so"), member, { get: notToBeRead });
    const failed = { code: "tool/failed", data: { tool: "pay", reason: "said so" } };
    expect(toolError(broken, { name: "pay", effect: "write" })).toMatchObject(failed);
    expect(mayHaveExecuted(broken)).toBe(true);
  },
);

test("so has one of which nothing can be known", () => {
  const closed = new Proxy({}, { get: notToBeRead, has: notToBeRead, getPrototypeOf: notToBeRead });
  const failed = { code: "tool/failed", data: { reason: "something that has no text" } };
  expect(toolError(closed, { name: "pay", effect: "read" })).toMatchObject(failed);
  expect(mayHaveExecuted(closed)).toBe(true);
});
