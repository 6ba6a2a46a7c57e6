import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { sqliteEngine } from "../engine/sqlite.ts";
import { sqliteMemory } from "../memory/sqlite.ts";
import { pathIn } from "./file-path.ts";
import { sqliteJournal } from "./sqlite.ts";

test("is absolute from here on", () => {
  expect(pathIn("here", { path: "a/journal.db" })).toBe(resolve("a/journal.db"));
});

const makers = [
  ["sqliteEngine", sqliteEngine],
  ["sqliteJournal", sqliteJournal],
  ["sqliteMemory", sqliteMemory],
] as const;

// What SQLite takes for no file would be one: of that name, in the working folder.
test.each(
  makers.flatMap(([name, make]) =>
    [":memory:", "file:x.db", "", "a\0b", undefined, 5].map((path) => [name, path, make] as const),
  ),
)("%s refuses %o, and makes nothing", (where, path, make) => {
  expect(() => make({ path: path as string })).toThrow(
    expect.objectContaining({ code: "options/invalid", data: expect.objectContaining({ where, member: "path" }) }),
  );
  expect(existsSync(":memory:") || existsSync("file:x.db")).toBe(false);
});

test("options that are none are said to be none", () => {
  expect(() => sqliteEngine(undefined as never)).toThrow(expect.objectContaining({ code: "options/invalid" }));
});
