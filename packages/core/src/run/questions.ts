import { bindingOf } from "../approval/binding.ts";
import { answerRefusal } from "../approval/decide.ts";
import type { StartTimerCommand } from "../command.ts";
import { dispatchWindowMs } from "../effect/tries.ts";
import { readToolAnswer } from "../elicit/answer.ts";
import { OrchestrationError } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import type { Json } from "../json.ts";
import type { Call, OpenToolQuestion, RunState, Work } from "./state.ts";
import { questionTimer } from "./timers.ts";

/**
 * Questions of tools under way (see `docs/adr/0021`). The call stays dispatched while a person is asked; the question is a
 * matter of its own, and the machine of the call does not know of it.
 *
 * A1 A question waits no longer than the command that asked it: whatever ends that withdraws it.
 * A2 Every `question.asked` that has a place gets exactly one `question.closed`, which is what the tool hears.
 * A3 What a person answered is told again, and nobody asked, when another try of the call asks the same in the same place.
 * A4 A write goes on soon after its answer, or not at all: what is told to it opens a new window for its dispatch (ADR 18).
 */

type Asked = EntryBodies["question.asked"];
type Answered = EntryBodies["question.answered"];

/** A question of a call under way that is not open already. */
export function isAskable({ outstanding, questions }: RunState, { question, command }: Asked): boolean {
  return outstanding.get(command)?.type === "callTool" && !questions.has(question);
}

/** An answer to a question that is open, said for the first time. */
export function isAnswerable({ questions, answered, ending }: RunState, { question, key }: Answered): boolean {
  return questions.has(question) && !ending && !answered.has(answerKey(key));
}

export function openQuestion(work: Work, asked: Asked): void {
  const { state, root } = work;
  const { question, effect, command, asks, hash } = asked;
  const call = state.calls.get(effect);
  if (!call || !mayAsk(state, call))
    return work.note("question.closed", effect, { question, command, outcome: "withdrawn" });
  const given = call.answers.find((one) => one.question === question && one.hash === hash);
  if (given) {
    const { answer, by, authenticated } = given;
    goesOn(work, call);
    call.toldNo ||= answer.action !== "accept";
    return work.note("question.closed", effect, { question, command, outcome: "recalled", answer, by, authenticated });
  }
  const { agent, tool, requesters } = call;
  const open: OpenToolQuestion = {
    question,
    effect,
    command,
    asks,
    hash,
    binding: bindingOf({
      tenant: state.tenant,
      run: state.runId,
      effect: question,
      agent,
      tool: tool.name,
      inputHash: hash,
      definitionHash: root.hash,
      policyVersion: work.policyVersion,
    }),
    roles: root.approvals.get(tool.name)?.roles ?? [],
    requesters,
    expiresAt: work.at + work.limits.answerMs,
  };
  state.questions.set(question, open);
  work.startTimer({ id: questionTimer(question), path: question, dueAt: open.expiresAt, durable: false });
  const { binding, roles, expiresAt } = open;
  work.note("question.opened", effect, {
    question,
    effect,
    agent,
    tool: tool.name,
    binding,
    roles,
    requesters,
    expiresAt,
  });
}

/** A person's word. Asked again here, whatever was asked where it came in; what does not count is on record too. */
export function answerQuestion(work: Work, { question, binding, answer: said, principal, key }: Answered): void {
  const { state } = work;
  state.answered.add(answerKey(key));
  const open = state.questions.get(question);
  const call = open && state.calls.get(open.effect);
  if (!open || !call) return;
  const by = principal.id;
  const refuse = (error: OrchestrationError) =>
    work.note("question.refused", open.effect, { question, by, error: error.toRecord() });
  const refusal = answerRefusal({ ...open, run: state.runId }, { binding, principal }, work.at);
  if (refusal) return refuse(refusal);
  const read = readToolAnswer(open.asks, said);
  if (!read.ok) {
    const issues = read.issues as unknown as Json;
    return refuse(new OrchestrationError("question/answer-invalid", { question, issues }));
  }
  const { authenticated } = principal;
  const given = { question, hash: open.hash, answer: read.value, by, authenticated };
  call.answers = [...call.answers.filter((one) => one.question !== question), given];
  close(work, open, { outcome: "answered", answer: read.value, by, authenticated });
}

/** Nobody answered: the tool is told so, and may ask again. */
export function expireQuestion(work: Work, question: string): void {
  const open = work.state.questions.get(question);
  if (open) close(work, open, { outcome: "expired", answer: { action: "cancel" } });
}

/** Withdraws the questions that nobody waits for any more (A1). */
export function closeStale(work: Work): void {
  const { state } = work;
  for (const open of [...state.questions.values()]) {
    const call = state.calls.get(open.effect);
    if (call && state.outstanding.has(open.command) && mayAsk(state, call)) continue;
    close(work, open, { outcome: "withdrawn" });
  }
}

/** True while all that is under way waits for people's answers. */
export function isResting({ outstanding, questions }: RunState, timers: readonly StartTimerCommand[]): boolean {
  if (questions.size === 0 || timers.some(({ holds }) => holds)) return false;
  const asking = new Set([...questions.values()].map(({ command }) => command));
  return [...outstanding.keys()].every((command) => asking.has(command));
}

/** False once the run, the call or its tool was given up: the call may go on, and nobody is asked for it. */
function mayAsk({ ending, restrictions }: RunState, { cancelled, tool, agent }: Call): boolean {
  return !ending && !cancelled && !restrictions.tools.includes(tool.name) && !restrictions.agents.includes(agent);
}

function close(
  work: Work,
  { question, effect, command }: OpenToolQuestion,
  how: Omit<EntryBodies["question.closed"], "question" | "command">,
): void {
  work.state.questions.delete(question);
  work.stopTimer(questionTimer(question));
  const call = work.state.calls.get(effect);
  if (call && work.state.outstanding.has(command)) goesOn(work, call);
  if (call && how.answer && how.answer.action !== "accept") call.toldNo = true;
  work.note("question.closed", effect, { question, command, ...how });
}

/** What its tool hears may set a write out that had not: whoever looks it up later counts from the end of that window (A4). */
function goesOn({ at }: Work, call: Call): void {
  call.calledBy = Math.max(call.calledBy ?? at, at + dispatchWindowMs);
}

/** Keys of answers to tools, of decisions and of answers to agents are apart: the same text may serve all. */
function answerKey(key: string): string {
  return `question:${key}`;
}
