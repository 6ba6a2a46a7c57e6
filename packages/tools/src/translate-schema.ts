import { escapePointer, findNonJson, type Json, type JsonSchema } from "@remit/core";
import { ToolsError } from "./errors.ts";
import { isJsonType, readType } from "./foreign-type.ts";
import {
  defaultSchemaLimits,
  definitionKeywords,
  mapKeywords,
  type SchemaLimits,
  schemaKeywords,
} from "./schema-bounds.ts";

/**
 * Writes a schema that is nearly JSON Schema as JSON Schema. Descriptions of functions often have the types of a language
 * (`dict`, `float`, `List[str]`, `STRING`) and habits of older drafts. Every change is told, so that nothing is read in a
 * way that nobody sees; what cannot be read for sure is refused with its place. The document itself stays as it is.
 */
export interface TranslatedSchema {
  readonly document: JsonSchema;
  readonly changes: readonly SchemaChange[];
}

/** One place that was written anew. */
export interface SchemaChange {
  /** JSON pointer into the document that was given. */
  readonly pointer: string;
  readonly from: Json;
  /** Absent: it was left out. */
  readonly to?: Json;
}

export interface TranslateOptions {
  /** Whose schema it is, for messages. */
  readonly owner?: string;
  readonly limits?: Partial<SchemaLimits>;
}

type Members = { [name: string]: Json };

/** Counts, which formats that have 64-bit integers write as texts. */
const countKeywords = ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/**
 * Writes the document as JSON Schema 2020-12:
 * - types by other names become JSON Schema's; `any` says nothing any more; what is no type at all is refused;
 * - `required: true` at a property, and its type's own `optional`, go into the list of the object that has it;
 * - an `items` that is a list becomes `prefixItems`, a boolean `exclusiveMinimum` or `exclusiveMaximum` the bound itself;
 * - a count that is a text (`minItems: "1"`) becomes the number; `nullable` at what has no single type goes into the schema;
 * - an `enum` of single values at a list is one of its items, because no list could ever fit it;
 * - a `default` that does not fit its own type is left out: models are shown it.
 * @throws ToolsError `schema/invalid`, `schema/too-large`
 */
export function translateSchema(
  document: unknown,
  { owner = "a tool", limits = {} }: TranslateOptions = {},
): TranslatedSchema {
  const nonJson = findNonJson(document);
  if (nonJson) throw invalid(owner, nonJson.pointer, `there is ${nonJson.reason}`);
  if (!isRecord(document)) throw invalid(owner, "", "there is no object");
  const bytes = Buffer.byteLength(JSON.stringify(document));
  const limit = limits.bytes ?? defaultSchemaLimits.bytes;
  if (bytes > limit) throw new ToolsError("schema/too-large", { owner, what: "bytes", found: bytes, limit });
  const changes: SchemaChange[] = [];
  const { $schema, ...rest } = document;
  if ($schema !== undefined) changes.push({ pointer: "/$schema", from: $schema });
  return { document: new Translation(owner, changes).schema(rest, "") as JsonSchema, changes };
}

class Translation {
  readonly #owner: string;
  readonly #changes: SchemaChange[];

  constructor(owner: string, changes: SchemaChange[]) {
    this.#owner = owner;
    this.#changes = changes;
  }

  schema(given: Json, pointer: string): Json {
    if (typeof given === "boolean") return given;
    if (!isRecord(given)) throw invalid(this.#owner, pointer, "there is no schema");
    const made: Members = {};
    for (const [keyword, value] of Object.entries(given)) {
      if (value !== undefined) set(made, keyword, this.#inner(keyword, value, `${pointer}/${escapePointer(keyword)}`));
    }
    this.#type(made, pointer);
    this.#required(made, given, pointer);
    this.#items(made, pointer);
    this.#bounds(made, pointer);
    this.#enum(made, pointer);
    this.#default(made, pointer);
    return made;
  }

  #told(pointer: string, from: Json, to?: Json): void {
    this.#changes.push(to === undefined ? { pointer, from } : { pointer, from, to });
  }

  #inner(keyword: string, value: Json, pointer: string): Json {
    if (mapKeywords.includes(keyword) || definitionKeywords.includes(keyword)) {
      if (!isRecord(value)) throw invalid(this.#owner, pointer, "there is no object of schemas");
      return this.#map(value, pointer, keyword);
    }
    if (!schemaKeywords.includes(keyword)) return value;
    if (Array.isArray(value)) return value.map((one: Json, index) => this.schema(one, `${pointer}/${index}`));
    return this.schema(value, pointer);
  }

  #map(given: Members, pointer: string, keyword: string): Members {
    const schemas: Members = {};
    for (const [name, value] of Object.entries(given)) {
      // The names that depend on another one, and no schema.
      const isNames = keyword === "dependencies" && Array.isArray(value);
      set(schemas, name, isNames ? value : this.schema(value, `${pointer}/${escapePointer(name)}`));
    }
    return schemas;
  }

  #type(made: Members, pointer: string): void {
    const { type } = made;
    if (type === undefined) return;
    const texts: readonly Json[] = Array.isArray(type) ? type : [type];
    if (texts.length > 0 && texts.every((text) => typeof text === "string" && isJsonType(text))) return;
    const members = texts.map((text) => {
      const read = typeof text === "string" ? readType(text) : undefined;
      if (!read) throw invalid(this.#owner, `${pointer}/type`, `${shown(text)} is no type`);
      return read;
    });
    if (members.length === 0) throw invalid(this.#owner, `${pointer}/type`, "there is no type");
    const [only] = members;
    const read = members.length === 1 && only ? only.schema : { anyOf: members.map((one) => one.schema) };
    const schema = made.nullable === true ? orNull(read) : read;
    delete made.type;
    for (const [keyword, value] of Object.entries(schema)) {
      // What the document says itself about items and members is more than what the type's text says.
      if (keyword === "anyOf" && made.anyOf !== undefined) made.allOf = [...listOf(made.allOf), { anyOf: value }];
      else if (made[keyword] === undefined) made[keyword] = value;
    }
    this.#told(`${pointer}/type`, type, schema);
    // It goes with a type of its own; elsewhere the schema says it by now.
    if (made.type === undefined && made.nullable !== undefined) {
      this.#told(`${pointer}/nullable`, made.nullable);
      delete made.nullable;
    }
  }

  /** The list of required names gets what the properties say of themselves. */
  #required(made: Members, given: Members, pointer: string): void {
    if (typeof made.required === "boolean") {
      this.#told(`${pointer}/required`, made.required);
      delete made.required;
    }
    if (!isRecord(given.properties)) return;
    const before = made.required ?? [];
    if (!Array.isArray(before)) throw invalid(this.#owner, `${pointer}/required`, "there is no list of names");
    const names = new Set<Json>(before);
    for (const [name, property] of Object.entries(given.properties)) {
      if (!isRecord(property)) continue;
      if (property.required === true) names.add(name);
      else if (property.required === false || isOptionalType(property.type)) names.delete(name);
    }
    const after = [...names];
    if (after.length === before.length && after.every((name) => before.includes(name))) return;
    made.required = after;
    this.#told(`${pointer}/required`, before, after);
  }

  #items(made: Members, pointer: string): void {
    if (!Array.isArray(made.items)) return;
    const { items, additionalItems } = made;
    made.prefixItems = items;
    delete made.items;
    delete made.additionalItems;
    if (additionalItems !== undefined) made.items = additionalItems;
    this.#told(`${pointer}/items`, items, { prefixItems: items });
  }

  #bounds(made: Members, pointer: string): void {
    for (const keyword of countKeywords) {
      const value = made[keyword];
      if (typeof value !== "string" || !/^\d{1,9}$/.test(value)) continue;
      made[keyword] = Number(value);
      this.#told(`${pointer}/${keyword}`, value, Number(value));
    }
    for (const [keyword, bound] of [
      ["exclusiveMinimum", "minimum"],
      ["exclusiveMaximum", "maximum"],
    ] as const) {
      const exclusive = made[keyword];
      if (typeof exclusive !== "boolean") continue;
      const value = made[bound];
      delete made[keyword];
      if (exclusive && value !== undefined) {
        delete made[bound];
        made[keyword] = value;
      }
      this.#told(`${pointer}/${keyword}`, exclusive, exclusive ? (value ?? null) : undefined);
    }
  }

  #enum(made: Members, pointer: string): void {
    const { enum: allowed, items } = made;
    if (!Array.isArray(allowed) || allowed.length === 0 || allowed.some((value) => fitsType(value, made))) return;
    const isOfItems = made.type === "array" && (items === undefined || (isRecord(items) && items.enum === undefined));
    const item: Members = { ...(isRecord(items) ? items : {}), enum: allowed };
    if (!isOfItems || !allowed.some((value) => fitsType(value, item))) {
      throw invalid(this.#owner, `${pointer}/enum`, `no value of it is of its type, ${shown(made.type)}`);
    }
    delete made.enum;
    made.items = item;
    this.#told(`${pointer}/enum`, allowed, { items: { enum: allowed } });
  }

  #default(made: Members, pointer: string): void {
    const value = made.default;
    if (value === undefined || (fitsType(value, made) && (!Array.isArray(made.enum) || holds(made.enum, value))))
      return;
    delete made.default;
    this.#told(`${pointer}/default`, value);
  }
}

/** The schema with `null` beside what it takes; `nullable` says that of one that has a type. */
function orNull(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema.anyOf)) {
    const hasNull = schema.anyOf.some((member: Json) => isRecord(member) && listOf(member.type).includes("null"));
    return hasNull ? schema : { ...schema, anyOf: [...schema.anyOf, { type: "null" }] };
  }
  return Array.isArray(schema.enum) ? { ...schema, enum: [...new Set([...schema.enum, null])] } : schema;
}

function isOptionalType(type: Json | undefined): boolean {
  return typeof type === "string" && !isJsonType(type) && readType(type)?.optional === true;
}

/** A member under any name at all: `__proto__` is one like others. */
function set(made: Members, name: string, value: Json): void {
  Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
}

function fitsType(value: Json, { type, nullable }: Members): boolean {
  if (type === undefined) return true;
  if (nullable === true && value === null) return true;
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const names = listOf(type);
  return names.includes(found) || (names.includes("integer") && Number.isInteger(value));
}

function holds(values: readonly Json[], value: Json): boolean {
  return values.some((one) => JSON.stringify(one) === JSON.stringify(value));
}

function listOf(value: Json | undefined): readonly Json[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function shown(value: Json | undefined): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 120);
}

function invalid(owner: string, pointer: string, reason: string): ToolsError {
  return new ToolsError("schema/invalid", { owner, reason: `at "${pointer}" ${reason}` });
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
