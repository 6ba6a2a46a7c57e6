import {
  Client,
  type McpSubscription,
  type PriorDiscovery,
  ProtocolError,
  type Result,
} from "@modelcontextprotocol/client";
import type { Clock } from "@remit/core";
import { z } from "zod";
import { unlessAborted } from "../deadline.ts";
import { AskRefused, answerAsk, capabilitiesFor, capabilitiesOf, noticeOf } from "./asks.ts";
import { type HeaderDeclaration, paramHeaders, scanHeaders } from "./param-headers.ts";
import {
  WireError,
  type WireFault,
  type WireMethod,
  type WireOptions,
  type WireRequestOptions,
  type WireSession,
} from "./port.ts";
import { progressBoard } from "./progress.ts";
import { faultOfThrown, modernVersion } from "./v2-faults.ts";
import type { Line } from "./v2-line.ts";
import { tapOf } from "./v2-tap.ts";

/**
 * Sessions over version 2 of the MCP SDK: both eras. Of the SDK the handshake, the transports of HTTP and, in
 * 2026-07-28, the numbers of requests and cancelling are used; its lists, its cache, its checking of results and its rounds of questions
 * are not.
 *
 * What differs between the eras ends here: in 2026-07-28 what a server wants to know comes as an answer
 * (`input_required`) and the request is made again with ours, what it says unasked comes over one subscription, and the
 * level of its log goes with every request.
 */
export interface V2Options {
  readonly client: { readonly name: string; readonly version: string };
  readonly clock: Clock;
  /** How often a server may ask for more before it answers one request. */
  readonly inputRounds: number;
}

/** How the era is found. `prior`: it is known. */
export type V2Era = "legacy" | "auto" | "2026-07-28" | PriorDiscovery;

/** The SDK sets a timer for every request; ours come as signals. */
const noTimeout = 2 ** 31 - 1;
const anything = z.unknown();
/** Before a server that asks for nothing but time is asked again. */
const pacingMs = 100;
const listenAgainMs = 1_000;
const listenTries = 5;
const logLevelMeta = "io.modelcontextprotocol/logLevel";
const capabilitiesMeta = "io.modelcontextprotocol/clientCapabilities";

type Params = { readonly [key: string]: unknown };

/** A validator that never finds anything: results are judged elsewhere. */
const noValidator = { getValidator: () => (input: unknown) => ({ valid: true, data: input, errorMessage: undefined }) };

/** Agrees on a version over a line. @throws WireError; the line is closed then */
export async function connectV2(
  line: Line,
  era: V2Era,
  { client: clientInfo, clock, inputRounds }: V2Options,
  { signal, fault, notice, asks }: WireOptions,
): Promise<WireSession> {
  const board = progressBoard(fault);
  const tap = tapOf(line.transport, { store: line.store, take: board.take, direct: line.direct, fault });
  const client = new Client(clientInfo, {
    capabilities: capabilitiesOf(asks),
    jsonSchemaValidator: noValidator as never,
    ...(era === "auto" ? { versionNegotiation: { mode: "auto", probe: { timeoutMs: noTimeout } } } : {}),
    ...(era === modernVersion
      ? { versionNegotiation: { mode: { pin: modernVersion }, probe: { timeoutMs: noTimeout } } }
      : {}),
  });
  client.onerror = (error) => fault(error.message);
  client.fallbackNotificationHandler = async ({ method, params }) => {
    const found = noticeOf(method, params);
    if (found) notice?.(found);
    else fault(`the notification ${method} is not known`);
  };
  client.fallbackRequestHandler = async (request, context) => {
    fault(`it asks for ${request.method}`); // Who listens to faults counts them.
    const waiting = tap.waiting();
    const tag = (tap.current() ?? (waiting.length === 1 ? waiting[0] : undefined))?.tag;
    try {
      return (await answerAsk(asks, request, { signal: context.mcpReq.signal, tag })) as Result;
    } catch (thrown) {
      if (!(thrown instanceof AskRefused)) throw thrown;
      throw new ProtocolError(thrown.rpcCode, thrown.message);
    }
  };

  let ready = false;
  const faultOf = (thrown: unknown): WireFault => {
    const end = line.end();
    if (end && (ready || end.cause !== "closed")) return { kind: "ended", end };
    const found = faultOfThrown(thrown, line.sessionId());
    return found.kind === "malformed" && signal.aborted && !ready ? { kind: "aborted" } : found;
  };

  const abort = () => void line.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const prior = typeof era === "object" ? { prior: era } : {};
    await client.connect(tap.transport, { signal, timeout: noTimeout, ...prior });
    signal.throwIfAborted();
  } catch (cause) {
    const found: WireFault = signal.aborted ? { kind: "aborted" } : faultOf(cause);
    await line.close();
    const end = line.end();
    throw new WireError(found.kind === "aborted" && end ? { ...found, end } : found, { cause });
  } finally {
    signal.removeEventListener("abort", abort);
  }
  ready = true;
  void line.ended.then((end) => {
    for (const scope of tap.waiting()) scope.fail({ kind: "ended", end });
  });

  const modern = client.getProtocolEra() === "modern";
  const mirrored = new Map<string, readonly HeaderDeclaration[]>();
  let logLevel: string | undefined;

  const requestFaultOf = (thrown: unknown): WireFault => {
    const found = faultOf(thrown);
    // What is known no more is over for everybody.
    if (found.kind === "session-lost") void line.close(found.end);
    return found;
  };

  const once = (method: string, params: Params, options: WireRequestOptions) => {
    const { tag, onProgress, can } = options;
    const declarations = mirrored.size > 0 && method === "tools/call" ? mirrored.get(String(params.name)) : undefined;
    const about = {
      ...(modern && logLevel !== undefined ? { [logLevelMeta]: logLevel } : {}),
      ...(modern && can ? { [capabilitiesMeta]: capabilitiesFor(can) } : {}),
    };
    const meta = Object.keys(about).length > 0 ? { _meta: { ...about, ...(params._meta ?? {}) } } : {};
    const { params: sent, done } = board.begin(modern ? { ...params, ...meta } : params, onProgress);
    const exchange = { once: method === "tools/call", tag, signal: options.stop.signal(), faultOf: requestFaultOf };
    if (!modern) return tap.askDirectly({ ...exchange, method, params: sent }).finally(done);
    const answer = tap.ask({
      ...exchange,
      send: (stop) =>
        client.request({ method, params: sent }, anything, {
          signal: stop,
          timeout: noTimeout,
          allowInputRequired: true,
          ...(declarations ? { headers: paramHeaders(declarations, params.arguments) } : {}),
        }),
    });
    return answer.finally(done);
  };

  const rounds = async (method: string, params: Params, options: WireRequestOptions): Promise<unknown> => {
    let next = params;
    for (let round = 0; ; round++) {
      const result = await once(method, next, options);
      const wanted = wantedBy(result);
      if (!wanted) return complete(result);
      if (round === inputRounds) throw new WireError({ kind: "rounds", rounds: round });
      const inputResponses = await answers(wanted.inputRequests, options);
      next = {
        ...params,
        ...(inputResponses ? { inputResponses } : {}),
        ...(wanted.requestState === undefined ? {} : { requestState: wanted.requestState }),
      };
    }
  };

  const answers = async (requests: Params, { stop, tag }: WireRequestOptions) => {
    const asked = stop.signal();
    const wanted = Object.entries(requests);
    if (wanted.length === 0) {
      await pause(clock, pacingMs, asked);
      return undefined;
    }
    const round = new AbortController();
    const abort = () => round.abort(asked.reason);
    if (asked.aborted) abort();
    asked.addEventListener("abort", abort, { once: true });
    const context = { signal: round.signal, tag };
    try {
      const given = wanted.map(
        async ([key, request]) => [key, await answerAsk(asks, embedded(request), { ...context, key })] as const,
      );
      return Object.fromEntries(await unlessAborted(Promise.all(given), asked));
    } catch (cause) {
      if (asked.aborted) throw new WireError({ kind: "aborted" }, { cause });
      const reason = cause instanceof AskRefused ? cause.message : String(cause);
      throw new WireError({ kind: "asked", reason }, { cause });
    } finally {
      asked.removeEventListener("abort", abort);
      round.abort();
    }
  };

  const listening = modern ? createListening(client, clock, fault) : undefined;
  const capabilities = client.getServerCapabilities() ?? {};
  if (notice) listening?.changes(capabilities);

  const request = async (method: WireMethod, params: Params, options: WireRequestOptions): Promise<unknown> => {
    const end = line.end();
    if (end) throw new WireError({ kind: "ended", end });
    if (!modern) return once(method, params, options);
    switch (method) {
      case "ping":
        await rounds("server/discover", {}, options);
        return {};
      case "logging/setLevel":
        logLevel = String(params.level);
        return {};
      case "resources/subscribe":
      case "resources/unsubscribe":
        await listening?.resource(String(params.uri), method === "resources/subscribe", options.stop.signal());
        return {};
      default: {
        const result = await rounds(method, params, options);
        if (line.http && method === "tools/list") remember(result);
        return result;
      }
    }
  };

  /** What of each tool goes into headers. A list that begins anew replaces what was known of its tools. */
  const remember = (result: unknown) => {
    const tools = (result as { tools?: unknown } | null)?.tools;
    if (!Array.isArray(tools)) return;
    for (const tool of tools as readonly ({ name?: unknown; inputSchema?: unknown } | null)[]) {
      if (typeof tool?.name !== "string") continue;
      const scan = scanHeaders(tool.inputSchema);
      if (scan.ok && scan.declarations.length > 0) mirrored.set(tool.name, scan.declarations);
      else mirrored.delete(tool.name);
    }
  };

  const server = client.getServerVersion();
  return {
    peer: {
      name: server?.name ?? "",
      version: server?.version ?? "",
      protocolVersion: client.getNegotiatedProtocolVersion() ?? "",
      capabilities,
      instructions: client.getInstructions(),
    },
    processId: line.processId(),
    request,
    objectionTo: (listed) => {
      if (!modern || !line.http) return undefined;
      const scan = scanHeaders((listed as { inputSchema?: unknown } | null)?.inputSchema);
      return scan.ok ? undefined : scan.reason;
    },
    ended: line.ended,
    close: async () => {
      listening?.close();
      await line.close();
    },
  };
}

/** What a server wants to know before it answers, or nothing. */
function wantedBy(result: unknown): { readonly inputRequests: Params; readonly requestState?: string } | undefined {
  if (!isRecord(result) || result.resultType !== "input_required") return undefined;
  const { inputRequests, requestState } = result;
  const requests = isRecord(inputRequests) ? inputRequests : {};
  if (typeof requestState === "string") return { inputRequests: requests, requestState };
  if (Object.keys(requests).length > 0) return { inputRequests: requests };
  throw new WireError({ kind: "malformed", reason: "it asks for input and does not say for what" });
}

/** The result without what says that it is one; one that does not say is taken for one. */
function complete(result: unknown): unknown {
  if (!isRecord(result)) throw new WireError({ kind: "malformed", reason: "the result is not an object" });
  const { resultType = "complete", ...rest } = result;
  if (resultType === "complete") return rest;
  const shown = JSON.stringify(resultType).slice(0, 50);
  throw new WireError({ kind: "malformed", reason: `the result has the type ${shown}` });
}

function embedded(request: unknown): { readonly method: string; readonly params?: unknown } {
  if (!isRecord(request)) return { method: "" };
  return { method: String(request.method), params: request.params };
}

function isRecord(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.at(clock.now() + ms, over.resolve);
  try {
    await unlessAborted(over.promise, signal);
  } catch (cause) {
    throw new WireError({ kind: "aborted" }, { cause });
  } finally {
    timer.cancel();
  }
}

interface Listening {
  readonly changes: (capabilities: { readonly [name: string]: unknown }) => void;
  readonly resource: (uri: string, wanted: boolean, signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

/** The one subscription of a session. A server that ends it is asked again, a few times; nothing else depends on it. */
function createListening(client: Client, clock: Clock, fault: (reason: string) => void): Listening {
  const uris = new Set<string>();
  let filter: { [name: string]: true } = {};
  let current: McpSubscription | undefined;
  let closed = false;
  let tries = 0;
  const open = async () => {
    const before = current;
    current = undefined;
    const wanted = { ...filter, ...(uris.size > 0 ? { resourceSubscriptions: [...uris] } : {}) };
    if (closed || Object.keys(wanted).length === 0) {
      await before?.close();
      return;
    }
    const opened = await client.listen(wanted, { timeout: noTimeout });
    current = opened;
    tries = 0;
    await before?.close();
    void opened.closed.then((how) => {
      if (current !== opened || closed || how === "local") return;
      current = undefined;
      again(new Error(`the server ended it (${how})`));
    });
  };
  const again = (cause: unknown) => {
    if (closed) return;
    fault(`changes are not told: ${cause instanceof Error ? cause.message : String(cause)}`);
    if (++tries > listenTries) return;
    clock.at(clock.now() + listenAgainMs * 2 ** (tries - 1), () => {
      if (!closed && !current) void open().catch(again);
    });
  };
  return {
    changes: (capabilities) => {
      const told = (name: string) =>
        (capabilities[name] as { listChanged?: unknown } | undefined)?.listChanged === true;
      filter = {
        ...(told("tools") ? { toolsListChanged: true as const } : {}),
        ...(told("resources") ? { resourcesListChanged: true as const } : {}),
        ...(told("prompts") ? { promptsListChanged: true as const } : {}),
      };
      void open().catch(again);
    },
    resource: async (uri, wanted, signal) => {
      if (wanted) uris.add(uri);
      else uris.delete(uri);
      try {
        await unlessAborted(open(), signal);
      } catch (thrown) {
        throw new WireError(signal.aborted ? { kind: "aborted" } : faultOfThrown(thrown), { cause: thrown });
      }
    },
    close: () => {
      closed = true;
      void current?.close().catch((error: unknown) => fault(String(error)));
    },
  };
}
