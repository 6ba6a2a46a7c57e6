import { canonicalJson, type Json, partsOfPointer } from "@remit/core";
import { isRecord } from "./content.ts";

/**
 * What a file says in place of a function: where values come from, and what an answer must look like. There are JSON
 * pointers (RFC 6901) and constants, and nothing else: no expression, no pattern, no code.
 */

/** By the name of an argument: a JSON pointer into what is known (`/input/orderId`), or a value as it stands. */
export type McpArguments = Readonly<Record<string, string | { readonly value: Json }>>;

/** What an answer must look like: at this JSON pointer there is something but `null`, or, with `is`, just this value. */
export interface McpMatch {
  readonly at: string;
  readonly is?: Json;
}

/** Finds out by a read whether a write happened. An answer that is neither `found` nor `never`, or both, says nothing. */
export interface McpLookup {
  /** The read tool of the same connection that is asked, by its key in `tools`. */
  readonly tool: string;
  /** Its arguments, by pointers into `{ input, idempotencyKey }` of the write. It must ask for this one write. */
  readonly input: McpArguments;
  readonly found: McpMatch;
  /** The write is made again then. Needs `settlesWithinMs`, before which it only means "not yet"; absent: nothing does. */
  readonly never?: McpMatch;
  /** Where, in an answer that is `found`, what the write would have answered stands; the whole when absent. */
  readonly output?: string;
}

const pointerForm = /^(?:\/(?:[^~/]|~[01])*)*$/;

/** Whether a text is a JSON pointer. */
export function isPointer(text: string): boolean {
  return pointerForm.test(text);
}

/** What stands at a JSON pointer; `undefined` where nothing does. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const name of partsOfPointer(pointer)) {
    if (Array.isArray(at)) at = /^(?:0|[1-9]\d*)$/.test(name) ? (at as readonly Json[])[Number(name)] : undefined;
    else at = isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

/**
 * The arguments that a mapping makes. One that leads nowhere makes none: without it the call would ask for something else.
 * @throws Error with the name of the argument
 */
export function argumentsOf(mapping: McpArguments, known: Json): { readonly [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(mapping).map(([name, from]) => {
      const value = typeof from === "string" ? valueAt(known, from) : from.value;
      if (value === undefined) throw new Error(`there is nothing at ${String(from)} for the argument ${name}`);
      return [name, value];
    }),
  );
}

export function matches({ at, is }: McpMatch, answer: Json): boolean {
  const value = valueAt(answer, at);
  if (value === undefined) return false;
  return is === undefined ? value !== null : canonicalJson(value) === canonicalJson(is);
}
