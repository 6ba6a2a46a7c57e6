import type { Json, JsonSchema } from "./json.ts";
import { unescapePointer } from "./pointer.ts";

/**
 * What a `$ref` of a JSON Schema points at within its own document: a JSON pointer in the fragment of a URI, where a name may
 * be percent-encoded and, as many generators have it, may as well not be. `undefined` where nothing is, or elsewhere.
 */
export function referred(root: JsonSchema, ref: string): Json | undefined {
  if (ref === "#") return root;
  if (!ref.startsWith("#/")) return undefined;
  let at: Json | undefined = root;
  for (const part of ref.slice(2).split("/")) {
    at = own(at, unescapePointer(percentDecoded(part))) ?? own(at, unescapePointer(part));
    if (at === undefined) return undefined;
  }
  return at;
}

function own(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as { readonly [key: string]: Json })[name];
}

function percentDecoded(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A percent sign of its own.
  }
}
