import { canonicalJson, type Json, type JsonSchema } from "@remit/core";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  Ajv,
  type ErrorObject,
  type FuncKeywordDefinition,
  type Options,
  type ValidateFunction,
} from "ajv/dist/ajv.js";
import { z } from "zod";
import { ToolsError } from "./errors.ts";
import { compilePattern, PatternRefused, type StepBudget, StepsExhausted } from "./pattern.ts";
import { checkSchemaBounds, defaultSchemaLimits, type SchemaLimits } from "./schema-bounds.ts";

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Turns JSON Schema documents from outside into zod schemas. One reader for many documents compiles each faster. */
export interface SchemaReader {
  /**
   * A zod schema that checks by the document: drafts 2020-12 (also where `$schema` is absent), 2019-09 and 07.
   * `z.toJSONSchema` gives the document back. Values pass unchanged; `default` and `format` are annotations. Compiling
   * and checking are bounded: by size, depth and number of schemas, with references that stay inside the document and
   * never lead back, and with patterns matched in linear time.
   * @param owner whose schema it is, for messages
   * @throws ToolsError `schema/invalid`, `schema/too-large`, `schema/reference-refused`, `schema/pattern-refused`
   */
  readonly read: (document: unknown, owner: string) => z.ZodType<Json, Json>;
  /** As `read`; `schema/invalid` too when the document does not say `type: "object"`, as the arguments of a tool must. */
  readonly readObject: (document: unknown, owner: string) => z.ZodType<JsonObject, JsonObject>;
}

/** Steps that the patterns of one validation may take; some tens of milliseconds. */
const patternSteps = 2_000_000;

/** Makes a reader; limits that are not given are the default ones. */
export function createSchemaReader(limits: Partial<SchemaLimits> = {}): SchemaReader {
  const bounds = { ...defaultSchemaLimits, ...limits };
  const budget: StepBudget = { left: 0 };
  const compilers = new Map<Dialect, Ajv>();
  const compilerOf = (dialect: Dialect) => {
    const compiler = compilers.get(dialect) ?? createCompiler(dialect, budget);
    compilers.set(dialect, compiler);
    return compiler;
  };
  const read = (document: unknown, owner: string) => {
    checkSchemaBounds(document, owner, bounds);
    const { $schema, $id: _, id: __, ...rest } = document;
    budget.left = patternSteps; // The rules for documents have patterns too.
    const validate = compile(compilerOf(dialectOf($schema)), rest, owner);
    const checked = z.unknown().superRefine((value, context) => {
      budget.left = patternSteps;
      for (const { path, message } of problemsOf(validate, value)) context.addIssue({ code: "custom", path, message });
    });
    return checked.meta(rest) as unknown as z.ZodType<Json, Json>;
  };
  const readObject = (document: unknown, owner: string) => {
    const schema = read(document, owner);
    if ((document as JsonSchema).type !== "object") {
      throw new ToolsError("schema/invalid", { owner, reason: 'it does not say "type": "object"' });
    }
    return schema as z.ZodType<JsonObject, JsonObject>;
  };
  return { read, readObject };
}

/** One document by a reader of its own; see {@link SchemaReader.read}. */
export function schemaFromJson(
  document: unknown,
  { owner = "a tool", limits = {} }: { readonly owner?: string; readonly limits?: Partial<SchemaLimits> } = {},
): z.ZodType<Json, Json> {
  return createSchemaReader(limits).read(document, owner);
}

type Dialect = "2020-12" | "2019-09" | "07";

function dialectOf(dialect: Json | undefined): Dialect {
  if (typeof dialect !== "string") return "2020-12";
  if (dialect.includes("draft/2019-09")) return "2019-09";
  return /draft-0[467]/.test(dialect) ? "07" : "2020-12";
}

function createCompiler(dialect: Dialect, budget: StepBudget): Ajv {
  // Ajv tells patterns apart by their text, and calls nothing of them but `test`.
  const matcher = (source: string) => ({ ...compilePattern(source, budget), toString: () => source });
  const regExp = Object.assign(matcher, { code: "undefined" });
  const settings: Options = {
    strict: false,
    validateFormats: false,
    logger: false,
    addUsedSchema: false,
    code: { regExp: regExp as unknown as NonNullable<NonNullable<Options["code"]>["regExp"]> },
  };
  const make = { "2020-12": Ajv2020, "2019-09": Ajv2019, "07": Ajv }[dialect];
  const ajv = new make(settings);
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword(uniqueItems);
  return ajv;
}

function compile(ajv: Ajv, document: JsonSchema, owner: string): ValidateFunction {
  try {
    return ajv.compile(document);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 500) : String(cause);
    if (cause instanceof PatternRefused) {
      throw new ToolsError("schema/pattern-refused", { owner, pattern: firstRefused(document), reason }, { cause });
    }
    throw new ToolsError("schema/invalid", { owner, reason }, { cause });
  } finally {
    ajv.removeSchema(document); // Its cache would hold every document for ever.
  }
}

/** The built-in keyword compares every pair, which a long list turns into minutes. */
const uniqueItems: FuncKeywordDefinition = {
  keyword: "uniqueItems",
  type: "array",
  schemaType: "boolean",
  error: { message: "must NOT have duplicate items" },
  validate: (wanted: boolean, items: readonly unknown[]) =>
    !wanted || new Set(items.map((item) => canonicalJson(item))).size === items.length,
};

function firstRefused(value: Json): string {
  if (typeof value !== "object" || value === null) return "";
  for (const [key, member] of Object.entries(value)) {
    const sources = key === "pattern" ? [member] : key === "patternProperties" ? Object.keys(member as object) : [];
    const refused = sources.find((source) => typeof source === "string" && !isTaken(source));
    if (typeof refused === "string") return refused;
    const inner = firstRefused(member as Json);
    if (inner !== "") return inner;
  }
  return "";
}

function isTaken(source: string): boolean {
  try {
    compilePattern(source, { left: 0 });
    return true;
  } catch {
    return false; // The only question here; why was said where it was compiled.
  }
}

interface Problem {
  readonly path: string[];
  readonly message: string;
}

function problemsOf(validate: ValidateFunction, value: unknown): readonly Problem[] {
  try {
    if (validate(value)) return [];
  } catch (thrown) {
    if (thrown instanceof StepsExhausted) return [{ path: [], message: thrown.message }];
    throw thrown;
  }
  return (validate.errors ?? []).slice(0, 20).map((error) => ({ path: pathOf(error), message: messageOf(error) }));
}

function pathOf({ instancePath }: ErrorObject): string[] {
  const parts = instancePath.split("/").slice(1);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function messageOf({ keyword, message = "does not fit", params }: ErrorObject): string {
  const { additionalProperty, unevaluatedProperty, allowedValues } = params as Record<string, unknown>;
  const name = additionalProperty ?? unevaluatedProperty;
  if (name !== undefined) return `${message} (${JSON.stringify(name)})`;
  if (keyword === "enum") return `${message}: ${JSON.stringify(allowedValues)}`.slice(0, 300);
  return message;
}
