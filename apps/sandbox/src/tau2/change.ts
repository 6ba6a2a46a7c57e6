import { canonicalText } from "../world/canonical.ts";
import { changesBetween, type WorldChange } from "../world/changes.ts";
import type { RetailDatabase } from "./record.ts";

/**
 * One difference between two states: `path` is a JSON pointer into the database, `before` is absent for what is new,
 * `after` for what is gone. Objects that exist on both sides are compared field by field, lists are given whole.
 */
export type Change = WorldChange;

/** All differences between two states, ordered by path. Tables and records that both share are not looked into. */
export function diffState(before: RetailDatabase, after: RetailDatabase): readonly Change[] {
  return changesBetween(before, after);
}

/** Expected changes that did not happen as expected, and changes that nobody expected; both empty when all is right. */
export function compareChanges(
  expected: readonly Change[],
  actual: readonly Change[],
): { readonly missing: readonly Change[]; readonly unexpected: readonly Change[] } {
  const without = (changes: readonly Change[], others: readonly Change[]): readonly Change[] => {
    const known = new Set(others.map((change) => canonicalText({ ...change })));
    return changes.filter((change) => !known.has(canonicalText({ ...change })));
  };
  return { missing: without(expected, actual), unexpected: without(actual, expected) };
}
