import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "@remit/core";
import type { z } from "zod";
import { DojoError } from "./errors.ts";

/**
 * Reads a JSON file of a folder and checks it.
 * @throws DojoError `dojo/file-missing`, `dojo/file-broken`
 */
export function readJson<Schema extends z.ZodType>(folder: string, name: string, schema: Schema): z.output<Schema> {
  const file = join(folder, name);
  return checked(file, parsed(file, textOf(folder, name)), schema);
}

/** Reads a file with one JSON value a line; empty lines count for nothing. @throws as `readJson` */
export function readLines<Schema extends z.ZodType>(
  folder: string,
  name: string,
  schema: Schema,
): readonly z.output<Schema>[] {
  const file = join(folder, name);
  return textOf(folder, name)
    .split("\n")
    .flatMap((line, index) => {
      const at = `${file} line ${index + 1}`;
      return line.trim() === "" ? [] : [checked(at, parsed(at, line), schema)];
    });
}

function textOf(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file))
    throw new DojoError("dojo/file-missing", `${name} is missing in ${folder}`, { data: { file } });
  return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
}

function parsed(at: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DojoError("dojo/file-broken", `${at}: not JSON: ${reasonOf(cause)}`, { data: { file: at }, cause });
  }
}

function checked<Schema extends z.ZodType>(at: string, value: unknown, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map((part) => `/${String(part)}`).join("");
  throw new DojoError("dojo/file-broken", `${at} at ${path || "the top"}: ${issue?.message ?? "wrong"}`, {
    data: { file: at, path },
  });
}
