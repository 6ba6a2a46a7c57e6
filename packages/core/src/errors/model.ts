import type { ErrorTable } from "./entry.ts";

/** What goes wrong at the gate of models: their aliases, routes, calls and prices, and the breaker before them. */
export const modelErrors = {
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
    hint: "Its address is not that of the API, its server speaks it otherwise, or its adapter is broken; see the model port.",
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
  "model/address-invalid": {
    retryable: false,
    message: "model {model} has the address {baseUrl}, which is none of a server",
    hint: "Give all of it, scheme included, as in `http://127.0.0.1:11434/v1`; a variable that is not set is a usual cause.",
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
} as const satisfies ErrorTable<"model" | "breaker" | "budget">;
