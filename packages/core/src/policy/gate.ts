import type { CallModelCommand, CallToolCommand } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Json } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import { nobody } from "../run/empty.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { policiesFor } from "../supervisor/policies.ts";
import type { AnyTool } from "../tool.ts";
import { failedRule, type PolicyEffect } from "./answer.ts";
import { edgesBeside } from "./beside.ts";
import { denialOf } from "./error.ts";
import { allowedByName, assertAskable, type Policy, strictestAnswer } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";

/**
 * The gates' side of a policy: asked again, by other code, where the call is made. What a run is pinned to and what is in
 * force now hold together (D4): a policy that was tightened since takes away at once, one that was loosened adds nothing.
 */

/** A policy that is in force now, or what says which one is; asked before each call, so the answer should be at hand. */
export type LivePolicy = Policy | (() => Policy | undefined);

export interface PolicyGate {
  /** @throws OrchestrationError `policy/denied`, `policy/no-rule`, `policy/not-yet`, `policy/evaluation-failed` */
  readonly tool: (key: RunKey, command: CallToolCommand, tool: AnyTool, args: Json) => Exclude<PolicyEffect, "deny">;
  /** @throws OrchestrationError as `tool` */
  readonly model: (key: RunKey, command: CallModelCommand) => void;
  /** False where no policy is in force at all. */
  readonly asks: () => boolean;
}

export function policyGate(definition: SupervisorDefinition, live?: LivePolicy): PolicyGate {
  const bound = new WeakMap<Policy, Policy>();
  /** A policy that does not fit this definition cannot say anything about it, so it denies. */
  const bind = (policy: Policy): Policy => {
    const known = bound.get(policy);
    if (known) return known;
    let made: Policy;
    try {
      made = policy.bind(definition);
    } catch (thrown) {
      made = { ...policy, evaluate: () => failedRule("bind", reasonOf(thrown)) };
    }
    bound.set(policy, made);
    return made;
  };
  const current = (): Policy | undefined => {
    const policy = typeof live === "function" ? live() : live;
    return policy && bind(policy);
  };
  const policiesOf = (agent: string, tool?: string): readonly Policy[] => {
    const pinned = policiesFor(definition, agent, tool);
    let now: Policy | undefined;
    try {
      now = current();
    } catch (thrown) {
      throw new OrchestrationError("policy/evaluation-failed", {
        policy: "live",
        rule: "live",
        because: reasonOf(thrown),
      });
    }
    return now === undefined ? pinned : [...pinned, now];
  };
  const ask = (policies: readonly Policy[], request: PolicyRequest): Exclude<PolicyEffect, "deny"> => {
    const strictest = strictestAnswer(policies, request);
    if (!strictest) return "allow";
    const answer = assertAskable(request, strictest.answer);
    if (answer.effect === "deny") throw denialOf(strictest.policy, answer, request);
    return answer.effect;
  };
  const factsOf = (
    { tenant, runId }: RunKey,
    { agent, path, attributes, facts }: CallToolCommand | CallModelCommand,
  ) => ({
    tenant,
    run: runId,
    supervisor: facts?.supervisor ?? definition.name,
    principal: facts?.principal ?? nobody,
    agent,
    path,
    labels: facts?.labels ?? [],
    attributes,
  });
  return {
    tool: (key, command, tool, args) => {
      const { name, effect, risk, reversible, undo } = tool;
      const policies = policiesOf(command.agent, name);
      if (policies.length === 0) return "allow";
      for (const edge of edgesBeside(tool, args)) {
        if (allowedByName(policies, edge.edge, command.agent) !== undefined) continue;
        ask(policies, { ...edge, ...factsOf(key, command) } as PolicyRequest);
      }
      return ask(policies, {
        edge: "tool",
        tool: name,
        effect,
        risk,
        reversible: reversible || undo !== undefined,
        arguments: args,
        ...(command.facts?.flow === undefined ? {} : { flow: command.facts.flow }),
        ...(command.facts?.earlier === undefined ? {} : { earlier: command.facts.earlier }),
        ...factsOf(key, command),
      });
    },
    model: (key, command) => {
      const policies = policiesOf(command.agent);
      if (policies.length === 0) return;
      const purpose = command.summarises ? "summary" : "turn";
      if (allowedByName(policies, "model", command.agent) !== undefined) return;
      ask(policies, { edge: "model", model: command.alias, purpose, tools: command.tools, ...factsOf(key, command) });
    },
    asks: () => live !== undefined || definition.ownPolicies.length > 0 || definition.policies.size > 0,
  };
}
