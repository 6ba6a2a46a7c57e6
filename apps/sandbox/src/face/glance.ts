import type { Json } from "@remit/core";

/**
 * A value at a glance: the members of an object with short values, on one line. Meant for eyes, not for machines: what
 * is long is cut, what is deep is counted.
 */
export function glance(value: Json, chars = 160): string {
  const text = outer(value);
  return text.length > chars ? `${text.slice(0, chars - 1)}…` : text;
}

const stringChars = 60;

function outer(value: Json): string {
  if (typeof value === "string") return quoted(value, 400);
  if (!isRecord(value)) return inner(value);
  const members = Object.entries(value).filter(([, member]) => !isEmpty(member));
  return members.map(([key, member]) => `${key} ${inner(member)}`).join(" · ");
}

function inner(value: Json): string {
  if (typeof value === "string") return /^[\w.:@#+-]{1,40}$/.test(value) ? value : quoted(value, stringChars);
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const texts = items.slice(0, 4).map((item) => (isRecord(item) || Array.isArray(item) ? "{…}" : inner(item)));
    return items.length > 4 ? `[${texts.slice(0, 3).join(", ")}, … ${items.length} in all]` : `[${texts.join(", ")}]`;
  }
  if (isRecord(value)) {
    const keys = Object.keys(value);
    return keys.length > 4 ? `{${keys.slice(0, 3).join(", ")}, …}` : `{${keys.join(", ")}}`;
  }
  return String(value);
}

function quoted(text: string, chars: number): string {
  const short = text.replace(/\s+/g, " ").trim();
  return `"${short.length > chars ? `${short.slice(0, chars - 1)}…` : short}"`;
}

function isEmpty(value: Json): boolean {
  return value === "" || (Array.isArray(value) && value.length === 0);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
