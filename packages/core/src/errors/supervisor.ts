import type { ErrorTable } from "./entry.ts";

/** What goes wrong with a team: its graph, its contracts and guards, and the versions of its definition. */
export const supervisorErrors = {
  "supervisor/name-invalid": {
    retryable: false,
    message: "supervisor name {supervisor} is not a name",
    hint: "Use a letter first, then at most 63 letters, digits, `_` or `-`.",
  },
  "supervisor/approval-loosens": {
    retryable: false,
    message: "the approval rule for {tool} asks for less than its risk {risk} does",
    hint: "A rule may only tighten what the risk of a tool asks for.",
  },
  "supervisor/approval-unknown-tool": {
    retryable: false,
    message: "an approval rule names {tool}, which no agent of {supervisor} has",
    hint: "Drop the rule, or give the tool to an agent.",
  },
  "supervisor/approval-invalid": {
    retryable: false,
    message: "the approval rule for {tool} is none: {reason}",
    hint: "A rule has `tool`, `by` (`compliance` or `human`), `quorum`, `roles` and `expiresMs`; a quorum and an expiry are positive whole numbers, and a tool has one rule.",
  },
  "supervisor/judge-invalid": {
    retryable: false,
    message: "{agent} cannot judge effects: {reason}",
    hint: "A judge takes an effect case, gives a verdict or a packet, may only read, and has a name of its own.",
  },
  "supervisor/agent-unknown": {
    retryable: false,
    message: "{where} names the agent {agent}, which `agents` does not hold",
    hint: "Add the agent to `agents`, or correct the name.",
  },
  "supervisor/agent-mismatch": {
    retryable: false,
    message: "`agents` holds under {key} an agent named {agent}, or another definition of it",
    hint: "Use the agent's own name as the key, and one definition per name.",
  },
  "supervisor/agent-unreachable": {
    retryable: false,
    message: "no path leads from {entry} to the agent {agent}",
    hint: "Add a handoff to it, or drop it from `agents`.",
  },
  "supervisor/exit-unreachable": {
    retryable: false,
    message: "no path leads from {entry} to an end of the run",
    hint: "Make a reachable agent an `exit`, or add an escalation.",
  },
  "supervisor/dead-end": {
    retryable: false,
    message: "the agent {agent} is no exit and has no edge that leaves it",
    hint: "Add a handoff from it, or list it in `exit`.",
  },
  "supervisor/duplicate-edge": {
    retryable: false,
    message: "two edges are named {edge}",
    hint: "Give one of them a `name` of its own.",
  },
  "supervisor/source-not-guaranteed": {
    retryable: false,
    message: "the contract {contract} reads {source}, but a path reaches {from} without it: {path}",
    hint: "Read it with `optional(…)`, or make every path pass through it.",
  },
  "supervisor/duplicate-tool": {
    retryable: false,
    message: "two different tools are named {tool} ({agents})",
    hint: "Rename one of them; a tool name means one thing in a supervisor.",
  },
  "supervisor/threshold-on-branch": {
    retryable: false,
    message: "the agent {agent} has a confidence threshold but runs as a branch of {edge}",
    hint: "Put the threshold on the agent behind the join, or run the agent outside the parallel delegation.",
  },
  "supervisor/threshold-on-team": {
    retryable: false,
    message: "the team {agent} has a threshold with a stronger model, but a team has no model of its own",
    hint: "Leave `stronger` out, or put the threshold on an agent inside the team.",
  },
  "supervisor/threshold-invalid": {
    retryable: false,
    message: "the threshold of {agent} is {value}, not a number from 0 to 1",
    hint: "A confidence and its threshold go from 0 to 1.",
  },
  "supervisor/duplicate-threshold": {
    retryable: false,
    message: "the agent {agent} has two confidence thresholds",
    hint: "Give each agent one threshold.",
  },
  "supervisor/no-branches": {
    retryable: false,
    message: "the parallel delegation {edge} has no branch",
    hint: "Name at least one branch, or use a handoff.",
  },
  "supervisor/no-matching-handoff": {
    retryable: false,
    message: "no edge fits what {agent} returned",
    hint: "Add an edge without `when` as the last one, or make the agent an exit.",
  },
  "supervisor/unsound": {
    retryable: false,
    message: "{supervisor} has {count} errors that show before it starts, the first: {first}",
    hint: '`data.findings` has them all, as `checkSupervisor` and `remit check` tell them. Mend them, or start with `check: "log"`.',
  },
  "supervisor/flows-invalid": {
    retryable: false,
    message: "the flow rules of {supervisor} cannot stand",
    hint: "`data.issues` says where; tools and arguments have to be those of the team.",
  },
  "supervisor/duplicate": {
    retryable: false,
    message: "two supervisors are named {supervisor} with the definition {definition}",
    hint: "Register each supervisor once.",
  },
  "contract/input-invalid": {
    retryable: false,
    message: "what {from} handed to {to} does not fit the contract {contract}",
    hint: "Compare `data.issues` with the receiver's input schema and the handoff's `map`.",
  },
  "contract/map-threw": {
    retryable: false,
    message: "the map of the contract {contract} threw: {reason}",
    hint: "A map is a pure function of the sender's output; handle its optional members.",
  },
  "contract/not-json": {
    retryable: false,
    message: "the payload of {contract} is not JSON at {pointer}: {reason}",
    hint: "Only JSON crosses between agents; turn dates, maps and classes into plain values in `map`.",
  },
  "contract/payload-too-large": {
    retryable: false,
    message: "a payload of {bytes} bytes exceeds the limit of {limit} bytes",
    hint: "Pass a reference instead of the content, or raise `limits.payloadBytes`.",
  },
  "guard/threw": {
    retryable: false,
    message: "the guard of {edge} threw: {reason}",
    hint: "A guard is a pure function of a typed output; handle its optional members.",
  },
  "guard/confidence-invalid": {
    retryable: false,
    message: "the confidence of {agent} is {value}, not a number from 0 to 1",
    hint: "Return a number from 0 to 1 from the threshold's `read`.",
  },
  "definition/version-changed": {
    retryable: false,
    message: "the function of {definition} changed while its version stayed {version}",
    hint: "Raise `version` when a `when`, `map` or `execute` changes its behaviour.",
  },
  "definition/waiting-runs": {
    retryable: false,
    message: "{count} unfinished runs of {supervisor} began with definitions that are not loaded: {runs}",
    hint: "Load the old version beside the new one, or migrate its runs before it is removed.",
  },
  "definition/migration-invalid": {
    retryable: false,
    message: "run {run} cannot go on under the definition {definition}: {reason}",
    hint: "Mend the migration's `map`; nothing was written, and the run is where it was.",
  },
  "definition/unknown": {
    retryable: false,
    message: "run {run} belongs to the definition {definition} of {supervisor}, which is not loaded",
    hint: "Load the version that the run began with beside the new one.",
  },
} as const satisfies ErrorTable<"supervisor" | "contract" | "guard" | "definition">;
