import { existsSync, statSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { reasonOf } from "@remit/core";
import { SandboxError } from "../errors.ts";

/** Exported values of a module by name. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Runs a person's own module, as any program of theirs would be. Errors with a code of ours come out as they are.
 * @param missing, broken codes of what is told when there is no file, and when it cannot be loaded
 */
export async function exportsOf(
  file: string,
  {
    missing,
    broken,
  }: {
    readonly missing: "pack/file-missing" | "config/file-missing";
    readonly broken: "pack/not-loadable" | "config/not-loadable";
  },
): Promise<Exports> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new SandboxError(missing, { file });
  const stuck = Promise.withResolvers<never>();
  const tell = () => stuck.reject(new Error("it waits for something that never comes"));
  // Nothing is left to do, and it has not come to its end: Node would leave without a word of ours.
  process.once("beforeExit", tell);
  try {
    return await Promise.race([import(pathToFileURL(file).href) as Promise<Exports>, stuck.promise]);
  } catch (thrown) {
    if (hasCode(thrown)) throw thrown;
    const reason = [reasonOf(thrown), ...placeOf(thrown)].join(", at ");
    throw new SandboxError(broken, { file, reason }, { cause: thrown });
  } finally {
    process.off("beforeExit", tell);
  }
}

/** Where in a person's own files it was thrown, or where a module cannot be read, as far as Node says. */
function placeOf(thrown: unknown): readonly string[] {
  const lines = thrown instanceof Error ? (thrown.stack ?? "").split("\n") : [];
  for (const line of lines) {
    // A line of its own names what cannot be read; in a frame of the stack the column stands behind.
    const [, found = "", row] =
      /^((?:file:|\/|[A-Z]:).*?):(\d+)$/.exec(line) ??
      /^ +at (?:.*[( ])?((?:file:|\/)[^()]*?):(\d+):\d+\)?$/.exec(line) ??
      [];
    const file = found.startsWith("file:") ? fileURLToPath(found) : found;
    if (file === fileURLToPath(import.meta.url)) return []; // Nothing of theirs was run.
    if (file !== "" && !file.includes("node_modules")) return [`${file}:${row}`];
  }
  return [];
}

/** Ours, of whichever copy of whichever package. */
function hasCode(thrown: unknown): boolean {
  const { code, hint } = (thrown ?? {}) as { readonly code?: unknown; readonly hint?: unknown };
  return typeof code === "string" && /^[a-z0-9-]+\/[a-z0-9-]+$/.test(code) && typeof hint === "string";
}

export function kindOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
}
