import { inertMedia, type Json } from "@remit/core";
import { z } from "zod";
import { visible } from "./text.ts";

/**
 * Content of MCP as data of ours and back. An image, a sound and the bytes of an embedded resource become what models are
 * shown as media (`$media` with `data`); texts, links and embedded texts stay as they are. Nothing is fetched: what only
 * says where a medium would be is no medium here.
 */
export type ContentBlock = { readonly type: string; readonly [key: string]: Json };

const image = z.looseObject({ type: z.enum(["image", "audio"]), data: z.string(), mimeType: z.string() });
const resource = z.looseObject({
  uri: z.string(),
  mimeType: z.string().optional(),
  text: z.string().optional(),
  blob: z.string().optional(),
});
const block = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text"), text: z.string() }),
  image,
  z.looseObject({ type: z.literal("resource_link"), uri: z.string() }),
  z.looseObject({ type: z.literal("resource"), resource }),
]);

/** Members by which our own forms are told. A server's value that has one is put in a place where it means nothing. */
const reserved: readonly string[] = ["$content", "$structured", "$truncated"];

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const mediaType = /^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:; ?[\w.+=-]{1,60})?$/;
const unknownType = "application/octet-stream";
const nameMax = 200;

/** One block as data of ours, or why it is none. */
export type ReadBlock =
  | { readonly ok: true; readonly block: ContentBlock }
  | { readonly ok: false; readonly reason: string };

export function readBlock(item: unknown): ReadBlock {
  if (isPlainText(item)) return { ok: true, block: item };
  const read = block.safeParse(item);
  if (!read.success) {
    const type = String((item as { type?: unknown } | null)?.type).slice(0, 50);
    return {
      ok: false,
      reason: `of type "${visible(type)}" and ${JSON.stringify(item).length} characters, is not known`,
    };
  }
  const found = inertMedia(read.data as unknown as Json) as ContentBlock;
  if (read.data.type === "image" || read.data.type === "audio") {
    const { type, data: written, mimeType, url: _, name: __, ...rest } = found as typeof found & z.output<typeof image>;
    const data = base64Of(written);
    if (data === undefined) return { ok: false, reason: `of type "${type}", is not in base64` };
    return { ok: true, block: { ...(rest as object), type, $media: typeOf(mimeType), data } };
  }
  // An empty file has nothing that could be shown.
  if (read.data.type === "resource" && read.data.resource.blob !== undefined && read.data.resource.blob !== "") {
    const { blob, mimeType, uri, ...rest } = found.resource as z.output<typeof resource> & { readonly blob: string };
    const data = base64Of(blob);
    if (data === undefined) return { ok: false, reason: 'of type "resource", is not in base64' };
    const media = { $media: typeOf(mimeType), data, name: visible(uri).slice(0, nameMax), uri };
    return { ok: true, block: { ...found, resource: { ...(inertMedia(rest as Json) as object), ...media } } };
  }
  return { ok: true, block: found };
}

/** Most blocks are a text and nothing else; there is nothing in one that would have to be changed. */
function isPlainText(item: unknown): item is ContentBlock {
  if (typeof item !== "object" || item === null || Object.keys(item).length !== 2) return false;
  const { type, text } = item as { readonly type?: unknown; readonly text?: unknown };
  return type === "text" && typeof text === "string";
}

function typeOf(mimeType: string | undefined): string {
  return mimeType !== undefined && mediaType.test(mimeType) ? mimeType : unknownType;
}

/** The same without the ends of lines that some encoders put in; nothing where it is none. */
function base64Of(written: string): string | undefined {
  const data = /[\r\n]/.test(written) ? written.replace(/[\r\n]/g, "") : written;
  return data !== "" && data.length % 4 === 0 && base64.test(data) ? data : undefined;
}

/** What models are shown as a medium. */
export function isMedium(value: unknown): value is { readonly $media: string; readonly data: string } {
  const { $media, data } = (value ?? {}) as { readonly $media?: unknown; readonly data?: unknown };
  return typeof $media === "string" && typeof data === "string";
}

/** A server's own value and what came beside it, as one output. */
export function besides(value: Json, content: readonly ContentBlock[]): Json {
  const members = isRecord(value) && !reserved.some((name) => Object.hasOwn(value, name)) ? value : undefined;
  if (members && content.length === 0) return members;
  if (!members && content.length === 0) return isRecord(value) ? { $structured: value } : value;
  return members ? { ...members, $content: content } : { $structured: value, $content: content };
}

/** The parts of such an output again. `value` is absent where only a part of it is there (`$truncated`). */
export function partsOf(output: Json): { readonly value?: Json; readonly content: readonly ContentBlock[] } {
  if (!isRecord(output) || !reserved.some((name) => Object.hasOwn(output, name))) return { value: output, content: [] };
  const { $content = [], $structured, $truncated, ...rest } = output;
  const content = $content as readonly ContentBlock[];
  if ($truncated !== undefined) return { content };
  return { value: $structured === undefined ? rest : $structured, content };
}

/**
 * What an output of a tool of a server is in MCP, for whoever hands it on: the blocks as the server sent them, and the
 * structured value where there is one. Undefined for an output that holds no blocks.
 */
export function contentOf(
  output: Json,
): { readonly content: readonly ContentBlock[]; readonly structuredContent?: Json } | undefined {
  if (!isRecord(output)) return undefined;
  if (Array.isArray(output.$content)) {
    const { value, content } = partsOf(output);
    return { content: content.map(blockOf), ...(value === undefined ? {} : { structuredContent: value }) };
  }
  const { text, content, ...rest } = output;
  if (typeof text !== "string" || !Array.isArray(content) || Object.keys(rest).length > 0) return undefined;
  return { content: (content as readonly ContentBlock[]).map(blockOf) };
}

function blockOf(ours: ContentBlock): ContentBlock {
  const { $media, ...rest } = ours;
  if (typeof $media === "string") return { ...rest, mimeType: $media };
  const { resource: held } = ours;
  if (!isRecord(held) || typeof held.$media !== "string") return ours;
  const { $media: mimeType, data, name: _, ...others } = held;
  return { ...ours, resource: { ...others, mimeType, ...(data === undefined ? {} : { blob: data }) } };
}

export function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
