import type { ErrorTable } from "./entry.ts";

/** What goes wrong between a supervisor and a specialist that works in a deployment of its own. */
export const specialistErrors = {
  "specialist/contract-invalid": {
    retryable: false,
    message: "the contract of the specialist {specialist} is none: {reason}",
    hint: "A name is a letter and at most 63 letters, digits, `_` or `-`; a version up to 32 letters, digits, `.` or `-`.",
  },
  "specialist/contract-broken": {
    retryable: false,
    message: "the agent {agent} does not keep the contract of the specialist {specialist}: {reason}",
    hint: "Take input and output from the contract, and name there every tool that writes, with its effect.",
  },
  "specialist/not-served": {
    retryable: false,
    message: "nobody serves the specialist {specialist}",
    hint: "Its owner has to deploy it under this version of its contract, at this engine; nothing was done.",
  },
  "specialist/contract-mismatch": {
    retryable: false,
    message: "the specialist {specialist} is served under another contract: {served} instead of {expected}",
    hint: "Take the same version of the contract's package on both sides. Nothing was done.",
  },
  "specialist/not-delegated": {
    retryable: false,
    message: "the run {run} of the specialist {specialist} was not delegated by anybody",
    hint: "A specialist works for supervisors alone: give them `remoteAgent` of its contract.",
  },
  "specialist/delegation-invalid": {
    retryable: false,
    message: "what was delegated to the specialist {specialist} is no delegation: {reason}",
    hint: "Look for who sends it: no version of the library makes it so.",
  },
  "specialist/misdirected": {
    retryable: false,
    message: "the run {run} is not the one that the delegation to {specialist} begins",
    hint: "A delegation begins one run, whose name follows from it; somebody has sent it again under another name.",
  },
  "specialist/caller-unknown": {
    retryable: false,
    message: "a delegation to the specialist {specialist} is signed by nobody whom its owner knows",
    hint: "The caller signs (`delegations.signer`), and the owner names the caller's public key (`callers`).",
  },
  "specialist/signature-invalid": {
    retryable: false,
    message: "the signature of a delegation to the specialist {specialist} is not that of {caller}",
    hint: "Somebody has changed what was signed, or signs in the name of another one.",
  },
  "specialist/not-heard": {
    retryable: true,
    message: "nobody who serves {specialist} has taken what was said to its run {run}",
    hint: "It is left there and counts when they do; say it again with the same key to hear what came of it.",
  },
  "specialist/values-sealed": {
    retryable: false,
    message:
      "what goes to the specialist {specialist} holds sealed values, and its process cannot be reached but by the journal",
    hint: "They would be stored in the clear: serve it in this process, or on an engine of several machines.",
  },
  "specialist/not-signed": {
    retryable: false,
    message: "a delegation to the specialist {specialist} could not be signed: {reason}",
    hint: "Look at the signer; nothing was done.",
  },
  "specialist/budget-missing": {
    retryable: false,
    message: "the tenant {tenant} has a budget where the specialist {specialist} is called, and none where it works",
    hint: "Give the specialist the tenant's budget too (`budgets`): both take from the same one.",
  },
  "specialist/failed": {
    retryable: false,
    message: "the specialist behind {agent} failed in its run {run}: {code}: {reason}",
    hint: "Look at that run: its owner can see it.",
  },
} as const satisfies ErrorTable<"specialist">;
