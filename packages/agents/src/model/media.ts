import type { Json, Media } from "@remit/core";

/** A payload without its media: in place of each one stands a text that names it, and they follow in that order. */
export interface WithoutMedia {
  readonly json: Json;
  readonly media: readonly Media[];
}

/**
 * Takes the images, sounds and files out of a payload, so that a model gets each as a part of its own.
 * @param before media that the request holds already: numbers go on behind them, so that each is named once
 */
export function mediaOf(json: Json, before = 0): WithoutMedia {
  const media: Media[] = [];
  const walk = (at: Json): Json => {
    if (typeof at !== "object" || at === null) return at;
    if (isMedia(at)) {
      media.push(at);
      return mediaLabel(at, before + media.length);
    }
    if (Array.isArray(at)) return at.map(walk);
    return Object.fromEntries(Object.entries(at).map(([key, member]) => [key, walk(member)]));
  };
  return { json: walk(json), media };
}

/** True for a JSON object that stands for an image, a sound or a file and says where its content is. */
export function isMedia(value: unknown): value is Media {
  if (typeof value !== "object" || value === null) return false;
  const { $media, data, url, name } = value as { readonly [key in keyof Media]?: unknown };
  if (typeof $media !== "string" || $media === "" || (name !== undefined && typeof name !== "string")) return false;
  return typeof data === "string" || (data === undefined && typeof url === "string");
}

/** What stands in a text where a medium was: `[media 1: image/png]`. */
export function mediaLabel({ $media, name }: Media, number: number): string {
  return `[media ${number}: ${$media}${name === undefined ? "" : ` ${name}`}]`;
}
