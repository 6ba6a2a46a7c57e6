import type { Media } from "@remit/core";

/** What kind of content OpenAI takes a medium as. */
export type MediaKind = "image" | "audio" | "file";

export function kindOf({ $media }: Media): MediaKind {
  if (/^image\//i.test($media)) return "image";
  return /^audio\//i.test($media) ? "audio" : "file";
}

/** The address of a medium, or itself as one. */
export function urlOf({ $media, data, url }: Media): string {
  return data === undefined ? (url ?? "") : `data:${$media};base64,${data}`;
}

/** The name of a file; the vendor wants one. */
export function fileNameOf({ $media, name }: Media): string {
  return name ?? ($media === "application/pdf" ? "file.pdf" : "file");
}

/** What a model is told of a medium that its provider takes no content of this kind for. */
export function untold({ $media }: Media): string {
  return `(This ${$media} cannot be shown to you.)`;
}
