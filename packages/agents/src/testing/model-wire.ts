import type { IncomingMessage, ServerResponse } from "node:http";
import type { Json, Media } from "@remit/core";
import type { ModelFault } from "./model-fault.ts";

/** How bytes leave a server of models, whole or with a fault of the connection. */

export async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export function headersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}

export interface ServedEvent {
  /** Absent where the vendor names none. */
  readonly event?: string;
  /** A string goes as it is, such as `[DONE]`; all else as JSON. */
  readonly data: Json;
}

/** One server-sent event as text: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function frameOf({ event, data }: ServedEvent): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
}

export interface Sending {
  readonly fault: ModelFault | undefined;
  readonly dripMs: number;
  /** What takes the place of the second half under `overloaded-late`. */
  readonly late: ServedEvent;
  /** Called before the server breaks the connection itself. */
  readonly breaking: () => void;
}

export function sendWhole(response: ServerResponse, json: Json, sending: Sending): void {
  const bytes = Buffer.from(JSON.stringify(json));
  const half = bytes.subarray(0, bytes.length >> 1);
  const head = { "content-type": "application/json" };
  switch (sending.fault) {
    case "cut":
      response.writeHead(200, { ...head, "content-length": bytes.length });
      return breakAfter(response, half, sending);
    case "ended-early":
    case "half-json":
      response.writeHead(200, head);
      response.end(half);
      return;
    case "drip":
      response.writeHead(200, head);
      return drip(response, bytes, sending.dripMs);
    default:
      response.writeHead(200, { ...head, "content-length": bytes.length });
      response.end(bytes);
  }
}

/** @param events the last ones say that the answer is complete: a half is without them */
export function sendEvents(response: ServerResponse, events: readonly ServedEvent[], sending: Sending): void {
  const frames = events.map(frameOf);
  const middle = Math.max(1, frames.length >> 1);
  const half = frames.slice(0, middle).join("");
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  switch (sending.fault) {
    case "cut":
      return breakAfter(response, Buffer.from(half), sending);
    case "ended-early":
      response.end(half);
      return;
    case "overloaded-late":
      response.end(`${half}${frameOf(sending.late)}`);
      return;
    case "half-json": {
      const next = frames[middle] ?? "";
      response.end(`${half}${next.slice(0, next.length >> 1)}\n\n`);
      return;
    }
    case "drip":
      return drip(response, Buffer.from(frames.join("")), sending.dripMs);
    default:
      response.end(frames.join(""));
  }
}

function breakAfter(response: ServerResponse, bytes: Buffer, { breaking }: Sending): void {
  response.write(bytes, () => {
    breaking();
    response.destroy();
  });
}

/** An odd number, so that pieces end inside of characters and lines. */
const dripBytes = 7;

function drip(response: ServerResponse, bytes: Buffer, dripMs: number): void {
  let at = 0;
  const next = () => {
    if (response.destroyed) return;
    response.write(bytes.subarray(at, at + dripBytes));
    at += dripBytes;
    if (at >= bytes.length) response.end();
    else if (dripMs > 0) setTimeout(next, dripMs);
    else setImmediate(next);
  };
  next();
}

/** A medium of a data URL or of another address. */
export function mediaOfUrl(url: string, name?: string): Media {
  const [, type, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  const named = name === undefined ? {} : { name };
  return type && data !== undefined ? { $media: type, data, ...named } : { $media: "*/*", url, ...named };
}

/** The text of a call's arguments: one that is a text already is not JSON, and stays what it is. */
export function argumentsText(input: Json): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

/** The value of a text that may be JSON. */
export function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Pieces of a text, about so many, so that a stream has a middle. */
export function piecesOf(text: string, count = 4): readonly string[] {
  const chars = [...text];
  const size = Math.max(1, Math.ceil(chars.length / count));
  return Array.from({ length: Math.ceil(chars.length / size) }, (_, index) =>
    chars.slice(index * size, (index + 1) * size).join(""),
  );
}
