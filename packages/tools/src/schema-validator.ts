import { type Clock, type Issue, issuesOf, type Json, type JsonSchema, systemClock } from "@remit/core";
import { z } from "zod";
import { type Checker, NotTaken, type Problem } from "./checker.ts";
import { assertObject, checkerOf, dialectOf, type JsonObject, zodOf } from "./json-schema.ts";
import { StepsExhausted } from "./pattern.ts";
import { boundedSchema, defaultSchemaLimits, type SchemaLimits, threadSchemaLimits } from "./schema-bounds.ts";
import { createSchemaThread, type SchemaThread, type ThreadSchema } from "./schema-thread.ts";

/**
 * Checks by JSON Schema documents from outside without ever standing in the way of others. What is cheap is checked at
 * once; patterns that cannot be matched in linear time, keywords that look at what others looked at, large documents,
 * and values that take many steps are checked on a thread of its own, which a time ends.
 */
export interface SchemaValidator {
  /**
   * Reads one document; see `SchemaReader.read` for what is taken.
   * @throws ToolsError `schema/invalid`, `schema/too-large`, `schema/reference-refused`, `schema/pattern-refused`
   */
  readonly read: (document: unknown, owner: string) => CheckedSchema<Json>;
  /** As `read`; `schema/invalid` too when the document does not say `type: "object"`. */
  readonly readObject: (document: unknown, owner: string) => CheckedSchema<JsonObject>;
  /** Ends the thread. Checks under way fail; what is checked at once goes on. Idempotent. */
  readonly close: () => Promise<void>;
}

export interface CheckedSchema<Value extends Json> {
  /** Finds fault with what can be seen at once, and lets the rest pass: `check` has the last word. */
  readonly schema: z.ZodType<Value, Value>;
  readonly place: "at-once" | "thread";
  /** Whether the thread takes the document. @throws ToolsError `schema/invalid`, `schema/check-timeout`, `schema/check-failed` */
  readonly ready: () => Promise<void>;
  /**
   * Asked before a value is used. `undefined`: `schema` says all there is to say of it. Otherwise what does not fit,
   * empty when all does; rejects with ToolsError `schema/check-timeout` or `schema/check-failed`.
   */
  readonly check: (value: unknown) => Promise<readonly Issue[]> | undefined;
  /** True when a check took too long: none of its values can be checked any more. */
  readonly spent: () => boolean;
}

export interface SchemaValidatorOptions {
  /** Milliseconds that one check may take on the thread. */
  readonly budgetMs?: number;
  readonly clock?: Clock;
  /** Beyond these a document is checked on the thread. */
  readonly limits?: Partial<SchemaLimits>;
}

const budgetMsDefault = 250;
/** Steps of a check that is made at once; some milliseconds. */
const stepsAtOnce = 50_000;

export function createSchemaValidator(options: SchemaValidatorOptions = {}): SchemaValidator {
  const { budgetMs = budgetMsDefault, clock = systemClock() } = options;
  const limits = { ...defaultSchemaLimits, ...options.limits };
  const thread = createSchemaThread({ clock, budgetMs });
  let schemas = 0;

  const read = (document: unknown, owner: string): CheckedSchema<Json> => {
    const bounded = boundedSchema(document, owner, threadSchemaLimits);
    const threadSchema: ThreadSchema = {
      id: schemas++,
      owner,
      document: withoutBase(bounded.document),
      dialect: dialectOf(bounded.document.$schema),
      spent: false,
    };
    const small = (["bytes", "depth", "nodes"] as const).every((what) => bounded.size[what] <= limits[what]);
    const checker = small ? checkerOf(bounded, owner, stepsAtOnce) : undefined;
    if (checker && !(checker instanceof NotTaken)) return atOnce(bounded.document, checker, thread, threadSchema);
    let compiled: Promise<void> | undefined;
    return {
      schema: zodOf(bounded.document, () => []),
      place: "thread",
      ready: () => {
        compiled ??= thread.compile(threadSchema);
        return compiled;
      },
      check: (value) => issues(thread.check(threadSchema, value)),
      spent: () => threadSchema.spent,
    };
  };
  return {
    read,
    readObject: (document, owner) => {
      const found = read(document, owner);
      assertObject(document as JsonSchema, owner);
      return found as unknown as CheckedSchema<JsonObject>;
    },
    close: thread.close,
  };
}

function atOnce(
  document: JsonSchema,
  checker: Checker,
  thread: SchemaThread,
  threadSchema: ThreadSchema,
): CheckedSchema<Json> {
  // What was found out about a value is not found out again: it is asked before a call and parsed a moment later.
  let last: { readonly value: unknown; readonly problems: readonly Problem[] } | undefined;
  const long = new WeakSet<object>();
  const found = (value: unknown): readonly Problem[] | "many-steps" => {
    if (last && last.value === value) return last.problems;
    if (isObject(value) && long.has(value)) return "many-steps";
    const problems = problemsOf(checker, value);
    if (problems === "many-steps") {
      if (isObject(value)) long.add(value);
    } else last = { value, problems };
    return problems;
  };
  return {
    schema: zodOf(document, (value) => {
      const problems = found(value);
      return problems === "many-steps" ? [] : problems;
    }),
    place: "at-once",
    ready: () => Promise.resolve(),
    check: (value) => (found(value) === "many-steps" ? issues(thread.check(threadSchema, value)) : undefined),
    spent: () => threadSchema.spent,
  };
}

function problemsOf(checker: Checker, value: unknown): readonly Problem[] | "many-steps" {
  try {
    return checker.problemsOf(value);
  } catch (thrown) {
    // A value too deep to walk through is one of too many steps.
    if (thrown instanceof StepsExhausted || thrown instanceof RangeError) return "many-steps";
    throw thrown;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

async function issues(found: Promise<readonly Problem[]>): Promise<readonly Issue[]> {
  const problems = await found;
  return issuesOf(
    new z.ZodError(
      problems.map(({ path, message }) => ({ code: "custom", path: [...path], message, input: undefined })),
    ),
  );
}

/** References that are taken lead inside the document, whatever it calls itself. */
function withoutBase({ $schema: _, $id: __, id: ___, ...rest }: JsonSchema): JsonSchema {
  return rest;
}
