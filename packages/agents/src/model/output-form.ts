import type { Json, JsonSchema } from "@remit/core";
import { schemaView, wrapped, wrapperKey } from "./schema-view.ts";

/** The schema of the final value, as an object that a vendor takes. */
export interface OutputForm {
  readonly schema: JsonSchema;
  /** True where the value stands in an object of ours, as its only member. */
  readonly isWrapped: boolean;
}

/** For a vendor that takes any object. A choice between objects is wrapped, so that nothing of it is lost. */
export function outputForm(schema: JsonSchema): OutputForm {
  const inside = isPlainObject(schema) ? undefined : wrapped(schema);
  return inside
    ? { schema: inside, isWrapped: true }
    : { schema: schemaView(schema, "anthropic").schema, isWrapped: false };
}

/** What a wrapped form holds; a value without the wrapping stands for itself. */
export function unwrapped(value: Json): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === wrapperKey ? ((value as JsonSchema)[wrapperKey] as Json) : value;
}

export function isPlainObject(schema: JsonSchema): boolean {
  return schema.type === "object" && !["$ref", "anyOf", "oneOf", "allOf"].some((key) => key in schema);
}
