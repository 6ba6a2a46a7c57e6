import { findNonJson, type JsonSchema, referred } from "@remit/core";
import { ToolsError } from "./errors.ts";

/** Bounds on one JSON Schema document from outside. */
export interface SchemaLimits {
  /** Bytes of the document as JSON. */
  readonly bytes: number;
  /** Levels of nesting, of the document and of its references together. */
  readonly depth: number;
  /** Schemas in the document with every reference written out in its place. */
  readonly nodes: number;
}

export const defaultSchemaLimits: SchemaLimits = { bytes: 256 * 1024, depth: 64, nodes: 5_000 };

/** For documents that are checked on a thread of their own, where a time ends what takes too long. */
export const threadSchemaLimits: SchemaLimits = { bytes: 1024 * 1024, depth: 256, nodes: 50_000 };

/** A document whose checking is bounded. */
export interface BoundedSchema {
  readonly document: JsonSchema;
  /** What a reference of it leads to. */
  readonly target: (reference: string) => unknown;
  /** Its own measures, in the terms of the limits. */
  readonly size: SchemaLimits;
}

/** Keywords whose value is a schema, or a list of schemas. */
export const schemaKeywords = [
  ...["additionalItems", "additionalProperties", "allOf", "anyOf", "contains", "contentSchema", "else", "if", "items"],
  ...["not", "oneOf", "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"],
];
/** Keywords whose value holds schemas under names. */
export const mapKeywords = ["dependencies", "dependentSchemas", "patternProperties", "properties"];
/** Like the ones before, but nothing in there applies until a reference leads to it. */
export const definitionKeywords = ["$defs", "definitions"];

/**
 * Refuses a document whose checking could not be bounded. What passes is a finite tree: its references lead inside the
 * document and never back, so that the work to check a value is at most its size times `limits.nodes`.
 * @param owner whose schema it is, for the message
 * @throws ToolsError `schema/invalid`, `schema/too-large`, `schema/reference-refused`
 */
export function boundedSchema(document: unknown, owner: string, limits: SchemaLimits): BoundedSchema {
  const tooLarge = (what: keyof SchemaLimits, found: number) =>
    new ToolsError("schema/too-large", { owner, what, found, limit: limits[what] });
  const nonJson = findNonJson(document);
  if (nonJson) {
    throw new ToolsError("schema/invalid", { owner, reason: `at "${nonJson.pointer}" there is ${nonJson.reason}` });
  }
  if (!isRecord(document)) throw new ToolsError("schema/invalid", { owner, reason: "it is not an object" });
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes > limits.bytes) throw tooLarge("bytes", bytes);

  const anchors = new Map<string, unknown>();
  const sizes = new Map<unknown, number>();
  const open = new Set<unknown>();
  let deepest = 0;

  const refused = (reference: string, reason: string) =>
    new ToolsError("schema/reference-refused", { owner, reference: reference.slice(0, 300), reason });

  const target = (reference: string): unknown => {
    if (!reference.startsWith("#")) throw refused(reference, "it leads outside of the document");
    const fragment = reference.slice(1);
    const found =
      fragment === "" || fragment.startsWith("/") ? referred(document, `#${fragment}`) : anchors.get(fragment);
    if (found === undefined) throw refused(reference, "there is nothing");
    return found;
  };

  /** Schemas in this one, references written out. Memoised, so that sharing does not cost time. */
  const size = (schema: unknown, depth: number): number => {
    if (depth > limits.depth) throw tooLarge("depth", depth);
    deepest = Math.max(deepest, depth);
    if (!isRecord(schema)) return 1;
    const known = sizes.get(schema);
    if (known !== undefined) return known;
    open.add(schema);
    let total = 1;
    for (const inner of innerSchemas(schema)) total += size(inner, depth + 1);
    for (const keyword of ["$ref", "$dynamicRef", "$recursiveRef"]) {
      const reference = schema[keyword];
      if (typeof reference !== "string") continue;
      if (keyword !== "$ref") throw refused(reference, `${keyword} is not taken`);
      const referred = target(reference);
      if (open.has(referred)) throw refused(reference, "it leads back to where it is");
      total += size(referred, depth + 1);
    }
    if (total > limits.nodes) throw tooLarge("nodes", total);
    open.delete(schema);
    sizes.set(schema, total);
    return total;
  };

  collectAnchors(document, anchors, (reference) =>
    refused(reference, "a schema inside the document may not rename its base"),
  );
  const nodes = size(document, 1);
  // Definitions that nothing refers to are compiled all the same.
  const unused = definitionsOf(document).map((definition) => size(definition, 1));
  return { document, target, size: { bytes, depth: deepest, nodes: Math.max(nodes, ...unused) } };
}

function collectAnchors(document: JsonSchema, anchors: Map<string, unknown>, refusal: (id: string) => Error): void {
  const waiting: unknown[] = [document];
  for (let schema = waiting.pop(); schema !== undefined; schema = waiting.pop()) {
    if (!isRecord(schema)) continue;
    if (schema !== document && typeof schema.$id === "string") throw refusal(schema.$id);
    if (typeof schema.$anchor === "string") anchors.set(schema.$anchor, schema);
    waiting.push(...innerSchemas(schema), ...definitionsOf(schema));
  }
}

function innerSchemas(schema: JsonSchema): unknown[] {
  const found: unknown[] = [];
  for (const keyword of schemaKeywords) {
    const value = schema[keyword];
    if (Array.isArray(value)) found.push(...value);
    else if (isRecord(value)) found.push(value);
  }
  for (const keyword of mapKeywords) {
    const value = schema[keyword];
    if (isRecord(value)) found.push(...Object.values(value));
  }
  return found;
}

function definitionsOf(schema: JsonSchema): unknown[] {
  return definitionKeywords.flatMap((keyword) => {
    const value = schema[keyword];
    return isRecord(value) ? Object.values(value) : [];
  });
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
