import { isDeepStrictEqual } from "node:util";
import type { Json } from "../world/world.ts";
import { pointer } from "./json-source.ts";
import { databaseOf, type RetailState } from "./state.ts";

/**
 * One difference between two states: `path` is a JSON pointer into the database, `before` is absent for what is new,
 * `after` for what is gone. Objects that exist on both sides are compared field by field, lists are given whole.
 */
export interface Change {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* compare(path: readonly string[], before: Json, after: Json): Generator<Change> {
  if (before === after) return;
  if (isObject(before) && isObject(after)) yield* compareObjects(path, before, after);
  else if (!isDeepStrictEqual(before, after)) yield { path: pointer(path), before, after };
}

function* compareObjects(path: readonly string[], before: JsonObject, after: JsonObject): Generator<Change> {
  for (const [key, value] of Object.entries(before)) {
    const next = Object.hasOwn(after, key) ? after[key] : undefined;
    if (next === undefined) yield { path: pointer([...path, key]), before: value };
    else yield* compare([...path, key], value, next);
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) yield { path: pointer([...path, key]), after: value };
  }
}

/** One state's version of the records that any of the two has touched, in the order of the base. */
function touched(state: RetailState, other: RetailState): JsonObject {
  const pick = <Value>(
    base: Readonly<Record<string, Value>>,
    own: ReadonlyMap<string, Value>,
    others: ReadonlyMap<string, Value>,
  ): Record<string, Value> => {
    if (own.size === 0 && others.size === 0) return {};
    const records = Object.entries(base).filter(([id]) => own.has(id) || others.has(id));
    return Object.fromEntries(records.map(([id, record]) => [id, own.get(id) ?? record]));
  };
  return {
    users: pick(state.base.users, state.users, other.users),
    orders: pick(state.base.orders, state.orders, other.orders),
  };
}

/**
 * All differences between two states, in the order of the database and then by field, with new fields last. States on
 * one shared base are compared by their touched records alone; no tool adds or removes a record.
 */
export function diffState(before: RetailState, after: RetailState): readonly Change[] {
  const shared = before.base === after.base;
  const left = shared ? touched(before, after) : databaseOf(before);
  const right = shared ? touched(after, before) : databaseOf(after);
  return [...compareObjects([], left, right)];
}

/** Whether two changes say the same; the order of keys inside a value does not matter. */
export function sameChange(left: Change, right: Change): boolean {
  return left.path === right.path && isDeepStrictEqual({ ...left }, { ...right });
}

/** Expected changes that did not happen as expected, and changes that nobody expected; both empty when all is right. */
export function compareChanges(
  expected: readonly Change[],
  actual: readonly Change[],
): { readonly missing: readonly Change[]; readonly unexpected: readonly Change[] } {
  return {
    missing: expected.filter((wanted) => !actual.some((change) => sameChange(wanted, change))),
    unexpected: actual.filter((change) => !expected.some((wanted) => sameChange(wanted, change))),
  };
}
