import type { AsyncLocalStorage } from "node:async_hooks";
import type { JSONRPCMessage, Transport, TransportSendOptions } from "@modelcontextprotocol/client";
import { WireError, type WireFault } from "./port.ts";
import type { DirectOptions, Line, TapScope } from "./v2-line.ts";

/**
 * A transport of the SDK with a tap in it: answers to our requests are taken out as they came, before the SDK looks at
 * what is in them, and a stream that breaks is told to the one request that waits on it.
 */
export interface Tap {
  readonly transport: Transport;
  /**
   * One request. `send` must hand it to the SDK at once.
   * @returns the answer's `result`, unchecked @throws WireError
   */
  readonly ask: (exchange: Exchange) => Promise<unknown>;
  /** The same for a request that the SDK does not hear of, in the elder era. */
  readonly askDirectly: (exchange: DirectExchange) => Promise<unknown>;
  /** The exchange in whose course this runs, where it is known. */
  readonly current: () => TapScope | undefined;
  /** Exchanges that wait. */
  readonly waiting: () => readonly TapScope[];
}

interface AnyExchange {
  /** It must not be sent twice. */
  readonly once: boolean;
  readonly tag: string | undefined;
  readonly signal: AbortSignal;
  readonly faultOf: (thrown: unknown) => WireFault;
}

export interface Exchange extends AnyExchange {
  /** @param signal ends the request for the SDK */
  readonly send: (signal: AbortSignal) => Promise<unknown>;
}

export interface DirectExchange extends AnyExchange {
  readonly method: string;
  readonly params: { readonly [key: string]: unknown };
}

interface Scope extends TapScope {
  id: string | number | undefined;
  /** Ends the stream that carries the answer. */
  readonly stream: AbortController;
  /** The answer comes on a stream that is open. */
  streaming: boolean;
  settled: boolean;
  /** Nothing says that it did not get through. */
  sent: boolean;
  /** The SDK does not know of it. */
  readonly direct: boolean;
  readonly answer: (message: Answer) => void;
}

type Answer = {
  readonly id?: unknown;
  readonly result?: unknown;
  /** An error of the wire stands here where the answer was not read. */
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown } | WireError;
};

/** Streams whose answer has come and that their server keeps open all the same. */
const lingeringMax = 8;
/** The SDK counts from 0, and asks for little more than the handshake where it does not hear of requests. */
const firstDirectId = 1_000;

export interface TapOptions {
  /** Tells what runs in the course of which exchange. */
  readonly store: AsyncLocalStorage<TapScope>;
  /** True for a message that is not the SDK's. */
  readonly take: (message: object) => boolean;
  /** How the requests that the SDK does not hear of are sent. */
  readonly direct?: Line["direct"] | undefined;
  /** Hears of what could not be told to the server. */
  readonly fault: (reason: string) => void;
}

export function tapOf(inner: Transport, { store, take, direct, fault }: TapOptions): Tap {
  const scopes = new Map<string | number, Scope>();
  const lingering = new Set<Scope>();
  let sending: Scope | undefined;
  let nextId = firstDirectId;

  const release = (scope: Scope) => {
    scope.settled = true;
    if (scope.id !== undefined) scopes.delete(scope.id);
    if (!scope.streaming) return;
    lingering.add(scope);
    if (lingering.size <= lingeringMax) return;
    const [oldest] = lingering;
    if (oldest) {
      lingering.delete(oldest);
      oldest.stream.abort();
    }
  };

  const send = async (message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> => {
    const scope = sending;
    sending = undefined;
    if (!scope || !("id" in message) || !("method" in message)) return inner.send(message, options);
    const { requestSignal } = options ?? {};
    // It is of this request alone, and so is the stream: neither outlives the other.
    if (requestSignal?.aborted) scope.stream.abort(requestSignal.reason);
    requestSignal?.addEventListener("abort", () => scope.stream.abort(requestSignal.reason), { once: true });
    return sendFor(scope, message.id, (common) => inner.send(message, { ...options, ...common }));
  };

  const sendFor = async (
    scope: Scope,
    id: string | number,
    work: (options: DirectOptions) => Promise<void>,
  ): Promise<void> => {
    scope.id = id;
    scopes.set(id, scope);
    const onRequestStreamEnd = () => {
      scope.streaming = false;
      lingering.delete(scope);
      scope.fail({ kind: "broken", reason: "the stream of the answer ended without it" });
    };
    await store.run(scope, work, { requestSignal: scope.stream.signal, onRequestStreamEnd });
    scope.streaming = inner.hasPerRequestStream === true && !scope.settled;
  };

  const transport: Transport = {
    start: () => {
      inner.onclose = () => transport.onclose?.();
      inner.onerror = (error) => transport.onerror?.(error);
      inner.onmessage = (message, extra) => {
        if (take(message)) return;
        const answer = message as Answer;
        const scope = "method" in message ? undefined : scopes.get(answer.id as string | number);
        if (!scope) return transport.onmessage?.(message, extra);
        scope.answer(answer);
        if (scope.direct) return;
        // So that the SDK forgets it too.
        const taken = { jsonrpc: "2.0", id: answer.id, error: { code: 0, message: "taken" } };
        transport.onmessage?.(taken as JSONRPCMessage, extra);
      };
      return inner.start();
    },
    send,
    close: () => inner.close(),
    ...(inner.hasPerRequestStream === undefined ? {} : { hasPerRequestStream: inner.hasPerRequestStream }),
    setProtocolVersion: (version) => inner.setProtocolVersion?.(version),
  };

  const askBy = (
    { once, tag, signal, faultOf }: AnyExchange,
    isDirect: boolean,
    handOver: (scope: Scope) => Promise<unknown>,
    stop: (scope: Scope) => void,
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (fault: WireFault, cause?: unknown) => {
        if (scope.settled) return;
        release(scope);
        stop(scope);
        scope.stream.abort();
        lingering.delete(scope);
        signal.removeEventListener("abort", abort);
        reject(new WireError(fault, { cause }));
      };
      const abort = () => fail({ kind: "aborted" });
      const scope: Scope = {
        once,
        tag,
        id: undefined,
        stream: new AbortController(),
        streaming: false,
        settled: false,
        sent: true,
        direct: isDirect,
        fail,
        answer: ({ result, error }) => {
          if (scope.settled) return;
          release(scope);
          signal.removeEventListener("abort", abort);
          if (error instanceof WireError) reject(error);
          else if (error)
            reject(
              new WireError({ kind: "rejected", rpcCode: error.code, reason: String(error.message), data: error.data }),
            );
          else resolve(result);
        },
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      handOver(scope).catch((thrown: unknown) => {
        scope.sent = false;
        fail(faultOf(thrown), thrown);
      });
    });

  const ask = (exchange: Exchange): Promise<unknown> => {
    const controller = new AbortController();
    const handOver = (scope: Scope) => {
      sending = scope;
      const sent = exchange.send(controller.signal);
      sending = undefined;
      return sent;
    };
    return askBy(exchange, false, handOver, () => controller.abort()); // The SDK tells the server.
  };

  const askDirectly = (exchange: DirectExchange): Promise<unknown> => {
    const { method, params } = exchange;
    const handOver = (scope: Scope) => {
      const id = nextId++;
      const message = { jsonrpc: "2.0" as const, id, method, params };
      return sendFor(scope, id, (options) => (direct ?? inner.send.bind(inner))(message, options));
    };
    const stop = ({ id, sent }: Scope) => {
      if (!sent || id === undefined) return; // What did not get through needs no end.
      const told = { requestId: id, reason: "The request was given up." };
      const message = { jsonrpc: "2.0" as const, method: "notifications/cancelled", params: told };
      inner.send(message).catch((error: unknown) => fault(`Failed to send cancellation: ${error}`));
    };
    return askBy(exchange, true, handOver, stop);
  };

  return { transport, ask, askDirectly, current: () => store.getStore(), waiting: () => [...scopes.values()] };
}
