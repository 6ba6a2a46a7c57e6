import type { Json } from "./world.ts";

/** The value as it looks after a trip through JSON: `undefined` members gone, no shared references left. */
export function throughJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** JSON text with object keys in code unit order, so that equal values give equal text. */
export function canonicalText(value: Json): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isRecord(part)
      ? Object.fromEntries(
          Object.keys(part)
            .sort()
            .map((key) => [key, part[key]]),
        )
      : part,
  );
}

/**
 * A name as a part of a JSON pointer (RFC 6901). The core has the same; a world's server, which is started for every suite,
 * does not load the core for it.
 */
export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
