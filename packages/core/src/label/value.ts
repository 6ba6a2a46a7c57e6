import type { Json, JsonSchema } from "../json.ts";
import { escapePointer, partsOfPointer, unescapePointer } from "../pointer.ts";

/** Walks through JSON for its single values, and how a value is found in a text. */

/** A value that holds no others. */
export type Scalar = string | number | boolean | null;

export function isScalar(value: Json | undefined): value is Scalar {
  return value === null || (value !== undefined && typeof value !== "object");
}

/** Calls back for each single value of a document, with its JSON pointer; a `true` ends the walk. */
export function eachScalar(
  value: Json,
  found: (value: Scalar, pointer: string) => boolean | undefined,
  pointer = "",
): boolean {
  if (isScalar(value)) return found(value, pointer) === true;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (eachScalar(value[index] as Json, found, `${pointer}/${index}`)) return true;
    }
    return false;
  }
  for (const [key, member] of Object.entries(value)) {
    if (eachScalar(member as Json, found, `${pointer}/${escapePointer(key)}`)) return true;
  }
  return false;
}

/** True for a pointer that a pattern names, where `*` stands for any one member or index. What lies below is named too. */
export function isUnder(pointer: string, pattern: string): boolean {
  if (pattern === "") return true;
  const want = pattern.split("/");
  const have = pointer.split("/");
  return want.length <= have.length && want.every((part, index) => part === "*" || part === have[index]);
}

/**
 * True when a text says a value as a whole word: nothing that could be part of it stands before or after. Numbers are
 * compared as numbers, so that `1,200.00` says 1200. A text of nothing but white space, `true`, `false` and `null` are
 * said by no text: they are in too many.
 * @param alone also as no part of what marks join: `/home/ann/notes` does not say `/home/ann`
 */
export function says(text: string, value: Scalar, alone = false): boolean {
  if (typeof value === "number") return mayNumber(text, value) && numbersIn(text).has(value);
  if (typeof value !== "string") return false;
  const wanted = value.trim();
  if (wanted === "") return false;
  const first = isWordly(codeAt(wanted, 0));
  const last = isWordly(codeBefore(wanted, wanted.length));
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    const before = codeBefore(text, at);
    const after = codeAt(text, at + wanted.length);
    if ((first && isWordly(before)) || (last && isWordly(after))) continue;
    if (!alone || !(isJoined(text, at) || isJoined(text, at + wanted.length))) return true;
  }
  return false;
}

/** True where marks make one word of what stands on both sides of a place: an address, a path, a larger number, an id. */
function isJoined(text: string, at: number): boolean {
  let start = at;
  let end = at;
  while (start > 0 && isMark(text.charAt(start - 1))) start--;
  while (end < text.length && isMark(text.charAt(end))) end++;
  const marks = text.slice(start, end);
  const [before, after] = [codeBefore(text, start), codeAt(text, end)];
  if (marks === "" || marks === "://" || !isWordly(before) || !isWordly(after)) return false;
  if (/[./\\@+]/.test(marks)) return true;
  const digits = [before, after].filter((one) => /\p{N}/u.test(one)).length;
  return digits >= (marks.includes("-") ? 1 : 2);
}

function isMark(character: string): boolean {
  return "./\\@+,:-".includes(character);
}

const token = /[-+]?[\p{L}\p{N}][\p{L}\p{N}.,:/_-]*/gu;
const numberForm = /^[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/;

const digits = /\d[\d.,]*/g;

/** True when its digits stand in the text, whatever is around them: quick, and never false for one that is said. */
function mayNumber(text: string, value: number): boolean {
  const wanted = Math.abs(value);
  for (const [run] of text.matchAll(digits)) {
    if (Number(run.replace(/[.,]+$/, "").replaceAll(",", "")) === wanted) return true;
  }
  return false;
}

/** The numbers that a text says. A date, a version or an order id says none: they are one word. */
export function numbersIn(text: string): Set<number> {
  const found = new Set<number>();
  for (const [word] of text.matchAll(token)) {
    const said = word.replace(/[.,:/_-]+$/, "");
    if (numberForm.test(said)) found.add(Number(said.replaceAll(",", "")));
  }
  return found;
}

function codeAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? "" : String.fromCodePoint(code);
}

function codeBefore(text: string, index: number): string {
  if (index <= 0) return "";
  const unit = text.charCodeAt(index - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && index > 1 ? text.slice(index - 2, index) : text.slice(index - 1, index);
}

function isWordly(character: string): boolean {
  return character !== "" && /[\p{L}\p{N}\p{M}_]/u.test(character);
}

/** The domain that a schema declares for the value at a pointer, such as `iban`; nothing: none. */
export function domainAt(schema: JsonSchema, pointer: string): string | undefined {
  for (const { domain } of nodesAt(schema, pointer)) if (typeof domain === "string") return domain;
  return undefined;
}

/**
 * As {@link eachScalar}, and also for names of members that the schema does not know: there a value can stand in a name.
 * Such a name comes with the pointer of its member.
 */
export function eachValue(
  value: Json,
  schema: JsonSchema,
  found: (value: Scalar, pointer: string) => boolean | undefined,
  pointer = "",
): boolean {
  if (isScalar(value)) return found(value, pointer) === true;
  const nodes = Array.isArray(value) ? [] : [...nodesAt(schema, pointer)];
  for (const [key, member] of Object.entries(value)) {
    const at = `${pointer}/${escapePointer(key)}`;
    const isKnown = Array.isArray(value) || nodes.some(({ properties }) => hasMember(properties, key));
    if (!isKnown && found(key, at) === true) return true;
    if (eachValue(member as Json, schema, found, at)) return true;
  }
  return false;
}

function hasMember(properties: Json | undefined, key: string): boolean {
  return typeof properties === "object" && properties !== null && Object.hasOwn(properties, key);
}

/** The parts of a schema that say something of the value at a pointer. */
function* nodesAt(schema: JsonSchema, pointer: string): Generator<JsonSchema, void, void> {
  yield* nodesOf(schema, schema, pointer === "" ? [] : pointer.slice(1).split("/"), 0);
}

const detoursMax = 32;

function* nodesOf(
  root: JsonSchema,
  schema: Json | undefined,
  parts: readonly string[],
  detours: number,
): Generator<JsonSchema, void, void> {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema) || detours > detoursMax) return;
  const node = schema as JsonSchema;
  const [part, ...rest] = parts;
  if (part === undefined) yield node;
  if (typeof node.$ref === "string") yield* nodesOf(root, refOf(root, node.$ref), parts, detours + 1);
  for (const choices of [node.anyOf, node.oneOf, node.allOf]) {
    if (!Array.isArray(choices)) continue;
    for (const choice of choices) yield* nodesOf(root, choice as Json, parts, detours + 1);
  }
  if (part === undefined) return;
  const key = unescapePointer(part);
  const { properties, prefixItems } = node;
  if (hasMember(properties, key)) {
    return yield* nodesOf(root, (properties as JsonSchema)[key], rest, detours);
  }
  if (Array.isArray(prefixItems) && prefixItems[Number(key)] !== undefined) {
    return yield* nodesOf(root, prefixItems[Number(key)] as Json, rest, detours);
  }
  yield* nodesOf(root, node.items ?? node.additionalProperties, rest, detours);
}

/**
 * What a reference within a schema leads to, by the name as it is written alone: what was decided over a name in
 * percent-encoding stays as it was decided.
 */
function refOf(root: JsonSchema, ref: string): Json | undefined {
  if (ref === "#") return root;
  if (!ref.startsWith("#/")) return undefined;
  let at: Json | undefined = root;
  for (const name of partsOfPointer(ref.slice(1))) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = (at as JsonSchema)[name];
  }
  return at;
}
