import type { JsonSchema } from "@remit/core";
import { once } from "./once.ts";
import { isObjectSchema, type SchemaView, schemaView, wrapped, wrapperKey } from "./schema-view.ts";

/** How a model is told its output schema. */
export type OutputFormat =
  /** The server holds it to the schema; `unwrap` is the member of the answer that is the output, where it is not all of it. */
  | { readonly type: "schema"; readonly schema: JsonSchema; readonly unwrap?: string }
  /** The server holds it to JSON, and the schema is told in words. */
  | { readonly type: "object" }
  /** In words alone. */
  | { readonly type: "text" };

/** The tightest form that the strict mode takes as it is; an answer that is no object is wrapped into one for it. */
export function formatOf(outputSchema: JsonSchema): OutputFormat {
  const direct = schemaView(outputSchema, "openai");
  if (direct.strict) return { type: "schema", schema: direct.schema };
  const inside = wrapped(outputSchema);
  const view = inside && outputSchema.type !== "object" ? schemaView(inside, "openai") : undefined;
  if (view?.strict) return { type: "schema", schema: view.schema, unwrap: wrapperKey };
  return isObjectSchema(outputSchema) ? { type: "object" } : { type: "text" };
}

/** Schemas as the server takes them. */
export interface OpenAiSchemas {
  /** Of an agent's answers. */
  readonly formatOf: (outputSchema: JsonSchema) => OutputFormat;
  /** Of a tool's arguments. */
  readonly viewOf: (inputSchema: JsonSchema) => SchemaView;
}

/** An agent's schemas are the same objects at every call: each is looked through once. */
export function openAiSchemas(): OpenAiSchemas {
  return { formatOf: once(formatOf), viewOf: once((schema) => schemaView(schema, "openai")) };
}
