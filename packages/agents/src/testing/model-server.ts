import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Json, JsonSchema, Media, ResponsePart, ToolOffer, Usage } from "@remit/core";
import { reasonOf } from "@remit/core";
import { endUnder, type ModelFault, partsUnder, type ServedEnd } from "./model-fault.ts";
import { headersOf, readAll, type Sending, type ServedEvent, sendEvents, sendWhole } from "./model-wire.ts";

/**
 * A provider of models on 127.0.0.1, for tests: a vendor's own protocol over HTTP, as far as its SDK can tell. What is
 * the same for all vendors is here; a vendor adds how a request is read and how an answer is written.
 *
 * P1 A call is known from the moment its request is read, whatever becomes of it, and is billed for what was produced.
 * P2 The server keeps no time of its own but for `drip`; what it answers depends on the calls alone.
 */
export interface ModelServer {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string;
  /** In the order in which they came. */
  readonly calls: () => readonly ServedCall[];
  /** Resolves when no call is under way: each was answered to its end, or its connection is closed. */
  readonly settled: () => Promise<void>;
  /** Closes it, with all connections. */
  readonly close: () => Promise<void>;
}

export interface ServedCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  readonly fault?: ModelFault;
  /** What the vendor bills: also for an answer that nobody heard to its end. Zeros where there was none. */
  readonly billed: Usage;
  /** The client closed the connection before the answer was complete. */
  readonly closedEarly: boolean;
  /** Why `answer` gave nothing, where it threw. */
  readonly threw?: string;
}

/** A request in no vendor's words. */
export interface DecodedCall {
  readonly model: string;
  readonly system: string;
  readonly turns: readonly ServedTurn[];
  readonly tools: readonly ToolOffer[];
  /** The output schema that the vendor was told in a place of its own. */
  readonly schema?: JsonSchema;
  readonly headers: Readonly<Record<string, string>>;
  /** 1 for the first request with this body, counting up. */
  readonly attempt: number;
  readonly stream: boolean;
  readonly maxOutputTokens?: number;
}

export interface ServedTurn {
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  readonly media: readonly Media[];
  /** Calls of an assistant. */
  readonly calls: readonly { readonly callId: string; readonly tool: string; readonly input: Json }[];
  /** The call that a tool's result is for. */
  readonly callId?: string;
  readonly isError?: boolean;
  /** Sealed reasoning that came back. */
  readonly reasoning: readonly Json[];
}

/** An answer in no vendor's words. `ask` and `output` are written as what a model would say. */
export interface ServedAnswer {
  readonly parts: readonly ResponsePart[];
  /** Counted from the characters when absent. */
  readonly usage?: Usage;
}

export interface ModelServerOptions {
  readonly answer: (call: DecodedCall) => ServedAnswer | Promise<ServedAnswer>;
  /** By place of the call, or told for each one; `index` counts from 0. */
  readonly faults?:
    | readonly (ModelFault | undefined)[]
    | ((call: DecodedCall, index: number) => ModelFault | undefined);
  /** Milliseconds between two pieces of a drip; 0 when absent: as soon as the loop comes round. */
  readonly dripMs?: number;
}

/** What a vendor adds. */
export interface ServedVendor {
  /** Reads a request; nothing for a path that the vendor does not have. */
  readonly decode: (path: string, body: Json) => Omit<DecodedCall, "headers" | "attempt"> | undefined;
  /** The answer as one JSON body. */
  readonly whole: (path: string, call: DecodedCall, written: Written) => Json;
  /** The answer as server-sent events; the last ones say that it is complete. */
  readonly events: (path: string, call: DecodedCall, written: Written) => readonly ServedEvent[];
  readonly failure: (status: number, type: string, message: string) => Json;
  readonly overloadedStatus: number;
  /** How an answer that has begun says that it is overloaded. */
  readonly overloaded: (path: string, call: DecodedCall, written: Written) => ServedEvent;
}

export interface Written {
  readonly parts: readonly ResponsePart[];
  /** Absent where the fault keeps it back. */
  readonly usage: Usage | undefined;
  readonly end: ServedEnd;
  /** Counts calls from 0, for ids. */
  readonly index: number;
}

const nothing: Usage = { inputTokens: 0, outputTokens: 0 };

interface Entry {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  fault?: ModelFault;
  billed: Usage;
  closedEarly: boolean;
  threw?: string;
}

/** Opens the server on a free port. */
export async function modelServer(vendor: ServedVendor, options: ModelServerOptions): Promise<ModelServer> {
  const { answer, faults = [], dripMs = 0 } = options;
  const entries: Entry[] = [];
  const seen = new Map<string, number>();
  let open = 0;
  let waiting: (() => void)[] = [];

  const faultOf = (call: DecodedCall, index: number) =>
    typeof faults === "function" ? faults(call, index) : faults[index];

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const text = await readAll(request);
    const body = JSON.parse(text) as Json;
    const headers = headersOf(request);
    const decoded = request.method === "POST" ? vendor.decode(path, body) : undefined;
    const index = entries.length;
    const entry: Entry = { path, headers, body, billed: nothing, closedEarly: false };
    entries.push(entry);
    let isBroken = false;
    response.on("close", () => {
      entry.closedEarly = !response.writableFinished && !isBroken;
    });
    const fail = (status: number, type: string, message: string, more: Record<string, string> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...more });
      response.end(JSON.stringify(vendor.failure(status, type, message)));
    };
    if (!decoded) return fail(404, "invalid_request_error", `Invalid URL (${request.method} ${path})`);
    const attempt = (seen.get(text) ?? 0) + 1;
    seen.set(text, attempt);
    const call: DecodedCall = { ...decoded, headers, attempt };
    const fault = faultOf(call, index);
    if (fault) entry.fault = fault;
    if (fault === "rate-limited") return fail(429, "rate_limit_error", "Too many requests.", { "retry-after": "2" });
    if (fault === "rate-limited-bare") return fail(429, "rate_limit_error", "Too many requests.");
    if (fault === "error") return fail(500, "server_error", "It broke.");
    if (fault === "overloaded" || (fault === "overloaded-late" && !call.stream))
      return fail(vendor.overloadedStatus, "overloaded_error", "Overloaded.");
    const inputTokens = Math.ceil(text.length / 4);
    entry.billed = { inputTokens, outputTokens: 0 };
    if (fault === "hang") return;

    let given: ServedAnswer;
    try {
      given = await answer(call);
    } catch (thrown) {
      entry.threw = reasonOf(thrown);
      return fail(400, "invalid_request_error", `The test has no answer: ${entry.threw}`);
    }
    const parts = partsUnder(fault, given.parts, call.tools);
    const outputTokens = Math.ceil(JSON.stringify(parts).length / 4);
    const usage = given.usage ?? { inputTokens, outputTokens };
    entry.billed = usage;
    const written: Written = { parts, usage: fault === "no-usage" ? undefined : usage, end: endUnder(fault), index };
    const sending: Sending = {
      fault,
      dripMs,
      late: vendor.overloaded(path, call, written),
      breaking: () => {
        isBroken = true;
      },
    };
    if (call.stream) sendEvents(response, vendor.events(path, call, written), sending);
    else sendWhole(response, vendor.whole(path, call, written), sending);
  };

  const server = createServer((request, response) => {
    open++;
    response.on("close", () => {
      open--;
      if (open > 0) return;
      const told = waiting;
      waiting = [];
      for (const tell of told) tell();
    });
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => entries.map((entry) => ({ ...entry })),
    settled: () => (open === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
