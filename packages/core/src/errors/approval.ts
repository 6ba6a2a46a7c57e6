import type { ErrorTable } from "./entry.ts";

/** What goes wrong where a person is asked: to approve an effect, or to answer a question of a tool. */
export const approvalErrors = {
  "approval/unknown": {
    retryable: false,
    message: "there is no open approval for {effect} in run {run}: {why}",
    hint: "List the open ones; one that was decided, expired or belonged to a run that ended is gone from the list.",
  },
  "approval/binding-mismatch": {
    retryable: false,
    message: "the decision on {effect} was made for something else than what is asked for now",
    hint: "Look at the approval again: its arguments, definition or policy have changed; then decide on what it is.",
  },
  "approval/self-approval": {
    retryable: false,
    message: "{principal} asked for {effect} and cannot decide on it",
    hint: "Somebody else has to decide: neither who started the run, nor their delegate, nor who edited the arguments.",
  },
  "approval/role-missing": {
    retryable: false,
    message: "{principal} has none of the roles that may approve {effect}: {roles}",
    hint: "Have somebody with one of these roles decide.",
  },
  "approval/already-decided": {
    retryable: false,
    message: "{principal} has already approved {effect}",
    hint: "A quorum is made of different people; the others have to decide.",
  },
  "approval/expired": {
    retryable: false,
    message: "the approval of {effect} expired before enough people had decided",
    hint: "The agent may propose the change again; raise `expiresMs` where people need longer.",
  },
  "approval/rejected": {
    retryable: false,
    message: "{by} rejected {effect}: {reason}",
    hint: "A person said no; the agent was told why.",
  },
  "approval/reveal-not-allowed": {
    retryable: false,
    message: "{principal} holds no role that is cleared for values in {effect}",
    hint: "Have somebody else look, or name one of their roles in `seal.operators`.",
  },
  "approval/signature-invalid": {
    retryable: false,
    message: "the decision of {principal} on {effect} is not signed by a registered key: {reason}",
    hint: "Sign the decision with the private key whose public half is registered for this person.",
  },
  "approval/missing": {
    retryable: false,
    message: "{tool} came to the gate without an approval that is good for it",
    hint: "A write of this risk is dispatched only with an approval bound to its exact arguments.",
  },
  "question/unknown": {
    retryable: false,
    message: "there is no open question {question} in run {run}",
    hint: "List the open ones; a question is gone when its call has ended, its tool was taken away or nobody answered in time.",
  },
  "question/already-answered": {
    retryable: false,
    message: "the question {question} in run {run} was answered by {by}",
    hint: "The first answer counts; the tool has been told.",
  },
  "question/expired": {
    retryable: false,
    message: "nobody answered the question {question} in time",
    hint: "The tool was told that it was cancelled. Raise `limits.answerMs` where people need longer.",
  },
  "question/answer-invalid": {
    retryable: false,
    message: "the answer does not fit the question {question}",
    hint: "`data.issues` names the fields; look at the question's schema.",
  },
} as const satisfies ErrorTable<"approval" | "question">;
