import type { ErrorTable } from "./entry.ts";

/** What is not allowed, and policies that cannot stand. */
export const policyErrors = {
  "policy/tool-not-allowed": {
    retryable: false,
    message: "agent {agent} may not use the tool {tool}",
    hint: "Add the tool to the agent's `tools`, or drop it from the instructions.",
  },
  "policy/tool-unknown": {
    retryable: false,
    message: "agent {agent} asked for the tool {tool}, which nobody defines",
    hint: "The model invented a name; offer fewer, clearer tools.",
  },
  "policy/not-granted": {
    retryable: false,
    message: "agent {agent} has the tool {tool}, but was not granted it here",
    hint: "A delegation, the run's start or its tenant narrowed what may be used; `data.bound` names an argument or a time. Widen that, or drop the tool from the instructions.",
  },
  "policy/revoked": {
    retryable: false,
    message: "{target} was revoked for tenant {tenant}",
    hint: "Somebody took it away, for running runs too; `restrictions` says who and why.",
  },
  "policy/revise": {
    retryable: false,
    message: "compliance wants {tool} changed before it is made: {reasons}",
    hint: "The agent was told the conditions; it may propose the change again in another form.",
  },
  "policy/grant-unknown-tool": {
    retryable: false,
    message: "{where} grants the tool {tool}, which nobody there has",
    hint: "A grant narrows what agents hold; name one of their tools.",
  },
  "policy/tenant-not-allowed": {
    retryable: false,
    message: "the supervisor {supervisor} does not serve the tenant {tenant}",
    hint: "Add the tenant to `tenants`, with the grant that it shall have.",
  },
  "policy/source-not-allowed": {
    retryable: false,
    message: "principal {principal} may not {action} this run",
    hint: "Use a principal with the right role.",
  },
  "policy/untrusted-argument": {
    retryable: false,
    message: "{argument} of {tool} is not a value that {agent} may fill in: it comes from {sources}, or from nobody",
    hint: "Use a value that the user named, that a trusted tool answered, or that was planned before; or let `flows` accept it.",
  },
  "policy/unplanned-write": {
    retryable: false,
    message:
      "{agent} wants {tool} after it has read what others wrote ({sources}), and no plan from before announced it",
    hint: "Announce writes with `plan_steps` before reading, exempt the tool in `flows`, or let a person be asked.",
  },
  "policy/egress-not-cleared": {
    retryable: false,
    message: "{argument} of {tool} may hold data of a class that it is not cleared for: {agent} has read {labels}",
    hint: "Clear the tool for the class (`cleared`), say only what is not of that class, or let `flows.egress` ask a person.",
  },
  "policy/answer-not-cleared": {
    retryable: false,
    message:
      "the answer of {supervisor} may hold data of a class ({labels}) that whoever asked is not cleared for, at {pointer}",
    hint: "Clear answers for the class (`answers.cleared`), or let an agent that has not read it say the answer.",
  },
  "policy/plan-too-late": {
    retryable: false,
    message: "{agent} has read what others wrote ({labels}) and plans no more writes in this run",
    hint: "Plan before anything foreign is read, or let another agent plan.",
  },
  "policy/plan-invalid": {
    retryable: false,
    message: "the plan of {agent} cannot stand: {reason}",
    hint: "Name writes of the agent's own list, values, and holes of the form that `plan_steps` describes.",
  },
  "policy/denied": {
    retryable: false,
    message: "{policy} denies {agent} the {edge} {target} by its rule {rule}: {because}",
    hint: "The policy says no on purpose; `because` is its reason.",
  },
  "policy/no-rule": {
    retryable: false,
    message: "no rule of {policy} allows {agent} the {edge} {target}",
    hint: "What no rule allows is denied. Add a rule that allows it, or have the agent do without.",
  },
  "policy/evaluation-failed": {
    retryable: false,
    message: "{policy} could not decide on the {edge} {target} of {agent}: its rule {rule} failed: {because}",
    hint: "A rule that cannot be evaluated denies. Look at what it takes for granted of its request.",
  },
  "policy/rule-invalid": {
    retryable: false,
    message: "the rule {rule} of the policy {policy} is none: {reason}",
    hint: "A rule has an id of its own, edges, an effect, and a reason in words.",
  },
  "policy/unknown-name": {
    retryable: false,
    message: "the rule {rule} of the policy {policy} names the {what} {name}, which {supervisor} has not",
    hint: "A rule about nobody decides nothing. Correct the name, or take the rule out.",
  },
  "policy/cedar-invalid": {
    retryable: false,
    message: "the policy {policy} is not valid at {position}: {reason}",
    hint: "`data.issues` has all that Cedar found; `remit policy check` prints them with their lines.",
  },
  "policy/grant-expired": {
    retryable: false,
    message: "what {agent} was granted ended at {untilAt}",
    hint: "A delegation has a time (`untilMs`); give it a longer one, or have its work done before.",
  },
  "policy/operator-not-allowed": {
    retryable: false,
    message: "{principal} has none of the roles that may {action} here: {roles}",
    hint: "Give the person one of the roles, or name one of theirs in the supervisor's `roles`.",
  },
  "policy/principal-not-granted": {
    retryable: false,
    message: "{principal} has none of the roles that `grants.principals` of {supervisor} names",
    hint: "Add one of their roles, or `*` for everybody else, with the grant that they shall have.",
  },
  "policy/grant-invalid": {
    retryable: false,
    message: "{where} bounds {what}: {reason}",
    hint: "A grant has `tools`, `effects`, `arguments`, `budget`, `sources` and `untilMs`; the range of an argument numbers for `min` and `max`, a list for `oneOf`, and a regular expression for `pattern`.",
  },
} as const satisfies ErrorTable<"policy">;
