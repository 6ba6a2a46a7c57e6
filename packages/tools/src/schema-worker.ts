import { parentPort } from "node:worker_threads";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  Ajv,
  type ErrorObject,
  type FuncKeywordDefinition,
  type Options,
  type ValidateFunction,
} from "ajv/dist/ajv.js";
import type { Dialect, Problem } from "./checker.ts";
import type { ThreadAnswer, ThreadRequest } from "./schema-message.ts";

/**
 * The thread that checks what cannot be checked at once. It knows no bounds of its own: whoever asks ends it when it
 * takes too long, and its heap is limited from outside. Patterns are those of the language here, back-references
 * included.
 */

if (!parentPort) throw new Error("this module is a worker thread that checks by JSON Schema");
const port = parentPort;
const compilers = new Map<Dialect, Ajv>();
const validators = new Map<number, ValidateFunction>();

/** Many patterns of the wild are none with the `u` flag, and mean the same without. */
const regExp = (source: string): RegExp => {
  try {
    return new RegExp(source, "u");
  } catch {
    return new RegExp(source);
  }
};

/** The built-in keyword compares every pair. */
const uniqueItems: FuncKeywordDefinition = {
  keyword: "uniqueItems",
  type: "array",
  schemaType: "boolean",
  error: { message: "must NOT have duplicate items" },
  validate: (wanted: boolean, items: readonly unknown[]) =>
    !wanted || new Set(items.map((item) => JSON.stringify(item, sorted))).size === items.length,
};

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

port.on("message", (request: ThreadRequest) => port.postMessage(answered(request)));
port.postMessage({ type: "ready" } satisfies ThreadAnswer);

function answered(request: ThreadRequest): ThreadAnswer {
  if (request.type === "check") return { type: "checked", problems: problemsOf(request.schema, request.value) };
  try {
    validators.set(request.schema, compilerOf(request.dialect).compile(request.document));
    return { type: "compiled" };
  } catch (thrown) {
    return { type: "refused", reason: reasonOf(thrown) };
  }
}

function compilerOf(dialect: Dialect): Ajv {
  const known = compilers.get(dialect);
  if (known) return known;
  const settings: Options = {
    strict: false,
    validateFormats: false,
    logger: false,
    addUsedSchema: false,
    code: { regExp: Object.assign(regExp, { code: "undefined" }) as NonNullable<Options["code"]>["regExp"] & {} },
  };
  const ajv = new { "2020-12": Ajv2020, "2019-09": Ajv2019, "07": Ajv }[dialect](settings);
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword(uniqueItems);
  compilers.set(dialect, ajv);
  return ajv;
}

function problemsOf(schema: number, value: unknown): readonly Problem[] {
  const validate = validators.get(schema);
  if (!validate) return [{ path: [], message: "there is no such schema" }];
  try {
    if (validate(value)) return [];
  } catch (thrown) {
    return [{ path: [], message: reasonOf(thrown) }];
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

function reasonOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 500);
}
