import type { ErrorTable } from "./entry.ts";

/** What goes wrong with a tool: its definition and its calls. */
export const toolErrors = {
  "tool/name-invalid": {
    retryable: false,
    message: "tool name {tool} is not a name",
    hint: "Use 1 to 64 of A–Z a–z 0–9 _ -; the house form is verb_noun.",
  },
  "tool/incomplete": {
    retryable: false,
    message: "tool {tool} says {value} where `{member}` has to be one of {wants}",
    hint: "Say what the tool does to the outside, and of a write how risky it is and how a lost answer is settled: nothing stands for what is left out.",
  },
  "tool/schema-not-representable": {
    retryable: false,
    message: "the {side} schema of {tool} has no JSON Schema form: {reason}",
    hint: "Use types that JSON has: a date is `z.iso.datetime()`, a large whole number a text. Convert in `execute`, or in the code around the team.",
  },
  "tool/schema-asynchronous": {
    retryable: false,
    message: "the {side} schema of {tool} waits for something: there is an async function at {at}",
    hint: "Let refinements and transforms be synchronous: nothing in a run may wait. Look things up in `execute`, and refuse there.",
  },
  "tool/protect-invalid": {
    retryable: false,
    message: "{tool} cannot protect its argument {argument}: {reason}",
    hint: "Let the input be an object and nothing else; put conversions into `execute`.",
  },
  "tool/lookup-missing": {
    retryable: false,
    message: 'tool {tool} says idempotency "lookup" but has no `lookup`',
    hint: 'Add `lookup`, or say idempotency "key" or "none".',
  },
  "tool/undo-not-a-write": {
    retryable: false,
    message: "tool {tool} names {undo} as its undo, which does not write",
    hint: "What undoes a write is a write itself.",
  },
  "tool/unreachable": {
    retryable: true,
    message: "{tool} cannot be reached: {reason}",
    hint: "Nothing was changed; the call is tried again after a while.",
  },
  "tool/input-invalid": {
    retryable: false,
    message: "the arguments of {tool} do not fit its input schema",
    hint: "Compare `data.issues` with the tool's input schema.",
  },
  "tool/output-invalid": {
    retryable: false,
    message: "{tool} answered outside its output schema",
    hint: "Compare `data.issues` with the tool's output schema; a write has happened all the same.",
  },
  "tool/failed": {
    retryable: true,
    message: "{tool} failed: {reason}",
    hint: "See `cause`; the agent was told and may try another way.",
  },
  "tool/refused": {
    retryable: false,
    message: "{tool} refused: {reason}",
    hint: "The tool said no and changed nothing; the agent was told.",
  },
  "tool/timeout": {
    retryable: true,
    message: "{tool} gave no answer within {timeoutMs} ms",
    hint: "Raise the tool's `timeoutMs`; a write may have happened all the same.",
  },
  "tool/cancelled": {
    retryable: false,
    message: "{tool} was stopped by a cancel",
    hint: "A write may have happened all the same; the journal says whether its outcome is known.",
  },
  "tool/dispatch-late": {
    retryable: true,
    message: "{tool} was not called: its dispatch was {lateMs} ms too old",
    hint: "Nothing happened. A write without a key is called within 10 s of its dispatch, one with a key while the key is good; a slow queue or a process that stood still lets that pass.",
  },
  "tool/question-invalid": {
    retryable: false,
    message: "{tool} asked what nobody can be asked",
    hint: "`data.issues` says where. A form has flat primitive fields; a page has an http or https address.",
  },
  "tool/question-withdrawn": {
    retryable: false,
    message: "nobody is asked {question} of {tool} any more",
    hint: "The run was cancelled, the tool was taken away, or the process went away that made the call.",
  },
  "tool/questions-exceeded": {
    retryable: false,
    message: "{tool} asked more than {bound} questions in one call",
    hint: "Look at what it asks; raise `limits.questions` where that is in order.",
  },
  "tool/outcome-unknown": {
    retryable: false,
    message: "nobody knows whether {tool} happened",
    hint: "Look at the outside system and settle the effect by hand.",
  },
} as const satisfies ErrorTable<"tool">;
