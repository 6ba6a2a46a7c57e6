import { canonicalJson } from "@remit/core";
import { isRecord, type State, type Value } from "./state.ts";

/**
 * What has become different between two states, as sentences that can be compared: what came, what went, which member
 * of a record is another one now. Numbers that a system gives out and times of day are left out of what came, because
 * they depend on what else happened.
 */
export function factsBetween(before: State, after: State): readonly string[] {
  const facts: string[] = [];
  compare("", before, after, facts);
  return facts;
}

/** True when all of these are among those, each as often. */
export function holdsAll(facts: readonly string[], wanted: readonly string[]): boolean {
  const left = [...facts];
  return wanted.every((one) => {
    const at = left.indexOf(one);
    if (at < 0) return false;
    left.splice(at, 1);
    return true;
  });
}

/** True when they are the same, in any order. */
export function sameFacts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && holdsAll(left, right);
}

const given = new Set(["id", "id_", "timestamp", "last_modified", "read", "size"]);

function compare(path: string, before: Value | undefined, after: Value | undefined, facts: string[]): void {
  if (before === after) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      // What came or went under a key that the system gave out is told without that key.
      const has = [Object.hasOwn(before, key), Object.hasOwn(after, key)];
      if (has[0] && has[1]) compare(`${path}/${key}`, before[key], after[key], facts);
      else
        told(isNumbered(key) ? path : `${path}/${key}`, has[1] ? "+" : "-", has[1] ? after[key] : before[key], facts);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const keys = (list: readonly Value[]) => list.map((one) => keyOf(one));
    const [had, has] = [keys(before), keys(after)];
    before.forEach((one, index) => {
      const at = has.indexOf(had[index] as string);
      if (at < 0) told(path, "-", one, facts);
      else if (isRecord(one)) compare(`${path}#${had[index]}`, one, after[at], facts);
    });
    const left = [...had];
    after.forEach((one, index) => {
      const at = left.indexOf(has[index] as string);
      if (at < 0) told(path, "+", one, facts);
      else left.splice(at, 1);
    });
    return;
  }
  if (canonicalJson(before ?? null) !== canonicalJson(after ?? null))
    facts.push(`${path}=${canonicalJson(after ?? null)}`);
}

function told(path: string, sign: "+" | "-", value: Value | undefined, facts: string[]): void {
  facts.push(`${sign}${path} ${canonicalJson(plain(value ?? null))}`);
}

function plain(value: Value): Value {
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (given.has(key) ? [] : [[key, plain(one)] as const])),
  );
}

const isNumbered = (key: string) => /^\d+$/.test(key);

/** By what a member of a list is known again. */
function keyOf(value: Value): string {
  if (!isRecord(value)) return canonicalJson(value);
  const id = value.id_ ?? value.id ?? value.name;
  return id === undefined ? canonicalJson(value) : String(id);
}
