import { requestersOf } from "../approval/decide.ts";
import type { EntryBodies } from "../event.ts";
import { fullGrant, givenAt, narrow } from "../grant.ts";
import type { Json } from "../json.ts";
import { inputSource } from "../label/reading.ts";
import { firstPolicyVersion } from "../policy-version.ts";
import { startActiveTimer } from "./active-time.ts";
import { policyPrincipal } from "./asked.ts";
import { type CoreWork, decideBy, guarded } from "./core-work.ts";
import { keepReading } from "./flows.ts";
import { rootPath } from "./state.ts";
import { beginTeam } from "./team.ts";
import { deadlineTimer, startAtTimer } from "./timers.ts";
import { undoNext } from "./undo.ts";

/** A run has been started, by its first entry. */
export function startRun(work: CoreWork, body: EntryBodies["run.started"]): void {
  const { state } = work;
  const { deadlineMs } = work.limits;
  const startAt = Math.max(work.at, body.startAt ?? 0);
  state.startedAt = work.at;
  state.activeSince = work.at;
  state.labels = [...(body.labels[""] ?? [])].sort();
  state.requesters = requestersOf(body.principal);
  state.starter = {
    principal: body.principal.id,
    ...(body.conversationId === undefined ? {} : { conversationId: body.conversationId }),
  };
  state.principal = policyPrincipal(body.principal);
  state.budget = body.budget;
  if (body.restrictions) state.restrictions = body.restrictions;
  work.attributes = body.attributes ?? {};
  decideBy(work, body.policyVersion ?? firstPolicyVersion);
  if (!body.compensates) keepReading(work, inputSource, "", body.input, body.labels);
  const deadlineAt = Math.min(startAt + deadlineMs, body.delegation?.deadlineAt ?? Number.POSITIVE_INFINITY);
  state.deadlineAt = deadlineAt;
  state.depth = body.delegation?.depth;
  if (body.delegation?.refused) {
    const packet = { error: body.delegation.refused as unknown as Json };
    return work.end({ status: "denied", body: { reason: "delegation_refused", by: "remit", packet } });
  }
  work.startTimer({ id: deadlineTimer, path: "", dueAt: deadlineAt, durable: true });
  const { tenant, run, principal } = body.grants ?? {};
  const grant = givenAt(narrow(narrow(narrow(fullGrant, tenant), run), principal), startAt);
  if (startAt > work.at) {
    state.delayed.set(startAtTimer, { kind: "start", input: body.input, grant });
    return work.startTimer({ id: startAtTimer, path: "", dueAt: startAt, durable: true });
  }
  startActiveTimer(work);
  return guarded(work, () => {
    if (!body.compensates) return beginTeam(work, work.root, rootPath, undefined, body.input, grant);
    const { run: undone, undos } = body.compensates;
    state.undoing = { run: undone, grant, left: [...undos], done: [], failed: [] };
    undoNext(work);
  });
}
