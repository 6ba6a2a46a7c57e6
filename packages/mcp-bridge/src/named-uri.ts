import { hasHidden } from "./text.ts";

/** Addresses of resources, and the lists that say which of them may be read. */

/**
 * True when an address is one of those that are named, as it is written and as it is read: what is written `%2F` may be a
 * `/` to its server. One that leads elsewhere than it says, by `..` in any writing, is none.
 */
export function isNamed(uri: string, patterns: readonly string[]): boolean {
  const plain = decoded(uri);
  if (plain === undefined || plain.includes("\\") || hasHidden(plain) || leadsOut(plain)) return false;
  return patterns.some(
    (pattern) => patternOf(pattern).test(uri) && (plain === uri || patternOf(decoded(pattern) ?? pattern).test(plain)),
  );
}

/** As often decoded as somebody might; undefined for what nobody can. */
function decoded(uri: string): string | undefined {
  let text = uri;
  for (let rounds = 0; rounds < 4; rounds++) {
    let next: string;
    try {
      next = decodeURIComponent(text);
    } catch {
      return undefined;
    }
    if (next === text) return text;
    text = next;
  }
  return undefined;
}

function patternOf(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")));
  return new RegExp(`^${source.join("")}$`, "su");
}

/**
 * True when an address is one of those, or begins as one that ends in `*` says. As with {@link isNamed}, what is written and
 * what is read have to begin so, and one that leads elsewhere by `..` does not.
 */
export function isListed(uri: string, listed: readonly string[]): boolean {
  const plain = decoded(uri) ?? uri;
  return listed.some((one) => {
    const start = startOf(one);
    if (start === undefined) return uri === one;
    if (!uri.startsWith(start) || !plain.startsWith(decoded(start) ?? start)) return false;
    // Who reads it may be less strict: read what can be read of it, and leave out what they would.
    return ![plain, asRead(uri)].some((text) => leadsOut(text) || leadsOut(text.replaceAll(/\p{Cc}/gu, "")));
  });
}

/** What a reader makes of an address that goes on behind what it cannot decode. What nobody decodes so often leads out. */
function asRead(uri: string): string {
  let text = uri;
  for (let rounds = 0; rounds < 8; rounds++) {
    const next = text.replaceAll(/%([0-7][0-9a-f])/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
    if (next === text) return text;
    text = next;
  }
  return "..";
}

/** True where an address that is made of the template may be one of those. */
export function mayBeListed(template: string, listed: readonly string[]): boolean {
  const fixed = fixedPartOf(template);
  return listed.some((one) => {
    const start = startOf(one);
    return start === undefined ? one.startsWith(fixed) : begin(fixed, start);
  });
}

/** True where an address that is made of the template may fit a form with stars in it. */
export function mayFit(form: string, template: string): boolean {
  return begin(fixedPartOf(template), form.replace(/\*.*$/s, ""));
}

/** What stands before the stars at the end; nothing where there is none. */
function startOf(listed: string): string | undefined {
  return listed.endsWith("*") ? listed.replace(/\*+$/, "") : undefined;
}

/** Both may be the beginning of one text. */
function begin(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** What stands before the first variable. */
function fixedPartOf(template: string): string {
  return template.replace(/\{.*$/s, "");
}

function leadsOut(plain: string): boolean {
  return plain.split(/[/\\?#]/).includes("..");
}
