import { findNonJson, type Json, type JsonSchema } from "@remit/core";
import { z } from "zod";
import { ToolsError } from "./errors.ts";
import { createSchemaReader, type JsonObject } from "./json-schema.ts";
import type { SchemaLimits } from "./schema-bounds.ts";
import { type SchemaChange, translateSchema } from "./translate-schema.ts";

/**
 * A function as a list of functions describes it: what `defineTool` needs of it, and what had to be written anew for that.
 * What a description never says is left to whoever takes it: whether the function writes, how risky that is, and what runs.
 */
export interface DescribedFunction {
  /** Goes into `defineTool` as it is, beside `effect`, `execute` and what they need. */
  readonly tool: {
    readonly name: string;
    readonly description: string;
    /** Closed: an argument that is not described is refused. */
    readonly input: z.ZodType<JsonObject, JsonObject>;
    /** What the description says of the answer; any JSON where it says nothing. */
    readonly output: z.ZodType<Json, Json>;
  };
  /** Its name where it comes from; models know it by `tool.name`, which has letters, digits, `_` and `-` alone. */
  readonly foreignName: string;
  /** Names of its arguments in the order in which they are described, for calls that give them by position. */
  readonly parameters: readonly string[];
  /** Pointers lead into its parameters, or where they begin with `/response` or `/outputSchema`, into its response. */
  readonly changes: readonly SchemaChange[];
}

const outside = /[^A-Za-z0-9_-]/g;
const nameMax = 64;

/**
 * Reads the description of a function: its name, a text, and a schema of its arguments under `parameters`, `input_schema`,
 * `inputSchema` or `parametersJsonSchema`; by itself, as `{ type: "function", function }`, or as `{ toolSpec }` with the schema in `inputSchema.json`. Schemas are translated first (`translateSchema`).
 * Parameters may also be given one by one, by name: those are required that have no `default` and do not say `optional`.
 * @throws ToolsError `schema/invalid` and all that {@link createSchemaReader} refuses
 */
export function readFunction(
  document: unknown,
  { limits = {} }: { readonly limits?: Partial<SchemaLimits> } = {},
): DescribedFunction {
  const nonJson = findNonJson(document);
  if (nonJson) throw invalid("a function", `at "${nonJson.pointer}" there is ${nonJson.reason}`);
  const wrapped = isRecord(document) ? (document.function ?? document.toolSpec) : undefined;
  const given = isRecord(wrapped) ? wrapped : document;
  if (!isRecord(given)) throw invalid("a function", "its description is not an object");
  const { name: foreignName } = given;
  const description = given.description ?? "";
  if (typeof foreignName !== "string" || foreignName === "") throw invalid("a function", "it has no name");
  const name = foreignName.replace(outside, "_");
  const owner = `the function ${foreignName.slice(0, 100)}`;
  if (name.length > nameMax) throw invalid(owner, `its name has more than ${nameMax} characters`);
  if (typeof description !== "string") throw invalid(owner, "its description is no text");
  const reader = createSchemaReader(limits);
  const { document: parameters, changes } = translateSchema(asObject(parametersOf(given, owner), owner), {
    owner,
    limits,
  });
  const input = closed(parameters, owner);
  const answers = ["response", "outputSchema"].find((keyword) => (given[keyword] ?? null) !== null);
  const response = answers === undefined ? undefined : translateSchema(given[answers], { owner, limits });
  return {
    tool: {
      name,
      description,
      input: reader.readObject(input, owner),
      output: response ? reader.read(response.document, owner) : z.json(),
    },
    foreignName,
    parameters: Object.keys(isRecord(input.properties) ? input.properties : {}),
    changes: [
      ...(name === foreignName ? [] : [{ pointer: "/name", from: foreignName, to: name }]),
      ...changes,
      ...(response?.changes ?? []).map((change) => ({ ...change, pointer: `/${answers}${change.pointer}` })),
    ],
  };
}

function parametersOf(given: JsonSchema, owner: string): Json {
  const { parameters, input_schema, inputSchema, parametersJsonSchema } = given;
  const found = parameters ?? input_schema ?? unwrapped(inputSchema) ?? parametersJsonSchema;
  if (found !== undefined && found !== null) return found;
  // Read as a function without arguments, it would refuse every right call.
  const other = Object.keys(given).find((key) => argumentsLike.test(key) && typeof given[key] === "object");
  if (other === undefined || given[other] === null) return {};
  throw invalid(
    owner,
    `it has no parameters that are read, and ${JSON.stringify(other.slice(0, 100))} is none of their names`,
  );
}

/** Under `inputSchema` some put the schema into `{ json }`; read as it stands it would be an argument of that name. */
function unwrapped(schema: Json | undefined): Json | undefined {
  if (!isRecord(schema) || !isRecord(schema.json) || Object.keys(schema).length !== 1) return schema;
  return schema.json;
}

const argumentsLike = /^(?!output|response|result|return).*(?:param|arg|schema)/i;

/** The schema of an object, whichever way the parameters are given. */
function asObject(given: Json, owner: string): Json {
  if (!isRecord(given)) throw invalid(owner, "its parameters are not an object");
  if (typeof given.type === "string" || Array.isArray(given.type)) return given;
  const isSchema = ["allOf", "anyOf", "oneOf"].some((keyword) => Array.isArray(given[keyword]));
  if (isSchema || given.properties !== undefined || given.$ref !== undefined) return { type: "object", ...given };
  const single = Object.entries(given);
  if (!single.every(([, one]) => isRecord(one))) throw invalid(owner, "its parameters are no schema, and none by name");
  const required = single.filter(([, one]) => isRecord(one) && one.default === undefined && one.optional !== true);
  return { type: "object", properties: given, required: required.map(([name]) => name) };
}

/** A function takes the arguments that it has; unless its description says otherwise, nothing else fits. */
function closed(schema: JsonSchema, owner: string): JsonSchema {
  const { properties, required } = schema;
  const isOpen = [
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
  ];
  if (isOpen.some((keyword) => schema[keyword] !== undefined)) return schema;
  const known = isRecord(properties) ? properties : {};
  const missing = Array.isArray(required) ? required.find((name) => !Object.hasOwn(known, String(name))) : undefined;
  if (missing !== undefined) throw invalid(owner, `it requires ${JSON.stringify(missing)} and does not describe it`);
  return { ...schema, properties: known, additionalProperties: false };
}

function invalid(owner: string, reason: string): ToolsError {
  return new ToolsError("schema/invalid", { owner, reason });
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
