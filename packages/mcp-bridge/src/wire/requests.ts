import type { WireMessage } from "./channel.ts";
import { WireError, type WireFault, type WireMethod, type WireProgress, type WireRequestOptions } from "./port.ts";
import { takeProgress, withToken } from "./progress.ts";
import type { Stop } from "./stop.ts";

/**
 * Requests of ours in one session, matched to their answers by numbers of ours. The SDKs do the same with more work for
 * each message than a whole call otherwise takes; they keep the handshake and what the server asks.
 */
export interface Requests {
  /** One request. @returns the answer's `result`, unchecked @throws WireError */
  readonly ask: (method: WireMethod, params: Params, options: WireRequestOptions) => Promise<unknown>;
  /** True when the message was for one of these; then it is for nobody else. */
  readonly take: (message: WireMessage) => boolean;
  /** The tags of those that wait, each once. */
  readonly tags: () => readonly (string | undefined)[];
  /** All that wait fail, and all that come. */
  readonly end: (fault: WireFault) => void;
}

export interface RequestsOptions {
  /** The first number; the SDK has used those below it. */
  readonly first: number;
  /** `alone`: nothing else waits. @throws when it cannot be written as a message */
  readonly post: (message: WireMessage, alone: boolean) => void;
  /** Whether a message is a whole answer by the SDK's measure; asked about those that are not of the usual form. */
  readonly isAnswer: (message: WireMessage) => boolean;
  /** Hears of what belongs to no request. */
  readonly fault: (reason: string) => void;
}

type Params = { readonly [key: string]: unknown };

interface Waiting {
  readonly tag: string | undefined;
  readonly onProgress: ((progress: WireProgress) => void) | undefined;
  readonly stop: Stop;
  readonly stopped: () => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: WireError) => void;
}

type Answer = {
  readonly id: number;
  readonly result?: unknown;
  /** An error of the wire stands here where the answer was not read. */
  readonly error?: { readonly code: number; readonly message: string } | WireError;
};

export function createRequests({ first, post, isAnswer, fault }: RequestsOptions): Requests {
  const waiting = new Map<unknown, Waiting>();
  let next = first;
  let ended: WireFault | undefined;

  const ask: Requests["ask"] = (method, params, { stop, tag, onProgress }) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(new WireError(ended));
      if (stop.stopped()) return reject(new WireError({ kind: "aborted" }));
      const id = next++;
      const stopped = () => {
        waiting.delete(id);
        const told = { requestId: id, reason: String(stop.reason()) };
        // Where the channel is gone there is nobody to tell.
        post({ jsonrpc: "2.0", method: "notifications/cancelled", params: told }, false);
        reject(new WireError({ kind: "aborted" }));
      };
      stop.listen(stopped);
      waiting.set(id, { tag, onProgress, stop, stopped, resolve, reject });
      try {
        const sent = onProgress ? withToken(params, id) : params;
        post({ jsonrpc: "2.0", id, method, params: sent }, waiting.size === 1);
      } catch (cause) {
        waiting.delete(id);
        stop.unlisten(stopped);
        const reason = cause instanceof Error ? cause.message : String(cause);
        reject(new WireError({ kind: "malformed", reason }, { cause }));
      }
    });

  return {
    ask,
    take: (message) => {
      if (takeProgress(message, (token) => waiting.get(token)?.onProgress, fault)) return true;
      if ("method" in message) return false;
      const found = waiting.get(message.id);
      if (!found) return false;
      if (!(message.error instanceof WireError || isPlainResult(message) || isAnswer(message))) return false;
      waiting.delete(message.id);
      settle(found, message as unknown as Answer);
      return true;
    },
    tags: () => [...new Set([...waiting.values()].map(({ tag }) => tag))],
    end: (found) => {
      ended = found;
      for (const [id, { stop, stopped, reject }] of [...waiting]) {
        waiting.delete(id);
        stop.unlisten(stopped);
        reject(new WireError(found));
      }
    },
  };
}

function settle({ stop, stopped, resolve, reject }: Waiting, { result, error }: Answer): void {
  stop.unlisten(stopped);
  if (!error) resolve(result);
  else if (error instanceof WireError) reject(new WireError(error.fault));
  else reject(new WireError({ kind: "rejected", rpcCode: error.code, reason: serverText(error) }));
}

/** Three members, the last of them an object that says nothing about itself: most answers. */
export function isPlainResult(message: WireMessage): boolean {
  const { jsonrpc, id, result } = message;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || jsonrpc !== "2.0") return false;
  if (typeof result !== "object" || result === null || Array.isArray(result)) return false;
  return (result as { readonly _meta?: unknown })._meta === undefined && Object.keys(message).length === 3;
}

/** What the server said, without what the SDK puts before it, on the other side. */
function serverText({ message }: { readonly message: string }): string {
  return message.replace(/^(?:MCP error -?\d+: )+/, "");
}
