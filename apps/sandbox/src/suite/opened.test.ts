import type { Entry, Json } from "@remit/core";
import { expect, test } from "vitest";
import type { WorldLogLine } from "../world/world.ts";
import { openedEntries } from "./opened.ts";

const token = "999-0000000-1";
const entry = (type: Entry["type"], body: object) => ({ seq: 1, type, body }) as unknown as Entry;
const intent = (input: Json, key = "k1") => entry("effect.intended", { key, tool: "send", input });
const line = (input: Json, key: string | undefined = "k1"): WorldLogLine => ({
  ...{ n: 1, tool: "send", input, outcome: "done" },
  ...(key === "" ? { effect: "read" } : { effect: "write", key }),
});
const shown = (name = "send", kind: "tool" | "model" = "tool", ...tokens: string[]) => [
  { to: { kind, name }, tokens: { phone: tokens.length > 0 ? tokens : [token] } } as never,
];
const asked = entry("input.requested", { ask: "ask#1", question: `Send (${token}, 2)?` });
const questionOf = (entries: readonly Entry[]) => (entries.at(-1)?.body ?? {}) as { readonly question?: string };

test("what the world saw under a write's key stands where its token stood, in all of the run", () => {
  const entries = [intent({ to: [`to ${token}`], count: 2 }), asked];
  expect(questionOf(openedEntries(entries, [line({ to: ["to 555-0101"], count: 2 })], shown()))).toMatchObject({
    question: "Send (555-0101, 2)?",
  });
});

test("a look-up tells it too, which has no key", () => {
  const called = entry("tool.called", { tool: "send", input: { to: token } });
  expect(questionOf(openedEntries([called, asked], [line({ to: "555-0101" }, "")], shown()))).toMatchObject({
    question: "Send (555-0101, 2)?",
  });
});

test.each([
  ["nobody has shown it", line({ to: "555-0101" }), []],
  ["another tool was shown it", line({ to: "555-0101" }), shown("call")],
  ["a model was shown it", line({ to: "555-0101" }), shown("send", "model")],
  ["something else is another one", line({ to: "555-0101", more: true }), shown()],
  ["it is of another write", line({ to: "555-0101" }, "k2"), shown()],
])("where %s, it stays", (_, seen, disclosed) => {
  const entries = [intent({ to: token }), asked];
  expect(openedEntries(entries, [seen], disclosed)).toEqual(entries);
});

test("a token that would stand for two values stands for none", () => {
  const entries = [intent({ to: token }), intent({ to: token }, "k2"), asked];
  const log = [line({ to: "555-0101" }), line({ to: "555-0102" }, "k2")];
  expect(openedEntries(entries, log, shown())).toEqual(entries);
});

test("tokens with marks of their own, one in another, are read as they are", () => {
  const entries = [intent({ to: "a(1)+b / a(1)" }), entry("input.requested", { question: "a(1)+b or a(1)" })];
  const disclosed = shown("send", "tool", "a(1)", "a(1)+b");
  expect(questionOf(openedEntries(entries, [line({ to: "Ada / Bo" })], disclosed))).toMatchObject({
    question: "Ada or Bo",
  });
});
