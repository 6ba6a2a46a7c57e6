import type { Readable, Writable } from "node:stream";
import type { WireMessage } from "./channel.ts";

/** Messages as lines of JSON over a pair of streams: the framing of MCP's stdio transport, for either side of it. */

export interface LineReader {
  /** Stops listening; what arrives later is left in the stream. */
  readonly stop: () => void;
}

export interface LineListener {
  readonly message: (message: WireMessage) => void;
  readonly noise: (line: string) => void;
  /** A line is longer than the limit. Nothing is read any more. */
  readonly overflow: (bytes: number) => void;
}

const lineFeed = 0x0a;
/** Some runtimes begin what they write with it. */
const byteOrderMark = 0xfeff;

/** Reads messages, one a line. A last line without its end is dropped, because nobody knows whether it is whole. */
export function readLines(input: Readable, bytesMax: number, listener: LineListener): LineReader {
  let parts: Buffer[] = [];
  let bytes = 0;
  const stop = () => {
    input.off("data", data);
    parts = [];
  };
  const line = (text: string) => {
    if (text.trim() === "") return;
    const message = messageOf(text);
    if (message) listener.message(message);
    else listener.noise(text);
  };
  const data = (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      if (bytes + end - start > bytesMax) return overflow(bytes + end - start);
      const last = chunk.subarray(start, end);
      const whole = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      bytes = 0;
      start = end + 1;
      line(whole.toString("utf8"));
    }
    if (start === chunk.length) return;
    parts.push(start === 0 ? chunk : chunk.subarray(start));
    bytes += chunk.length - start;
    if (bytes > bytesMax) overflow(bytes);
  };
  const overflow = (found: number) => {
    stop();
    listener.overflow(found);
  };
  input.on("data", data);
  return { stop };
}

/** Levels of one message; nobody means more, and what walks through them stands on a stack. */
const levelsMax = 50_000;

function isTooDeep(text: string): boolean {
  if (text.length <= levelsMax) return false;
  let levels = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++levels > levelsMax) return true;
    } else if (code === 0x5d || code === 0x7d) levels--;
  }
  return false;
}

function messageOf(text: string): WireMessage | undefined {
  if (isTooDeep(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text);
  } catch {
    return undefined; // Told to the listener as noise.
  }
  const message = typeof value === "object" && value !== null && !Array.isArray(value);
  return message && (value as { jsonrpc?: unknown }).jsonrpc === "2.0" ? (value as WireMessage) : undefined;
}

/**
 * Writes messages. What is written in one go of the event loop leaves in one piece: a call costs less the more there
 * are. Resolves when the stream has taken it or is gone; rejects only for a message that is none of JSON, which is not
 * written then. The owner listens for errors of the stream.
 */
export function lineWriter(output: Writable): (message: WireMessage) => Promise<void> {
  let piece: { readonly gone: Promise<void>; readonly oneGone: () => void; lines: number } | undefined;
  const begin = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = {
      gone: promise,
      oneGone: () => {
        if (--begun.lines === 0) resolve();
      },
      lines: 0,
    };
    output.cork();
    process.nextTick(() => {
      piece = undefined;
      output.uncork();
    });
    return begun;
  };
  return (message) => {
    if (!output.writable) return Promise.resolve();
    let line: string;
    try {
      line = `${JSON.stringify(message)}\n`;
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    piece ??= begin();
    piece.lines++;
    output.write(line, piece.oneGone);
    return piece.gone;
  };
}
