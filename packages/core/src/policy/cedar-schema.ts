import type {
  CedarValueJson,
  EntityTypeKind,
  SchemaJson,
  Type,
  TypeOfAttribute,
} from "@cedar-policy/cedar-wasm/nodejs";
import type { Json, JsonSchema } from "../json.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { namesIn } from "./names.ts";

/**
 * The Cedar schema of a compiled supervisor. Agents, tools, models and handoffs are enumerated entity types, so that one
 * that is not there is an error where a policy is loaded; every tool has an action of its own, whose context holds its
 * arguments with the types of its JSON Schema.
 */

type Shape = Record<string, TypeOfAttribute<string>>;

const text = { type: "String" } as const;
const flag = { type: "Boolean" } as const;
const texts = { type: "Set", element: text } as const;

/** What every request has. */
const common: Shape = {
  tenant: text,
  run: text,
  supervisor: text,
  path: text,
  principal: {
    type: "Record",
    attributes: { id: text, kind: text, roles: texts, authenticated: flag },
  },
  labels: texts,
  // Of each attribute `name=value`: a record would need to know the names.
  attributes: texts,
};
const call: Shape = {
  effect: text,
  risk: text,
  reversible: flag,
  flow: { type: "Record", attributes: { untrusted: texts, planned: flag, clean: flag }, required: false },
};

/** The action of a tool's calls; they are all in the group `Action::"tool"`. */
export function actionOf(tool: string): string {
  return `tool:${tool}`;
}

/** The schema as Cedar's own JSON has it. */
export function cedarSchemaOf(definition: SupervisorDefinition): SchemaJson<string> {
  const { agents, handoffs } = namesIn(definition);
  const applies = (resource: string, own: Shape) => ({
    appliesTo: {
      principalTypes: ["Agent"],
      resourceTypes: [resource],
      context: { type: "Record", attributes: { ...common, ...own } } as Type<string>,
    },
  });
  const actions: SchemaJson<string>[string]["actions"] = {
    tool: {},
    handoff: applies("Agent", { handoff: { type: "Entity", name: "Handoff" } }),
    message: applies("Person", { text }),
    "memory.read": applies("Memory", { key: text }),
    "memory.write": applies("Memory", { key: text }),
    source: applies("Source", { query: text }),
    model: applies("Model", { purpose: text, tools: texts }),
    egress: applies("Answer", {}),
  };
  for (const { name, inputSchema } of definition.tools.values()) {
    const shape = shapeOf(inputSchema);
    const own = shape?.type.type === "Record" ? shape.type : ({ type: "Record", attributes: {} } as const);
    actions[actionOf(name)] = { memberOf: [{ id: "tool" }], ...applies("Tool", { ...call, arguments: own }) };
  }
  return {
    "": {
      entityTypes: {
        Agent: oneOf(agents.keys()),
        Tool: oneOf(definition.tools.keys()),
        Model: oneOf(definition.aliases),
        Handoff: oneOf(handoffs),
        Person: oneOf(["customer", "operator"]),
        Answer: oneOf(["answer"]),
        Memory: {},
        Source: {},
      },
      actions,
    },
  };
}

/** An enumeration needs at least one member; where there is none the type has no entity that anybody asks about. */
function oneOf(names: Iterable<string>): EntityTypeKind<string> {
  const list = [...names];
  return list.length === 0 ? {} : { enum: list };
}

/** A Cedar type, and what makes a value of it. `undefined` for a value: leave it out. Throws for one that does not fit. */
export interface CedarShape {
  readonly type: Type<string>;
  readonly read: (value: Json, used?: ReadonlySet<string>) => CedarValueJson | undefined;
}

/** The shape of what a JSON Schema describes; nothing where Cedar has no type for it, and policies cannot speak of it. */
export function shapeOf(schema: JsonSchema): CedarShape | undefined {
  const only = nullable(schema);
  if (only) {
    // Cedar knows no null: what may be null is left out where it is.
    const shape = shapeOf(only);
    return shape && { ...shape, read: (value, used) => (value === null ? undefined : shape.read(value, used)) };
  }
  switch (schema.type) {
    case "string":
      return { type: text, read: (value) => fitting(value, typeof value === "string", "text") };
    case "boolean":
      return { type: flag, read: (value) => fitting(value, typeof value === "boolean", "a boolean") };
    case "integer":
      return { type: { type: "Long" }, read: (value) => fitting(value, Number.isSafeInteger(value), "a whole number") };
    case "number":
      return {
        type: { type: "Extension", name: "decimal" },
        read: (value) => ({
          __extn: { fn: "decimal", arg: decimal(fitting(value, typeof value === "number", "a number")) },
        }),
      };
    case "array": {
      const item = isSchema(schema.items) ? shapeOf(schema.items) : undefined;
      if (!item) return undefined;
      return {
        type: { type: "Set", element: item.type },
        read: (value) => {
          if (!Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is no list`);
          return value.flatMap((one: Json) => item.read(one) ?? []);
        },
      };
    }
    case "object":
      return isSchema(schema.properties) ? recordOf(schema.properties, schema.required) : undefined;
    default:
      return undefined;
  }
}

/** What a schema takes beside null; nothing where it takes no null, or several other things. */
function nullable({ anyOf, oneOf, type, ...rest }: JsonSchema): JsonSchema | undefined {
  const notNull = (one: Json) => one !== "null" && !(isSchema(one) && one.type === "null");
  const list = [type, anyOf, oneOf].find((one): one is readonly Json[] => Array.isArray(one));
  const [only, ...others] = list?.filter(notNull) ?? [];
  if (list?.length !== 2 || only === undefined || others.length > 0) return undefined;
  return isSchema(only) ? only : { ...rest, type: only };
}

function recordOf(properties: JsonSchema, required: Json | undefined): CedarShape {
  const needed = new Set(Array.isArray(required) ? required : []);
  const attributes: Shape = {};
  const members: (readonly [string, CedarShape])[] = [];
  for (const [name, schema] of Object.entries(properties)) {
    const shape = isSchema(schema) ? shapeOf(schema) : undefined;
    if (!shape) continue;
    members.push([name, shape]);
    const isNullable = isSchema(schema) && nullable(schema) !== undefined;
    attributes[name] = { ...shape.type, required: needed.has(name) && !isNullable };
  }
  return {
    type: { type: "Record", attributes },
    read: (value, used) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is no object");
      const made: Record<string, CedarValueJson> = {};
      for (const [name, shape] of members) {
        const member = (value as { readonly [key: string]: Json })[name];
        if (member === undefined || (used !== undefined && !used.has(name))) continue;
        const read = shape.read(member);
        if (read !== undefined) made[name] = read;
      }
      return made;
    },
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fitting(value: Json, fits: boolean, wanted: string): string | number | boolean {
  if (!fits) throw new Error(`${JSON.stringify(value)} is not ${wanted}`);
  return value as string | number | boolean;
}

/** The largest whole number whose decimal Cedar holds. */
const decimalMax = 922_337_203_685_476;

/**
 * A number with four digits behind the point, which is what Cedar has. What is finer is rounded away from zero, and what is
 * larger becomes the largest: a bound with four digits is passed by no number that passes it here.
 */
export function decimal(value: Json): string {
  const size = Math.min(Math.abs(value as number), decimalMax);
  let digits = size.toFixed(4);
  if (Number(digits) < size) digits = (Number(digits) + 0.0001).toFixed(4);
  return (value as number) < 0 ? `-${digits}` : digits;
}
