import { escapePointer } from "./pointer.ts";

/** JSON values and the two operations the kernel needs on them: a canonical text and a bounded look inside. */

/** A value that survives `JSON.parse(JSON.stringify(value))` unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON Schema document (draft 2020-12). */
export type JsonSchema = { readonly [key: string]: Json };

/**
 * Canonical JSON text: object keys sorted by code unit, no white space, numbers as ECMAScript prints them
 * (the ordering and number rules of RFC 8785). `undefined` members are left out.
 * @throws TypeError on a cycle, a function, a symbol, a bigint or a number that is not finite
 */
export function canonicalJson(value: unknown): string {
  const ordered = inOrder(value, 0);
  return ordered === outOfOrder ? write(value, 0) : JSON.stringify(ordered);
}

const depthMax = 512;
const fewNames = 16;

/** An engine lists names that are indices by their number, whatever order they came in. */
const outOfOrder = Symbol("names that an object does not keep in order");

/**
 * The same value where its members are in order, so that the engine writes it; else a copy in which they are. That is a
 * tenth to a sixth quicker than putting the text together member by member, and the text is in one piece.
 */
function inOrder(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return checked(value);
  if (depth > depthMax) throw tooDeep();
  if (Array.isArray(value)) return itemsInOrder(value, depth);
  const withToJson = value as { toJSON?: () => unknown };
  if (typeof withToJson.toJSON === "function") return inOrder(withToJson.toJSON(), depth + 1);
  const record = value as Record<string, unknown>;
  const names = Object.keys(record);
  let isOrdered = true;
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    if (isDigit(name.charCodeAt(0))) return outOfOrder;
    if (index > 0 && (names[index - 1] as string) > name) isOrdered = false;
  }
  if (!isOrdered) sort(names);
  let made: Record<string, unknown> | undefined = isOrdered ? undefined : {};
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const member = record[name];
    if (member === undefined) continue;
    const ordered = inOrder(member, depth + 1);
    if (ordered === outOfOrder) return outOfOrder;
    if (!made && ordered !== member) {
      made = {};
      for (const before of names.slice(0, index)) put(made, before, record[before]);
    }
    if (made) put(made, name, ordered);
  }
  return made ?? value;
}

function itemsInOrder(items: readonly unknown[], depth: number): unknown {
  let made: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const ordered = item === undefined ? null : inOrder(item, depth + 1);
    if (ordered === outOfOrder) return outOfOrder;
    if (!made && ordered !== item) made = items.slice(0, index);
    made?.push(ordered);
  }
  return made ?? items;
}

/** In place, by code unit. Objects have few members, for which this takes a third of what the engine's own sort does. */
function sort(names: string[]): string[] {
  if (names.length > fewNames) return names.sort();
  for (let index = 1; index < names.length; index++) {
    const name = names[index] as string;
    let at = index;
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
    names[at] = name;
  }
  return names;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** The same text put together member by member. */
function write(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(checked(value));
  if (depth > depthMax) throw tooDeep();
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => (item === undefined ? "null" : write(item, depth + 1))).join(",")}]`;
  }
  const withToJson = value as { toJSON?: () => unknown };
  if (typeof withToJson.toJSON === "function") return write(withToJson.toJSON(), depth + 1);
  const record = value as Record<string, unknown>;
  const members: string[] = [];
  for (const name of sort(Object.keys(record))) {
    const member = record[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${write(member, depth + 1)}`);
  }
  return `{${members.join(",")}}`;
}

function checked(value: unknown): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value !== "number") throw new TypeError(`a ${typeof value} has no JSON form`);
  if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
  return value;
}

function tooDeep(): TypeError {
  return new TypeError(`value is nested deeper than ${depthMax} levels or contains a cycle`);
}

/** True when a value's JSON text has at most so many bytes of UTF-8. It is written only where that is not plain to see. */
export function isWithinBytes(value: Json, most: number): boolean {
  return bytesAtMost(value, most) <= most || Buffer.byteLength(JSON.stringify(value)) <= most;
}

/** At least what the JSON text of a value takes; more than `most` as soon as it may be. */
function bytesAtMost(value: Json, most: number): number {
  // A sign is an escape of six bytes at worst; a number has 25 signs at most.
  if (typeof value === "string") return value.length * 6 + 2;
  if (typeof value !== "object" || value === null) return 25;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && bytes <= most; index++) bytes += bytesAtMost(value[index], most) + 1;
    return bytes;
  }
  const record = value as { readonly [key: string]: Json };
  for (const key in record) {
    if (bytes > most) break;
    bytes += key.length * 6 + 4 + bytesAtMost(record[key] as Json, most);
  }
  return bytes;
}

/** Says where a value stops being JSON, or `undefined` when all of it is. The answer is a JSON pointer and a reason. */
export function findNonJson(value: unknown, pointer = "", depth = 0): NonJson | undefined {
  if (depth > depthMax) return { pointer, reason: `nested deeper than ${depthMax} levels or cyclic` };
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : { pointer, reason: `the number ${value}` };
  }
  if (typeof value !== "object") return { pointer, reason: `a ${typeof value}` };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = findNonJson(value[index], `${pointer}/${index}`, depth + 1);
      if (found) return found;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { pointer, reason: `an instance of ${(value as object).constructor?.name ?? "a class"}` };
  }
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const found = findNonJson(member, `${pointer}/${escapePointer(key)}`, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** A value as JSON has it, or where it stops being JSON. */
export type Plain = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly fault: NonJson };
export interface NonJson {
  /** JSON pointer. */
  readonly pointer: string;
  readonly reason: string;
}

/** A fault as a sentence for whoever gave the value. What a run decided says `reason`, in the words that its journal has. */
export function notJsonText({ reason }: NonJson): string {
  return `not JSON: ${reason === "a undefined" ? "there is nothing (undefined)" : reason}`;
}

/**
 * A copy that is exactly what a journal gives back: no member that is `undefined`, no negative zero, nothing shared with
 * the value it was made from. What enters a run passes through here, so that a run taken up from its journal sees what
 * the run under way saw.
 */
export function plainJson(value: unknown): Plain {
  const copy = copyChecked(value, 0);
  if (copy !== notJson) return { ok: true, value: copy };
  // Where it is no JSON, a walk of its own says at which place; only then pointers are written.
  const fault = findNonJson(value);
  return fault ? { ok: false, fault } : { ok: true, value: copyJson(value as Json) };
}

const notJson = Symbol("not JSON");

/** The look of {@link findNonJson} and the copy of {@link copyJson}, in one walk. */
function copyChecked(value: unknown, depth: number): Json | typeof notJson {
  if (depth > depthMax) return notJson;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? copyJson(value) : notJson;
  if (typeof value !== "object") return notJson;
  if (Array.isArray(value)) {
    const made: Json[] = [];
    // By index, because a hole is no JSON.
    for (let index = 0; index < value.length; index++) {
      const item = copyChecked(value[index], depth + 1);
      if (item === notJson) return notJson;
      made.push(item);
    }
    return made;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return notJson;
  const made: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const copy = copyChecked(member, depth + 1);
    if (copy === notJson) return notJson;
    put(made, key, copy);
  }
  return made;
}

/** Sets a member; for this one name an assignment would set the prototype instead. */
function put<Value>(made: Record<string, Value>, key: string, value: Value): void {
  if (key === "__proto__")
    Object.defineProperty(made, key, { value, enumerable: true, writable: true, configurable: true });
  else made[key] = value;
}

/** A copy of JSON that shares nothing with it; members that are `undefined` and negative zeros are gone. */
export function copyJson(value: Json): Json {
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value;
  if (Array.isArray(value)) return value.map(copyJson);
  const made: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, Json | undefined>)[key];
    if (member === undefined) continue;
    put(made, key, copyJson(member));
  }
  return made;
}
