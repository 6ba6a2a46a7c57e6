import { bindingOf } from "../approval/binding.ts";
import { effectVerdict } from "../approval/case.ts";
import { refusalOf, requestersOf, voterOf } from "../approval/decide.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import { fullGrant, narrow } from "../grant.ts";
import { sha256 } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { unionOf } from "../label/union.ts";
import type { Envelope, MessageType } from "../message.ts";
import { parseWith } from "../schema.ts";
import { askPolicy } from "./asked.ts";
import { beginInvocation } from "./delivery.ts";
import { dissolveUnder } from "./leaving.ts";
import type { Call, Edit, Judge, OpenApproval, Team, Work } from "./state.ts";
import { approvalTimer } from "./timers.ts";

const dayMs = 24 * 3_600_000;

/**
 * A write that waits for others: for a verdict by rule, for a reviewer's packet, for people (R8). Agents never hold an
 * approval: it is addressed by effect, wherever in the tree of teams that is, and used up where it is granted.
 */

const accepts: ReadonlySet<MessageType> = new Set<MessageType>(["effect.judged"]);

/** Gives an effect an address, for what its judges say. */
export function joinCall(work: Work, call: Call): void {
  work.bus.join(call.path, { accepts, receive: (envelope) => receive(work, call, envelope) });
}

/** Nobody needs to say anything about it any more; judges at work on it are stopped. */
export function leaveCall(work: Work, call: Call): void {
  if (call.tier === "none") return;
  work.bus.leave(call.path);
  dissolveUnder(work, `${call.path}/`);
}

/** Puts an effect before a judge, as a contract's payload like any other. Who cannot be asked has not judged. */
export function askJudge(work: Work, call: Call, as: Judge): void {
  const team = teamWithJudge(work, call.invocation, as);
  const agent = team?.definition.judges[as];
  if (!agent || !team) return unjudged(work, call, as);
  const { verdict } = call;
  const payload = {
    effect: call.path,
    agent: call.agent,
    tool: call.tool.name,
    description: call.tool.description,
    input: call.input,
    risk: call.tool.risk,
    reversible: call.tool.reversible || call.tool.undo !== undefined,
    tier: call.tier,
    labels: [...work.state.labels],
    requestedBy: call.requesters[0] ?? "",
    // A verdict that was not given is none to show.
    ...(as === "reviewer" && verdict !== undefined && verdict.verdict !== "none"
      ? {
          verdict: {
            verdict: verdict.verdict,
            ruleIds: verdict.ruleIds,
            reasons: verdict.reasons,
            conditions: verdict.conditions,
          },
        }
      : {}),
  } as unknown as Json;
  const path = `${call.path}/${as}#1`;
  const edge = `effect:${as}`;
  const reject = (error: ErrorRecord) => {
    work.note("handoff.rejected", call.path, { edge, from: call.agent, to: agent.name, side: "sender", error });
    unjudged(work, call, as);
  };
  const parsed = parseWith(agent.input, payload);
  if (!parsed.ok) {
    const data = { contract: edge, from: call.agent, to: agent.name, issues: parsed.issues as unknown as Json };
    return reject(new OrchestrationError("contract/input-invalid", data).toRecord());
  }
  if (work.state.handoffs >= work.limits.handoffs) return work.exceed("handoffs", call.path);
  const asking = { agent: call.agent, path: call.path, labels: [...work.state.labels] };
  const judged = askPolicy(work, asking, { edge: "handoff", handoff: edge, to: agent.name, payload });
  if (judged?.effect === "deny") return reject(judged.error);
  work.state.handoffs++;
  beginInvocation(work, team, path, {
    ...(judged === undefined ? {} : { decision: judged.decision }),
    edge,
    agent: agent.name,
    payload,
    payloadHash: sha256(canonicalJson(payload)),
    labels: { "": [...readBefore(work, call, as)] },
    grant: narrow(work.rules.judges ? team.grant : fullGrant, { effects: "read" }),
    judges: { effect: call.path, as },
  });
}

/**
 * What a case carries: compliance reads the agent's own wish, and tells it what to revise; a reviewer reads a verdict too, and
 * tells people.
 */
function readBefore({ state, rules }: Work, call: Call, as: Judge): readonly string[] {
  const wisher = rules.labels && as === "compliance" ? state.invocations.get(call.invocation) : undefined;
  return wisher?.labels ?? state.labels;
}

/** The nearest team around an instance that has such a judge; nothing: nobody judges its effects. */
export function teamWithJudge({ state }: Work, invocation: string, as: Judge): Team | undefined {
  let at = state.invocations.get(invocation);
  while (at) {
    const team = state.teams.get(at.team);
    if (!team || team.definition.judges[as]) return team;
    at = team.parent === undefined ? undefined : state.invocations.get(team.parent);
  }
  return undefined;
}

function receive(work: Work, call: Call, envelope: Envelope): void {
  if (work.state.ending || envelope.type !== "effect.judged") return;
  const { judge, output, labels, error } = envelope.payload;
  const expected =
    call.snapshot.state === "judging" ? "compliance" : call.snapshot.state === "preparing" ? "reviewer" : "";
  if (judge !== expected) return;
  if (error) return unjudged(work, call, judge, error);
  if (judge === "reviewer") {
    call.packet = output;
    return work.tellCall(call, { type: "prepared" });
  }
  const parsed = parseWith(effectVerdict, output);
  const plain = parsed.ok ? plainJson(parsed.value) : undefined;
  if (!parsed.ok || !plain?.ok) return unjudged(work, call, judge);
  const { verdict, ruleIds, reasons, conditions } = parsed.value;
  call.verdict = { effect: call.path, verdict, ruleIds, reasons, conditions };
  work.note("effect.judged", call.path, call.verdict);
  if (verdict !== "revise") return work.tellCall(call, { type: verdict });
  // The agent reads the judge's words, and with them what they were made of (R9).
  const wisher = labels && work.state.invocations.get(call.invocation);
  if (wisher) wisher.labels = unionOf(wisher.labels, labels);
  const said = [...reasons, ...conditions].join("; ") || ruleIds.join(", ");
  const data = { tool: call.tool.name, reasons: said, ruleIds: [...ruleIds], conditions: [...conditions] };
  work.tellCall(
    call,
    { type: "revise" },
    { error: new OrchestrationError("policy/revise", data).toRecord(), ruleId: "compliance" },
  );
}

/** A judge that says nothing has not said yes: a person decides (E6). */
function unjudged(work: Work, call: Call, as: Judge, error?: ErrorRecord): void {
  if (as === "reviewer") return work.tellCall(call, { type: "prepared" });
  const reasons = [error === undefined ? "no verdict" : `no verdict: ${error.code}`];
  call.verdict = { effect: call.path, verdict: "none", ruleIds: [], reasons, conditions: [] };
  work.note("effect.judged", call.path, call.verdict);
  work.tellCall(call, { type: "escalate" });
}

export function requestApproval(work: Work, call: Call): void {
  const { path: effect, tool } = call;
  const rule = work.root.approvals.get(tool.name);
  const expiresAt = work.at + (rule?.expiresMs ?? dayMs);
  const open: OpenApproval = {
    effect,
    binding: bindingOf({
      tenant: work.state.tenant,
      run: work.state.runId,
      effect,
      agent: call.agent,
      tool: tool.name,
      inputHash: call.inputHash,
      definitionHash: work.root.hash,
      policyVersion: work.policyVersion,
    }),
    quorum: rule?.quorum ?? 1,
    roles: rule?.roles ?? [],
    requesters: call.requesters,
    expiresAt,
    approvals: [],
    ...(work.rules.voices ? { voices: [] } : {}),
    authenticated: true,
  };
  work.state.approvals.set(effect, open);
  work.startTimer({ id: approvalTimer(effect), path: effect, dueAt: expiresAt, durable: true });
  const { binding, quorum, roles, requesters } = open;
  work.note("approval.requested", effect, {
    effect,
    agent: call.agent,
    tool: tool.name,
    input: call.input,
    inputHash: call.inputHash,
    binding,
    risk: tool.risk,
    reversible: tool.reversible || tool.undo !== undefined,
    quorum,
    roles,
    requesters,
    expiresAt,
    labels: [...work.state.labels],
    ...(call.because.length === 0 ? {} : { because: call.because }),
    ...(call.verdict === undefined ? {} : { verdict: call.verdict }),
    ...(call.packet === undefined ? {} : { packet: call.packet }),
    ...(call.judged?.effect === "approve" ? { policy: { ...call.judged.decision, because: call.judged.because } } : {}),
  });
}

/** The same once more, with nobody's approval yet: the definition that it is bound to is another one. */
export function requestAgain(work: Work, call: Call): void {
  closeApproval(work, call);
  const rule = work.root.approvals.get(call.tool.name);
  // As many people as this definition asks for; the machine counts to what it was told.
  const context = { ...call.snapshot.context, approvals: 0, quorum: rule?.quorum ?? 1 };
  call.snapshot = { ...call.snapshot, context };
  if (rule?.tier === "person") call.tier = rule.tier;
  requestApproval(work, call);
}

/** A person's word. Asked again here, whatever was asked where it came in; what does not count is on record too. */
export function decideApproval(
  work: Work,
  call: Call,
  open: OpenApproval,
  body: EntryBodies["approval.decided"],
): void {
  const { effect, decision, principal, reason } = body;
  const by = principal.id;
  const refuse = (error: OrchestrationError) =>
    work.note("approval.refused", effect, { effect, by, error: error.toRecord() });
  const refusal = refusalOf({ ...open, run: work.state.runId }, body, work.at);
  if (refusal) return refuse(refusal);
  switch (decision) {
    case "approve":
      open.approvals.push(voterOf(principal));
      open.voices?.push(by);
      open.authenticated &&= principal.authenticated;
      return work.tellCall(call, { type: "approve" });
    case "reject": {
      work.note("approval.rejected", effect, { effect, by, reason });
      const error = new OrchestrationError("approval/rejected", { effect, by, reason });
      return work.tellCall(call, { type: "reject" }, { error: error.toRecord() });
    }
    case "edit": {
      const input = body.input ?? null;
      const parsed = parseWith(call.tool.input, input);
      if (!parsed.ok) {
        const data = { tool: call.tool.name, issues: parsed.issues as unknown as Json };
        return refuse(new OrchestrationError("tool/input-invalid", data));
      }
      const bytes = Buffer.byteLength(JSON.stringify(input));
      const limit = work.limits.payloadBytes;
      if (bytes > limit) return refuse(new OrchestrationError("contract/payload-too-large", { bytes, limit }));
      // Who edits has asked for it, and so cannot approve it; nor can those who asked before.
      const edit: Edit = { effect, by, requesters: [...new Set([...call.requesters, ...requestersOf(principal)])] };
      return work.tellCall(call, { type: "edit" }, { next: { path: `${effect}/edit#1`, input, edit } });
    }
  }
}

export function recordApproval(work: Work, { path: effect }: Call): void {
  const open = work.state.approvals.get(effect);
  if (!open) return;
  const by = open.approvals.at(-1) ?? "";
  work.note("approval.recorded", effect, { effect, by, approvals: open.approvals.length, quorum: open.quorum });
}

/** Uses the approval up: it leaves with the call, bound to its exact arguments, and is gone here. */
export function grantApproval(work: Work, call: Call): void {
  const { path: effect } = call;
  const open = work.state.approvals.get(effect);
  if (!open) throw new OrchestrationError("run/internal", { reason: `${effect} was approved and nobody was asked` });
  call.approval = {
    binding: open.binding,
    by: open.approvals,
    definitionHash: work.root.hash,
    policyVersion: work.policyVersion,
  };
  closeApproval(work, call);
  work.note("approval.granted", effect, {
    effect,
    binding: open.binding,
    by: open.approvals,
    authenticated: open.authenticated,
  });
}

/** Nobody is asked any more. */
export function closeApproval(work: Work, { path }: Call): void {
  if (work.state.approvals.delete(path)) work.stopTimer(approvalTimer(path));
}
