/**
 * Bugs that a simulation can be given, to show that it finds them. They live in the wrappers around the kernel and in
 * nothing that ships: a simulation without `plant` has none.
 */
export const plants = {
  "key-not-passed": "each attempt of a write gets a key of its own",
  "early-acknowledgement": "the journal says a batch is durable before it is",
  "entry-lost": "the last durable batch of a run is gone after a crash",
  "no-fencing": "a stale append is swallowed instead of refused",
  "crossed-completion": "a tool's answer reaches the core under another call",
  "command-twice": "a tool command is carried out twice",
  "agent-swapped": "a call is carried out in another agent's name",
  "payload-leaks": "a model is shown the payload of another agent",
  "told-early": "watchers hear of a batch before it is durable",
  "unknown-guessed": "a call without an answer is reported as one that did not happen",
  "cancel-ignored": "a cancel is acknowledged and dropped",
  "timer-lost": "timers never fire",
  "resume-forgotten": "what a crash interrupted is not taken up again",
  "clock-in-contract": "a handoff's mapping reads the clock",
  "stale-snapshot": "a snapshot holds the state before the one it names",
  "intent-late": "a write's intent is stored when its call is under way already",
  "approval-reused": "an approval of one write counts for another that waits as well",
  "approval-unbound": "an approved write is made with other arguments",
  "self-approval": "who asked for a write may approve it",
  "expiry-ignored": "approvals do not expire",
  "budget-settled-twice": "what a model call cost is taken from the budget twice",
  "reservation-skipped": "a model is called with nothing set aside for it",
  "restriction-ignored": "a process does not hear what was taken away elsewhere",
  "dedupe-off": "a start that is sent again starts another run",
  "breaker-stuck": "a breaker never opens",
  "contract-one-sided": "a payload is held against the sender's idea of the contract alone",
  "label-dropped": "a tool's answer loses its label on the way in",
  "grant-lost": "what a run is granted is lost on the way to its start",
  "delegation-wide": "what a delegation grants at most is lost",
  "rule-forgotten": "nothing that a rule wants first has to come first",
  "checkpoint-lost": "checkpoints that another process was quicker with are not signed anew",
  "specialist-unbounded": "what a delivery grants is lost on the way to a specialist",
  "specialist-misheard": "what a specialist has answered reaches its caller as something else",
  "parked-twice": "a parked run that two workers wake is driven by both",
} as const satisfies Record<string, string>;

export type Plant = keyof typeof plants;
export const plantNames = Object.keys(plants) as readonly Plant[];
