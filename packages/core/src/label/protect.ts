import type { z } from "zod";
import type { Json, JsonSchema } from "../json.ts";
import { referred } from "../referred.ts";

/**
 * Whether `protect` of a tool protects anything: its names are looked for among the members of an input, so an input that may
 * be no object would pass every value by (F1). That there is such a member, `check/protect-unknown` says.
 */
export interface ProtectFault {
  readonly argument: string;
  readonly reason: string;
}

export function protectFault(
  { input, inputSchema: schema }: { readonly input: z.ZodType; readonly inputSchema: JsonSchema },
  protect: readonly string[],
): ProtectFault | undefined {
  const [first] = protect;
  if (first === undefined) return undefined;
  // What is judged is what was asked for, and that would be something else.
  if (isMadeOver(input, depthMax))
    return { argument: first, reason: "its input is made of something else before it is read" };
  if (!isObjects(schema, schema, depthMax)) return { argument: first, reason: "its input may be no object" };
  return undefined;
}

const depthMax = 16;

/** True for what `z.preprocess` makes, of which the JSON Schema does not tell. */
function isMadeOver(schema: unknown, depth: number): boolean {
  const def = (schema as Partial<z.core.$ZodType> | undefined)?._zod?.def as
    | {
        readonly type: string;
        readonly in?: z.core.$ZodType;
        readonly innerType?: unknown;
        readonly options?: readonly unknown[];
      }
    | undefined;
  if (!def || depth === 0) return false;
  if (def.in?._zod.def.type === "transform") return true;
  const inner = [def.in, def.innerType, ...(Array.isArray(def.options) ? def.options : [])];
  return inner.some((one) => one !== undefined && isMadeOver(one, depth - 1));
}

/** True where everything that fits is an object. */
function isObjects(root: JsonSchema, node: Json | undefined, depth: number): boolean {
  if (typeof node !== "object" || node === null || Array.isArray(node) || depth === 0) return false;
  const { type, $ref, anyOf, oneOf, allOf } = node as JsonSchema;
  if (type === "object") return true;
  if (typeof $ref === "string" && isObjects(root, referred(root, $ref), depth - 1)) return true;
  const all = (parts: Json | undefined) => Array.isArray(parts) && parts.length > 0 && parts.every(isOne);
  const isOne = (part: Json) => isObjects(root, part, depth - 1);
  return all(anyOf) || all(oneOf) || (Array.isArray(allOf) && allOf.some(isOne));
}
