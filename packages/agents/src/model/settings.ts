import type { Json } from "@remit/core";

/** Settings of a model as JSON, by which answers that are kept are told apart. What is no JSON in them is left out. */
export function settingsOf(settings: { readonly [name: string]: unknown }): Json {
  return JSON.parse(JSON.stringify(settings)) as Json;
}
