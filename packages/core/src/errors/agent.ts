import type { ErrorTable } from "./entry.ts";

/** What goes wrong with an agent: its definition, its output, its questions. */
export const agentErrors = {
  "agent/name-invalid": {
    retryable: false,
    message: "agent name {agent} is not a name",
    hint: "Use a letter first, then at most 63 letters, digits, `_` or `-`.",
  },
  "agent/duplicate-tool": {
    retryable: false,
    message: "agent {agent} lists the tool {tool} twice",
    hint: "Give each tool of an agent a name of its own.",
  },
  "agent/write-not-allowed": {
    retryable: false,
    message: "agent {agent} may only read, but its tool {tool} writes",
    hint: 'Move the tool to an agent that may write, or drop `effects: "read"` from this one.',
  },
  "agent/extraction-too-wide": {
    retryable: false,
    message: "what the extraction {agent} may say has room for instructions, at {pointer}: {reason}",
    hint: "Let it say numbers, booleans, dates, members of an enum, or texts of a strict form; let it read with tools alone that send nothing out.",
  },
  "agent/tool-search-unknown": {
    retryable: false,
    message: "the tool search of agent {agent} names {tool}, which is not among its tools",
    hint: "Add the tool to the agent's `tools`, or take it out of `toolSearch`.",
  },
  "agent/output-invalid": {
    retryable: false,
    message: "agent {agent} answered outside its output contract, also after {repairs} repair rounds",
    hint: "Compare `data.issues` with the agent's output schema and its instructions.",
  },
  "agent/refused": {
    retryable: false,
    message: "agent {agent} refused: {reason}",
    hint: "A model declined the request; route it to a person or to another model.",
  },
  "agent/ask-not-allowed": {
    retryable: false,
    message: "agent {agent} asked the {audience}, which its definition does not allow",
    hint: "List the audience in the agent's `asks`.",
  },
  "agent/cancelled": {
    retryable: false,
    message: "agent {agent} was cancelled: {reason}",
    hint: "Somebody stopped this part of the run; the supervisor goes on as after any failure of the agent.",
  },
} as const satisfies ErrorTable<"agent">;
