import type { CallToolCommand } from "../command.ts";
import type { EffectContext } from "../effect/machine.ts";
import { dispatchWindowMs } from "../effect/tries.ts";
import { factsOf } from "./asked.ts";
import { ruledBy } from "./denial.ts";
import { tracks } from "./flows.ts";
import type { Call, Work } from "./state.ts";

/** A try of a call, as it leaves the run: intended, made, or looked up where nobody knows what became of the last one. */

/** A write is on record before anybody makes it. */
export function intendCall(work: Work, call: Call): void {
  const { path, tool, agent } = call;
  call.intended = true;
  if (tool.effect === "write") {
    const { input, inputHash, key } = call;
    work.note("effect.intended", path, {
      effect: path,
      agent,
      tool: tool.name,
      input,
      inputHash,
      key,
      risk: tool.risk,
      decision: call.judged?.decision ?? ruledBy(work, "allowlist"),
      ...(call.approval === undefined ? {} : { approval: call.approval.binding }),
      ...(call.planned === undefined ? {} : { planned: call.planned }),
    });
  }
}

export function makeCall(work: Work, call: Call): void {
  const { path, tool, agent } = call;
  const { attempt, doubt } = call.snapshot.context as EffectContext;
  const id = attempt === 1 ? path : `${path}/try#${attempt}`;
  call.command = id;
  if (!doubt) call.since = work.at;
  const callBefore = callBeforeOf(call, work.at);
  call.calledBy = callBefore ?? work.at;
  if (attempt > 1) work.note("effect.dispatched", path, { effect: path, attempt, via: "call" });
  work.note("tool.called", path, {
    command: id,
    agent,
    tool: tool.name,
    callId: call.callId,
    input: call.input,
    inputHash: call.inputHash,
    effect: tool.effect,
    attempt,
    decision: call.judged?.decision ?? ruledBy(work, "allowlist"),
  });
  const { input, key, grant, tier, approval } = call;
  return work.emit({
    type: "callTool",
    id,
    path,
    agent,
    tool: tool.name,
    ...(call.invocation === "" ? {} : { callId: call.callId }),
    input,
    effect: tool.effect,
    grant,
    key,
    attempt,
    ...(callBefore === undefined ? {} : { callBefore }),
    attributes: work.attributes,
    ...starterOf(work, call),
    tier,
    policyVersion: work.policyVersion,
    ...(approval === undefined ? {} : { approval }),
    facts: call.judged?.facts ?? factsOf(work, [...work.state.labels]),
  });
}

export function lookUpCall(work: Work, call: Call): void {
  const { path, tool, agent } = call;
  const { attempt } = call.snapshot.context as EffectContext;
  const id = `${path}/lookup#${attempt}`;
  call.command = id;
  work.note("effect.dispatched", path, { effect: path, attempt, via: "lookup" });
  return work.emit({
    type: "lookup",
    id,
    path,
    agent,
    tool: tool.name,
    input: call.input,
    key: call.key,
    attempt,
    attributes: work.attributes,
    ...(call.calledBy === undefined ? {} : { since: call.calledBy }),
  });
}

/**
 * Until when a try may be made. A write that its key protects is good as long as the key; another one has a short while
 * to set out, so that a process that stood still does not make it long after somebody else has found that nobody did.
 */
function callBeforeOf({ tool, since }: Call, at: number): number | undefined {
  if (tool.effect === "read") return undefined;
  if (tool.idempotency !== "key") return at + dispatchWindowMs;
  return tool.keyValidForMs === undefined ? undefined : (since ?? at) + tool.keyValidForMs;
}

/** For whom a call is made, and what its agent has read. */
function starterOf(work: Work, call: Call): Pick<CallToolCommand, "principal" | "conversationId" | "labels"> {
  const { starter, invocations } = work.state;
  // What is kept says whose it is, also where nothing foreign is read: others will find it.
  const tells = tracks(work) || call.tool.memory?.access === "write";
  const labels = tells ? invocations.get(call.invocation)?.labels : undefined;
  return { ...starter, ...(labels === undefined ? {} : { labels: [...labels] }) };
}
