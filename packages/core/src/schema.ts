import { z } from "zod";
import { type ErrorData, OrchestrationError } from "./errors.ts";
import type { Json, JsonSchema } from "./json.ts";
import { escapePointer } from "./pointer.ts";
import type { Wanted } from "./wanted.ts";

/** One place where a value does not fit: a JSON pointer and a sentence. */
export type Issue = { readonly pointer: string; readonly message: string };

/** Result of a parse at a boundary. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: Issue[] };

/** One parse at a boundary: what comes out is trusted from here on. A throwing refinement is an issue, not a throw. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): Parsed<z.output<Schema>> {
  let result: ReturnType<Schema["safeParse"]>;
  try {
    result = schema.safeParse(value) as ReturnType<Schema["safeParse"]>;
  } catch (thrown) {
    return { ok: false, issues: [{ pointer: "", message: thrown instanceof Error ? thrown.message : String(thrown) }] };
  }
  if (result.success) return { ok: true, value: result.data as z.output<Schema> };
  return { ok: false, issues: issuesOf(result.error) };
}

/** Zod's issues as JSON: at most 20, so that a hostile value cannot fill a journal. */
export function issuesOf(error: z.ZodError): Issue[] {
  return error.issues.slice(0, 20).map((issue) => ({
    pointer: issue.path.map((part) => `/${escapePointer(String(part))}`).join(""),
    message: issue.message.slice(0, 500),
  }));
}

/**
 * JSON Schema (draft 2020-12) of what goes in or comes out (D15).
 * @param part what an error calls the schema; a model's output is read, so its schema's form is that of an input
 * @throws OrchestrationError `tool/schema-not-representable` when the schema holds a type that JSON has not
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  side: "input" | "output",
  owner: string,
  part: "input" | "output" = side,
): JsonSchema {
  try {
    return z.toJSONSchema(schema, { io: side }) as unknown as JsonSchema;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const at = withoutForm(schema, side);
    const reason = at === undefined ? message : `${message}; it is at ${at}`;
    const data: ErrorData = { tool: owner, side: part, reason };
    throw new OrchestrationError("tool/schema-not-representable", data, { cause });
  }
}

/** Where the first part of a schema is that has no form, as a JSON pointer into what would be its JSON Schema. */
function withoutForm(schema: z.ZodType, side: "input" | "output"): string | undefined {
  let found: string | undefined;
  try {
    z.toJSONSchema(schema, {
      io: side,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema, path }) => {
        const { type } = zodSchema._zod.def;
        if (found !== undefined || path.length === 0 || type === "any" || type === "unknown") return;
        if (Object.keys(jsonSchema).length === 0)
          found = path.map((part) => `/${escapePointer(String(part))}`).join("");
      },
    });
  } catch {
    return undefined; // What is wrong with it has been said already.
  }
  return found;
}

/**
 * Refuses a schema that has to be waited for: nothing in a run may wait, so it would fit no value. What is seen are async
 * functions in refinements, checks, transforms and codecs, at any depth; one that is no async function but gives a promise
 * (and what `superRefine` was given) shows when a value is read, as an issue.
 * @param part what an error calls the schema
 * @throws OrchestrationError `tool/schema-asynchronous`
 */
export function assertSynchronous(schema: z.ZodType, part: "input" | "output" | "answer", owner: string): void {
  const at = waitsAt(schema, "", new Set());
  if (at !== undefined) throw new OrchestrationError("tool/schema-asynchronous", { tool: owner, side: part, at });
}

/** Schemas of one that are looked at: one that makes itself anew whenever it is asked for has no end. */
const mostParts = 10_000;

/** Where a schema first waits: `.member`, `[]` for items, all else unnamed; `undefined` when it does not. */
function waitsAt(schema: unknown, at: string, seen: Set<unknown>, depth = 0): string | undefined {
  if (!isSchema(schema) || seen.has(schema) || seen.size > mostParts || depth > 100) return undefined;
  seen.add(schema);
  const def = schema._zod.def as unknown as Readonly<Record<string, unknown>>;
  const checks = (def.checks ?? []) as readonly { readonly _zod: { readonly def: object; readonly check: unknown } }[];
  const functions = [def, ...checks.flatMap(({ _zod }) => [_zod.def, { check: _zod.check }])];
  if (functions.some((holder) => Object.values(holder).some(isAsync))) return at || "its root";
  if (def.type === "promise") return at || "its root";
  const parts: (readonly [string, unknown])[] = [];
  for (const [name, member] of Object.entries((def.shape ?? {}) as object)) parts.push([`${at}.${name}`, member]);
  for (const name of ["element", "rest", "keyType", "valueType", "catchall"]) parts.push([`${at}[]`, def[name]]);
  for (const name of ["innerType", "in", "out", "left", "right"]) parts.push([at, def[name]]);
  for (const name of ["options", "items"]) {
    if (Array.isArray(def[name])) for (const member of def[name]) parts.push([at, member]);
  }
  if (def.type === "lazy") parts.push([at, madeBy(def.getter as () => unknown)]);
  for (const [where, part] of parts) {
    const found = waitsAt(part, where, seen, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Nothing while it cannot be made: a schema may refer to one that is defined below the tool. */
function madeBy(getter: () => unknown): unknown {
  try {
    return getter();
  } catch {
    return undefined;
  }
}

function isAsync(value: unknown): boolean {
  return typeof value === "function" && Object.prototype.toString.call(value) === "[object AsyncFunction]";
}

/** Checks that a schema is a zod schema of this major version; something else is a mistake at definition time. */
export function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value && "safeParse" in value;
}

/** The same for the entrances. A shape without `z.object`, and a JSON Schema, are what others take. */
export const aSchema: Wanted = { wants: "a zod schema, such as `z.object({ … })`,", is: isSchema };

export type { Json };
