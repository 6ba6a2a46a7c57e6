import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** What a console keeps in the state folder, for its owner alone: so that pages go on after a restart. */
export interface Kept {
  /** Signs the cookies; hex. */
  readonly key: string;
  /** Where it listened the last time. */
  readonly port?: number | undefined;
}

const keptFile = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), port: z.int().min(1).max(65_535).optional() });

/** What is kept in this folder; made anew where it is absent or cannot be read. */
export function readKept(dir: string): Kept {
  try {
    return keptFile.parse(JSON.parse(readFileSync(fileIn(dir), "utf8")));
  } catch {
    return { key: randomBytes(32).toString("hex") };
  }
}

export function writeKept(dir: string, kept: Kept): void {
  const file = fileIn(dir);
  writeFileSync(`${file}.part`, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
  // A file that was left over keeps the mode that it had.
  chmodSync(`${file}.part`, 0o600);
  renameSync(`${file}.part`, file);
}

function fileIn(dir: string): string {
  return join(dir, "console.json");
}
