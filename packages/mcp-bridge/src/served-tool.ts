import type { AnyTool, Issue, Json, JsonSchema } from "@remit/core";
import type { Invocation } from "@remit/tools";
import { McpError } from "./errors.ts";
import { keyMeta, outcomeMeta, unknownOutcome } from "./meta.ts";
import type { ServedDefinition, ServedResult } from "./wire/serving.ts";

/**
 * A tool of ours as MCP shows it. The hints follow from what the tool says of itself.
 * @throws McpError `mcp/tool-not-servable` when its input is not an object
 */
export function servedDefinition(tool: AnyTool): ServedDefinition {
  const outputIsObject = (tool.outputSchema as JsonSchema).type === "object";
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: objectInput(tool),
    // The protocol knows only objects here; other outputs travel under `result` and without a schema.
    ...(outputIsObject ? { outputSchema: tool.outputSchema } : {}),
    annotations: {
      readOnlyHint: tool.effect === "read",
      destructiveHint: tool.effect === "write" && !tool.reversible,
      idempotentHint: tool.effect === "read" || tool.idempotency === "key",
    },
  };
}

function objectInput(tool: AnyTool): JsonSchema {
  const { inputSchema } = tool;
  if (inputSchema.type === "object") return inputSchema;
  const choice = ["$ref", "allOf", "anyOf", "oneOf"].some((keyword) => keyword in inputSchema);
  if (inputSchema.type === undefined && choice) return { type: "object", ...inputSchema };
  const reason = `its input is ${JSON.stringify(inputSchema.type ?? "anything")}, not an object`;
  throw new McpError("mcp/tool-not-servable", { tool: tool.name, reason });
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
      return { isError: false, text: JSON.stringify(invocation.output), structured: structuredOf(invocation.output) };
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
  return { isError: true, text };
}

/** After these a write may have happened, and the client is told so in a way that a program can read. */
function doubt(tool: AnyTool, text: string): ServedResult {
  if (tool.effect === "read") return refusal(text);
  return { isError: true, text: `${text} It may have happened all the same.`, meta: { [outcomeMeta]: unknownOutcome } };
}

function structuredOf(output: Json): { readonly [key: string]: Json } {
  const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
  return isObject ? (output as { readonly [key: string]: Json }) : { result: output };
}

function sentenceOf(issues: readonly Issue[]): string {
  return issues.map(({ pointer, message }) => `${pointer || "/"}: ${message}`).join("; ");
}
