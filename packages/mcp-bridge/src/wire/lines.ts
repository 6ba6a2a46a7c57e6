import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { WireMessage } from "./channel.ts";
import { refusalOf } from "./too-much.ts";
import { createScales, isTooMuch } from "./weight.ts";

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

/** Lines, or pieces of 256 bytes of them, that are read in one turn of the event loop. */
const piecesPerTurn = 200;
const pieceBytes = 256;
/** What the system hands over at once. A piece that is shorter was all there was, and ends the turn. */
const chunkBytes = 64 * 1024;
/** A line that is longer is made one text in one turn, and read in the next. */
const longChars = 1024 * 1024;

/**
 * Reads messages, one a line. A last line without its end is dropped, because nobody knows whether it is whole. However
 * much there is at once, everything else has its turn after a few hundred lines, and before a long one is read; the stream
 * is paused meanwhile. An answer that has too much in it fails its request (see `refusalOf`).
 */
export function readLines(input: Readable, bytesMax: number, listener: LineListener): LineReader {
  /** A line that has begun in an earlier chunk. It is decoded and weighed as it comes, so that little is left for its end. */
  let begun: BegunLine | undefined;
  let bytes = 0;
  let left = piecesPerTurn;
  let resting = false;
  let stopped = false;
  /** What came, and was not looked at yet. */
  let unread: Buffer[] = [];
  /** Reads a long line. What came after it waits. */
  let due: (() => void) | undefined;
  const stop = () => {
    stopped = true;
    input.off("data", data);
    begun = undefined;
    unread = [];
    due = undefined;
  };
  const line = (last: Buffer) => {
    const { text, tooMuch } = begun ? begun.end(last) : { text: last.toString("utf8"), tooMuch: isTooMuch(last) };
    begun = undefined;
    bytes = 0;
    if (text.length > longChars) {
      text.charCodeAt(0); // Its pieces become one here.
      left = 0;
      due = () => tell(text, tooMuch);
    } else if (text.trim() !== "") tell(text, tooMuch);
  };
  const tell = (text: string, tooMuch: boolean) => {
    const message = tooMuch ? refusalOf(text) : messageOf(text);
    if (message) listener.message(message);
    else listener.noise(text);
  };
  const data = (chunk: Buffer) => {
    unread.push(chunk);
    if (resting) return;
    read();
    if (!resting && chunk.length < chunkBytes) left = piecesPerTurn;
  };
  const read = () => {
    for (let chunk = unread.shift(); chunk; chunk = unread.shift()) {
      const rest = readChunk(chunk);
      if (stopped) return;
      if (rest) unread.unshift(rest);
      if (left <= 0) return pause();
    }
  };
  const pause = () => {
    resting = true;
    input.pause();
    setImmediate(() => {
      resting = false;
      left = piecesPerTurn;
      if (stopped) return;
      if (due) {
        const readDue = due;
        due = undefined;
        readDue();
        if (!stopped) pause();
        return;
      }
      read();
      if (!stopped && !resting) input.resume();
    });
  };
  /** @returns what of it is for another turn */
  const readChunk = (chunk: Buffer): Buffer | undefined => {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      if (bytes + end - start > bytesMax) return overflow(bytes + end - start);
      const last = chunk.subarray(start, end);
      start = end + 1;
      left -= 1 + (bytes + last.length) / pieceBytes;
      line(last);
      if (stopped) return undefined;
      if (left <= 0 && start < chunk.length) return chunk.subarray(start);
    }
    if (start === chunk.length) return undefined;
    bytes += chunk.length - start;
    if (bytes > bytesMax) return overflow(bytes);
    begun ??= beginLine();
    begun.add(chunk.subarray(start));
    left -= (chunk.length - start) / pieceBytes;
    return undefined;
  };
  const overflow = (found: number): undefined => {
    stop();
    listener.overflow(found);
  };
  input.on("data", data);
  return { stop };
}

interface BegunLine {
  readonly add: (piece: Buffer) => void;
  readonly end: (last: Buffer) => { readonly text: string; readonly tooMuch: boolean };
}

function beginLine(): BegunLine {
  const decoder = new StringDecoder("utf8");
  const scales = createScales();
  let text = "";
  let tooMuch = false;
  const add = (piece: Buffer) => {
    text += decoder.write(piece);
    tooMuch ||= scales.add(piece);
  };
  return {
    add,
    end: (last) => {
      add(last);
      return { text: text + decoder.end(), tooMuch };
    },
  };
}

function messageOf(text: string): WireMessage | undefined {
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
