import { OrchestrationError } from "../errors.ts";
import type { PolicyAnswer } from "./answer.ts";
import { type Policy, versionOf } from "./policy.ts";
import { type PolicyRequest, targetOf } from "./request.ts";

/** The error of a denial: it names the policy, the rule and what was asked for. */
export function denialOf(policy: Policy, answer: PolicyAnswer, request: PolicyRequest): OrchestrationError {
  return new OrchestrationError(answer.code ?? "policy/denied", {
    policy: versionOf(policy),
    rule: answer.ruleId,
    edge: request.edge,
    agent: request.agent,
    target: targetOf(request),
    because: answer.because,
  });
}
