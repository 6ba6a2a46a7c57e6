import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  type JSONRPCMessage,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import type { Channel, ChannelEnd, OpenChannel, WireMessage } from "./channel.ts";
import type { ServedResult, ServingOptions, ServingSession, ServingWire } from "./serving.ts";

/** Serving over version 1 of the MCP SDK: its handshake and its matching of requests, and nothing else of it. */
export function servingV1(): ServingWire {
  return { serve };
}

async function serve(open: OpenChannel, options: ServingOptions): Promise<ServingSession> {
  const { name, version, instructions, list, call, fault } = options;
  const ending = Promise.withResolvers<ChannelEnd>();
  const server = new Server(
    { name, version },
    { capabilities: { tools: {} }, ...(instructions === undefined ? {} : { instructions }) },
  );
  server.onerror = (error) => fault(error.message);
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: list().map((tool) => ({ ...tool }) as Tool) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const result = await call({
      tool: params.name,
      input: params.arguments ?? {},
      meta: params._meta ?? {},
      client: server.getClientVersion()?.name ?? "",
      signal,
    });
    if (!result) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name.slice(0, 128)}`);
    return resultOf(result);
  });
  let channel: Channel | undefined;
  const transport: Transport = {
    start: async () => {
      channel = open({
        message: (message) => transport.onmessage?.(message as unknown as JSONRPCMessage),
        noise: () => fault("a line is no message of JSON-RPC"),
        end: (end) => {
          ending.resolve(end);
          transport.onclose?.();
        },
      });
    },
    send: (message) => channel?.send(message as unknown as WireMessage) ?? Promise.resolve(),
    close: () => channel?.close() ?? Promise.resolve(),
  };
  await server.connect(transport);
  return { ended: ending.promise, close: () => transport.close() };
}

function resultOf({ isError, text, structured, meta }: ServedResult): CallToolResult {
  return {
    content: [{ type: "text", text }],
    ...(structured ? { structuredContent: structured } : {}),
    ...(isError ? { isError } : {}),
    ...(meta ? { _meta: meta } : {}),
  };
}
