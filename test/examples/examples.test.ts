import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";

const folder = new URL("../../apps/sandbox/examples/", import.meta.url);
const files = readdirSync(folder)
  .filter((name) => /^\d\d-.*\.ts$/.test(name))
  .sort();

describe("examples run and assert their own result", () => {
  test("they are numbered without a gap", () => {
    expect(files.map((name) => Number(name.slice(0, 2)))).toEqual(files.map((_, index) => index + 1));
  });

  test.each(files)("%s", async (name) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      await import(/* @vite-ignore */ fileURLToPath(new URL(name, folder)));
    } finally {
      log.mockRestore();
    }
  });
});
