import { isIdle } from "../effect/machine.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import { type Json, plainJson } from "../json.ts";
import { parseWith } from "../schema.ts";
import { giveUp } from "./recall.ts";
import { type Call, type Invocation, type Team, teamAddress, type Work } from "./state.ts";
import { retryTimer } from "./timers.ts";

/** How an instance of an agent goes, with or without a result, and all that works for it with it. */

/** Ends an instance without a result and tells its supervisor. */
export function failInvocation(work: Work, invocation: Invocation, error: ErrorRecord): void {
  const { path, agent, branch } = invocation;
  leave(work, invocation);
  work.note("agent.failed", path, { agent: agent.name, error });
  if (invocation.judges) {
    const { effect, as } = invocation.judges;
    return work.send("effect.judged", path, effect, `${path}:failed`, { judge: as, output: null, error });
  }
  work.send("agent.failed", path, teamAddress(invocation.team), `${path}:failed`, {
    agent: agent.name,
    error,
    ...(branch === undefined ? {} : { branch }),
  });
}

export type TeamEnd =
  | { readonly type: "output"; readonly output: Json; readonly labels: readonly string[] }
  | { readonly type: "failed"; readonly error: ErrorRecord }
  | { readonly type: "ended"; readonly status: "denied" | "escalated"; readonly reason: string; readonly packet: Json };

/** What a team behind an agent's name came to. Its output passes the agent's own contract like any other. */
export function returnFromTeam(work: Work, team: Team, end: TeamEnd): void {
  const invocation = team.parent === undefined ? undefined : work.state.invocations.get(team.parent);
  if (!invocation)
    throw new OrchestrationError("run/internal", { reason: `the team at ${team.path} works for nobody` });
  dissolve(work, team);
  returnFor(work, invocation, end);
}

/** What others have come to in an instance's place. */
export function returnFor(work: Work, invocation: Invocation, end: TeamEnd): void {
  const { agent, path, branch } = invocation;
  if (end.type === "failed") return failInvocation(work, invocation, end.error);
  leave(work, invocation);
  const to = teamAddress(invocation.team);
  const tag = branch === undefined ? {} : { branch };
  if (end.type === "ended") {
    const { status, reason, packet } = end;
    return work.send("agent.ended", path, to, `${path}:ended`, { agent: agent.name, status, reason, packet, ...tag });
  }
  const parsed = parseWith(agent.output, end.output);
  const plain = parsed.ok ? plainJson(parsed.value) : undefined;
  if (!plain?.ok) {
    const issues =
      plain && !plain.ok ? [{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }] : [];
    const data = { agent: agent.name, repairs: 0, issues: parsed.ok ? issues : (parsed.issues as unknown as Json) };
    return failInvocation(work, invocation, new OrchestrationError("agent/output-invalid", data).toRecord());
  }
  const output = plain.value;
  work.note("handoff.returned", path, { message: `${path}:returned`, agent: agent.name, output });
  work.send("handoff.returned", path, to, `${path}:returned`, {
    agent: agent.name,
    output,
    labels: end.labels,
    ...tag,
  });
}

/**
 * Takes a team away with everything that still works for it. Reads and model calls are given up; writes under way are
 * waited for by the run and settled in its journal, though nobody hears of them.
 */
function dissolve(work: Work, team: Team): void {
  dissolveUnder(work, team.path);
}

/** The same for whatever works under a path that ends with a slash: a team, or the judges of an effect. */
export function dissolveUnder(work: Work, prefix: string): void {
  const { state } = work;
  const inside = (path: string) => path.startsWith(prefix);
  for (const call of [...state.calls.values()]) if (inside(call.path)) dropCall(work, call);
  for (const [id, command] of state.outstanding) {
    // What a specialist does is stopped by a word of its own.
    if (!inside(command.path) || command.type === "delegate" || command.type === "recall") continue;
    const call = state.calls.get(command.path);
    if (call?.tool.effect === "write") continue;
    work.abandon(id);
    if (!call) continue;
    state.calls.delete(call.path);
    work.note("effect.settled", call.path, { effect: call.path, outcome: "cancelled" });
  }
  for (const open of state.delegations.values()) if (inside(open.path)) giveUp(work, open, "its team was taken away");
  for (const [ask, { by }] of state.asks) if (inside(by)) state.asks.delete(ask);
  for (const [timer, delayed] of state.delayed) {
    if (delayed.kind !== "handoff" || !inside(delayed.team)) continue;
    state.delayed.delete(timer);
    work.stopTimer(timer);
  }
  for (const path of state.invocations.keys()) {
    if (!inside(path)) continue;
    state.invocations.delete(path);
    work.stopTimer(retryTimer(path));
    work.bus.leave(path);
  }
  for (const path of state.teams.keys()) {
    if (!inside(path)) continue;
    state.teams.delete(path);
    work.bus.leave(teamAddress(path));
  }
}

/**
 * Stops an instance with all that works for it; its supervisor goes on as after any failure. What it has under way is
 * settled, or said to be unknown, and never dispatched again (C3).
 */
export function cancelInvocation(
  work: Work,
  invocation: Invocation,
  reason: string,
  error: OrchestrationError = new OrchestrationError("agent/cancelled", { agent: invocation.agent.name, reason }),
): void {
  const { state } = work;
  const { path } = invocation;
  for (const call of [...state.calls.values()]) {
    if (!call.path.startsWith(`${path}/`)) continue;
    dropCall(work, call);
    if (call.command === undefined || !state.outstanding.has(call.command)) continue;
    call.cancelled = true;
    if (call.tool.effect === "write") work.signal(call.command);
  }
  dissolveUnder(work, `${path}/`);
  for (const [id, command] of state.outstanding) {
    if (command.path === path && command.type === "callModel") work.abandon(id);
  }
  const delegated = state.delegations.get(path);
  if (delegated) giveUp(work, delegated, reason);
  failInvocation(work, invocation, error.toRecord());
}

/** Takes an instance away, with what it still waits for. */
export function leave(work: Work, { path }: Invocation): void {
  work.state.invocations.delete(path);
  work.stopTimer(retryTimer(path));
  work.bus.leave(path);
  dropCallsOf(work, path);
  for (const [ask, { by, edge }] of work.state.asks) if (by === path && edge === undefined) work.state.asks.delete(ask);
}

/** Nobody waits for a call any more that waits itself. What is under way is not touched. */
export function dropCall(work: Work, call: Call): void {
  if (isIdle(call.snapshot.state)) work.tellCall(call, { type: "cancel" });
}

/** Drops the calls of an instance that is gone. */
function dropCallsOf(work: Work, invocation: string): void {
  for (const call of [...work.state.calls.values()]) if (call.invocation === invocation) dropCall(work, call);
}
