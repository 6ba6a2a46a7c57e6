import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../architecture/module.ts";

/** The example of a project of one's own. */
export const claimsDesk: string = join(root, "apps/sandbox/examples/claims-desk");

/** A copy of it, where it finds the packages, that is gone after the test. */
export function project(): string {
  mkdirSync(join(root, ".remit"), { recursive: true });
  const path = mkdtempSync(join(root, ".remit", "own-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  cpSync(claimsDesk, path, { recursive: true });
  return path;
}
