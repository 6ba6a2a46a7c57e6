import type { Json } from "../json.ts";
import { escapePointer } from "../pointer.ts";

/** One place where two values differ. Without `before` it was added, without `after` removed. */
export interface Change {
  /** JSON pointer; "" is the whole. */
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/**
 * Where two JSON values differ, as deep as they have a form in common. Members come in the order of their names; items
 * are compared by index, and those that are gone come last first, so that changes made in this order give `after`.
 * Empty exactly when both are equal.
 */
export function diffOf(before: Json, after: Json): Change[] {
  const changes: Change[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: Json, after: Json, path: string, changes: Change[]): void {
  if (before === after) return;
  if (isList(before) && isList(after)) {
    const common = Math.min(before.length, after.length);
    for (let index = 0; index < common; index++) {
      compare(before[index] as Json, after[index] as Json, `${path}/${index}`, changes);
    }
    for (let index = before.length - 1; index >= common; index--) {
      changes.push({ path: `${path}/${index}`, before: before[index] as Json });
    }
    for (let index = common; index < after.length; index++) {
      changes.push({ path: `${path}/${index}`, after: after[index] as Json });
    }
    return;
  }
  if (isRecord(before) && isRecord(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      const then = memberOf(before, key);
      const now = memberOf(after, key);
      const place = `${path}/${escapePointer(key)}`;
      if (then === undefined && now !== undefined) changes.push({ path: place, after: now });
      else if (now === undefined && then !== undefined) changes.push({ path: place, before: then });
      else if (then !== undefined && now !== undefined) compare(then, now, place, changes);
    }
    return;
  }
  changes.push({ path, before, after });
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own member only: `__proto__` and its like are names as any other. */
function memberOf(record: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
