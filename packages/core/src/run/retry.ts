import { backoffMs, defaultRetry, isRetried, kindOf } from "../effect/tries.ts";
import type { ErrorRecord } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import type { Call, Invocation, Work } from "./state.ts";

/** Whether a failed step of a run is tried again, and when. Pure: a replay comes to the same. */

/**
 * Milliseconds after which a failed call is worth another try; nothing: it is not.
 * @param attempt tries so far, from 1
 * @param mayHaveExecuted as the failure says, or as an earlier try left it
 */
export function retryDelayOf(
  work: Work,
  { tool, path }: Call,
  error: ErrorRecord,
  { attempt, mayHaveExecuted }: { readonly attempt: number; readonly mayHaveExecuted: boolean },
): number | undefined {
  const policy = tool.retry ?? defaultRetry.tool;
  if (!work.rules.retries || attempt >= policy.attempts) return undefined;
  if (!isRetried(error.code, { effect: tool.effect, retry: tool.retry, mayHaveExecuted })) return undefined;
  return backoffMs(policy, attempt, `${work.state.runId} ${path}`, error);
}

/**
 * The same for a model call; every try is a step of the run.
 * @param codes of all models that were asked in this round
 */
export function modelRetryDelayOf(
  work: Work,
  { path, models, rounds }: Invocation,
  error: ErrorRecord,
  codes: readonly string[],
): number | undefined {
  const policy = defaultRetry.model;
  if (!work.rules.retries || rounds >= policy.attempts) return undefined;
  if (!codes.some((code) => isRetried(code, "model"))) return undefined;
  return backoffMs(policy, rounds, `${work.state.runId} ${path} ${models}`, error);
}

/** What a `step.retried` says failed. */
export function retryKindOf({ code }: ErrorRecord): EntryBodies["step.retried"]["kind"] {
  const kind = kindOf(code);
  return kind === "model" || kind === "transport" ? kind : "tool";
}
