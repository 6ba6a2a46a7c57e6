import type { PolicyEffect } from "../policy/answer.ts";
import { answerOf, type Policy } from "../policy/policy.ts";
import { type PolicyEdge, type PolicyRequest, policyEdges, type RequestOn } from "../policy/request.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { Check } from "./check.ts";

/** One question to a policy, and the answer that is expected. What a request leaves out has the defaults of {@link policyRequest}. */
export interface PolicyCase {
  readonly name: string;
  readonly request: {
    readonly [Edge in PolicyEdge]: { readonly edge: Edge } & Partial<Omit<RequestOn<Edge>, "edge">>;
  }[PolicyEdge];
  readonly expect: PolicyEffect;
  /** The rule that has to decide; any when absent. */
  readonly rule?: string;
}

const facts = {
  tenant: "test",
  run: "run_test",
  supervisor: "supervisor",
  principal: { id: "u_test", kind: "user", roles: [], authenticated: true },
  agent: "agent",
  path: "agent#1",
  labels: [],
  attributes: {},
} as const;

const own = {
  tool: { tool: "tool", effect: "read", risk: "low", reversible: false, arguments: {} },
  handoff: { handoff: "agent->other", to: "other", payload: {} },
  message: { to: "customer", text: "" },
  "memory.read": { scope: "notes", key: "key" },
  "memory.write": { scope: "notes", key: "key" },
  source: { source: "source", query: "" },
  model: { model: "fast", purpose: "turn", tools: [] },
  egress: { output: null },
} as const satisfies Record<PolicyEdge, object>;

/** A whole request, of the members that matter to a test. */
export function policyRequest(request: PolicyCase["request"]): PolicyRequest {
  return { ...facts, ...own[request.edge], ...request } as PolicyRequest;
}

/**
 * Asks a policy a table of questions, without a model and without a run.
 * @param options.supervisor what it is bound to before: the names and schemas that a policy in Cedar needs
 * @throws OrchestrationError what binding throws
 */
export function testPolicy(
  policy: Policy,
  cases: readonly PolicyCase[],
  options: { readonly supervisor?: SupervisorDefinition | { readonly definition: SupervisorDefinition } } = {},
): readonly Check[] {
  const { supervisor } = options;
  const definition = supervisor && ("definition" in supervisor ? supervisor.definition : supervisor);
  const bound = definition ? policy.bind(definition) : policy;
  return cases.map(({ name, request, expect, rule }) => {
    if (!policyEdges.includes(request.edge))
      return { name, ok: false, detail: `there is no edge ${String(request.edge)}` };
    const { effect, ruleId, because } = answerOf(bound, policyRequest(request));
    const ok = effect === expect && (rule === undefined || rule === ruleId);
    const wanted = rule === undefined ? expect : `${expect} by ${rule}`;
    return { name, ok, detail: ok ? "" : `expected ${wanted}, it was ${effect} by ${ruleId}: ${because}` };
  });
}
