import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Clock, Logger } from "@remit/core";
import { visible } from "../text.ts";

const keptBytes = 8_192;
const lineMax = 2_000;
const linesPerSecond = 100;

/** The last words of a process. */
export interface StderrTail {
  /** At most the last `bytes` bytes it wrote, masked and safe to show. */
  readonly last: (bytes: number) => string;
}

export interface StderrOptions {
  readonly server: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly mask: (text: string) => string;
}

/**
 * Reads standard error for as long as there is any, so that the process never waits for us. Keeps the end of it, and
 * logs lines at `debug`, 100 a second at most; how many were left out is told with the next line.
 */
export function drainStderr(stream: Readable, { server, logger, clock, mask }: StderrOptions): StderrTail {
  const decoder = new StringDecoder("utf8");
  let tail = "";
  let partial = "";
  let second = 0;
  let logged = 0;
  let leftOut = 0;
  const log = (line: string) => {
    if (line === "") return;
    const now = Math.floor(clock.now() / 1_000);
    if (now !== second) {
      second = now;
      logged = 0;
    }
    if (++logged > linesPerSecond) {
      leftOut++;
      return;
    }
    const fields = { server, line: visible(mask(line).slice(0, lineMax)) };
    logger.debug(leftOut === 0 ? fields : { ...fields, leftOut }, "MCP server wrote to standard error.");
    leftOut = 0;
  };
  stream.on("data", (chunk: Buffer) => {
    const text = decoder.write(chunk);
    tail = (tail + text).slice(-keptBytes);
    const lines = (partial + text).split("\n");
    // Without secrets before it is cut: of a part of one nobody would know that it is.
    partial = mask(lines.pop() ?? "").slice(-lineMax);
    for (const line of lines) log(line.trimEnd());
  });
  stream.on("error", (error) =>
    logger.debug({ server, reason: error.message }, "Standard error of the MCP server broke."),
  );
  return { last: (bytes) => visible(mask(tail)).trim().slice(-bytes) };
}
