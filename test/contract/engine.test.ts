import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryEngine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { afterAll } from "vitest";
import { engineContract } from "./engine.ts";

const folder = mkdtempSync(join(tmpdir(), "remit-engine-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

engineContract("memory", () => ({ engine: (options) => memoryEngine(options), survives: false }));

let files = 0;
engineContract("sqlite", () => {
  const path = join(folder, `${files++}.db`);
  return { engine: (options) => sqliteEngine({ path, ...options }), survives: true };
});
