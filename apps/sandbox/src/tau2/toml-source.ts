import { join } from "node:path";
import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { Tau2Error } from "./errors.ts";
import { asItStands, readText } from "./json-source.ts";

/**
 * Reads a TOML file and checks it against a schema that must not transform. Dates come as text, and fields that the schema does
 * not know are tolerated and kept.
 * @throws Tau2Error `tau2/file-missing`, or `tau2/file-broken` with `line` and `column` (both from 1) for text that is
 *   not TOML and `path` (a JSON pointer) for a value of the wrong shape
 */
export function readToml<Schema extends z.ZodType>(
  folder: string,
  name: string,
  schema: Schema,
  hint?: string,
): z.output<Schema> {
  const file = join(folder, name);
  const text = readText(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(JSON.stringify(parse(text)));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const { line, column } = cause;
    throw new Tau2Error("tau2/file-broken", `${file} line ${line}, column ${column}: this is not TOML`, {
      data: { file, line, column },
      cause,
    });
  }
  return asItStands(file, value, schema, hint);
}
