import { type Json, type JsonSchema, referred } from "@remit/core";

/** The smallest value that fits a JSON Schema: required members only, first of an enum, shortest text, lowest number. */
export function smallest(schema: JsonSchema, root: JsonSchema = schema, depth = 0): Json {
  if (depth > 32) return null;
  const inner = (part: unknown): Json => smallest(part as JsonSchema, root, depth + 1);
  if (typeof schema.$ref === "string") return inner(referred(root, schema.$ref) ?? {});
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return (schema.enum[0] ?? null) as Json;
  for (const many of ["anyOf", "oneOf", "allOf"]) {
    const options = schema[many];
    if (Array.isArray(options) && options.length > 0) return inner(options[0]);
  }
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "object": {
      const properties = (schema.properties ?? {}) as { readonly [key: string]: Json };
      const required = Array.isArray(schema.required) ? schema.required : [];
      return Object.fromEntries(required.map((name) => [String(name), inner(properties[String(name)] ?? {})]));
    }
    case "array":
      return Array.from({ length: Number(schema.minItems ?? 0) }, () => inner(schema.items ?? {}));
    case "string":
      return "-".repeat(Math.max(1, Number(schema.minLength ?? 1)));
    case "number":
    case "integer": {
      const above = schema.exclusiveMinimum;
      const lowest = typeof above === "number" ? above + 1 : Number(schema.minimum ?? 0);
      return Math.max(lowest, Number.MIN_SAFE_INTEGER) === Number.MIN_SAFE_INTEGER ? 0 : lowest;
    }
    case "boolean":
      return false;
    default:
      return null;
  }
}
