import { type EffectCommand, type EffectContext, type EffectEvent, effectMachine } from "../effect/machine.ts";
import { OrchestrationError } from "../errors.ts";
import type { Decision, EntryBodies, ResponsePart } from "../event.ts";
import { covers, fullGrant } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import type { ToolResultPart } from "../port/model.ts";
import { parseWith } from "../schema.ts";
import { compileSteps, firstStep, nextStep } from "../step.ts";
import { stopInvocation } from "./invocation.ts";
import type { Call, Invocation, Work } from "./state.ts";

/** A call's side of a run: allowed or denied, intended, called, settled (R4, R7). The gate asks again before it calls. */

export const callSteps = compileSteps(effectMachine());

/** How often a write is tried again under its key, or looked up, before a person is asked. */
const attemptsMax = 3;
/** Denied repetitions of one pair after which a loop is stopped. */
const stubbornMax = 2;

/** Takes a model's wish. It ends in a denial with its reason, or in a call. */
export function proposeCall(
  work: Work,
  invocation: Invocation,
  path: string,
  part: Extract<ResponsePart, { type: "toolCall" }>,
  index: number,
): void {
  if (work.state.ending) return;
  const { agent } = invocation;
  const tool = agent.tools.find(({ name }) => name === part.tool);
  const deny = (error: OrchestrationError, ruleId: string) => denyCall(work, invocation, path, part, error, ruleId);
  if (!tool) {
    const root = work.state.teams.get("");
    const code = root?.definition.tools.has(part.tool) ? "policy/tool-not-allowed" : "policy/tool-unknown";
    return deny(new OrchestrationError(code, { agent: agent.name, tool: part.tool }), "allowlist");
  }
  if (index >= work.limits.callsPerTurn) {
    return deny(
      new OrchestrationError("limits/exceeded", { limit: "callsPerTurn", bound: work.limits.callsPerTurn }),
      "limit",
    );
  }
  if (!covers(invocation.grant, tool)) {
    return deny(new OrchestrationError("policy/not-granted", { agent: agent.name, tool: tool.name }), "grant");
  }
  const parsed = parseWith(tool.input, part.input);
  if (!parsed.ok) {
    const data = { tool: tool.name, issues: parsed.issues as unknown as Json };
    return deny(new OrchestrationError("tool/input-invalid", data), "input-schema");
  }
  const exact = canonicalJson(part.input);
  const inputHash = keyedHash(work.tenantKey, exact);
  // What the tool would get is what repeats: a member that its schema drops makes no other call.
  const plain = plainJson(parsed.value);
  const meant = plain.ok ? canonicalJson(plain.value) : exact;
  const pair = `${tool.name} ${meant === exact ? inputHash : keyedHash(work.tenantKey, meant)}`;
  const seen = work.state.repeats.get(pair) ?? { granted: 0, denied: 0 };
  const bound = tool.effect === "write" ? work.limits.writeRepeats : work.limits.repeats;
  if (seen.granted >= bound) {
    work.state.repeats.set(pair, { ...seen, denied: seen.denied + 1 });
    const data = { agent: agent.name, tool: tool.name, bound };
    deny(new OrchestrationError("limits/repeated-call", data), "repeats");
    if (seen.denied + 1 > stubbornMax) {
      stopInvocation(
        work,
        invocation,
        new OrchestrationError("limits/no-progress", { agent: agent.name, tool: tool.name }).toRecord(),
      );
    }
    return;
  }
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
  work.state.steps++;
  work.state.repeats.set(pair, { ...seen, granted: seen.granted + 1 });
  const write = tool.effect === "write";
  const call: Call = {
    path,
    invocation: invocation.path,
    tool,
    callId: part.callId,
    input: part.input,
    inputHash,
    pair,
    key: write ? keyedHash(work.tenantKey, `${work.state.runId}\n${path}\n${inputHash}`) : "",
    snapshot: firstStep(callSteps),
    command: undefined,
  };
  work.state.calls.set(path, call);
  tell(work, call, { type: "grant", effect: tool.effect, idempotency: tool.idempotency, attempts: attemptsMax });
}

function denyCall(
  work: Work,
  invocation: Invocation,
  path: string,
  part: Extract<ResponsePart, { type: "toolCall" }>,
  error: OrchestrationError,
  ruleId: string,
): void {
  const record = error.toRecord();
  work.note("tool.denied", path, {
    agent: invocation.agent.name,
    tool: part.tool,
    callId: part.callId,
    input: part.input,
    error: record,
    decision: decision(work, ruleId),
  });
  settle(work, path, invocation.path, { callId: part.callId, tool: part.tool, status: "denied", error: record });
}

function decision(work: Work, ruleId: string): Decision {
  return { ruleId, policyVersion: work.policyVersion };
}

/** The tool answered. */
export function callReturned(work: Work, call: Call, body: EntryBodies["tool.returned"]): void {
  const labels = body.labels[""] ?? [];
  const invocation = work.state.invocations.get(call.invocation);
  if (invocation) invocation.labels = union(invocation.labels, labels);
  work.state.labels = union(work.state.labels, labels);
  tell(
    work,
    call,
    { type: "returned" },
    { result: { ...tag(call), status: "done", output: body.output }, outcome: "done" },
  );
}

/** The tool refused or failed, or nobody knows. */
export function callFailed(work: Work, call: Call, body: EntryBodies["tool.failed"]): void {
  const result: ToolResultPart = { ...tag(call), status: "failed", error: body.error };
  switch (body.error.code) {
    case "tool/refused":
      forgive(work, call);
      return tell(work, call, { type: "refused" }, { result, outcome: "refused" });
    case "tool/output-invalid":
      // It answered, so it happened; only what it said cannot be read.
      return tell(work, call, { type: "returned" }, { result, outcome: "done" });
    default:
      if (!body.mayHaveExecuted && !doubted(call)) forgive(work, call);
      return tell(work, call, { type: "failed", mayHaveExecuted: body.mayHaveExecuted }, { result, outcome: "failed" });
  }
}

/** True when an earlier try of a call may have taken effect, whatever its last try says (E4). */
function doubted({ snapshot }: Call): boolean {
  return (snapshot.context as EffectContext).doubt;
}

/** A write that certainly did not happen may be asked for again; a read counts on. */
function forgive(work: Work, { pair, tool }: Call): void {
  const seen = work.state.repeats.get(pair);
  if (seen && tool.effect === "write") work.state.repeats.set(pair, { ...seen, granted: seen.granted - 1 });
}

/** The process that held the call is gone. */
export function callLost(work: Work, call: Call): void {
  tell(work, call, { type: "lost" });
}

export function callLookedUp(work: Work, call: Call, body: EntryBodies["effect.looked-up"]): void {
  const result: ToolResultPart = { ...tag(call), status: "done", output: body.output ?? null };
  tell(work, call, { type: body.outcome }, body.outcome === "found" ? { result, outcome: "done" } : {});
}

/** A person has said what became of it. */
export function callDecided(work: Work, call: Call, body: EntryBodies["effect.decided"]): void {
  work.state.uncertain.delete(call.path);
  if (body.outcome === "never") forgive(work, call);
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: body.reason }).toRecord();
  tell(
    work,
    call,
    { type: "decided" },
    body.outcome === "happened"
      ? { result: { ...tag(call), status: "done", output: body.output ?? null }, outcome: "done" }
      : { result: { ...tag(call), status: "failed", error }, outcome: "failed" },
  );
}

interface Detail {
  readonly result?: ToolResultPart;
  readonly outcome?: EntryBodies["effect.settled"]["outcome"];
}

function tell(work: Work, call: Call, event: EffectEvent, detail: Detail = {}): void {
  const step = nextStep<EffectCommand>(callSteps, call.snapshot, event);
  call.snapshot = step.snapshot;
  for (const command of step.commands) obey(work, call, command, detail);
}

function obey(work: Work, call: Call, command: EffectCommand, detail: Detail): void {
  const { path, tool } = call;
  const invocation = work.state.invocations.get(call.invocation);
  const agent = invocation?.agent.name ?? "?";
  const attempt = (call.snapshot.context as { attempt: number }).attempt;
  switch (command.type) {
    case "intend":
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
          decision: decision(work, "allowlist"),
        });
      }
      return;
    case "call": {
      const id = attempt === 1 ? path : `${path}/try#${attempt}`;
      call.command = id;
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
        decision: decision(work, "allowlist"),
      });
      const { input, key } = call;
      work.emit({
        type: "callTool",
        id,
        path,
        agent,
        tool: tool.name,
        input,
        effect: tool.effect,
        grant: invocation?.grant ?? fullGrant,
        key,
        attempt,
        attributes: work.attributes,
        tier: "none",
      });
      return;
    }
    case "lookup": {
      const id = `${path}/lookup#${attempt}`;
      call.command = id;
      work.note("effect.dispatched", path, { effect: path, attempt, via: "lookup" });
      work.emit({
        type: "lookup",
        id,
        path,
        agent,
        tool: tool.name,
        input: call.input,
        key: call.key,
        attempt,
        attributes: work.attributes,
      });
      return;
    }
    case "doubt":
      work.note("effect.uncertain", path, { effect: path, tool: tool.name, next: command.next });
      return;
    case "askPerson":
      call.command = undefined;
      work.state.uncertain.add(path);
      return;
    case "settle": {
      work.state.calls.delete(path);
      if (tool.effect === "write" && detail.outcome) {
        work.note("effect.settled", path, { effect: path, outcome: detail.outcome });
      }
      settle(work, path, call.invocation, detail.result ?? noResult(call));
      return;
    }
    case "unexpected":
      return;
  }
}

/** Gives a call its one result. An instance that is gone needs none: what happened is in the journal. */
function settle(work: Work, path: string, invocation: string, result: ToolResultPart): void {
  if (work.state.ending || !work.state.invocations.has(invocation)) return;
  work.send("call.settled", path, invocation, `${path}:settled`, { effect: path, result });
}

function noResult(call: Call): ToolResultPart {
  const error = new OrchestrationError("tool/failed", { tool: call.tool.name, reason: "no result" }).toRecord();
  return { ...tag(call), status: "failed", error };
}

function tag({ callId, tool }: Call): { callId: string; tool: string } {
  return { callId, tool: tool.name };
}

function union(left: readonly string[], right: readonly string[]): string[] {
  return right.every((label) => left.includes(label)) ? [...left] : [...new Set([...left, ...right])].sort();
}
