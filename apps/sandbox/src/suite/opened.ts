import type { Disclosure, Entry, Json } from "@remit/core";
import type { WorldLogLine } from "../world/world.ts";

/**
 * A sealed run as whoever looks at it from outside has to read it, beside a world that saw values: its entries with those tokens
 * opened that were shown to its tools. What they stand for is told by the world's own log, and by nothing that takes part in the
 * run.
 *
 * A token is opened only where it is on record that this tool was shown it, where all that stands around it is the same, and where
 * it always stands for one value. Everything else stays as it is journaled, so that another argument is another one still.
 */
export function openedEntries(
  entries: readonly Entry[],
  log: readonly WorldLogLine[],
  disclosed: readonly Pick<Disclosure, "to" | "tokens">[],
): readonly Entry[] {
  const shown = new Map<string, string[]>();
  for (const { to, tokens } of disclosed) {
    if (to.kind === "tool") shown.set(to.name, [...(shown.get(to.name) ?? []), ...Object.values(tokens).flat()]);
  }
  if (shown.size === 0) return entries;
  const values = new Map<string, Set<string>>();
  for (const line of log) {
    const tokens = shown.get(line.tool);
    if (!tokens) continue;
    const pattern = anyOf(tokens);
    for (const meant of meantBy(line, entries)) {
      const found: [token: string, value: string][] = [];
      if (!isSame(meant, line.input, pattern, found)) continue;
      for (const [token, value] of found) values.set(token, (values.get(token) ?? new Set()).add(value));
    }
  }
  const sure = new Map<string, string>();
  for (const [token, [value = "", ...others]] of values) if (others.length === 0) sure.set(token, value);
  if (sure.size === 0) return entries;
  const pattern = anyOf([...sure.keys()]);
  const open = (value: Json): Json => {
    if (typeof value === "string") return value.replaceAll(pattern, (token) => sure.get(token) ?? token);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(open);
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, open(member as Json)]));
  };
  return entries.map((entry) => ({ ...entry, body: open(entry.body as unknown as Json) }) as unknown as Entry);
}

/** What the journal has of a call that the world saw: of a write under its key; of a read, which has none, all of that tool. */
function meantBy({ key, tool }: WorldLogLine, entries: readonly Entry[]): readonly Json[] {
  return entries.flatMap((entry) => {
    if (key !== undefined) return entry.type === "effect.intended" && entry.body.key === key ? [entry.body.input] : [];
    return entry.type === "tool.called" && entry.body.tool === tool ? [entry.body.input] : [];
  });
}

/** True where the second is the first with values in place of tokens, which are noted. */
function isSame(meant: Json, seen: Json | undefined, pattern: RegExp, found: [string, string][]): boolean {
  if (typeof meant === "string") {
    if (meant === seen) return true;
    const tokens = meant.match(pattern) ?? [];
    if (typeof seen !== "string" || tokens.length === 0) return false;
    const around = meant.split(pattern).map(literal).join("([^]+?)");
    const told = new RegExp(`^${around}$`).exec(seen)?.slice(1);
    if (!told) return false;
    for (const [index, value] of told.entries()) found.push([tokens[index] ?? "", value]);
    return true;
  }
  if (typeof meant !== "object" || meant === null) return meant === seen;
  if (typeof seen !== "object" || seen === null || Array.isArray(meant) !== Array.isArray(seen)) return false;
  const [left, right] = [Object.entries(meant), new Map(Object.entries(seen))];
  return (
    left.length === right.size &&
    left.every(([name, member]) => right.has(name) && isSame(member, right.get(name), pattern, found))
  );
}

function anyOf(texts: readonly string[]): RegExp {
  return new RegExp(
    texts
      .toSorted((one, other) => other.length - one.length)
      .map(literal)
      .join("|"),
    "g",
  );
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
