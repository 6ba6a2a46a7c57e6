/**
 * What `check` can find. An `error` will go wrong, or leaves open what the definition means to close; a `warning` is most
 * likely not what was meant. `{…}` stands for a value of the finding's `data`.
 */
interface CheckErrorEntry {
  readonly severity: "error" | "warning";
  /** A finding is never thrown, so nothing about it can be tried again. */
  readonly retryable: false;
  readonly message: string;
  readonly hint: string;
}

const error = (message: string, hint: string) => ({ severity: "error", retryable: false, message, hint }) as const;
const warning = (message: string, hint: string) => ({ severity: "warning", retryable: false, message, hint }) as const;

export const checkErrorCodes = {
  // What is reached, and what is not.
  "check/edge-shadowed": error(
    "the edge {edge} is never tried: {by} before it always fits",
    "Edges of one agent are tried in their order. Put it before the one without a guard, or take it out.",
  ),
  "check/exit-shadowed": error(
    "{agent} is an exit and never ends a run: its edge {by} always fits",
    "Give that edge a `when` or a `max`, or take the agent out of `exit`.",
  ),
  "check/branch-leaves": warning(
    "{agent} only runs as a branch and returns to its join: {what} is never used",
    "Take it out, or hand over to the agent by an edge of its own.",
  ),
  "check/agent-dead": error(
    "{agent} is never delegated to: every edge to it is dead",
    "Look at the edges that are never tried, or take the agent out.",
  ),
  "check/never-ends": error(
    "no run ends that comes to {agent}: no exit and no ending can be reached from there",
    "Give it, or what follows, an edge to an exit or an ending that can be taken.",
  ),
  "check/never-completes": error(
    "no run completes: no path leads from {agent} to an exit that can be taken",
    "Every run would be escalated, denied or fail. Give an exit a path, or list the ones there are in `exit`.",
  ),
  "check/loop-unbounded": warning(
    "the loop {loop} has no bound of its own; only limits.handoffs ({bound}) stops it, and the run fails",
    "Give one of its edges a `max`, and what shall happen then an edge behind it.",
  ),
  "check/loop-beyond-limits": warning(
    "{edge} may be taken {max} times, and a run ends after {bound} deliveries",
    "Lower `max`, so that what follows it can happen, or raise `limits.handoffs`.",
  ),
  "check/edge-runs-out": warning(
    "{agent} can come to a point where no edge fits: {edge} is taken at most {max} times, and it is in a loop",
    "Put an edge without `max` behind it, such as an escalation.",
  ),
  "check/nested-in-itself": error(
    "the supervisor {supervisor} works inside of itself",
    "Runs are found by their supervisor's name. Give the inner one a name of its own, and never nest a team in itself.",
  ),

  // Writes and their gates.
  "check/approval-missing": error(
    "{tool} writes at risk {risk}, and nothing asks for {tier} before it",
    "The compiled rules are not those that the risk asks for. Compile the supervisor with `defineSupervisor`.",
  ),
  "check/judge-missing": warning(
    "{tool} waits for a person each time: nobody judges writes of medium risk by rule",
    'Set `judges.compliance`, or say by a rule (`by: "human"`) that a person is wanted.',
  ),
  "check/write-ungated": warning(
    "{tool} is called at once, cannot be undone, and a second call happens twice",
    'Give it a key or a look-up, or a way back, or ask for a verdict by a rule (`by: "compliance"`).',
  ),
  "check/untrusted-write": warning(
    "{agent} reads from {source} ({labels}) and writes with {tool}: what was not planned before waits for a person, unless the tool is exempt",
    "Let it plan first (`planSteps`), let another agent read, or ask for a verdict before the write (`approvals`).",
  ),
  "check/protect-asks": warning(
    "what {source} ({labels}) answers can come to a protected argument of {tool} ({protect}): a person is asked each time",
    "Accept it within bounds or from an extraction that reads it out (`flows.accept`), let a trusted tool say the value, or be content to be asked.",
  ),
  "check/protect-denies": warning(
    "what {source} ({labels}) answers can come to a protected argument of {tool} ({protect}): such a call is refused",
    "Let a trusted tool say the value, accept it within bounds or from whoever reads it out (`flows.accept`), or be content that it is refused.",
  ),
  "check/protect-ungated": error(
    "what {source} ({labels}) answers can come to a protected argument of {tool} ({protect}), a rule accepts any such text, and nobody looks at it",
    "Let the rule in `flows.accept` hold for planned calls only, say in `from` who has to say the value, or ask for a verdict or a person (`approvals`).",
  ),
  "check/protect-unknown": error(
    "{tool} protects {argument}, which is none of its arguments ({known})",
    "Correct the name: as it stands nothing is protected.",
  ),
  "check/protect-missing": warning(
    "{tool} belongs to somebody else's server and sends to where {arguments} says, which anybody's text may fill",
    "List them in `protect`, so that only values that somebody vouches for go in unasked.",
  ),
  "check/class-to-sink": warning(
    "what {source} answers ({label}) can come to {tool}, which is not cleared for it: such a call is refused",
    "Clear the tool for the class (`cleared`), let another agent read it, or keep the sink away from whoever reads it.",
  ),
  "check/class-to-answer": warning(
    "what {source} answers ({label}) can come into the final answer, which is not cleared for it: such an answer is refused",
    "Clear answers for the class (`answers.cleared`), or end with an agent that is not handed what was read.",
  ),
  "check/plan-idle": warning(
    "{agent} may plan, and has no write that a plan could announce",
    "Take `planSteps` out of its tools, or give it to the agent that writes.",
  ),
  "check/rule-idle": warning(
    "the flow rule {rule} never applies: {why}",
    "Take it out, or correct the name of its tool or argument.",
  ),
  "check/value-sealed": warning(
    "values of the domain {domain} are of the class {class}, which is sealed: runs know them as tokens, and none is equal to what is listed",
    "Say `keep` for the class (`seal.classes`), or be content that a person is asked.",
  ),
  "check/class-not-sealed": warning(
    "the {side} of {owner} declares the class {class}, and {why}: its values are journaled as they are, and are not erased by their class",
    "Give a `vault` and seal the class, or take the declaration out.",
  ),
  "check/parallel-write": warning(
    "the branches {branches} of {edge} may call {tool} at the same time",
    "Let one branch write, or write after the join.",
  ),
  "check/retry-unsafe": warning(
    "{tool} can neither be called twice nor looked up, and asks for {attempts} attempts",
    "Only tries that have not begun are made again. Take `retry` out, or give it a key or a look-up.",
  ),
  "check/key-outlived": error(
    "the key of {tool} is good for {keyValidForMs} ms, and one attempt may take {timeoutMs} ms",
    "A try that ends unknown could never be made again. Shorten `timeoutMs`, or have keys last longer.",
  ),
  "check/key-too-short": warning(
    "the key of {tool} is good for {keyValidForMs} ms, and its {attempts} attempts may take {windowMs} ms",
    "The last of them would go to a person. Lower `retry` or `timeoutMs`, or have keys last longer.",
  ),
  "check/undo-missing": warning(
    "{tool} is said to be reversible, and names no way back",
    "Set `undo`, so that `compensate` can do it, or take `reversible` out.",
  ),
  "check/undo-waits": warning(
    "{tool} is called without a person, and {undo}, which undoes it, waits for one",
    "A way back should not be harder than the way there: lower the risk of the undo, or know that it waits.",
  ),

  // Grants.
  "check/tool-ungranted": warning(
    "{agent} has {tool}, and no {by} grants it",
    "Put it into a grant, or take it out of the allowlist.",
  ),
  "check/grant-widens": warning(
    "{from} only ever gets to read, and hands over to {agent}, which may call {tool} (risk {risk})",
    "A grant bounds one delivery. Bound that edge too (`grant`), where the reader's text must not lead to a write.",
  ),
  "check/policy-never-allows": warning(
    "{agent} lists {tool}, and the policy {policy} never allows it",
    "Permit it to the agent in some case, or take it out of the allowlist.",
  ),

  "check/setting-of-inner": warning(
    "{setting} of the supervisor {supervisor} does not hold inside of {outermost}: that of the outermost one does",
    "Say it of {outermost} too; for money, bound the delivery to the team (`grant.budget`), or its agents (`budget.agents`).",
  ),
  "check/after-never": warning(
    "{rule} of the policy {policy} waits for a call of {tools}, and nobody whom it is about can come behind one",
    "Give the tool to an agent on the way there, lead that way, or take the `after` out: until then the rule never holds.",
  ),

  // People.
  "check/approval-impossible": error(
    "{tool} needs {quorum} approvals by people of the roles {roles}, and {eligible} could give one",
    "Register more approvers, give them the roles, or lower the quorum.",
  ),
  "check/approval-outlives-run": warning(
    "an approval of {tool} is waited for {expiresMs} ms, and the run ends after {deadlineMs} ms",
    "Shorten `expiresMs`, or raise `limits.deadlineMs`.",
  ),
  "check/asks-nobody": error(
    "{by} puts questions to the {audience}, and nobody answers those",
    "Take the question out, or say who answers (`audiences`).",
  ),

  // Limits and times.
  "check/limits-too-small": error(
    "no run can complete: the shortest way takes {least}, and {limit} is {bound}",
    "Raise the limit, or shorten the way.",
  ),
  "check/limits-contradict": warning(
    "{limit} ({value}) is never reached: {other} ({bound}) comes first",
    "Set the two so that each can be the one that stops a run.",
  ),
  "check/too-deep": error(
    "{supervisor} lies {depth} levels deep, and limits.depth is {bound}",
    "Raise `limits.depth` of the outermost supervisor, or nest less.",
  ),
  "check/delay-beyond-deadline": error(
    "{edge} waits {afterMs} ms, and the run ends after {deadlineMs} ms",
    "The delivery would never be made. Shorten `afterMs`, or raise `limits.deadlineMs`.",
  ),
  "check/timeout-beyond-deadline": warning(
    "{what} may take {timeoutMs} ms, and the run ends after {deadlineMs} ms",
    "Shorten the timeout: the run's end would come first, and the outcome of a write would be unknown.",
  ),
  "check/threshold-idle": warning(
    "the threshold of {agent} changes nothing: {reason}",
    "Raise `atLeast`, or name a model that is stronger than the agent's own.",
  ),

  // Models.
  "check/route-not-cleared": error(
    "{agent} may carry {labels}, and no model of {alias} is cleared for that",
    "Clear a model for it (`cleared`), or have another agent read {source}.",
  ),
  "check/fallback-not-cleared": warning(
    "{agent} may carry {labels}, and of {alias} only {model} is cleared for that: there is no other to fall back on",
    "Clear a second model for it, or know that there is one.",
  ),
  "check/alias-single": warning(
    "{alias} is one model of {provider}: when that is away, every agent behind it is",
    "Make it a route with a second model (`defineRoute`).",
  ),
  "check/budget-too-small": error(
    "one call of {agent} is quoted at {quoted} {unit}, and the budget of {whose} is {bound}",
    "Raise the budget, or use a model that costs less: as it stands no call is made.",
  ),

  // Names and texts.
  "check/name-case": error(
    "the {kind}s {names} differ by case or separators alone",
    "Give one another name: people and models will take one for the other.",
  ),
  "check/name-lookalike": warning(
    "the {kind}s {names} look alike",
    "Give one another name: on an approval nobody sees the difference.",
  ),
  "check/secret-in-text": error(
    "{where} holds what looks like a secret ({kind})",
    "It goes to the model's provider and into the definition. Take it out, make it void, and let a tool hold it.",
  ),
  "check/instructions-foreign-tool": warning(
    "the instructions of {agent} speak of {tool}, which neither it nor anybody behind it may call",
    "Take the name out, or put the tool into its `tools`.",
  ),
  "check/allowlist-long": warning(
    "{agent} offers its model {count} tools at once",
    "Providers refuse more than {bound}, and choose worse long before. Set `toolSearch`, or split the agent.",
  ),
  "check/setting-unknown": warning(
    "{setting} speaks of {name}, and there is none",
    "Correct the name: as it stands it bounds nothing.",
  ),
  "check/version-missing": warning(
    "{owner} holds functions, and has no version of its own",
    "Set `version`, and raise it when their behaviour changes.",
  ),
} as const satisfies Record<`check/${string}`, CheckErrorEntry>;
