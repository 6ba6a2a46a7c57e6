import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Channel, WireMessage } from "./channel.ts";
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

/** What is read in one turn of the event loop, in bytes: those of the lines, and as many for each line as stand here. */
const bytesPerTurn = 50 * 1024;
const lineBytes = 256;
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
  let left = bytesPerTurn;
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
      // Its pieces become one here. A look whose result nobody used would be compiled away.
      if (Number.isNaN(text.charCodeAt(0))) return;
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
    if (resting) {
      unread.push(chunk);
      return;
    }
    readOne(chunk);
    if (!resting && chunk.length < chunkBytes) left = bytesPerTurn;
  };
  const read = () => {
    while (!stopped && !resting) {
      const chunk = unread.shift();
      if (!chunk) return;
      readOne(chunk);
    }
  };
  const readOne = (chunk: Buffer) => {
    const rest = readChunk(chunk);
    if (stopped) return;
    if (rest) unread.unshift(rest);
    if (left <= 0) pause();
  };
  const pause = () => {
    resting = true;
    input.pause();
    setImmediate(() => {
      resting = false;
      left = bytesPerTurn;
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
      left -= lineBytes + bytes + last.length;
      line(last);
      if (stopped) return undefined;
      if (left <= 0 && start < chunk.length) return chunk.subarray(start);
    }
    if (start === chunk.length) return undefined;
    bytes += chunk.length - start;
    if (bytes > bytesMax) return overflow(bytes);
    begun ??= beginLine();
    begun.add(chunk.subarray(start));
    left -= chunk.length - start;
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

/** Writes messages, by the contract of a channel. `send` resolves when the stream has taken it or is gone. */
export type LineWriter = Pick<Channel, "post" | "send">;

/**
 * What is written in one go of the event loop leaves in one piece: a call costs less the more there are. The owner listens
 * for errors of the stream.
 */
export function lineWriter(output: Writable): LineWriter {
  let piece = "";
  let gone: PromiseWithResolvers<void> | undefined;
  const flush = () => {
    const [lines, taken] = [piece, gone?.resolve];
    piece = "";
    gone = undefined;
    if (output.writable) output.write(lines, taken && (() => taken()));
    else taken?.();
  };
  const post: Channel["post"] = (message, alone) => {
    const line = `${JSON.stringify(message)}\n`;
    if (!output.writable) return;
    if (piece !== "") piece += line;
    else if (alone) output.write(line);
    else {
      piece = line;
      process.nextTick(flush);
    }
  };
  return {
    post,
    send: async (message) => {
      post(message, false);
      if (piece === "") return;
      gone ??= Promise.withResolvers<void>();
      await gone.promise;
    },
  };
}
