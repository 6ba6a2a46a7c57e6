import { lookup as lookUp } from "node:dns";
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Clock } from "@remit/core";
import { turn } from "../turn.ts";
import { addressKind, whereabouts } from "./addresses.ts";
import { WireError, type WireFault } from "./port.ts";
import { tooManyParts } from "./too-much.ts";
import { createScales, isTooMuch, type Scales } from "./weight.ts";

/**
 * `fetch` for one connection, over sockets of its own.
 *
 * H1 What the operator set as headers goes to the server's origin only. No redirect is followed here: an answer that
 *    names another place is handed back as it is, and the SDK follows it within the origin. What must not be sent twice
 *    goes on once at most: who sends it on again and again may take it each time.
 * H2 Reading stops at a limit, and the limit counts decoded bytes: one message, and all of one answer.
 * H3 Another origin than the server's may only be asked at an address that anybody could reach, whatever its name
 *    resolves to, and the address that was checked is the one that is connected to. Where the server itself has only ever
 *    been on private addresses, others may be; link-local ones only when the operator says so.
 * H4 A socket that was idle may have been closed at the other end, and nobody can know whether what is sent then arrives.
 *    What must not be sent twice is not sent over one that was idle for long, and what may be is sent once more.
 * H5 When it has been closed, no socket is left, and whatever was under way has failed.
 */
export interface HttpFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /**
   * Posts to the server. What comes back as one whole document of JSON is its bytes, without the detour of a stream;
   * anything else is a response as of `fetch`.
   */
  readonly post: (request: HttpPost) => Promise<Buffer | Response>;
  /** Ends every request and socket. */
  readonly close: () => void;
}

export interface HttpFetchOptions {
  readonly clock: Clock;
  /** The server's. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** One event of a stream, or a whole answer that is none. */
  readonly messageBytes: number;
  /** All events of the answer to one request. */
  readonly responseBytes: number;
  /** Other origins may be on any address. */
  readonly allowPrivate: boolean;
  /** Asked as a request begins. */
  readonly exchange: () => HttpExchange | undefined;
}

export interface HttpPost {
  readonly body: string;
  readonly signal: AbortSignal;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that somebody waits for. One without goes on for as long as the connection: its events count one by one. */
export interface HttpExchange {
  /** It must not be sent twice. Whatever belongs to no exchange may be. */
  readonly once: boolean;
  /** Its body failed after its headers had come. */
  readonly fail: (fault: WireFault) => void;
}

/** A socket is not stale yet. */
const idleMsMax = 1_000;
/** An answer that tells of an error is read this far. */
const errorBytes = 64 * 1024;

export function httpFetch(options: HttpFetchOptions): HttpFetch {
  const { url: serverUrl, headers: ours, messageBytes, responseBytes, allowPrivate, clock } = options;
  const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };
  const open = new Set<ClientRequest>();
  const idleSince = new WeakMap<Socket, number>();
  const redirected = new WeakSet<HttpExchange>();
  for (const agent of Object.values(agents)) agent.on("free", (socket: Socket) => idleSince.set(socket, clock.now()));
  const dropStale = (agent: HttpAgent) => {
    const freshSince = clock.now() - idleMsMax;
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of sockets?.filter((one) => (idleSince.get(one) ?? 0) < freshSince) ?? []) socket.destroy();
    }
  };
  let closed = false;
  const serverAt = whereabouts();

  const barred = (address: string): string | undefined => {
    if (allowPrivate) return undefined;
    const kind = addressKind(address);
    if (kind === "public" || (kind === "private" && serverAt.isPrivate())) return undefined;
    return `${address} is a ${kind} address; only the server's own origin may be on one`;
  };
  const guardedLookup: LookupFunction = (hostname, lookupOptions, callback) => {
    lookUp(hostname, { ...lookupOptions, all: true }, (error, found) => {
      if (error) return callback(error, "", 0);
      const reasons = found.map(({ address }) => barred(address));
      const admitted = found.filter((_, index) => reasons[index] === undefined);
      const [first] = admitted;
      if (!first) return callback(new Error(reasons[0] ?? "it has no address"), "", 0);
      if (lookupOptions.all) return callback(null, admitted);
      callback(null, first.address, first.family);
    });
  };

  const fetch = (target: string | URL, init: RequestInit = {}): Promise<Response> => {
    const exchange = options.exchange();
    const headers = new Headers(init.headers);
    if (init.body instanceof URLSearchParams && !headers.has("content-type")) {
      headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    }
    const { method = "GET", signal } = init;
    const asked = { method, headers: Object.fromEntries(headers), body: init.body, signal: signal ?? undefined };
    return fetchOver(new URL(target), asked, exchange, exchange?.once !== true, responseOf);
  };

  const post = ({ body, headers, signal }: HttpPost): Promise<Buffer | Response> => {
    const exchange = options.exchange();
    const asked = { method: "POST", headers, body, signal };
    return fetchOver<Buffer | Response>(serverUrl, asked, exchange, exchange?.once !== true, documentOf);
  };

  const ownHeaders = Object.entries(ours).map(([name, value]) => [name.toLowerCase(), value] as const);

  const fetchOver = <Answer>(
    url: URL,
    asked: Asked,
    exchange: HttpExchange | undefined,
    again: boolean,
    answerOf: (message: IncomingMessage, about: About) => Answer | Promise<Answer>,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const fail = (fault: WireFault, cause?: unknown) => reject(new WireError(fault, { cause }));
      const { signal } = asked;
      if (closed) return fail({ kind: "unreachable", reason: "the connection is closed" });
      if (signal?.aborted) return reject(signal.reason);
      if (url.protocol !== "http:" && url.protocol !== "https:") {
        return fail({ kind: "unreachable", reason: `${url.protocol} is not a way to a server` });
      }
      const server = url.origin === serverUrl.origin;
      const literal = url.hostname.replace(/^\[|\]$/g, "");
      const reason = server || isIP(literal) === 0 ? undefined : barred(literal);
      if (reason !== undefined) return fail({ kind: "unreachable", reason });

      const headers = { ...asked.headers };
      if (server) for (const [name, value] of ownHeaders) headers[name] ??= value;
      headers["accept-encoding"] ??= "identity";
      const secure = url.protocol === "https:";
      if (!again) dropStale(agents[url.protocol]);
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method: asked.method,
        headers,
        agent: agents[url.protocol],
        ...(server ? {} : { lookup: guardedLookup }),
      });
      open.add(request);
      let connected = false;
      request.once("socket", (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once(secure ? "secureConnect" : "connect", () => (connected = true));
      });
      const abort = () => request.destroy(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      signal?.addEventListener("abort", abort, { once: true });
      request.once("close", () => {
        open.delete(request);
        signal?.removeEventListener("abort", abort);
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (signal?.aborted) return reject(signal.reason);
        if (again && request.reusedSocket && error.code === "ECONNRESET") {
          return resolve(fetchOver(url, asked, exchange, false, answerOf));
        }
        // What could not be connected has not been sent. Anything later may have arrived.
        fail({ kind: connected ? "broken" : "unreachable", reason: reasonOf(error) }, error);
      });
      request.once("response", (message) => {
        const { remoteAddress } = message.socket;
        if (server && remoteAddress !== undefined) serverAt.reached(remoteAddress);
        if (exchange && message.statusCode === 429) {
          message.resume();
          const retryAfterMs = retryAfterMsOf(message.headers["retry-after"], clock.now());
          return fail({ kind: "busy", reason: "HTTP 429: it has too much to do", retryAfterMs });
        }
        try {
          resolve(answerOf(message, { exchange, signal }));
        } catch (cause) {
          message.destroy();
          fail({ kind: "malformed", reason: cause instanceof Error ? cause.message : String(cause) }, cause);
        }
      });
      request.end(bodyOf(asked.body));
    });

  const documentOf = (message: IncomingMessage, about: About): Promise<Buffer | Response> | Response => {
    const { statusCode, headers } = message;
    const whole = statusCode === 200 && headers["content-encoding"] === undefined;
    if (!whole || !/^application\/json\s*(?:;|$)/i.test(headers["content-type"] ?? ""))
      return responseOf(message, about);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      let scales: Scales | undefined;
      const fail = (fault: WireFault, cause?: unknown) => {
        message.destroy();
        if (!about.signal?.aborted) about.exchange?.fail(fault);
        reject(new WireError(fault, { cause }));
      };
      message.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > messageBytes) return fail({ kind: "too-large", bytes, limit: messageBytes });
        chunks.push(chunk);
        if (chunks.length === 1) return; // What comes at once is weighed at its end.
        if (!scales) {
          scales = createScales();
          scales.add(chunks[0]!);
        }
        if (scales.add(chunk)) fail(tooManyParts);
      });
      message.once("end", () => {
        const document = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
        if (chunks.length === 1 && isTooMuch(document)) fail(tooManyParts);
        else resolve(document);
      });
      message.on("error", (error) => fail({ kind: "broken", reason: reasonOf(error) }, error));
      message.once("close", () => {
        if (!message.complete) fail({ kind: "broken", reason: "the answer ended in the middle" });
      });
    });
  };

  const responseOf = (message: IncomingMessage, { exchange, signal }: About): Response => {
    const headers = new Headers();
    for (let index = 0; index < message.rawHeaders.length; index += 2) {
      headers.append(message.rawHeaders[index]!, message.rawHeaders[index + 1]!);
    }
    const status = message.statusCode ?? 0;
    if (status < 200 || status > 599) throw new Error(`the status ${status} is none of HTTP`);
    if (exchange?.once && status >= 300 && status < 400) {
      if (redirected.has(exchange)) headers.delete("location");
      redirected.add(exchange);
    }
    const init = { status, statusText: message.statusMessage ?? "", headers };
    if (status === 204 || status === 205 || status === 304) {
      message.resume();
      return new Response(null, init);
    }
    const body = decoded(message, headers.get("content-encoding") ?? "");
    headers.delete("content-encoding");
    headers.delete("content-length");
    const events = /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
    const ok = status < 300;
    const limits = {
      message: ok ? messageBytes : errorBytes,
      whole: events && ok ? (exchange ? responseBytes : Number.POSITIVE_INFINITY) : messageBytes,
      events: events && ok,
      cut: !ok,
    };
    const stream = limited(body, limits, (fault) => {
      if (!signal?.aborted) exchange?.fail(fault);
    });
    return new Response(stream, init);
  };

  return {
    fetch,
    post,
    close: () => {
      closed = true;
      for (const request of open) request.destroy(new Error("the connection was closed"));
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestInit["body"];
  readonly signal: AbortSignal | undefined;
}

/** Who waits for an answer, and for how long. */
interface About {
  readonly exchange: HttpExchange | undefined;
  readonly signal: AbortSignal | undefined;
}

const retryAfterMsMax = 3_600_000;

/** Seconds or a date, as HTTP has it; nothing else counts. An hour is the most. */
export function retryAfterMsOf(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\s*\d{1,9}\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(Math.round(ms), 0), retryAfterMsMax) : 0;
}

function bodyOf(body: RequestInit["body"]): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError("a body is text, bytes or a form");
}

/** The parts of one failure to connect to several addresses, or the failure itself. */
function reasonOf(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors.map((part: Error) => part.message) : [error.message];
  return [...new Set(parts)].join("; ") || error.name;
}

function decoded(message: IncomingMessage, encoding: string): Readable {
  const ways = { gzip: createGunzip, "x-gzip": createGunzip, deflate: createInflate, br: createBrotliDecompress };
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return message;
  if (!Object.hasOwn(ways, name)) throw new Error(`the encoding "${name.slice(0, 50)}" was not asked for`);
  const decoder = ways[name as keyof typeof ways]();
  pipeline(message, decoder, () => {}); // The stream that is read tells of it.
  return decoder;
}

interface BodyLimits {
  readonly message: number;
  readonly whole: number;
  readonly events: boolean;
  /** End at the limit as if there were no more. */
  readonly cut: boolean;
}

/** The body, read no faster than it is wanted and no further than the limits go. */
function limited(
  source: Readable,
  { message, whole, events, cut }: BodyLimits,
  failed: (fault: WireFault) => void,
): ReadableStream<Uint8Array> {
  let all = 0;
  let since = 0;
  let line = 0;
  let over = false;
  const scales = createScales();
  const tooLarge = (bytes: number, limit: number): WireFault => ({ kind: "too-large", bytes, limit });
  const excessOf = (chunk: Buffer): WireFault | undefined => {
    all += chunk.length;
    if (all > whole) return tooLarge(all, whole);
    if (!events && all > message) return tooLarge(all, message);
    if (!events) return scales.add(chunk) ? tooManyParts : undefined;
    let start = 0;
    let weighed = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      line += end - start - (end > start && chunk[end - 1] === carriageReturn ? 1 : 0);
      since += end + 1 - start;
      if (since > message) return tooLarge(since, message);
      start = end + 1;
      if (line === 0) {
        // An empty line ends an event.
        since = 0;
        if (scales.add(chunk.subarray(weighed, start))) return tooManyParts;
        scales.begin();
        weighed = start;
      }
      line = 0;
    }
    line += chunk.length - start;
    since += chunk.length - start;
    if (since > message) return tooLarge(since, message);
    return scales.add(chunk.subarray(weighed)) ? tooManyParts : undefined;
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const end = (fault: WireFault | undefined, cause?: unknown) => {
          if (over) return;
          over = true;
          source.destroy();
          if (!fault) return controller.close();
          controller.error(new WireError(fault, { cause }));
          failed(fault);
        };
        source.on("data", (chunk: Buffer) => {
          if (over) return;
          const excess = excessOf(chunk);
          if (excess) return end(cut ? undefined : excess);
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) source.pause();
        });
        source.once("end", () => end(undefined));
        source.on("error", (error) => end({ kind: "broken", reason: reasonOf(error) }, error));
        source.once("close", () => end({ kind: "broken", reason: "the answer ended in the middle" }));
      },
      // What has come is read in this turn, what comes next in another.
      pull: async () => {
        await turn();
        source.resume();
      },
      cancel: () => {
        over = true;
        source.destroy();
      },
    },
    { highWaterMark: 1 },
  );
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
