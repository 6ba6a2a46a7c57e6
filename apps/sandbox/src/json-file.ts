import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "@remit/core";
import type { z } from "zod";

/** The errors of whoever reads a folder: each kind of folder has codes and hints of its own. */
export interface FileFaults {
  readonly missing: (message: string, data: { readonly file: string }) => Error;
  readonly broken: (message: string, data: { readonly file: string; readonly path?: string }, cause?: unknown) => Error;
}

/** Reads JSON files of a folder and checks them; what is wrong with one is thrown as its faults say. */
export interface JsonFiles {
  readonly readJson: <Schema extends z.ZodType>(folder: string, name: string, schema: Schema) => z.output<Schema>;
  /** A file with one JSON value a line; empty lines count for nothing. */
  readonly readLines: <Schema extends z.ZodType>(
    folder: string,
    name: string,
    schema: Schema,
  ) => readonly z.output<Schema>[];
}

export function jsonFiles({ missing, broken }: FileFaults): JsonFiles {
  const textOf = (folder: string, name: string): string => {
    const file = join(folder, name);
    if (!existsSync(file)) throw missing(`${name} is missing in ${folder}`, { file });
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  };
  const parsed = (at: string, text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw broken(`${at}: not JSON: ${reasonOf(cause)}`, { file: at }, cause);
    }
  };
  const checked = <Schema extends z.ZodType>(at: string, value: unknown, schema: Schema): z.output<Schema> => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const path = (issue?.path ?? []).map((part) => `/${String(part)}`).join("");
    throw broken(`${at} at ${path || "the top"}: ${issue?.message ?? "wrong"}`, { file: at, path });
  };
  return {
    readJson: (folder, name, schema) => {
      const file = join(folder, name);
      return checked(file, parsed(file, textOf(folder, name)), schema);
    },
    readLines: (folder, name, schema) => {
      const text = textOf(folder, name);
      return text.split("\n").flatMap((line, index) => {
        const at = `${join(folder, name)} line ${index + 1}`;
        if (line.trim() === "") return [];
        if (index === 0 && !isJson(line) && isJson(text))
          throw broken(`${at}: one JSON value over many lines, and not one a line`, { file: at });
        return [checked(at, parsed(at, line), schema)];
      });
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // The only question here.
  }
}
