import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  McpError,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { AskRefused, answerAsk, capabilitiesOf, noticeOf } from "./asks.ts";
import type { Channel, ChannelEnd, OpenChannel, WireMessage } from "./channel.ts";
import { type Wire, WireError, type WireFault, type WireOptions, type WireSession } from "./port.ts";
import { createRequests } from "./requests.ts";

/**
 * The wire over version 1 of the MCP SDK: sessions, protocol versions up to 2025-11-25. Of the SDK only the handshake
 * and its hearing of what the server asks and tells are used; its transport, its requests and its lists are not.
 */
export function wireV1(client: { readonly name: string; readonly version: string }, open: OpenChannel): Wire {
  return { connect: (options) => connect(open, options, client) };
}

/** The SDK sets a timer for every request; ours come as signals. */
const noTimeout = 2 ** 31 - 1;
/** The SDK counts from 0, and asks for nothing but the handshake. */
const firstId = 1;

async function connect(
  open: OpenChannel,
  { signal, noise, fault, notice, asks }: WireOptions,
  clientInfo: { readonly name: string; readonly version: string },
): Promise<WireSession> {
  const ending = Promise.withResolvers<ChannelEnd>();
  let end: ChannelEnd | undefined;
  let channel: Channel | undefined;
  let protocolVersion = "";
  let ready = false;
  const requests = createRequests({
    first: firstId,
    post: (message, alone) => channel?.post(message, alone),
    isAnswer: (message) => isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message),
    fault,
  });
  const transport: Transport = {
    start: async () => {
      channel = open({
        message: (message) => {
          if (requests.take(message)) return;
          // The SDK takes "7" and [7] for 7.
          if (!("method" in message) && typeof message.id !== "number")
            fault("an answer with an id that is none of ours");
          else transport.onmessage?.(message as unknown as JSONRPCMessage);
        },
        noise,
        end: (found) => {
          end = found;
          ending.resolve(found);
          requests.end({ kind: "ended", end: found });
          transport.onclose?.();
        },
      });
    },
    send: (message) => channel?.send(message as unknown as WireMessage) ?? Promise.resolve(),
    close: () => channel?.close() ?? Promise.resolve(),
    setProtocolVersion: (version) => {
      protocolVersion = version;
    },
  };
  const client = new Client(clientInfo, { capabilities: capabilitiesOf(asks) });
  client.onerror = (error) => fault(error.message);
  client.fallbackNotificationHandler = async ({ method, params }) => {
    const found = noticeOf(method, params);
    if (found) notice?.(found);
    else fault(`the notification ${method} is not known`);
  };
  client.fallbackRequestHandler = async (request, { signal: taken }) => {
    // One pipe carries everything: only where nothing else waits it is known what a question belongs to.
    const [tag, ...others] = requests.tags();
    fault(`it asks for ${request.method}`); // Who listens to faults counts them.
    try {
      return await answerAsk(asks, request, { signal: taken, tag: others.length === 0 ? tag : undefined });
    } catch (thrown) {
      if (!(thrown instanceof AskRefused)) throw thrown;
      // The SDK sends `code` and `message` as they stand here.
      throw Object.assign(new Error(thrown.message), { code: thrown.rpcCode });
    }
  };

  const faultOf = (thrown: unknown, asked: AbortSignal): WireFault => {
    // When the handshake fails the SDK closes what it was given; that is no reason of its own.
    if (end && (ready || end.cause !== "closed")) return { kind: "ended", end };
    if (asked.aborted) return { kind: "aborted" };
    // Codes do not tell the SDK's own errors from the server's, but with the two cases above its own are ruled out.
    if (thrown instanceof McpError) return { kind: "rejected", rpcCode: thrown.code, reason: serverText(thrown) };
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const offered = /^Server's protocol version is not supported: (.*)$/s.exec(reason)?.[1];
    if (offered !== undefined) return { kind: "version", offered, supported: SUPPORTED_PROTOCOL_VERSIONS };
    return { kind: "malformed", reason };
  };

  try {
    await client.connect(transport, { signal, timeout: noTimeout });
  } catch (cause) {
    const found = faultOf(cause, signal);
    await transport.close();
    throw new WireError(found.kind === "aborted" && end ? { ...found, end } : found, { cause });
  }
  ready = true;
  return {
    peer: {
      name: client.getServerVersion()?.name ?? "",
      version: client.getServerVersion()?.version ?? "",
      protocolVersion,
      capabilities: client.getServerCapabilities() ?? {},
      instructions: client.getInstructions(),
    },
    processId: channel?.processId,
    request: requests.ask,
    objectionTo: () => undefined,
    ended: ending.promise,
    close: () => transport.close(),
  };
}

/** What the server said, without what the SDK puts before it, on either side. */
function serverText(error: McpError): string {
  return error.message.replace(/^(?:MCP error -?\d+: )+/, "");
}
