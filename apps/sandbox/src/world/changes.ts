import { canonicalText, escapePointer, isRecord, throughJson } from "./canonical.ts";
import type { Json } from "./world.ts";

/** One difference between two states. No `before`: the member is new. No `after`: it is gone. */
export interface WorldChange {
  /** JSON pointer (RFC 6901) to the member. Lists are compared whole, so a pointer never goes into one. */
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/**
 * The differences that lead from `before` to `after`, ordered by path (code units). A new or removed object is one
 * change with the whole object. Equal references are not looked into, so states that share rows compare fast.
 */
export function changesBetween(before: unknown, after: unknown): readonly WorldChange[] {
  const found: WorldChange[] = [];
  collect("", before, after, found);
  return found.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

function collect(path: string, before: unknown, after: unknown, found: WorldChange[]): void {
  if (before === after) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inside = `${path}/${escapePointer(key)}`;
      collect(inside, before[key], after[key], found);
    }
    return;
  }
  const old = before === undefined ? undefined : throughJson(before);
  const now = after === undefined ? undefined : throughJson(after);
  if (old !== undefined && now !== undefined && canonicalText(old) === canonicalText(now)) return;
  found.push({ path, ...(old === undefined ? {} : { before: old }), ...(now === undefined ? {} : { after: now }) });
}
