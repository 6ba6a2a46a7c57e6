import type { Json } from "./json.ts";

/**
 * A value in which nothing is a medium by its address: a model's vendor would fetch that, from wherever whoever wrote it
 * wants, with whatever stands in the address, past every gate (R3). Such a member is renamed to `_$media`. For what models
 * and servers say; content (`data`) stays.
 */
export function inertMedia(value: Json): Json {
  return namesMedia(value) ? renamed(value) : value;
}

function namesMedia(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(namesMedia);
  const members = value as { readonly [name: string]: Json };
  // Each answer of a model is looked at: no list of its members is made for that.
  for (const key in members) if (key === "$media" || namesMedia(members[key] as Json)) return true;
  return false;
}

function renamed(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(renamed);
  const { $media, data } = value as { readonly $media?: unknown; readonly data?: unknown };
  const byAddress = $media !== undefined && typeof data !== "string";
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [byAddress && key === "$media" ? "_$media" : key, renamed(member)]),
  );
}
