import type { Json, JsonSchema } from "@remit/core";

/**
 * A JSON Schema as a vendor takes it. It never widens silently: what a vendor refuses and what had to go for it is
 * reported, and the gate checks every answer against the schema itself.
 *
 * V1 Strict only where nothing is lost: whatever a strict view allows, the schema allows, and the other way round, but for
 *    members that an open object does not name.
 * V2 Not strict: the schema as it is, without what the vendor answers with an error.
 */
export interface SchemaView {
  readonly schema: JsonSchema;
  /** The vendor may hold its model to the schema while it writes. */
  readonly strict: boolean;
  /** What the vendor would refuse, and is not in `schema`. */
  readonly dropped: readonly DroppedKeyword[];
}

export interface DroppedKeyword {
  /** JSON pointer of the schema that had it. */
  readonly pointer: string;
  readonly keyword: string;
}

export type SchemaVendor = "openai" | "anthropic";

/**
 * The view of a schema that describes an object: a tool's arguments, or an answer. The rules of the strict mode are those
 * of https://platform.openai.com/docs/guides/structured-outputs; for Anthropic a view is never strict.
 */
export function schemaView(schema: JsonSchema, vendor: SchemaVendor): SchemaView {
  const plain = withoutDialect(schema);
  const strict = vendor === "openai" ? strictView(plain) : undefined;
  if (strict) return { schema: strict, strict: true, dropped: [] };
  return { ...objectAtRoot(plain), strict: false };
}

/** Answers are objects for every vendor's strict mode: another answer stands in one, as its only member. */
export const wrapperKey = "answer";

/**
 * A schema of an object that holds what the schema describes. Its definitions move to the new root; one that refers to its
 * own root cannot move.
 */
export function wrapped(schema: JsonSchema): JsonSchema | undefined {
  if (JSON.stringify(schema).includes('"$ref":"#"')) return undefined;
  const { $defs, ...inner } = withoutDialect(schema) as { readonly $defs?: Json } & JsonSchema;
  return {
    type: "object",
    properties: { [wrapperKey]: inner },
    required: [wrapperKey],
    additionalProperties: false,
    ...($defs === undefined ? {} : { $defs }),
  };
}

/** True for a schema that only objects fit. */
export function isObjectSchema(schema: Json | undefined): boolean {
  if (!isSchema(schema)) return false;
  if (schema.type === "object") return true;
  const branches = schema.anyOf ?? schema.oneOf;
  return Array.isArray(branches) && branches.length > 0 && branches.every(isObjectSchema);
}

function withoutDialect(schema: JsonSchema): JsonSchema {
  const { $schema: _, ...rest } = schema;
  return rest;
}

// What the strict mode knows, by type. What is not here makes a schema not strict.
const annotations = ["title", "description"];
const known: Readonly<Record<string, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "minItems", "maxItems"],
  string: ["pattern", "format", "enum", "const"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"],
  boolean: ["enum", "const"],
  null: ["enum", "const"],
};
const formats = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
const depthMax = 10;
const propertiesMax = 5_000;
const enumMax = 1_000;

/** The strict view, or nothing where there is none. */
function strictView(schema: JsonSchema): JsonSchema | undefined {
  if (schema.type !== "object") return undefined;
  let properties = 0;
  let enums = 0;
  const inner = (at: Json | undefined, depth: number): Json => view(at, depth);
  const members = (at: JsonSchema, depth: number): JsonSchema =>
    Object.fromEntries(Object.entries(at).map(([key, member]) => [key, inner(member, depth)]));

  const view = (at: Json | undefined, depth: number): JsonSchema => {
    if (!isSchema(at) || depth > depthMax) throw notStrict;
    const { $defs, ...rest } = at;
    const defs = $defs === undefined ? {} : { $defs: depth === 0 && isSchema($defs) ? members($defs, 1) : fail() };
    const notes = Object.fromEntries(annotations.flatMap((key) => (key in at ? [[key, at[key] as Json]] : [])));
    const keys = Object.keys(rest).filter((key) => !annotations.includes(key));
    if (typeof at.$ref === "string") {
      // Only one into the same document is known. It stands alone; what is said of it stands around it.
      if (keys.length > 1 || !/^#(\/\$defs\/[^/]+)?$/.test(at.$ref)) throw notStrict;
      const reference = { $ref: at.$ref };
      return Object.keys(notes).length === 0 ? reference : { anyOf: [reference], ...notes };
    }
    const branches = at.anyOf ?? (at.oneOf !== undefined && areDisjoint(at.oneOf) ? at.oneOf : undefined);
    if (branches !== undefined) {
      if (keys.length > 1 || depth === 0 || !Array.isArray(branches) || branches.length === 0) throw notStrict;
      return { anyOf: branches.map((branch) => view(branch, depth + 1)), ...notes, ...defs };
    }
    const types = typesOf(at);
    if (!keys.every((key) => key === "type" || types.some((type) => known[type]?.includes(key)))) throw notStrict;
    if (typeof at.pattern === "string" && /\(\?[=!<]|\\[1-9pP]/.test(at.pattern)) throw notStrict;
    if (at.format !== undefined && !formats.includes(String(at.format))) throw notStrict;
    if (Array.isArray(at.enum)) enums += at.enum.length;
    if (enums > enumMax) throw notStrict;
    if (types.includes("array") && at.items === undefined) throw notStrict;
    const items = at.items === undefined ? {} : { items: view(at.items, depth + 1) };
    return { ...rest, ...items, ...(types.includes("object") ? objectOf(at, depth) : {}), ...defs };
  };

  /** Every member named, required and nothing beside them: an open object that names its members is closed. */
  const objectOf = (at: JsonSchema, depth: number): JsonSchema => {
    const { properties: named, required = [], additionalProperties: open = false } = at;
    if (!isSchema(named) || !Array.isArray(required) || open !== false) throw notStrict;
    const names = Object.keys(named);
    properties += names.length;
    if (properties > propertiesMax) throw notStrict;
    if (names.length !== new Set(required).size || !names.every((name) => required.includes(name))) throw notStrict;
    return { properties: members(named, depth + 1), required: names, additionalProperties: false };
  };

  try {
    return view(schema, 0);
  } catch (thrown) {
    if (thrown === notStrict) return undefined;
    throw thrown;
  }
}

/** Thrown inside `strictView` alone, and caught there. */
const notStrict = Symbol("not strict");

function fail(): never {
  throw notStrict;
}

function typesOf({ type }: JsonSchema): readonly string[] {
  const types = Array.isArray(type) ? type : [type];
  if (!types.every((one) => typeof one === "string" && Object.hasOwn(known, one))) throw notStrict;
  return types as readonly string[];
}

/** True where a member that all branches require has another constant in each: then `oneOf` is what `anyOf` is. */
function areDisjoint(branches: Json): boolean {
  if (!Array.isArray(branches) || !branches.every(isSchema)) return false;
  const [first] = branches as readonly JsonSchema[];
  if (!first || !isSchema(first.properties)) return false;
  return Object.keys(first.properties).some((name) => {
    const constants = (branches as readonly JsonSchema[]).map(({ properties, required }) => {
      const member = isSchema(properties) ? properties[name] : undefined;
      const isRequired = Array.isArray(required) && required.includes(name);
      return isRequired && isSchema(member) && "const" in member ? JSON.stringify(member.const) : undefined;
    });
    return !constants.includes(undefined) && new Set(constants).size === constants.length;
  });
}

const combinations = ["anyOf", "oneOf", "allOf", "not", "enum"];

/**
 * Tools' arguments must say that they are an object, and may not be a choice at the root; then the members of all
 * branches stand there, and required is what all of them require.
 */
function objectAtRoot(schema: JsonSchema): Pick<SchemaView, "schema" | "dropped"> {
  const found = combinations.filter((keyword) => keyword in schema);
  if (found.length === 0)
    return { schema: schema.type === "object" ? schema : { ...schema, type: "object" }, dropped: [] };
  const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => !combinations.includes(key)));
  const choices = [schema.anyOf, schema.oneOf]
    .filter((choice) => Array.isArray(choice))
    .map((one) => one.filter(isSchema));
  const all = Array.isArray(schema.allOf) ? schema.allOf.filter(isSchema) : [];
  const properties = new Map<string, Json[]>();
  const own: readonly JsonSchema[] = [rest, ...all, ...choices.flat()];
  for (const part of own) {
    for (const [name, member] of Object.entries(isSchema(part.properties) ? part.properties : {})) {
      const before = properties.get(name) ?? [];
      const isNew = !before.some((one) => JSON.stringify(one) === JSON.stringify(member));
      properties.set(name, isNew ? [...before, member] : before);
    }
  }
  const required = new Set([rest, ...all].flatMap(requiredOf));
  for (const branches of choices) {
    for (const name of requiredOf(branches[0] ?? {})) {
      if (branches.every((branch) => requiredOf(branch).includes(name))) required.add(name);
    }
  }
  return {
    schema: {
      ...rest,
      type: "object",
      properties: Object.fromEntries(
        [...properties].map(([name, views]) => [name, views.length === 1 ? (views[0] as Json) : { anyOf: views }]),
      ),
      ...(required.size > 0 ? { required: [...required] } : {}),
    },
    dropped: found.map((keyword) => ({ pointer: "", keyword })),
  };
}

function requiredOf({ required }: JsonSchema): readonly string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}

function isSchema(value: Json | undefined): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
