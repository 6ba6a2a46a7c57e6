import type { Json, JsonSchema } from "@remit/core";
import { z } from "zod";
import { type Checker, compileChecker, type Dialect, NotTaken, type Problem, SchemaWrong } from "./checker.ts";
import { ToolsError } from "./errors.ts";
import { foreignTypeIn } from "./foreign-type.ts";
import { StepsExhausted } from "./pattern.ts";
import { type BoundedSchema, boundedSchema, defaultSchemaLimits, type SchemaLimits } from "./schema-bounds.ts";

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Turns JSON Schema documents from outside into zod schemas that check at once. */
export interface SchemaReader {
  /**
   * A zod schema that checks by the document: drafts 2020-12 (also where `$schema` is absent), 2019-09 and 07.
   * `z.toJSONSchema` gives the document back. Values pass unchanged; `default` and `format` are annotations. Reading and
   * checking are bounded: by size, depth and number of schemas, with references that stay inside the document and never
   * lead back, with patterns matched in linear time, and by the steps of a check.
   * @param owner whose schema it is, for messages
   * @throws ToolsError `schema/invalid`, `schema/dialect-foreign`, `schema/too-large`, `schema/reference-refused`,
   *   `schema/pattern-refused`, `schema/keyword-refused`
   */
  readonly read: (document: unknown, owner: string) => z.ZodType<Json, Json>;
  /** As `read`; `schema/invalid` too when the document does not say `type: "object"`, as the arguments of a tool must. */
  readonly readObject: (document: unknown, owner: string) => z.ZodType<JsonObject, JsonObject>;
}

/** Steps of one check; some tens of milliseconds. */
const checkSteps = 2_000_000;
/** Instructions that the patterns of one document may compile to. */
const patternInstructions = 20_000;

/** Makes a reader; limits that are not given are the default ones. */
export function createSchemaReader(limits: Partial<SchemaLimits> = {}): SchemaReader {
  const read = (document: unknown, owner: string) => {
    const bounded = boundedSchema(document, owner, { ...defaultSchemaLimits, ...limits });
    const checker = checkerOf(bounded, owner);
    if (checker instanceof NotTaken) throw refusalOf(checker, owner);
    return zodOf(bounded.document, (value) => {
      try {
        return checker.problemsOf(value);
      } catch (thrown) {
        if (thrown instanceof StepsExhausted) return [{ path: [], message: thrown.message }];
        throw thrown;
      }
    });
  };
  const readObject = (document: unknown, owner: string) => {
    const schema = read(document, owner);
    assertObject(document as JsonSchema, owner);
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

/** The checker of a document, or why there is none. @throws ToolsError `schema/invalid`, `schema/pattern-refused` */
export function checkerOf({ document, target }: BoundedSchema, owner: string, steps = checkSteps): Checker | NotTaken {
  const dialect = dialectOf(document.$schema);
  try {
    return compileChecker(document, { dialect, steps, instructions: patternInstructions, target });
  } catch (thrown) {
    if (thrown instanceof SchemaWrong) {
      const foreign = foreignTypeIn(document);
      if (foreign) throw new ToolsError("schema/dialect-foreign", { owner, ...foreign }, { cause: thrown });
      throw new ToolsError("schema/invalid", { owner, reason: thrown.message }, { cause: thrown });
    }
    if (!(thrown instanceof NotTaken)) throw thrown;
    if (thrown.pattern !== undefined && !isPattern(thrown.pattern)) throw refusalOf(thrown, owner);
    return thrown;
  }
}

export function dialectOf(dialect: Json | undefined): Dialect {
  if (typeof dialect !== "string") return "2020-12";
  if (dialect.includes("draft/2019-09")) return "2019-09";
  return /draft-0[467]/.test(dialect) ? "07" : "2020-12";
}

/** A zod schema with a document; it finds fault with what `problemsOf` finds fault with. */
export function zodOf(document: JsonSchema, problemsOf: (value: unknown) => readonly Problem[]): z.ZodType<Json, Json> {
  const { $schema: _, $id: __, id: ___, ...rest } = document;
  const checked = z.unknown().superRefine((value, context) => {
    for (const { path, message } of problemsOf(value)) context.addIssue({ code: "custom", path: [...path], message });
  });
  return checked.meta(rest) as unknown as z.ZodType<Json, Json>;
}

/** @throws ToolsError `schema/invalid` */
export function assertObject({ type }: JsonSchema, owner: string): void {
  if (type !== "object") throw new ToolsError("schema/invalid", { owner, reason: 'it does not say "type": "object"' });
}

function refusalOf(thrown: NotTaken, owner: string): ToolsError {
  const { pattern, message: reason } = thrown;
  return pattern === undefined
    ? new ToolsError("schema/keyword-refused", { owner, reason }, { cause: thrown })
    : new ToolsError("schema/pattern-refused", { owner, pattern, reason }, { cause: thrown });
}

/** True when it is a pattern at all, in either of the two readings of ECMAScript. */
function isPattern(source: string): boolean {
  return ["u", ""].some((flags) => {
    try {
      new RegExp(source, flags);
      return true;
    } catch {
      return false; // The only question here; why was said where it was compiled.
    }
  });
}
