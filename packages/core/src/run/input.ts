import type { Command } from "../command.ts";
import type { EntryBodies, InputEvent, Restrictions } from "../event.ts";
import type { Json } from "../json.ts";
import { answerSource } from "../label/reading.ts";
import { addCost, callReserved, settleCall } from "./budget.ts";
import { callDue, revokeCall, tellCall } from "./call.ts";
import { type CoreWork, guarded } from "./core-work.ts";
import { delegationAccepted, delegationEnded, delegationRecalled, delegationRefused, lookAt } from "./delegations.ts";
import { revokedError } from "./denial.ts";
import { closeCall, endOutcomeOf } from "./ending.ts";
import { keepReading } from "./flows.ts";
import { decideApproval } from "./gated.ts";
import { failResponse, readResponse, retryDue } from "./invocation.ts";
import { cancelInvocation } from "./leaving.ts";
import { callDecided, callFailed, callLookedUp, callReturned, isDoubted } from "./outcome.ts";
import { decisionKey } from "./place.ts";
import { answerQuestion, expireQuestion, openQuestion } from "./questions.ts";
import { resumeRun } from "./resume.ts";
import { startRun } from "./start.ts";
import { type Call, rootPath, teamAddress, type Work } from "./state.ts";
import { beginTeam, deliverDelayed } from "./team.ts";
import { activeTimer, deadlineTimer, lookTimer } from "./timers.ts";

/** What each input does to a run in which it has a place. */

export function takeInput(work: CoreWork, event: InputEvent): void {
  const { state } = work;
  switch (event.type) {
    case "run.started":
      return startRun(work, event.body);
    case "run.resumed":
      return resumeRun(work, event.body.lost);
    case "restrictions.changed":
      return guarded(work, () => restrict(work, event.body.restrictions));
    case "approval.decided": {
      const { effect, key } = event.body;
      state.answered.add(decisionKey(key));
      const open = state.approvals.get(effect);
      const call = state.calls.get(effect);
      if (open && call) guarded(work, () => decideApproval(work, call, open, event.body));
      return;
    }
    case "question.asked":
      return guarded(work, () => openQuestion(work, event.body));
    case "question.answered":
      return guarded(work, () => answerQuestion(work, event.body));
    case "budget.reserved": {
      const sent = settled(work, event.body.command);
      if (sent?.type !== "reserve") return;
      // Whoever it was for may be gone; the slice is the run's all the same.
      if (state.ending || !state.invocations.has(sent.path)) {
        if (event.body.slice) state.purse.slices.push(event.body.slice);
        return;
      }
      return guarded(work, () => callReserved(work, sent, event.body));
    }
    case "budget.refused": {
      const sent = settled(work, event.body.command);
      const { scope, error } = event.body;
      if (sent?.type !== "reserve" || state.ending || !state.invocations.has(sent.path)) return;
      return guarded(work, () => work.overspend({ scope, agent: sent.agent, error }, sent.path));
    }
    case "budget.returned":
      settled(work, event.body.command);
      state.purse.slices = [];
      state.purse.asked = [];
      return;
    case "model.responded": {
      const invocation = settleModel(work, event.body.command, event.body);
      if (event.body.cost) addCost(state, event.body.cost.microUsd);
      if (invocation) guarded(work, () => readResponse(work, invocation, event.body));
      return;
    }
    case "model.failed": {
      const invocation = settleModel(work, event.body.command, event.body);
      if (event.body.cost) addCost(state, event.body.cost.microUsd);
      if (invocation) guarded(work, () => failResponse(work, invocation, event.body));
      return;
    }
    case "tool.returned":
      return withCall(work, event.body.command, (call) => {
        if (state.ending || call.cancelled) return closeCall(work, call, "done");
        callReturned(work, call, event.body);
      });
    case "tool.failed":
      return withCall(work, event.body.command, (call) => {
        const { error, mayHaveExecuted } = event.body;
        if (state.ending || call.cancelled)
          return closeCall(work, call, endOutcomeOf(error.code, mayHaveExecuted || isDoubted(call)));
        callFailed(work, call, event.body);
      });
    case "effect.looked-up":
      return withCall(work, event.body.command, (call) => {
        const { outcome } = event.body;
        if (state.ending || call.cancelled) {
          return closeCall(work, call, outcome === "found" ? "done" : outcome === "never" ? "failed" : "unknown");
        }
        callLookedUp(work, call, event.body);
      });
    case "delegation.accepted": {
      const sent = settled(work, event.body.command);
      return guarded(work, () => delegationAccepted(work, sent?.path, event.body));
    }
    case "delegation.refused": {
      const sent = settled(work, event.body.command);
      return guarded(work, () => delegationRefused(work, sent?.path, event.body));
    }
    case "delegation.ended": {
      const sent = settled(work, event.body.command);
      return guarded(work, () => delegationEnded(work, sent?.path, event.body));
    }
    case "delegation.recalled": {
      const sent = settled(work, event.body.command);
      return guarded(work, () => delegationRecalled(work, sent?.path));
    }
    case "effect.decided": {
      const { effect, outcome } = event.body;
      const call = state.calls.get(effect);
      if (call) return guarded(work, () => callDecided(work, call, event.body));
      // All that it worked for was cancelled; its outcome stands for itself.
      state.uncertain.delete(effect);
      return work.note("effect.settled", effect, { effect, outcome: outcome === "happened" ? "done" : "failed" });
    }
    case "input.received": {
      const { ask, answer, key } = event.body;
      if (key !== undefined) state.answered.add(key);
      const by = state.asks.get(ask);
      if (by) keepReading(work, answerSource, ask, answer, event.body.labels);
      if (by)
        work.send("input.received", "outside", by.edge === undefined ? by.by : teamAddress(by.by), `${ask}:answered`, {
          ask,
          answer,
          labels: event.body.labels[""] ?? [],
        });
      return;
    }
    case "cancel.requested": {
      const { subtree, reason } = event.body;
      const part = subtree === undefined ? undefined : state.invocations.get(subtree);
      if (part) return guarded(work, () => cancelInvocation(work, part, reason));
      guarded(work, () => {
        // A run that has not begun, or only undoes, has no supervisor to hear of it.
        if (state.teams.has(rootPath)) {
          work.send("run.cancel", "outside", teamAddress(rootPath), "cancel", { reason: event.body.reason });
          work.bus.drain();
        }
        work.end({ status: "cancelled", body: { reason: event.body.reason, openEffects: [] } });
      });
      return;
    }
    case "timer.fired": {
      const { timer } = event.body;
      work.timers = work.timers.filter(({ id }) => id !== timer);
      return guarded(work, () => due(work, timer, event.path));
    }
  }
}

/** A timer's time has come. */
function due(work: Work, timer: string, path: string): void {
  const { state } = work;
  if (timer === activeTimer) return work.exceed("activeMs", "");
  if (timer === deadlineTimer) return work.exceed("deadlineMs", "");
  if (state.ending) return;
  const delayed = state.delayed.get(timer);
  if (delayed) {
    state.delayed.delete(timer);
    if (delayed.kind === "handoff") return deliverDelayed(work, delayed);
    return beginTeam(work, work.root, rootPath, undefined, delayed.input, delayed.grant);
  }
  if (timer === lookTimer(path)) return lookAt(work, path);
  if (state.questions.has(path)) return expireQuestion(work, path);
  const call = state.calls.get(path);
  if (call && state.approvals.has(path)) return tellCall(work, call, { type: "expire" });
  if (call) return callDue(work, call);
  const invocation = state.invocations.get(path);
  if (invocation) retryDue(work, invocation);
}

/** What was taken away is gone at once, also for what waits (D4). */
function restrict(work: Work, restrictions: Restrictions): void {
  const { state } = work;
  state.restrictions = restrictions;
  if (restrictions.stopped) {
    const packet = { error: revokedError(work, "everything").toRecord() as unknown as Json };
    return work.end({ status: "denied", body: { reason: "revoked", by: "remit", packet } });
  }
  for (const call of [...state.calls.values()]) {
    if (restrictions.tools.includes(call.tool.name)) revokeCall(work, call);
  }
  for (const invocation of [...state.invocations.values()]) {
    const { name } = invocation.agent;
    if (!restrictions.agents.includes(name) || !state.invocations.has(invocation.path)) continue;
    cancelInvocation(work, invocation, "revoked", revokedError(work, name));
  }
}

/** The command that an outcome belongs to, which is not under way any more. */
function settled(work: Work, command: string): Command | undefined {
  const sent = work.state.outstanding.get(command);
  work.state.outstanding.delete(command);
  return sent;
}

function settleModel(work: Work, command: string, told: EntryBodies["model.responded"] | EntryBodies["model.failed"]) {
  const sent = settled(work, command);
  if (sent) settleCall(work, command, sent.path, told);
  return sent ? work.state.invocations.get(sent.path) : undefined;
}

function withCall(work: Work, command: string, then: (call: Call) => void): void {
  const sent = settled(work, command);
  const call = sent && work.state.calls.get(sent.path);
  if (call) guarded(work, () => then(call));
}
