import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readKept, writeKept } from "./keep.ts";

test("what is kept is its owner's alone, comes back, and is made anew where it is broken", () => {
  const dir = mkdtempSync(join(tmpdir(), "remit-console-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const made = readKept(dir);
  expect(made.key).toMatch(/^[0-9a-f]{64}$/);
  writeFileSync(join(dir, "console.json.part"), "left over", { mode: 0o644 });
  writeKept(dir, { ...made, port: 4600 });
  expect(readKept(dir)).toEqual({ ...made, port: 4600 });
  if (process.platform !== "win32") expect(statSync(join(dir, "console.json")).mode & 0o777).toBe(0o600);
  for (const broken of ["", "{}", '{"key":"ab","port":1}']) {
    writeFileSync(join(dir, "console.json"), broken);
    expect(readKept(dir).key).not.toBe(made.key);
  }
});
