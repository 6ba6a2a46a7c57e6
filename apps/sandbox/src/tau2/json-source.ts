import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { escapePointer } from "../world/canonical.ts";
import { Tau2Error } from "./errors.ts";

/** One token after optional white space: punctuation, a finished string, a number, or a word. */
const token =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "comma" | "nothing";

/** Where a text stops being JSON: the offset of the first token that cannot stand there, or the end when it is cut off. */
export function jsonErrorOffset(text: string): number {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let offset = 0;
  const afterValue = (): Expected => (open.length === 0 ? "nothing" : "comma");
  for (;;) {
    while (" \t\n\r".includes(text[offset] ?? "x")) offset += 1;
    token.lastIndex = offset;
    const match = token.exec(text);
    if (match === null) return offset;
    const [whole, mark, string] = match;
    const inObject = open.at(-1) === "{";
    if (mark === undefined) {
      if (string !== undefined && (expected === "key" || expected === "key or }")) expected = "colon";
      else if (expected === "value" || expected === "value or ]") expected = afterValue();
      else return offset;
    } else if (mark === "{" || mark === "[") {
      if (expected !== "value" && expected !== "value or ]") return offset;
      open.push(mark);
      expected = mark === "{" ? "key or }" : "value or ]";
    } else if (mark === "}" || mark === "]") {
      const ends = mark === "}" ? inObject && expected !== "colon" : open.length > 0 && !inObject;
      if (!ends || expected === "key" || expected === "value") return offset;
      open.pop();
      expected = afterValue();
    } else if (mark === ":") {
      if (expected !== "colon") return offset;
      expected = "value";
    } else {
      if (expected !== "comma") return offset;
      expected = inObject ? "key" : "value";
    }
    offset += whole.length;
  }
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * Reads one text file of a folder, without a byte order mark.
 * @throws Tau2Error `tau2/file-missing` when it is not there, `tau2/file-broken` when it cannot be read
 */
export function readText(folder: string, name: string): string {
  const file = join(folder, name);
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    if (!isMissing(cause))
      throw new Tau2Error("tau2/file-broken", `${file} cannot be read: ${message(cause)}`, { data: { file }, cause });
    const gone = !existsSync(folder);
    const text = gone ? `the folder ${folder} does not exist` : `${name} is missing in ${folder}`;
    throw new Tau2Error("tau2/file-missing", text, { data: { folder, file, name }, cause });
  }
}

/** The JSON pointer (RFC 6901) of a path of keys and indexes. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${escapePointer(String(key))}`).join("");
}

/** `tau2/file-broken` at one place inside a file; `path` is a JSON pointer. */
export function brokenAt(file: string, path: string, problem: string, hint?: string): Tau2Error {
  return new Tau2Error("tau2/file-broken", `${file} at ${path === "" ? "the top level" : path}: ${problem}`, {
    data: { file, path, problem },
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * Reads a JSON file and checks it against a schema that must not transform. The value comes back as it stands in the
 * file: fields that the schema does not know are tolerated and kept.
 * @param hint what to do when the shape is wrong, where the general hint would be too vague
 * @throws Tau2Error `tau2/file-missing`, or `tau2/file-broken` with `line` and `column` (both from 1) for text that is
 *   not JSON and `path` (a JSON pointer) for a value of the wrong shape
 */
export function readJson<Schema extends z.ZodType>(
  folder: string,
  name: string,
  schema: Schema,
  hint?: string,
): z.output<Schema> {
  const file = join(folder, name);
  const text = readText(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const before = text.slice(0, jsonErrorOffset(text));
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    const what = before.length === text.length ? "it ends too early" : "this is not JSON";
    throw new Tau2Error("tau2/file-broken", `${file} line ${line}, column ${column}: ${what}`, {
      data: { file, line, column },
      cause,
    });
  }
  return asItStands(file, value, schema, hint);
}

/** A value as its file has it, where it fits the schema. @throws Tau2Error `tau2/file-broken` with `path`, a JSON pointer */
export function asItStands<Schema extends z.ZodType>(
  file: string,
  value: unknown,
  schema: Schema,
  hint?: string,
): z.output<Schema> {
  const checked = schema.safeParse(value);
  if (checked.success) return value as z.output<Schema>;
  const [first] = checked.error.issues;
  throw brokenAt(file, pointer(first?.path ?? []), first?.message ?? "wrong shape", hint);
}
