import type { Json } from "./json.ts";

/** What a code means. `message` names members of the error's `data` in braces. */
interface ErrorEntry {
  readonly retryable: boolean;
  readonly message: string;
  readonly hint: string;
}

/** Every error of the kernel. Codes are `family/what-happened`; `docs/errors.md` is made from this table. */
export const errorCodes = {
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
  "approval/unknown": {
    retryable: false,
    message: "there is no open approval for {effect} in run {run}",
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
  "audit/key-invalid": {
    retryable: false,
    message: "this is no Ed25519 {half} key",
    hint: "Give a PEM or a JWK. `openssl genpkey -algorithm ed25519` makes a private key, `publicKeyOf` gives its public half.",
  },
  "audit/run-not-ended": {
    retryable: false,
    message: "run {run} is {status}; what it needs to go on is not erased",
    hint: "Cancel the run, or wait for its end.",
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
  "breaker/open": {
    retryable: true,
    message: "the breaker before {target} is open until {retryAt}",
    hint: "It failed too often in a row; it is asked again when the breaker has cooled down.",
  },
  "budget/exceeded": {
    retryable: false,
    message: "the budget of {scope} {name} has {left} left of {bound} and the next call may need {needed}",
    hint: "Raise the budget, or choose a model or limits that need less.",
  },
  "budget/unpriced": {
    retryable: false,
    message: "nobody knows what a call of the model {model} may cost at most",
    hint: "Give the model a `quote`, or its price to the price table: without a bound nothing can be reserved, and without a reservation nothing is called.",
  },
  "agent/cancelled": {
    retryable: false,
    message: "agent {agent} was cancelled: {reason}",
    hint: "Somebody stopped this part of the run; the supervisor goes on as after any failure of the agent.",
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
  "engine/closed": {
    retryable: false,
    message: "the engine {engine} is closed",
    hint: "Open a new engine; runs that were under way continue with `resume`.",
  },
  "engine/sdk-missing": {
    retryable: false,
    message: "the Restate engine drives runs with the package {package}, which is not installed",
    hint: "Install it beside `@remit/core`, or leave `worker` out in a process that only starts and answers runs.",
  },
  "engine/unreachable": {
    retryable: true,
    message: "no node of the cluster answers at {addresses}: {reason}",
    hint: "Look at the addresses in `ingress` and at the nodes; nothing was sent.",
  },
  "engine/no-answer": {
    retryable: true,
    message: "the cluster took the request to {service} for {key} and gave no answer within {deadlineMs} ms",
    hint: "Most likely too few nodes are up for a quorum. What was sent may still come in: ask again under the same key.",
  },
  "engine/no-worker": {
    retryable: true,
    message: "no worker serves {service} for {key}: {reason}",
    hint: "Start a worker, or look at why it fails; what was sent is kept and goes on by itself.",
  },
  "engine/run-paused": {
    retryable: false,
    message: "{key} at {service} failed so often that the cluster paused it as {invocation}",
    hint: "Mend the cause, then resume it with `resumePaused` of the cluster's operator.",
  },
  "engine/not-deployed": {
    retryable: false,
    message: "the cluster knows no service {service}, which {key} needs",
    hint: "Register the deployment of the version that the run began with.",
  },
  "engine/refused": {
    retryable: false,
    message: "{service} refused: {reason}",
    hint: "Compare the versions of the cluster, of the SDK and of the workers, and look at the registered deployments.",
  },
  "engine/admin-unreachable": {
    retryable: true,
    message: "no admin port of the cluster answers at {addresses}: {reason}",
    hint: "Look at the addresses in `admin`; runs go on without it, only deployments and paused ones cannot be looked at.",
  },
  "engine/still-needed": {
    retryable: false,
    message:
      "the deployment {deployment} is still needed by {runs} unfinished runs and {underWay} calls under way, {some} among them",
    hint: "Drain it, let them end or migrate them, then remove it.",
  },
  "engine/draining": {
    retryable: false,
    message: "no new run begins at {service}: its deployment is being drained",
    hint: "Start the run with the version that takes its place, or have the deployment opened again with the operator's `undrain`.",
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
  "journal/conflict": {
    retryable: true,
    message: "stream {stream} has moved on from entry {expected}; it stands at {actual}",
    hint: "Another writer owns this run; reload it and try again.",
  },
  "journal/broken-chain": {
    retryable: false,
    message: "entry {seq} of stream {stream} is not what was written: {reason}",
    hint: "The journal was changed after the fact; compare with a backup or an export.",
  },
  "journal/foreign-file": {
    retryable: false,
    message: "{path} is not a Remit journal: {reason}",
    hint: "Name another file; this one is left as it is.",
  },
  "journal/newer-version": {
    retryable: false,
    message: "{path} was written by a newer version (format {found}, this one reads up to {supported})",
    hint: "Update Remit, or name another file; this one is left as it is.",
  },
  "journal/unavailable": {
    retryable: true,
    message: "the journal could not write: {reason}",
    hint: "Free the disk or mend its rights; what was acknowledged before is safe, and `resume` continues the rest.",
  },
  "journal/blob-missing": {
    retryable: false,
    message: "the payload {address} of stream {stream} is missing",
    hint: "It was erased or lost; the chain still verifies, but the run cannot continue from it.",
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
  "memory/unavailable": {
    retryable: true,
    message: "the memories in {path} cannot be read or written: {reason}",
    hint: "Check that the file is there, is ours, can be written, and that the disk has room.",
  },
  "model/alias-unknown": {
    retryable: false,
    message: "agent {agent} uses the model alias {alias}, which `models` does not name",
    hint: "Name exactly the aliases that the agents use.",
  },
  "model/alias-unused": {
    retryable: false,
    message: "`models` names the alias {alias}, which no agent uses",
    hint: "Drop the alias, or give it to an agent.",
  },
  "answer/detector-invalid": {
    retryable: false,
    message: "the detector {detector} cannot work: {reason}",
    hint: "A detector has a pattern with the flag `g` and a `longest` of at least 1.",
  },
  "model/context-too-long": {
    retryable: false,
    message: "a request of {tokens} tokens does not fit into the {bound} of {model}, whatever is left out",
    hint: "Send a smaller payload, fewer tools or shorter instructions, keep fewer turns, or route to a model with more room.",
  },
  "model/context-full": {
    retryable: true,
    message: "a request of {tokens} tokens is more than the {bound} of {model}; its oldest turns are summarised first",
    hint: "Nothing: the call is made again when the summary is there.",
  },
  "model/summary-invalid": {
    retryable: false,
    message: "{model} gave no summary: {reason}",
    hint: 'Summarise with a model that keeps to a schema, or say `otherwise: "trim"`.',
  },
  "model/summary-failed": {
    retryable: false,
    message: "a request of {tokens} tokens is too long for {alias}, and no summary came: {code}",
    hint: 'See `model.failed` of the summary; with `otherwise: "trim"` the request is shortened instead.',
  },
  "model/not-cleared": {
    retryable: false,
    message: "no model of {alias} may see what is labelled {labels}",
    hint: "Give a model of the route `cleared` for these labels, or keep the label from the agent.",
  },
  "model/route-invalid": {
    retryable: false,
    message: "the route {route} cannot work: {reason}",
    hint: "A route needs a model, and its models need different ids.",
  },
  "model/failed": {
    retryable: true,
    message: "model {model} failed: {reason}",
    hint: "See `cause`; the run was told and ended or went another way.",
  },
  "model/timeout": {
    retryable: true,
    message: "model {model} gave no answer within {timeoutMs} ms",
    hint: "Raise the model's `timeoutMs`, or route to a faster one.",
  },
  "model/overloaded": {
    retryable: true,
    message: "model {model} is overloaded or failing: {reason}",
    hint: "The call is tried again after a while; if it stays so, use another model.",
  },
  "model/rate-limited": {
    retryable: true,
    message: "model {model} wants fewer requests: {reason}",
    hint: "The call is tried again when the provider allows it; lower the concurrency of this model.",
  },
  "model/unreachable": {
    retryable: true,
    message: "model {model} cannot be reached: {reason}",
    hint: "Check the address and the network; the call is tried again after a while.",
  },
  "model/response-invalid": {
    retryable: true,
    message: "model {model} answered with something that is not a response: {reason}",
    hint: "The adapter of this model is broken; see the model port.",
  },
  "model/truncated": {
    retryable: false,
    message: "model {model} came to the end of its {maxOutputTokens} output tokens before its answer was complete",
    hint: "Raise `maxOutputTokens` of the model, or ask for less at once.",
  },
  "model/content-filtered": {
    retryable: false,
    message: "the provider of model {model} withheld the answer: {reason}",
    hint: "Its content filter found something in the request or in the answer; route it to a person or to another model.",
  },
  "model/media-unsupported": {
    retryable: false,
    message: "model {model} cannot take {media}",
    hint: "Route what holds it to a model that can, or turn it into a text or an image before.",
  },
  "model/interface-unsupported": {
    retryable: false,
    message: "model {model} implements version {version} of the AI SDK's interface, and only v4 is read",
    hint: "Install a release of its provider's package that goes with `@ai-sdk/provider` 4.",
  },
  "model/key-missing": {
    retryable: false,
    message: "model {model} has no API key: {variable} is not set",
    hint: "Set the variable, or give the model an `apiKey`.",
  },
  "model/sdk-missing": {
    retryable: false,
    message: "model {model} needs the package {package}, which is not installed",
    hint: "Install it beside Remit; the SDKs of providers are optional, so that nobody installs one that they do not use.",
  },
  "model/script-mismatch": {
    retryable: false,
    message: "the script has no turn for {agent} (its call {call} of this run): {reason}",
    hint: "Add the turn to the script, or find out why the agent was asked again.",
  },
  "model/script-unused": {
    retryable: false,
    message: "the script's turns {turns} were never asked for",
    hint: "Drop them, or find out why the run ended before.",
  },
  "model/not-recorded": {
    retryable: false,
    message: "{file} has no answer of {model} to this request of {agent}: {reason}",
    hint: "Find out why the request changed; or record it, with `record` of the recorded model.",
  },
  "model/recording-invalid": {
    retryable: false,
    message: "line {line} of {file} is no recorded exchange: {reason}",
    hint: "Remove the line, or record it again.",
  },
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
    hint: "A range has numbers for `min` and `max`, a list for `oneOf`, and a regular expression for `pattern`.",
  },
  "replay/diverged": {
    retryable: false,
    message: "entry {seq} of run {run} is {recorded} in the journal, but the definition now decides {decided}",
    hint: "The definition changed since the run; load the version that it began with.",
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
    message: "the input of {supervisor} does not fit the input schema of {agent}",
    hint: "Compare `data.issues` with the entry agent's input schema.",
  },
  "run/answer-invalid": {
    retryable: false,
    message: "the answer to {ask} does not fit",
    hint: "Compare `data.issues` with the question's answer schema.",
  },
  "run/not-undoable": {
    retryable: false,
    message: "run {run} has nothing to undo: {reason}",
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
    hint: "A quorum and an expiry are positive whole numbers, and a tool has one rule.",
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
  "tool/name-invalid": {
    retryable: false,
    message: "tool name {tool} is not a name",
    hint: "Use 1 to 64 of A–Z a–z 0–9 _ -; the house form is verb_noun.",
  },
  "tool/schema-not-representable": {
    retryable: false,
    message: "the {side} schema of {tool} has no JSON Schema form: {reason}",
    hint: "Use types that JSON has; put conversions into `execute`.",
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
  "vault/key-invalid": {
    retryable: false,
    message: "a vault's key has {bytes} bytes; it needs 32",
    hint: "Give 32 random bytes, or the same as 64 hexadecimal digits or as base64.",
  },
  "vault/key-missing": {
    retryable: false,
    message: "values of the run {run} cannot be sealed: the key {key} is not there",
    hint: 'Give the key as `vault.key`, or among `vault.previous` where it was replaced; or mask by `seal: "mask"`.',
  },
} as const satisfies Record<`${string}/${string}`, ErrorEntry>;

export type ErrorCode = keyof typeof errorCodes;
export type ErrorFamily = ErrorCode extends `${infer Family}/${string}` ? Family : never;
export type ErrorData = { readonly [key: string]: Json | undefined };

/** An error as data: what a journal, a wire or a report holds. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data?: ErrorData;
}

const brand = Symbol.for("remit.error");

/** Every error that Remit throws. `code` says what happened, `hint` what to do, `data` is JSON, `cause` the original. */
export class OrchestrationError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = "OrchestrationError";
  readonly code: Code;
  readonly data: ErrorData;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, data: ErrorData = {}, options?: { readonly cause?: unknown }) {
    const entry = errorCodes[code];
    super(`${code}: ${fill(entry.message, data)}`, options);
    this.code = code;
    this.data = data;
    this.hint = entry.hint;
    this.retryable = entry.retryable;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this or another copy of the package, of this code or, without one, of any. */
  static is<Code extends ErrorCode = ErrorCode>(error: unknown, code?: Code): error is OrchestrationError<Code> {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as { code?: unknown }).code === code;
  }

  /** The error as data, for a journal or a wire. */
  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message, data: this.data };
  }

  toJSON(): ErrorRecord {
    return this.toRecord();
  }
}

/** Makes the error again from its data. A code of another version or package becomes `run/internal` with its message. */
export function errorFrom(record: ErrorRecord): OrchestrationError {
  if (Object.hasOwn(errorCodes, record.code)) return new OrchestrationError(record.code, record.data ?? {});
  return new OrchestrationError("run/internal", {
    reason: record.message,
    code: record.code,
    data: (record.data ?? {}) as Json,
  });
}

/** The text of something thrown, whatever it was; at most 2,000 characters. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    return cut(thrown instanceof Error ? String(thrown.message) : String(thrown));
  } catch {
    return "something that has no text"; // An object without a prototype, or one whose `toString` throws.
  }
}

const charsMax = 2000;

function cut(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…`.toWellFormed() : text;
}

/** A sentence with its values: text in quotes, the rest as JSON, `?` for what is missing. */
export function fill(template: string, data: ErrorData): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = data[name];
    if (value === undefined) return "?";
    return cut(typeof value === "string" ? `"${value}"` : JSON.stringify(value));
  });
}
