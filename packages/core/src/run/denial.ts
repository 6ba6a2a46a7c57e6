import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { Decision, ResponsePart } from "../event.ts";
import { giveResult } from "./call-result.ts";
import type { Work } from "./state.ts";

/** A no to a tool call, with its reason and its rule. The agent is told both. */

export type ToolCallPart = Extract<ResponsePart, { type: "toolCall" }>;

export function denyCall(
  work: Work,
  invocation: { readonly path: string; readonly agent: { readonly name: string } },
  path: string,
  part: Pick<ToolCallPart, "tool" | "callId" | "input">,
  error: ErrorRecord,
  decided: Decision,
): void {
  const { tool, callId, input } = part;
  work.note("tool.denied", path, { agent: invocation.agent.name, tool, callId, input, error, decision: decided });
  giveResult(work, path, invocation.path, { callId, tool, status: "denied", error });
}

/** What a rule of the built-in policy has decided. */
export function ruledBy(work: Work, ruleId: string): Decision {
  return { ruleId, policyVersion: work.policyVersion };
}

export function revokedError(work: Work, target: string): OrchestrationError {
  return new OrchestrationError("policy/revoked", { target, tenant: work.state.tenant });
}
