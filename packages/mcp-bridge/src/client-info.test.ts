import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { clientInfo } from "./client-info.ts";

test("we introduce ourselves with the version of this package", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  expect(clientInfo.version).toBe(manifest.version);
});
