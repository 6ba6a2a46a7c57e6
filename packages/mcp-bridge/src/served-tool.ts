import {
  type AnyTool,
  type Clock,
  type Issue,
  type Json,
  type JsonSchema,
  type Logger,
  reasonOf,
  type ToolContext,
} from "@remit/core";
import { type Invocation, invokeTool } from "@remit/tools";
import { McpError } from "./errors.ts";
import { clientKey, type McpClient } from "./mcp-client.ts";
import { type CallMeta, keyMeta, outcomeMeta, unknownOutcome } from "./meta.ts";
import type { ServedCallContext, ServedDefinition, ServedResult, ServedTool } from "./served.ts";

/** Who calls, as far as it is known. */
export interface McpCaller {
  readonly tool: string;
  /** What the client calls itself; untrusted. */
  readonly client: string;
  /** Who it is found to be. */
  readonly caller: McpClient;
  readonly meta: CallMeta;
}

/** What a tool is told about a call that comes from outside. */
export type McpCallContext = Partial<Pick<ToolContext, "tenant" | "runId" | "agent" | "path" | "attributes">>;

/**
 * A tool of ours as it is served: parsed by its own schemas, within its deadline.
 * @throws McpError `mcp/tool-not-servable`
 */
export function serveTool(
  tool: AnyTool,
  options: {
    readonly context: ((caller: McpCaller) => McpCallContext) | undefined;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): ServedTool {
  const { clock, logger } = options;
  const call = async (input: unknown, { client, peer, meta, signal }: ServedCallContext): Promise<ServedResult> => {
    if (keyIsMissing(tool, meta.idempotencyKey)) return missingKey(tool);
    const given = options.context?.({ tool: tool.name, client: peer.name, caller: client, meta }) ?? {};
    const runId = given.runId ?? (meta.runId || "mcp");
    const context: ToolContext = {
      signal,
      idempotencyKey: tool.effect === "write" ? meta.idempotencyKey : "",
      tenant: given.tenant ?? client.tenant,
      runId,
      agent: given.agent ?? (meta.agent || peer.name || "mcp"),
      path: given.path ?? (meta.path || "mcp"),
      attempt: 1,
      attributes: given.attributes ?? meta.attributes,
      // Whose it is, nobody says of themselves: a run that a client names is one of its own.
      principal: client.principal.id,
      labels: [client.principal.kind],
      ...(given.runId === undefined ? { conversationId: `${clientKey(client).slice(0, 22)}/${runId}` } : {}),
    };
    const invocation = await invokeTool(tool, input, context, { clock });
    if (invocation.status === "failed") {
      logger.error({ tool: tool.name, reason: reasonOf(invocation.cause) }, "A served tool failed.");
    }
    return { ...servedResult(tool, invocation), outcome: invocation.status };
  };
  return { kind: "served-tool", definition: servedDefinition(tool), call };
}

/**
 * A tool of ours as MCP shows it. The hints follow from what the tool says of itself.
 * @throws McpError `mcp/tool-not-servable` when its input is not an object
 */
export function servedDefinition(tool: AnyTool): ServedDefinition {
  const outputIsObject = (tool.outputSchema as JsonSchema).type === "object";
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: objectSchema(tool.name, tool.inputSchema),
    // The protocol knows only objects here; other outputs travel under `result` and without a schema.
    ...(outputIsObject ? { outputSchema: tool.outputSchema } : {}),
    annotations: {
      readOnlyHint: tool.effect === "read",
      destructiveHint: tool.effect === "write" && !tool.reversible,
      idempotentHint: tool.effect === "read" || tool.idempotency === "key",
    },
  };
}

/** @throws McpError `mcp/tool-not-servable` for a schema that is no object's */
export function objectSchema(tool: string, inputSchema: JsonSchema): JsonSchema {
  if (inputSchema.type === "object") return inputSchema;
  const choice = ["$ref", "allOf", "anyOf", "oneOf"].some((keyword) => keyword in inputSchema);
  if (inputSchema.type === undefined && choice) return { type: "object", ...inputSchema };
  const reason = `its input is ${JSON.stringify(inputSchema.type ?? "anything")}, not an object`;
  throw new McpError("mcp/tool-not-servable", { tool, reason });
}

/** Without a key nobody could tell a repetition from a second wish. */
export function keyIsMissing(tool: AnyTool, idempotencyKey: string): boolean {
  return tool.effect === "write" && tool.idempotency === "key" && idempotencyKey === "";
}

export function missingKey(tool: AnyTool): ServedResult {
  return refusal(`${tool.name} needs an idempotency key in _meta["${keyMeta}"]. Nothing was done.`);
}

/** What came of a call, as a client is told. Reasons of failures stay here: they may hold what is not for a client. */
export function servedResult(tool: AnyTool, invocation: Invocation): ServedResult {
  switch (invocation.status) {
    case "returned":
      return {
        content: [{ type: "text", text: JSON.stringify(invocation.output) }],
        structuredContent: structuredOf(invocation.output),
      };
    case "refused":
      return refusal(invocation.message);
    case "input-invalid":
      return refusal(`The arguments of ${tool.name} do not fit. Nothing was done. ${sentenceOf(invocation.issues)}`);
    case "output-invalid":
      return doubt(tool, `${tool.name} was carried out, but its answer is not what it should be.`);
    case "timeout":
      return doubt(tool, `${tool.name} gave no answer within ${invocation.timeoutMs} ms.`);
    case "cancelled":
      return doubt(tool, `${tool.name} was cancelled.`);
    case "failed":
      return invocation.mayHaveExecuted
        ? doubt(tool, `${tool.name} failed.`)
        : refusal(`${tool.name} failed before it began. Nothing was done.`);
  }
}

function refusal(text: string): ServedResult {
  return { isError: true, content: [{ type: "text", text }] };
}

/** After these a write may have happened, and the client is told so in a way that a program can read. */
function doubt(tool: AnyTool, text: string): ServedResult {
  if (tool.effect === "read") return refusal(text);
  const content = [{ type: "text", text: `${text} It may have happened all the same.` }];
  return { isError: true, content, _meta: { [outcomeMeta]: unknownOutcome } };
}

function structuredOf(output: Json): { readonly [key: string]: Json } {
  const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
  return isObject ? (output as { readonly [key: string]: Json }) : { result: output };
}

function sentenceOf(issues: readonly Issue[]): string {
  return issues.map(({ pointer, message }) => `${pointer || "/"}: ${message}`).join("; ");
}
