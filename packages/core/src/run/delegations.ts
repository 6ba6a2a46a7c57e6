import { OrchestrationError } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import { isOver } from "../grant.ts";
import type { Json } from "../json.ts";
import { unionOf } from "../label/union.ts";
import { inertMedia } from "../media.ts";
import type { Principal } from "../principal.ts";
import type { RemoteContract } from "../remote/contract.ts";
import { delegatedRun, recallId } from "../remote/delegation.ts";
import { setAside, settleDelegation } from "./budget.ts";
import { keepReading } from "./flows.ts";
import { failInvocation, returnFor } from "./invocation.ts";
import type { Invocation, OpenDelegation, RunState, Work } from "./state.ts";
import { lookTimer } from "./timers.ts";

/**
 * A run's side of what specialists in other deployments do for it (see `docs/adr/0030`). Nothing of it is kept but who was
 * asked; how it stands, the other run's journal says, and whoever carries out commands reads it there.
 *
 * D1 One delivery is one run elsewhere: its name follows from this run and the path of the instance.
 * D2 What it may spend is set aside before it is begun, and what it has spent is spent here.
 * D3 Every delegation is waited for until it has ended, or told to stop; a run that ends leaves none at work unsaid.
 */

/** Hands a payload on to a specialist. */
export function delegate(work: Work, invocation: Invocation, remote: RemoteContract, payload: Json): void {
  const { state } = work;
  const { path, agent, grant } = invocation;
  if (isOver(grant, work.at)) {
    const data = { agent: agent.name, untilAt: grant.untilAt };
    return failInvocation(work, invocation, new OrchestrationError("policy/grant-expired", data).toRecord());
  }
  const depth = (state.depth ?? 0) + 1;
  if (depth > work.limits.depth) return work.exceed("depth", path);
  const id = `${path}/run#1`;
  const aside = state.budget === undefined ? { left: {} } : setAside(work, { id, path, agent: agent.name });
  if ("error" in aside) {
    return work.overspend({ scope: aside.scope, agent: agent.name, error: aside.error.toRecord() }, path);
  }
  const { specialist, hash: contract } = remote;
  const run = delegatedRun({ tenant: state.tenant, specialist, run: state.runId, path });
  const deadlineAt = state.deadlineAt ?? state.startedAt + work.limits.deadlineMs;
  const budget = Object.keys(aside.left).length === 0 ? {} : { budget: aside.left };
  state.delegations.set(path, {
    path,
    agent: agent.name,
    run,
    specialist,
    contract,
    id,
    attempts: 1,
    waits: [],
    recalled: undefined,
  });
  work.note("delegation.sent", path, {
    command: id,
    agent: agent.name,
    specialist,
    contract,
    run,
    deadlineAt,
    ...budget,
  });
  work.emit({
    type: "delegate",
    id,
    path,
    agent: agent.name,
    run,
    attempt: 1,
    specialist,
    contract,
    start: {
      input: payload,
      labels: invocation.labels,
      grant,
      principal: starterOf(state),
      attributes: work.attributes,
      ...(state.starter.conversationId === undefined ? {} : { conversationId: state.starter.conversationId }),
      ...budget,
      ...(state.budget?.tenant ? { tenantBudget: true } : {}),
      deadlineAt,
      depth,
    },
  });
}

/** Who the run works for, as they were when it was started. */
function starterOf({ principal, requesters }: RunState): Principal {
  const onBehalfOf = requesters.find((one) => one !== principal.id);
  return { ...principal, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) };
}

/** The specialist has it, or still has it. */
export function delegationAccepted(
  work: Work,
  path: string | undefined,
  { lookAfterMs, waits = [] }: EntryBodies["delegation.accepted"],
): void {
  const open = openAt(work, path);
  if (!open || work.state.ending) return;
  open.waits = waits;
  if (open.recalled !== undefined) return recall(work, open, open.recalled);
  work.startTimer({ id: lookTimer(open.path), path: open.path, dueAt: work.at + lookAfterMs, durable: true });
}

/** It is time to see how a delegation stands, or its specialist has said that there is something to see. */
export function lookAt(work: Work, path: string): void {
  const open = openAt(work, path);
  if (!open || open.recalled !== undefined) return;
  open.attempts++;
  const { agent, run, specialist, contract, attempts } = open;
  work.emit({
    type: "delegate",
    id: `${path}/run#${attempts}`,
    path,
    agent,
    run,
    attempt: attempts,
    specialist,
    contract,
  });
}

/** Nobody took it, so nothing was done and nothing is owed. */
export function delegationRefused(
  work: Work,
  path: string | undefined,
  { error }: EntryBodies["delegation.refused"],
): void {
  const open = openAt(work, path);
  if (!open) return;
  work.state.delegations.delete(open.path);
  work.state.purse.reserved.delete(open.id);
  const invocation = waiting(work, open);
  if (invocation) failInvocation(work, invocation, error);
}

export function delegationEnded(
  work: Work,
  path: string | undefined,
  { end, labels, spent, basis, run }: EntryBodies["delegation.ended"],
): void {
  const open = openAt(work, path);
  if (!open) return;
  work.state.delegations.delete(open.path);
  work.stopTimer(lookTimer(open.path));
  settleDelegation(work, open, { spent, basis });
  const invocation = waiting(work, open);
  if (!invocation) return;
  const { agent } = open;
  switch (end.status) {
    case "completed": {
      const output = work.rules.media ? inertMedia(end.output) : end.output;
      invocation.labels = unionOf(invocation.labels, labels);
      work.state.labels = unionOf(work.state.labels, labels);
      keepReading(work, agent, open.path, output, { "": labels });
      return returnFor(work, invocation, { type: "output", output, labels: invocation.labels });
    }
    case "denied":
    case "escalated": {
      const { status, reason, packet } = end;
      return returnFor(work, invocation, { type: "ended", status, reason, packet });
    }
    case "failed": {
      const { code, message: reason } = end.error;
      const error = new OrchestrationError("specialist/failed", { agent, run, code, reason });
      return failInvocation(work, invocation, error.toRecord());
    }
    case "cancelled": {
      const error = new OrchestrationError("agent/cancelled", { agent, reason: end.reason });
      return failInvocation(work, invocation, error.toRecord());
    }
  }
}

/** It was told to stop and has not said what it came to: what was set aside for it counts as spent. */
export function delegationRecalled(work: Work, path: string | undefined): void {
  const open = openAt(work, path);
  if (!open) return;
  work.state.delegations.delete(open.path);
  settleDelegation(work, open);
}

/** Nobody waits for a specialist's run any more: it is told so, once it is known to have begun. */
export function giveUp(work: Work, open: OpenDelegation, reason: string): void {
  if (open.recalled !== undefined && isRecalling(work, open)) return;
  open.recalled ??= reason;
  work.stopTimer(lookTimer(open.path));
  for (const command of work.state.outstanding.values()) {
    // Its answer is waited for: a run that is about to begin cannot be stopped.
    if (command.type === "delegate" && command.path === open.path) return;
  }
  recall(work, open, open.recalled);
}

function recall(work: Work, open: OpenDelegation, reason: string): void {
  if (isRecalling(work, open)) return;
  const { path, agent, run, specialist } = open;
  work.emit({ type: "recall", id: recallId(path), path, agent, run, specialist, reason });
}

function isRecalling({ state }: Work, { path }: OpenDelegation): boolean {
  return state.outstanding.has(recallId(path));
}

function openAt({ state }: Work, path: string | undefined): OpenDelegation | undefined {
  return path === undefined ? undefined : state.delegations.get(path);
}

/** The instance that waits for a delegation, where one still does. */
function waiting({ state }: Work, { path, recalled }: OpenDelegation): Invocation | undefined {
  return state.ending || recalled !== undefined ? undefined : state.invocations.get(path);
}
