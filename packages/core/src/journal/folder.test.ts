import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolder } from "./folder.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "remit-folder-"));
});
afterEach(() => rmSync(base, { recursive: true }));

test("a folder is made with those above it, and once more changes nothing", () => {
  const path = join(base, "a", "b", "c");
  makeFolder(path);
  writeFileSync(join(path, "kept"), "");
  makeFolder(path);
  expect(existsSync(join(path, "kept"))).toBe(true);
  expect(statSync(path).isDirectory()).toBe(true);
});

test("what is in the way of one is said", () => {
  const file = join(base, "file");
  writeFileSync(file, "");
  expect(() => makeFolder(file)).toThrow("EEXIST");
  expect(() => makeFolder(join(file, "below", "it"))).toThrow("ENOTDIR");
});

// In a process of its own: what goes round for ever would take the tests with it.
test.runIf(existsSync("/proc/self"))("a place that takes no folders is an error, not a loop", () => {
  const file = JSON.stringify(new URL("../sqlite.ts", import.meta.url).href);
  const program = `
    const { sqliteEngine, sqliteMemory } = await import(${file});
    for (const open of [sqliteEngine, sqliteMemory]) {
      try { open({ path: "/proc/remit/deep/journal.db" }); } catch (thrown) { console.log(thrown.code); }
    }
  `;
  const { stdout, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  expect({ stdout, signal }).toEqual({ stdout: "journal/unavailable\nmemory/unavailable\n", signal: null });
});
