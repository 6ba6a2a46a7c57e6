import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SandboxError } from "../errors.ts";

const configNames = ["remit.config.ts", "remit.config.mts", "remit.config.js", "remit.config.mjs"] as const;

/**
 * The configuration's file of the folder or of the nearest one above it.
 * @throws SandboxError `config/several-files` when a folder has two
 */
export function findConfig(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = configNames.map((name) => join(folder, name)).filter((file) => existsSync(file));
    const [file, other] = found;
    if (file !== undefined && other !== undefined) throw new SandboxError("config/several-files", { file, other });
    if (file !== undefined) return file;
    if (dirname(folder) === folder) return undefined;
  }
}
