import type { AsyncLocalStorage } from "node:async_hooks";
import type { JSONRPCMessage, Transport, TransportSendOptions } from "@modelcontextprotocol/client";
import { WireError, type WireFault } from "./port.ts";

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
  /** The exchange in whose course this runs, where it is known. */
  readonly current: () => TapScope | undefined;
  /** Exchanges that wait. */
  readonly waiting: () => readonly TapScope[];
}

export interface Exchange {
  /** It must not be sent twice. */
  readonly once: boolean;
  readonly tag: string | undefined;
  readonly signal: AbortSignal;
  /** @param signal ends the request for the SDK */
  readonly send: (signal: AbortSignal) => Promise<unknown>;
  readonly faultOf: (thrown: unknown) => WireFault;
}

export interface TapScope {
  readonly once: boolean;
  readonly tag: string | undefined;
  readonly fail: (fault: WireFault, cause?: unknown) => void;
}

interface Scope extends TapScope {
  id: string | number | undefined;
  /** Ends the stream that carries the answer. */
  readonly stream: AbortController;
  /** The answer comes on a stream that is open. */
  streaming: boolean;
  settled: boolean;
  readonly answer: (message: Answer) => void;
}

type Answer = {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

/** Streams whose answer has come and that their server keeps open all the same. */
const lingeringMax = 8;

/**
 * @param store tells what runs in the course of which exchange
 * @param take true for a message that is not the SDK's
 */
export function tapOf(inner: Transport, store: AsyncLocalStorage<TapScope>, take: (message: object) => boolean): Tap {
  const scopes = new Map<string | number, Scope>();
  const lingering = new Set<Scope>();
  let sending: Scope | undefined;

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
    scope.id = message.id;
    scopes.set(message.id, scope);
    const { requestSignal } = options ?? {};
    const signal = requestSignal ? AbortSignal.any([requestSignal, scope.stream.signal]) : scope.stream.signal;
    const onRequestStreamEnd = () => {
      scope.streaming = false;
      lingering.delete(scope);
      scope.fail({ kind: "broken", reason: "the stream of the answer ended without it" });
    };
    await store.run(scope, () => inner.send(message, { ...options, requestSignal: signal, onRequestStreamEnd }));
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

  const ask = ({ once, tag, signal, send: handOver, faultOf }: Exchange): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (fault: WireFault, cause?: unknown) => {
        if (scope.settled) return;
        release(scope);
        stop.abort(); // For the SDK; it tells the server.
        scope.stream.abort();
        lingering.delete(scope);
        signal.removeEventListener("abort", abort);
        reject(new WireError(fault, { cause }));
      };
      const stop = new AbortController();
      const abort = () => fail({ kind: "aborted" });
      const scope: Scope = {
        once,
        tag,
        id: undefined,
        stream: new AbortController(),
        streaming: false,
        settled: false,
        fail,
        answer: ({ result, error }) => {
          if (scope.settled) return;
          release(scope);
          signal.removeEventListener("abort", abort);
          if (error)
            reject(
              new WireError({ kind: "rejected", rpcCode: error.code, reason: String(error.message), data: error.data }),
            );
          else resolve(result);
        },
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      sending = scope;
      handOver(stop.signal).catch((thrown: unknown) => fail(faultOf(thrown), thrown));
      sending = undefined;
    });

  return { transport, ask, current: () => store.getStore(), waiting: () => [...scopes.values()] };
}
