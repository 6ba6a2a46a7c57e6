import { canonicalJson, escapePointer, findNonJson, type Json, type JsonSchema, sha256 } from "@remit/core";
import { hasHidden, visible } from "./text.ts";

/** A tool as its server defines it: text and data from outside, never instructions to us. */
export interface McpDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  /** Hints of the server about itself. Shown to people; nothing is decided by them. */
  readonly annotations?: { readonly [key: string]: Json };
  /** Pictures by their addresses. Never fetched. */
  readonly icons?: readonly Json[];
  readonly _meta?: { readonly [key: string]: Json };
}

/** What a server listed under one place of its list. */
export type ReadDefinition =
  | { readonly ok: true; readonly definition: McpDefinition }
  | { readonly ok: false; readonly name: string; readonly reason: string };

const nameMax = 128;

/** Reads one definition, and only what is known of it. A bad one is told, and the others of the list go on. */
export function readDefinition(listed: unknown): ReadDefinition {
  if (!isRecord(listed)) return { ok: false, name: "", reason: "it is not an object" };
  // Some servers write `null` for what they do not say.
  const said = Object.fromEntries(Object.entries(listed).filter(([, value]) => value !== null));
  const { name, title, description, inputSchema, outputSchema, annotations, icons, _meta } = said;
  if (typeof name !== "string" || name === "" || name.length > nameMax) {
    return { ok: false, name: typeof name === "string" ? name.slice(0, nameMax) : "", reason: "it has no usable name" };
  }
  const wrong = (reason: string): ReadDefinition => ({ ok: false, name, reason });
  // A name is typed, compared and read aloud by people: what they cannot see cannot be part of it.
  if (hasHidden(name)) return { ok: false, name: visible(name), reason: "its name has characters that cannot be seen" };
  if (!isRecord(inputSchema)) return wrong("`inputSchema` is not an object");
  if (outputSchema !== undefined && !isRecord(outputSchema)) return wrong("`outputSchema` is not an object");
  if (annotations !== undefined && !isRecord(annotations)) return wrong("`annotations` is not an object");
  if (icons !== undefined && !Array.isArray(icons)) return wrong("`icons` is not a list");
  if (_meta !== undefined && !isRecord(_meta)) return wrong("`_meta` is not an object");
  for (const [member, text] of Object.entries({ title, description })) {
    if (text !== undefined && typeof text !== "string") return wrong(`\`${member}\` is not a text`);
  }
  const definition = { name, title, description, inputSchema, outputSchema, annotations, icons, _meta };
  const present = Object.fromEntries(Object.entries(definition).filter(([, value]) => value !== undefined));
  const nonJson = findNonJson(present);
  if (nonJson) return wrong(`at "${nonJson.pointer}" there is ${nonJson.reason}`);
  return { ok: true, definition: present as unknown as McpDefinition };
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The pin of a definition: SHA-256 over the canonical JSON of its name, title, description, schemas, annotations, icons
 * and `_meta`, as `sha256-` and 43 characters of base64url. What a person read is what runs, or nothing does. A member
 * that is absent counts for nothing, so a definition without icons and `_meta` has the pin it had before these counted.
 */
export function pinOf(definition: McpDefinition): string {
  const { name, title, description, inputSchema, outputSchema, annotations, icons, _meta } = definition;
  return pinOfJson({ name, title, description, inputSchema, outputSchema, annotations, icons, _meta });
}

/** The same for any value of JSON: SHA-256 over its canonical text. */
export function pinOfJson(value: unknown): string {
  return `sha256-${sha256(canonicalJson(value))}`;
}

/** A definition with its pin, to be kept: with it, a later change can be shown and not only noticed. */
export interface PinnedDefinition {
  readonly pin: string;
  readonly definition: McpDefinition;
}

/** One place where two definitions differ. `before` and `after` are absent where there is nothing. */
export type DefinitionChange = { readonly pointer: string; readonly before?: Json; readonly after?: Json };

const changesMax = 20;
const shownMax = 500;

/**
 * Where two definitions differ, at most 20 places; long values are cut to 500 characters of JSON. Values are as they
 * came: who shows them writes out what is hidden in them.
 */
export function changesBetween(before: McpDefinition, after: McpDefinition): readonly DefinitionChange[] {
  return jsonChanges(before as unknown as Json, after as unknown as Json);
}

/** The same for any two values of JSON. */
export function jsonChanges(before: Json | undefined, after: Json | undefined): readonly DefinitionChange[] {
  return changesWithin(before, after, changesMax, shownMax);
}

/** All places where two values differ, and all of what stands there: for whoever decides on them. */
export function allChanges(before: Json | undefined, after: Json | undefined): readonly DefinitionChange[] {
  return changesWithin(before, after, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
}

function changesWithin(
  before: Json | undefined,
  after: Json | undefined,
  placesMax: number,
  charsMax: number,
): readonly DefinitionChange[] {
  const changes: DefinitionChange[] = [];
  const visit = (left: Json | undefined, right: Json | undefined, pointer: string) => {
    if (changes.length >= placesMax) return;
    if (isRecord(left) && isRecord(right)) {
      for (const key of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
        visit(own(left, key), own(right, key), `${pointer}/${escapePointer(key)}`);
      }
    } else if (
      (left === undefined ? undefined : canonicalJson(left)) !==
      (right === undefined ? undefined : canonicalJson(right))
    ) {
      changes.push({
        pointer,
        ...(left === undefined ? {} : { before: shown(left, charsMax) }),
        ...(right === undefined ? {} : { after: shown(right, charsMax) }),
      });
    }
  };
  visit(before, after, "");
  return changes;
}

/** Not what every object has, such as `toString`. */
function own(value: { readonly [key: string]: unknown }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? (value[key] as Json) : undefined;
}

function shown(value: Json, charsMax: number): Json {
  const text = JSON.stringify(value);
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : value;
}
