import type { ErrorTable } from "./entry.ts";

/** What goes wrong in a run: its messages, its limits, its answer, its replay, and what is left of it when it is given up. */
export const runErrors = {
  "run/unexpected-event": {
    retryable: false,
    message: "{machine} in state {state} has no place for {event}",
    hint: "This is a defect in Remit or in an engine; please report it with the run's journal.",
  },
  "run/unknown": {
    retryable: false,
    message: "there is no run {run} for tenant {tenant}",
    hint: "`list` shows the runs of a tenant.",
  },
  "run/already-ended": {
    retryable: false,
    message: "run {run} has ended as {status}",
    hint: "Start a new run; link it by `conversationId`.",
  },
  "run/not-waiting": {
    retryable: false,
    message: "run {run} waits for no answer",
    hint: "Send only when the run has asked; `run.events()` shows `input.requested`.",
  },
  "run/id-invalid": {
    retryable: false,
    message: "{value} is not a valid {what}",
    hint: "Use 1 to 128 characters of A–Z a–z 0–9 . _ : @ -, starting with a letter or a digit.",
  },
  "run/input-invalid": {
    retryable: false,
    message: "the input of {supervisor} does not fit the input schema of {agent}: {first}",
    hint: "Compare `data.issues` with the entry agent's input schema.",
  },
  "run/answer-invalid": {
    retryable: false,
    message: "the answer to {ask} does not fit",
    hint: "Compare `data.issues` with the question's answer schema.",
  },
  "run/answer-not-allowed": {
    retryable: false,
    message: "{principal} may not answer {ask} of run {run}: it is a question to a {of}",
    hint: "Have an `operator` or a `service` answer what an operator is asked, and a customer only what is asked in their own run.",
  },
  "run/key-invalid": {
    retryable: false,
    message: "{value} is no key: one is text, and not empty",
    hint: "Make the key of what was asked for (an order, a message, a request); leave it out where there is none.",
  },
  "run/key-used": {
    retryable: false,
    message: "the answer to {ask} has the key {key}, under which {answered} was answered",
    hint: "Give every answer a key of its own; the same key sends the same answer once more.",
  },
  "run/key-of-another": {
    retryable: false,
    message: "a run of {supervisor} was started under this key already, with another {what}",
    hint: "A key names one wish of one person: make it of what was asked for and by whom. Nothing was started.",
  },
  "run/not-undoable": {
    retryable: false,
    message: "of run {run} nothing is undone: {reason}",
    hint: "`run.effects()` lists what was done and what its tools say can be undone; a run has to end first.",
  },
  "run/subtree-unknown": {
    retryable: false,
    message: "nothing works at {path} in run {run}",
    hint: "Name the path of an agent that has not returned, as `handoff.delivered` entries show it.",
  },
  "run/internal": {
    retryable: false,
    message: "the run failed inside Remit: {reason}",
    hint: "This is a defect; please report it with the run's journal.",
  },
  "bus/mailbox-full": {
    retryable: true,
    message: "the mailbox of {address} holds {waiting} of {capacity} messages",
    hint: "Wait for the run to catch up and send again with the same key.",
  },
  "bus/message-invalid": {
    retryable: false,
    message: "message {message} to {address} does not fit its schema",
    hint: "Compare `data.issues` with the schema of that message type.",
  },
  "bus/no-recipient": {
    retryable: false,
    message: "nobody at {address} takes messages of type {type}",
    hint: "Check that the run still waits for this message; `show` lists what it waits for.",
  },
  "bus/dead-letter-unknown": {
    retryable: false,
    message: "there is no dead letter {letter}",
    hint: "List the dead letters; one that was redriven is gone from the list.",
  },
  "limits/queue-full": {
    retryable: true,
    message: "{waiting} calls already wait for {target}",
    hint: "Too much is asked of it at once; try later, or raise its limits.",
  },
  "limits/unknown": {
    retryable: false,
    message: "there is no limit named {limit}",
    hint: "See `Limits` for the names.",
  },
  "limits/not-a-bound": {
    retryable: false,
    message: "limit {limit} cannot be {value}",
    hint: "Limits and timeouts are positive whole numbers; `repairs` may be 0.",
  },
  "limits/exceeded": {
    retryable: false,
    message: "the run crossed its limit {limit} of {bound}",
    hint: "Look for a loop in the run's timeline before you raise the limit.",
  },
  "limits/repeated-call": {
    retryable: false,
    message: "agent {agent} asked for {tool} with the same arguments more than {bound} times in this run",
    hint: "The answer will not change; use the earlier result.",
  },
  "limits/no-progress": {
    retryable: false,
    message: "agent {agent} kept repeating {tool} after it was told that it is a repetition",
    hint: "A model is looping; look at its last turns in the timeline.",
  },
  "letter/unknown": {
    retryable: false,
    message: "there is no dead letter of run {run}",
    hint: "List the dead letters; one that was redriven or dismissed is gone from the list.",
  },
  "letter/has-effects": {
    retryable: false,
    message: "run {run} has done or may have done {effects}; a new run would do it again",
    hint: "Compensate the run first, or settle what is uncertain; or dismiss the letter.",
  },
  "answer/detector-invalid": {
    retryable: false,
    message: "the detector {detector} cannot work: {reason}",
    hint: "A detector has a pattern with the flag `g` and a `longest` of at least 1.",
  },
  "replay/diverged": {
    retryable: false,
    message: "entry {seq} of run {run} is {recorded} in the journal, but the definition now decides {decided}",
    hint: "The definition changed since the run; load the version that it began with.",
  },
} as const satisfies ErrorTable<"run" | "bus" | "limits" | "letter" | "answer" | "replay">;
