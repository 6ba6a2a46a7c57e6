import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import { covers, isOver } from "../grant.ts";
import { askPolicy, factsOf } from "./asked.ts";
import { callOrReserve } from "./budget.ts";
import { labelsOf } from "./flows.ts";
import { offeredTools } from "./offered.ts";
import type { Invocation, Work } from "./state.ts";

/** An agent's call of its model: for a turn of its loop, or once more for the same. */

/** A round that asks more models than this has gone wrong. */
export const candidatesMax = 16;

/** Makes the model call of the present turn, or another try of it. One that waited for a summary is the same step of the run. */
export function askModel(work: Work, invocation: Invocation): void {
  const { path, agent } = invocation;
  if (isOver(invocation.grant, work.at)) {
    const data = { agent: agent.name, untilAt: invocation.grant.untilAt };
    return failThinking(work, invocation, new OrchestrationError("policy/grant-expired", data).toRecord());
  }
  const labels = labelsOf(work, invocation);
  const tools = offeredTools(agent, invocation.messages)
    .filter((tool) => covers(invocation.grant, tool))
    .map(({ name }) => name);
  const edge = { edge: "model", model: invocation.alias, purpose: "turn", tools } as const;
  const judged = askPolicy(work, { agent: agent.name, path, labels }, edge);
  if (judged?.effect === "deny") return failThinking(work, invocation, judged.error);
  // Another try of the same call is no turn of its own: the model is asked the same again.
  const again = invocation.tries > 0;
  const turn = again ? invocation.models : ++invocation.models;
  const called = work.state.agentCalls.get(agent.name) ?? 0;
  const agentCall = again ? called - 1 : called;
  work.state.agentCalls.set(agent.name, agentCall + 1);
  const attempt = invocation.tries + 1;
  const id = again ? `${path}/model#${turn}/try#${attempt}` : `${path}/model#${turn}`;
  work.note("model.called", path, {
    command: id,
    agent: agent.name,
    alias: invocation.alias,
    turn,
    reason: invocation.reason,
    ...(judged === undefined ? {} : { decision: judged.decision }),
  });
  callOrReserve(work, {
    type: "callModel",
    id,
    path,
    agent: agent.name,
    alias: invocation.alias,
    turn,
    attempt,
    agentCall,
    input: invocation.input,
    messages: invocation.messages,
    tools,
    labels,
    tried: invocation.tried,
    ...(invocation.trims ? { trims: true } : {}),
    attributes: work.attributes,
    facts: factsOf(work, labels),
  });
}

/** The present call has failed for good. */
export function failThinking(work: Work, invocation: Invocation, error: ErrorRecord): void {
  work.tellAgent(invocation, { type: "model.failed", retry: false }, { error });
}
