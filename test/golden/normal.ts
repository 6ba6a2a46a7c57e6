import type { Entry } from "@remit/core";

const hashLike = /^[A-Za-z0-9_-]{43}$/;

/**
 * Entries as lines that a person reads and compares: ids, hashes, keys and times stand as what they are, numbered in
 * the order of their first appearance, so that equal ones stay equal.
 */
export function normalLines(entries: readonly Entry[]): string[] {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const nameOf = (kind: string, value: string) => {
    const known = names.get(value);
    if (known) return known;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    names.set(value, `<${kind} ${count}>`);
    return `<${kind} ${count}>`;
  };
  const startedAt = entries[0]?.at ?? 0;
  const replace = (key: string, value: unknown): unknown => {
    if (key === "at") return (value as number) - startedAt;
    if (typeof value === "string" && hashLike.test(value)) return nameOf(key === "key" ? "key" : "hash", value);
    if (typeof value === "string" && /^run_[0-9A-Za-z_-]{16,}$/.test(value)) return nameOf("run", value);
    return value;
  };
  return entries.map(({ seq, type, at, path, cause, body }) =>
    JSON.stringify({ seq, type, at, path, cause, body }, replace),
  );
}
