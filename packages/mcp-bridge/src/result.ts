import { inertMedia, type Json, ToolRefusal } from "@remit/core";
import { z } from "zod";
import type { Artifact } from "./artifacts.ts";
import { besides, type ContentBlock, isMedium, isRecord, partsOf, readBlock } from "./content.ts";
import { McpError } from "./errors.ts";
import { measured } from "./measure.ts";
import { outcomeMeta, unknownOutcome } from "./meta.ts";
import { jsonOf, repeats } from "./repeated.ts";
import { cut, type Mask, maskJson, unmasked } from "./text.ts";
import { turn } from "./turn.ts";

/**
 * What a tool of a server answered, as the output of a Remit tool. The first of these that applies:
 *
 * 1. `isError: true` → a {@link ToolRefusal} with the text, cut to 4 kB. A server of ours that does not know whether a
 *    write happened says so in `_meta`; then it is `mcp/call-failed`.
 * 2. `structuredContent` → that value. What came beside it and does not only say the same stands in its member
 *    `$content`; a value that is no object is then `$structured`.
 * 3. one block of text that is a JSON object or list → the value.
 * 4. only text, or nothing → `{ text }`, blocks joined by a line feed.
 * 5. anything else → `{ text, content }`, where `content` holds every block: texts, images and sounds as media, links
 *    (never followed) and embedded resources.
 *
 * What is longer than a model is to see becomes `{ $truncated, text }`: the beginning, how long it was, and the handle of
 * the whole. A medium that is too long becomes such a note in its place.
 */
export interface ResultContext {
  readonly server: string;
  readonly tool: string;
  /** Above it the answer is refused. */
  readonly resultBytes: number;
  /** Above it the texts of an answer are cut. */
  readonly modelBytes: number;
  /** Above it, all media of an answer together, a medium is left out. */
  readonly mediaBytes: number;
  /** The output has a form of ours: it is the value alone, and cannot be cut. */
  readonly typed: boolean;
  /** Keeps what is cut, and gives its handle; `null` where it could not. */
  readonly keep: ((artifact: Artifact) => Promise<string | null>) | undefined;
  /** Takes secrets out. */
  readonly mask: Mask;
}

const refusalBytes = 4_096;

/** The form of every result. */
export const resultForm = z.looseObject({
  // Servers of the first protocol versions leave it out when there is nothing to say, and some write `null` for nothing.
  content: z
    .array(z.unknown())
    .nullish()
    .transform((given) => given ?? []),
  structuredContent: z.unknown().optional(),
  isError: z
    .boolean()
    .nullish()
    .transform((given) => given ?? false),
  _meta: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((given) => given ?? undefined),
});

/**
 * Reads the result of one call, where that can be done at once: there is no secret to look for, and whatever is in it, it
 * is not long. Most are. Nothing where it cannot; {@link outputOf} can.
 * @throws what `outputOf` rejects with
 */
export function outputAtOnce(received: unknown, context: Omit<ResultContext, "keep">): Json | undefined {
  const { mask, resultBytes, modelBytes, mediaBytes, typed } = context;
  const enough = Math.min(resultBytes, modelBytes, mediaBytes);
  if (mask !== unmasked || bytesAtMost(received, enough) > enough) return undefined;
  return shapedAtOnce(readAnswer(received, context), typed);
}

/**
 * Reads the result of one call.
 * @throws ToolRefusal when the server answered that it could or would not
 * @throws McpError `mcp/result-invalid`, `mcp/result-too-large`, `mcp/call-failed`
 */
export async function outputOf(received: unknown, context: ResultContext): Promise<Json> {
  const { server, tool, resultBytes, modelBytes, typed, mask } = context;
  const atOnce = outputAtOnce(received, context);
  if (atOnce !== undefined) return atOnce;
  const tooLarge = (bytes: number, limit: number) =>
    new McpError("mcp/result-too-large", { server, tool, bytes, limit });
  const { answer, bytes } = await looked(received, mask);
  if (bytes > resultBytes) throw tooLarge(bytes, resultBytes);
  const read = readAnswer(answer, context);
  const output = bytes > atOnceBytes ? await shaped(read, typed) : shapedAtOnce(read, typed);
  if (bytes <= Math.min(modelBytes, context.mediaBytes)) return output;
  const whole = await measured(output, unmasked);
  const long = whole.mediaBytes > context.mediaBytes;
  const fitted = long ? await withoutLongMedia(output, context) : output;
  const shown = long ? await measured(fitted, unmasked) : whole;
  const shownBytes = shown.bytes - shown.mediaBytes;
  if (shownBytes <= modelBytes) return fitted;
  if (typed) throw tooLarge(shownBytes, modelBytes);
  await turn();
  return truncated(fitted, shownBytes, shown.mediaBytes > 0, context);
}

/** What is in a result, which is no error. @throws ToolRefusal @throws McpError `mcp/result-invalid`, `mcp/call-failed` */
function readAnswer(answer: unknown, { server, tool }: Pick<ResultContext, "server" | "tool">): Answer {
  const read = readResult(answer);
  if (!read) throw invalid(server, tool, "it has neither content nor structured content");
  const { content, structuredContent, isError, _meta } = read;
  const blocks = content.map((item, index) => {
    const found = readBlock(item);
    if (found.ok) return found.block;
    throw invalid(server, tool, `its content at index ${index}, ${found.reason}`);
  });
  if (isError) {
    const message = cut(wordsOf(blocks) || "the tool gave no reason", refusalBytes);
    if (_meta?.[outcomeMeta] === unknownOutcome) {
      throw new McpError("mcp/call-failed", { server, tool, rpcCode: "isError", reason: message });
    }
    throw new ToolRefusal(message);
  }
  return { blocks, structured: structuredContent as Json | undefined };
}

function invalid(server: string, tool: string, reason: string): McpError {
  return new McpError("mcp/result-invalid", { server, tool, reason });
}

/**
 * The result of one call as the protocol has it, for whoever hands it on: bounded, without content of an unknown kind, and
 * without our secrets. An `isError` is an answer like any other.
 * @throws McpError `mcp/result-invalid`, `mcp/result-too-large`, `mcp/call-failed`
 */
export async function rawResultOf(
  received: unknown,
  { server, tool, resultBytes, mask }: Pick<ResultContext, "server" | "tool" | "resultBytes" | "mask">,
): Promise<Json> {
  const isShort = mask === unmasked && bytesAtMost(received, resultBytes) <= resultBytes;
  const { answer, bytes } = isShort ? { answer: received, bytes: 0 } : await looked(received, mask);
  if (bytes > resultBytes) throw new McpError("mcp/result-too-large", { server, tool, bytes, limit: resultBytes });
  const found = readResult(answer);
  if (!found) throw invalid(server, tool, "it has neither content nor structured content");
  const { content, structuredContent, isError, _meta } = found;
  for (const [index, item] of content.entries()) {
    const read = readBlock(item);
    if (!read.ok) throw invalid(server, tool, `its content at index ${index}, ${read.reason}`);
  }
  if (isError && _meta?.[outcomeMeta] === unknownOutcome) {
    throw new McpError("mcp/call-failed", {
      server,
      tool,
      rpcCode: "isError",
      reason: "it does not know whether it did it",
    });
  }
  return {
    content: content as Json,
    ...(structuredContent === undefined ? {} : { structuredContent: structuredContent as Json }),
    ...(isError ? { isError } : {}),
    ...(_meta === undefined ? {} : { _meta: _meta as Json }),
  };
}

/**
 * The value of a result as {@link rawResultOf} gives it, without what came beside it.
 * @throws ToolRefusal for an `isError`
 * @throws McpError `mcp/result-invalid`, `mcp/call-failed`
 */
export function valueOfRaw(result: Json, about: Pick<ResultContext, "server" | "tool">): Json | undefined {
  return partsOf(shapedAtOnce(readAnswer(result, about), true)).value;
}

/** A value as a result of the protocol, of which `structuredContent` is an object wherever there is one. */
export function rawOfValue(value: Json): Json {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { content: [{ type: "text", text }], ...(isRecord(value) ? { structuredContent: value } : {}) };
}

/** The stack ends before the nesting of what some servers send. */
export function unlessTooDeep(server: string, tool: string, cause: unknown): unknown {
  if (!(cause instanceof RangeError)) return cause;
  return new McpError("mcp/result-invalid", { server, tool, reason: "it is nested too deeply" }, { cause });
}

/** What is asked of every result, with what it leaves out. */
export interface ReadResult {
  readonly content: readonly unknown[];
  readonly structuredContent?: unknown;
  readonly isError: boolean;
  readonly _meta?: { readonly [name: string]: unknown } | undefined;
}

/** The members of a result, or nothing where one is not what it must be. Most are seen to be right at once. */
export function readResult(answer: unknown): ReadResult | undefined {
  if (typeof answer === "object" && answer !== null && !Array.isArray(answer)) {
    const { content = [], structuredContent, isError = false, _meta } = answer as Partial<ReadResult>;
    if (Array.isArray(content) && typeof isError === "boolean" && _meta === undefined)
      return { content, structuredContent, isError };
  }
  const parsed = resultForm.safeParse(answer);
  return parsed.success ? parsed.data : undefined;
}

/** What is no longer is looked at at once; anything longer a little in each turn of the event loop. */
const atOnceBytes = 64 * 1024;

/** A result without secrets, and its bytes as JSON. */
async function looked(received: unknown, mask: Mask): Promise<{ readonly answer: unknown; readonly bytes: number }> {
  if (bytesAtMost(received, atOnceBytes) > atOnceBytes) {
    const { bytes, secret } = await measured(received, mask);
    return { answer: secret ? maskJson(received, mask) : received, bytes };
  }
  const whole = JSON.stringify(received) ?? "";
  const answer = mask(whole) === whole ? received : maskJson(received, mask);
  return { answer, bytes: Buffer.byteLength(whole) };
}

/** A character is written in six bytes at most (`\u0000`), a number or a word in 25. */
const charBytes = 6;
const wordBytes = 25;
/** What lies deeper is not looked at: it is measured. */
const levelsMax = 50;

/**
 * No less than a value of JSON takes when it is written, and without writing it. Stops beyond `enough`; then, and for
 * what is too deep, it is infinite.
 */
export function bytesAtMost(value: unknown, enough: number): number {
  const bytes = bytesWith(0, value, enough, levelsMax);
  return bytes > enough ? Number.POSITIVE_INFINITY : bytes;
}

/** Those that there were, and those of a value. */
function bytesWith(before: number, value: unknown, enough: number, levels: number): number {
  if (typeof value === "string") return before + value.length * charBytes + 2;
  if (typeof value !== "object" || value === null) return before + wordBytes;
  if (levels === 0) return Number.POSITIVE_INFINITY;
  let bytes = before + 2;
  if (Array.isArray(value)) {
    bytes += value.length;
    for (let at = 0; at < value.length && bytes <= enough; at++)
      bytes = bytesWith(bytes, value[at], enough, levels - 1);
    return bytes;
  }
  for (const key of Object.keys(value)) {
    if (bytes > enough) return bytes;
    const member = (value as { readonly [key: string]: unknown })[key];
    bytes = bytesWith(bytes + key.length * charBytes + 4, member, enough, levels - 1);
  }
  return bytes;
}

interface Answer {
  readonly blocks: readonly ContentBlock[];
  readonly structured: Json | undefined;
}

function wordsOf(blocks: readonly ContentBlock[]): string {
  const [only, ...others] = blocks;
  if (only?.type === "text" && others.length === 0) return only.text as string;
  return blocks.flatMap(({ type, text }) => (type === "text" ? [text as string] : [])).join("\n");
}

function shapedAtOnce({ blocks, structured }: Answer, typed: boolean): Json {
  if (structured === undefined) return spoken(blocks);
  const isRepeated = repeats(structured);
  const others = typed ? [] : blocks.filter(({ type, text }) => type !== "text" || !isRepeated(text as string));
  return besides(inertMedia(structured), others);
}

/** The same a little in each turn. */
async function shaped({ blocks, structured }: Answer, typed: boolean): Promise<Json> {
  if (structured === undefined) return spoken(blocks);
  const value = inertMedia(structured);
  await turn();
  const isRepeated = repeats(structured);
  const others: ContentBlock[] = [];
  for (const item of typed ? [] : blocks) {
    await turn();
    if (item.type !== "text" || !isRepeated(item.text as string)) others.push(item);
  }
  return besides(value, others);
}

/** The output where nothing is structured. */
function spoken(blocks: readonly ContentBlock[]): Json {
  const text = wordsOf(blocks);
  if (blocks.some(({ type }) => type !== "text")) return { text, content: blocks };
  const value = blocks.length === 1 ? jsonOf(text) : undefined;
  return value === undefined ? { text } : besides(inertMedia(value), []);
}

/** Each medium in turn stays while there is room for it; in place of another one stands what it was. */
async function withoutLongMedia(output: Json, { mediaBytes, keep }: ResultContext): Promise<Json> {
  let left = mediaBytes;
  let parts = 0;
  const walk = async (at: Json): Promise<Json> => {
    if (typeof at !== "object" || at === null) return at;
    if (++parts % 1_000 === 0) await turn();
    if (isMedium(at)) {
      if (at.data.length <= left) {
        left -= at.data.length;
        return at;
      }
      const { $media: mimeType, data, ...rest } = at;
      const body = Buffer.from(data, "base64");
      const artifact = (await keep?.({ mediaType: mimeType, body })) ?? null;
      return { ...rest, mimeType, $truncated: { bytes: body.byteLength, artifact } };
    }
    if (Array.isArray(at)) {
      const items: Json[] = [];
      for (const item of at as readonly Json[]) items.push(await walk(item));
      return items;
    }
    const members: [string, Json][] = [];
    for (const [key, member] of Object.entries(at)) members.push([key, await walk(member)]);
    return Object.fromEntries(members);
  };
  return walk(output);
}

/** The beginning of a long output, its length, and where the whole is. Media and links that came with it stay. */
async function truncated(
  output: Json,
  bytes: number,
  hasMedia: boolean,
  { modelBytes, keep }: ResultContext,
): Promise<Json> {
  const { value, content } = partsOf(output);
  const plain = isRecord(value ?? null) ? (value as { readonly [key: string]: Json }) : undefined;
  const onlyText = plain && typeof plain.text === "string" && Object.keys(plain).length === 1 ? plain.text : undefined;
  const noted = hasMedia ? (_: string, member: Json) => (isMedium(member) ? mediumNote(member) : member) : undefined;
  const text = onlyText ?? JSON.stringify(output, noted);
  await turn();
  const mediaType = onlyText === undefined ? "application/json" : "text/plain; charset=utf-8";
  const artifact = (await keep?.({ mediaType, body: Buffer.from(text) })) ?? null;
  const blocks = [...content, ...(Array.isArray(plain?.content) ? (plain.content as readonly ContentBlock[]) : [])];
  const media = blocks.filter((item) => isMedium(item) || isMedium(item.resource ?? null));
  return {
    $truncated: { bytes, artifact },
    text: cut(text, modelBytes),
    ...(media.length === 0 ? {} : { $content: media }),
  };
}

function mediumNote({ $media }: { readonly $media: string }): Json {
  return `[${$media}]`;
}

/**
 * The schema of an output that comes from a server: its own schema checks the server's own value, and what stands beside
 * it, or in place of it when it was too long, passes.
 */
export function resultSchema(inner: z.ZodType): z.ZodType<Json, Json> {
  return z.unknown().transform((output, check): Json => {
    const { value, content } = partsOf(output as Json);
    if (value === undefined) return output as Json;
    const read = inner.safeParse(value);
    if (read.success) return besides(read.data as Json, content);
    for (const { message, path } of read.error.issues) check.addIssue({ code: "custom", message, path: [...path] });
    return z.NEVER;
  }) as unknown as z.ZodType<Json, Json>;
}
