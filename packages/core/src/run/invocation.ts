import { type AgentCommand, type AgentEvent, type AgentFailure, agentMachine } from "../agent-loop/machine.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { EntryBodies, ResponsePart } from "../event.ts";
import { type Json, plainJson } from "../json.ts";
import { unionOf } from "../label/union.ts";
import { inertMedia } from "../media.ts";
import type { Envelope } from "../message.ts";
import { once } from "../once.ts";
import { type Issue, parseWith } from "../schema.ts";
import { compileSteps, nextStep } from "../step.ts";
import { unheard } from "../unheard.ts";
import { askPolicy } from "./asked.ts";
import { accepts } from "./delivery.ts";
import { labelsOf, saidLabels } from "./flows.ts";
import { failInvocation, leave } from "./leaving.ts";
import { proposeCall } from "./propose.ts";
import { modelRetryDelayOf } from "./retry.ts";
import { type AgentDetail, type Invocation, teamAddress, type Work } from "./state.ts";
import { beginSummary, failSummary, takeSummary } from "./summary.ts";
import { askModel, candidatesMax } from "./thinking.ts";
import { retryTimer } from "./timers.ts";

/** An agent's loop in a run: it thinks, acts, asks, and returns a typed result. How it comes is in `accept.ts`, how it goes in `leaving.ts`. */

export const loopSteps = once(() => compileSteps(agentMachine()));

/** Gives an instance its address for all that follows its delivery. */
export function joinInvocation(work: Work, invocation: Invocation): void {
  work.bus.join(invocation.path, { accepts, receive: (envelope) => receive(work, invocation, envelope) });
}

function receive(work: Work, invocation: Invocation, envelope: Envelope): void {
  if (work.state.ending) return;
  switch (envelope.type) {
    case "call.settled": {
      const { effect, result } = envelope.payload;
      const slot = invocation.turn.find(({ path }) => path === effect);
      if (!slot || slot.result)
        throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: effect });
      slot.result = result;
      if (invocation.turn.every((one) => one.result)) {
        const results = invocation.turn.flatMap((one) => (one.result ? [one.result] : []));
        invocation.messages.push({ role: "tool", results });
        invocation.turn = [];
      }
      return tell(work, invocation, { type: "call.settled" });
    }
    case "input.received": {
      const ask = work.state.asks.get(envelope.payload.ask);
      invocation.labels = unionOf(invocation.labels, envelope.payload.labels);
      if (!ask) throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: envelope.type });
      work.state.asks.delete(ask.ask);
      invocation.messages.push({ role: "answer", of: ask.of, answer: envelope.payload.answer });
      return tell(work, invocation, { type: "input.received" });
    }
    default:
      throw new OrchestrationError("bus/no-recipient", { address: invocation.path, type: envelope.type });
  }
}

/** A model's answer, read: calls before output, output before text. */
export function readResponse(work: Work, invocation: Invocation, body: EntryBodies["model.responded"]): void {
  if (body.command === invocation.summary?.command) return takeSummary(work, invocation, body);
  const { parts } = body;
  invocation.trims = false;
  invocation.tries = 0;
  invocation.rounds = 0;
  invocation.tried = [];
  invocation.messages.push({ role: "assistant", parts });
  const refusal = parts.find((part) => part.type === "refusal");
  if (refusal) return tell(work, invocation, { type: "model.refused" }, { reason: refusal.reason });
  const calls = parts.filter((part) => part.type === "toolCall");
  const { mailbox } = work.limits;
  if (calls.length > mailbox) {
    // Each call puts its result into the agent's mailbox; what cannot hold them all is no answer.
    const message = `${calls.length} tool calls at once; at most ${mailbox} results fit into the mailbox`;
    return tell(work, invocation, { type: "model.invalid" }, { issues: [{ pointer: "", message }] });
  }
  if (calls.length > 0) return tell(work, invocation, { type: "model.calls", count: calls.length }, { calls });
  const ask = parts.find((part) => part.type === "ask");
  if (ask) {
    const allowed = invocation.agent.asks.includes(ask.of);
    return tell(work, invocation, { type: "model.ask", allowed }, { ask });
  }
  const answer = answerOf(parts, work.rules.media);
  const parsed = answer.ok ? parseWith(invocation.agent.output, answer.value) : answer;
  if (!parsed.ok) return tell(work, invocation, { type: "model.invalid" }, { issues: parsed.issues });
  const plain = plainJson(parsed.value);
  if (!plain.ok) {
    const { pointer, reason } = plain.fault;
    return tell(work, invocation, { type: "model.invalid" }, { issues: [{ pointer, message: `not JSON: ${reason}` }] });
  }
  invocation.output = plain.value;
  tell(work, invocation, { type: "model.output" });
}

/**
 * A model call that brought nothing: another model is asked at once where there is one, else all of them after a while.
 * One that is worth another try is so also where those asked in its place are not.
 */
export function failResponse(work: Work, invocation: Invocation, body: EntryBodies["model.failed"]): void {
  if (body.command === invocation.summary?.command) return failSummary(work, invocation, body);
  const { error, model, next, summarise } = body;
  invocation.tries++;
  if (summarise) return beginSummary(work, invocation, summarise);
  const codes = [...invocation.tried.map(({ code }) => code), error.code];
  const falls = next !== undefined && work.rules.retries && invocation.tried.length < candidatesMax;
  invocation.tried = falls ? [...invocation.tried, { model, code: error.code }] : [];
  if (!falls) invocation.rounds++;
  const delayMs = falls ? 0 : modelRetryDelayOf(work, invocation, error, codes);
  tell(work, invocation, { type: "model.failed", retry: delayMs !== undefined }, { error, delayMs });
}

/** A model call that waited to be tried again has waited. */
export function retryDue(work: Work, invocation: Invocation): void {
  tell(work, invocation, { type: "due" });
}

/** @param inert what a model says brings no medium by its address: who reads it next would have it fetched */
function answerOf(
  parts: readonly ResponsePart[],
  inert: boolean,
): { ok: true; value: unknown } | { ok: false; issues: Issue[] } {
  const said = (value: Json) => ({ ok: true as const, value: inert ? inertMedia(value) : value });
  const output = parts.find((part) => part.type === "output");
  if (output) return said(output.value);
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  try {
    return said(JSON.parse(text) as Json);
  } catch {
    return { ok: false, issues: [{ pointer: "", message: "the answer is neither an output nor a JSON text" }] };
  }
}

/** Tells an instance's loop, and does what it commands. */
export function tell(work: Work, invocation: Invocation, event: AgentEvent, detail: AgentDetail = {}): void {
  if (work.state.ending) return;
  const step = nextStep<AgentCommand>(loopSteps(), invocation.snapshot, event);
  invocation.snapshot = step.snapshot;
  for (const command of step.commands) obey(work, invocation, command, detail);
}

function obey(work: Work, invocation: Invocation, command: AgentCommand, detail: AgentDetail): void {
  if (work.state.ending) return;
  const { path, agent } = invocation;
  switch (command.type) {
    case "callModel": {
      if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
      work.state.steps++;
      return askModel(work, invocation);
    }
    case "wait": {
      const error = detail.error ?? new OrchestrationError("run/internal", { reason: "no failure" }).toRecord();
      const dueAt = work.at + (detail.delayMs ?? 0);
      work.note("step.retried", path, { step: path, kind: "model", attempt: invocation.tries + 1, dueAt, error });
      work.startTimer({ id: retryTimer(path), path, dueAt, durable: false, holds: true });
      return;
    }
    case "repair": {
      const issues = detail.issues ?? [];
      const repair = invocation.messages.filter(({ role }) => role === "repair").length + 1;
      work.note("output.rejected", path, { agent: agent.name, issues, repair });
      invocation.messages.push({ role: "repair", issues });
      return;
    }
    case "proposeCalls": {
      const calls = detail.calls ?? [];
      const paths = calls.map(() => `${path}/tool#${++invocation.calls}`);
      invocation.turn = calls.map(({ callId }, index) => ({ callId, path: paths[index] as string, result: undefined }));
      calls.forEach((call, index) => {
        // One of those before may have been a repetition too many.
        if (work.rules.stops && !work.state.invocations.has(path)) return;
        proposeCall(work, invocation, paths[index] as string, call, index);
      });
      return;
    }
    case "requestInput": {
      const ask = detail.ask;
      if (!ask) return;
      const asking = { agent: agent.name, path, labels: labelsOf(work, invocation) };
      const judged = askPolicy(work, asking, { edge: "message", to: ask.of, text: ask.question });
      if (judged?.effect === "deny") return failInvocation(work, invocation, judged.error);
      const id = `${path}/ask#${++invocation.asks}`;
      work.state.asks.set(id, { ask: id, of: ask.of, by: path, edge: undefined });
      const said = { ask: id, of: ask.of, by: agent.name, question: ask.question };
      work.note("input.requested", path, judged === undefined ? said : { ...said, decision: judged.decision });
      return;
    }
    case "return": {
      const output = invocation.output ?? null;
      leave(work, invocation);
      if (invocation.judges) {
        const { effect, as } = invocation.judges;
        work.note("handoff.returned", path, { message: `${path}:returned`, agent: agent.name, output });
        const carried = work.rules.labels ? { labels: invocation.labels } : {};
        return work.send("effect.judged", path, effect, `${path}:returned`, { judge: as, output, ...carried });
      }
      const threshold = work.state.teams.get(invocation.team)?.definition.thresholds.get(agent.name);
      const confidence: unknown = threshold ? safely(() => threshold.read(output as never)) : undefined;
      if (typeof confidence !== "number") unheard(confidence);
      const message = `${path}:returned`;
      work.note("handoff.returned", path, {
        message,
        agent: agent.name,
        output,
        ...(typeof confidence === "number" && Number.isFinite(confidence) ? { confidence } : {}),
      });
      work.send("handoff.returned", path, teamAddress(invocation.team), message, {
        agent: agent.name,
        output,
        labels: saidLabels(work, invocation, output),
        ...(invocation.branch === undefined ? {} : { branch: invocation.branch }),
      });
      return;
    }
    case "fail":
      return failInvocation(work, invocation, failureOf(work, invocation, command.why, detail));
    case "unexpected":
      return;
  }
}

function failureOf(work: Work, { agent }: Invocation, why: AgentFailure, detail: AgentDetail): ErrorRecord {
  const name = agent.name;
  switch (why) {
    case "turns":
      return new OrchestrationError("limits/exceeded", {
        limit: "turns",
        bound: work.limits.turns,
        agent: name,
      }).toRecord();
    case "invalid":
      return new OrchestrationError("agent/output-invalid", {
        agent: name,
        repairs: work.limits.repairs,
        issues: (detail.issues ?? []) as unknown as Json,
      }).toRecord();
    case "ask-not-allowed":
      return new OrchestrationError("agent/ask-not-allowed", {
        agent: name,
        audience: detail.ask?.of ?? "?",
      }).toRecord();
    case "refused":
      return new OrchestrationError("agent/refused", { agent: name, reason: detail.reason ?? "" }).toRecord();
    case "model":
    case "no-progress":
      return detail.error ?? new OrchestrationError("run/internal", { reason: why }).toRecord();
  }
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // The machine's guard meets the same throw and reports it (S3).
  }
}
