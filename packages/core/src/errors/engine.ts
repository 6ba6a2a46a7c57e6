import type { ErrorTable } from "./entry.ts";

/** What goes wrong with an engine, and with the cluster behind it. */
export const engineErrors = {
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
} as const satisfies ErrorTable<"engine">;
