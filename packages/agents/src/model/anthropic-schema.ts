import { type Json, type JsonSchema, referred } from "@remit/core";
import { isPlainObject, type OutputForm } from "./output-form.ts";
import { wrapped } from "./schema-view.ts";

const formats: ReadonlySet<unknown> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);
const primitives: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean", "null"]);
/** Bounds that the API does not take: they become words of the description. */
const bounds = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "pattern",
] as const;
const takenOver: ReadonlySet<string> = new Set<string>([
  ...bounds,
  "$schema",
  "$id",
  "$defs",
  "$ref",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "type",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "format",
]);

const optionalMax = 24;
const unionsMax = 16;

/**
 * For `output_config.format`: a closed, finite shape without bounds, which become words of its descriptions. Nothing where
 * the schema says what the API cannot hold to: open objects, recursion, a value of any type, too many optional members or
 * unions. Core checks the value against the schema itself.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function nativeForm(schema: JsonSchema): OutputForm | undefined {
  const isWrapped = !isPlainObject(schema);
  const root = isWrapped ? wrapped(schema) : schema;
  if (!root) return undefined;
  const counts = { optional: 0, unions: 0 };
  try {
    const view = viewOf(root, root, [], counts);
    return counts.optional > optionalMax || counts.unions > unionsMax ? undefined : { schema: view, isWrapped };
  } catch (thrown) {
    if (thrown === noFit) return undefined;
    throw thrown;
  }
}

/** Thrown inside `viewOf` alone, and caught by its caller. */
const noFit = Symbol("no fit");

interface Counts {
  optional: number;
  unions: number;
}

function viewOf(node: Json | undefined, root: JsonSchema, within: readonly string[], counts: Counts): JsonSchema {
  if (typeof node !== "object" || node === null || Array.isArray(node)) throw noFit;
  const at = node as JsonSchema;
  if (Object.keys(at).some((key) => !takenOver.has(key))) throw noFit;
  if (at.$ref !== undefined) {
    // Definitions are written out where they are used; one inside itself has no end.
    if (typeof at.$ref !== "string" || within.includes(at.$ref)) throw noFit;
    return viewOf(pointed(root, at.$ref), root, [...within, at.$ref], counts);
  }
  const words = {
    ...(typeof at.title === "string" ? { title: at.title } : {}),
    ...described(at),
  };
  const variants = at.anyOf ?? at.oneOf;
  if (variants !== undefined) {
    if (!Array.isArray(variants) || variants.length === 0) throw noFit;
    counts.unions++;
    return { anyOf: variants.map((one: Json) => viewOf(one, root, within, counts)), ...words };
  }
  if (at.enum !== undefined || at.const !== undefined) {
    const values = at.enum ?? [at.const];
    if (!Array.isArray(values) || values.some((value) => typeof value === "object" && value !== null)) throw noFit;
    return { ...(at.enum === undefined ? { const: at.const as Json } : { enum: at.enum }), ...words };
  }
  if (Array.isArray(at.type)) {
    if (!at.type.every((type) => primitives.has(type))) throw noFit;
    counts.unions++;
    return { type: at.type, ...words };
  }
  if (at.type === "object") {
    if (at.additionalProperties !== undefined && at.additionalProperties !== false) throw noFit;
    const properties = Object.entries((at.properties ?? {}) as { readonly [key: string]: Json });
    const required = Array.isArray(at.required) ? at.required : [];
    counts.optional += properties.filter(([key]) => !required.includes(key)).length;
    return {
      type: "object",
      properties: Object.fromEntries(properties.map(([key, value]) => [key, viewOf(value, root, within, counts)])),
      required,
      additionalProperties: false,
      ...words,
    };
  }
  if (at.type === "array") {
    const minItems = at.minItems === 0 || at.minItems === 1 ? { minItems: at.minItems } : {};
    return { type: "array", items: viewOf(at.items, root, within, counts), ...minItems, ...words };
  }
  if (!primitives.has(at.type)) throw noFit;
  return { type: at.type as string, ...(formats.has(at.format) ? { format: at.format as string } : {}), ...words };
}

/** The description, with the bounds that the schema itself does not say any more. */
function described(at: JsonSchema): { readonly description?: string } {
  const said = bounds.flatMap((name) => {
    const value = at[name];
    if (value === undefined || Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) return [];
    if ((name === "minItems" && Number(value) <= 1) || (name === "pattern" && formats.has(at.format))) return [];
    return [`${name}: ${JSON.stringify(value)}`];
  });
  if (at.format !== undefined && !formats.has(at.format)) said.push(`format: ${JSON.stringify(at.format)}`);
  const words = [...(typeof at.description === "string" ? [at.description] : []), ...said];
  return words.length === 0 ? {} : { description: words.join("\n") };
}

function pointed(root: JsonSchema, pointer: string): Json {
  const at = pointer.startsWith("#/") ? referred(root, pointer) : undefined;
  if (at === undefined) throw noFit;
  return at;
}
