import type { ErrorRecord } from "../errors.ts";
import { sha256 } from "../hash.ts";
import type { Effect } from "./effect.ts";

/**
 * Which failures are tried again, and when. Pure: the wait is drawn from a hash of what is tried, not from a random
 * number, so that a replay waits as long as the run did (R13), while different calls that failed together still come
 * back at different times.
 *
 * T1 Nothing that may have taken effect is tried again here; that is the business of keys and look-ups (D7).
 * T2 What was understood and found wrong (validation, a refusal, a denial) is never tried again.
 * T3 An open breaker is not tried again: it was opened so that nobody does.
 */
export type FailureKind = "model" | "tool" | "transport" | "validation" | "none";

const kinds: ReadonlyMap<string, FailureKind> = new Map<string, FailureKind>([
  ["model/content-filtered", "model"],
  ["model/failed", "model"],
  ["model/overloaded", "model"],
  ["model/rate-limited", "model"],
  ["model/timeout", "model"],
  ["model/truncated", "model"],
  ["model/script-mismatch", "model"],
  ["agent/refused", "model"],
  ["tool/failed", "tool"],
  ["tool/question-invalid", "tool"],
  ["tool/question-withdrawn", "tool"],
  ["tool/questions-exceeded", "tool"],
  ["tool/refused", "tool"],
  ["tool/timeout", "tool"],
  ["tool/outcome-unknown", "tool"],
  ["breaker/open", "transport"],
  ["bus/dead-letter-unknown", "transport"],
  ["bus/mailbox-full", "transport"],
  ["bus/no-recipient", "transport"],
  ["journal/unavailable", "transport"],
  ["limits/queue-full", "transport"],
  ["model/unreachable", "transport"],
  ["tool/dispatch-late", "transport"],
  ["tool/unreachable", "transport"],
  ["agent/output-invalid", "validation"],
  ["bus/message-invalid", "validation"],
  ["contract/input-invalid", "validation"],
  ["contract/map-threw", "validation"],
  ["contract/not-json", "validation"],
  ["contract/payload-too-large", "validation"],
  ["model/response-invalid", "validation"],
  ["model/summary-invalid", "validation"],
  ["run/answer-invalid", "validation"],
  ["run/input-invalid", "validation"],
  ["tool/input-invalid", "validation"],
  ["tool/output-invalid", "validation"],
]);

/** Which kind of failure a code is: of a model, of a tool, of the way there, of what crossed; `none` for all the others. */
export function kindOf(code: string): FailureKind {
  return kinds.get(code) ?? "none";
}

/** How often and how soon a step is tried again. Only what cannot have taken effect, or only reads, is ever repeated so. */
export interface RetryPolicy {
  /** Tries in all, the first included; 1 never tries again. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled for each further one, with up to half of it taken off at random. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

/** What was tried: a model call, or a tool call with what is known of it. */
export type Tried =
  | "model"
  | {
      readonly effect: Effect;
      /** What the tool itself says; undefined where it says nothing. */
      readonly retry: RetryPolicy | undefined;
      readonly mayHaveExecuted: boolean;
    };

const forModels: ReadonlySet<string> = new Set([
  "journal/unavailable",
  "limits/queue-full",
  "model/overloaded",
  "model/rate-limited",
  "model/timeout",
  "model/unreachable",
]);
/** Nothing was called: who could not ask a journal what is taken away, or who approved it, has stopped before the call. */
const unbegun: ReadonlySet<string> = new Set([
  "journal/unavailable",
  "limits/queue-full",
  "tool/dispatch-late",
  "tool/unreachable",
]);

/** True when a failure with this code is worth another try; how many there are is the policy's `attempts`. */
export function isRetried(code: string, tried: Tried): boolean {
  if (tried === "model") return forModels.has(code);
  if (tried.effect === "write") return unbegun.has(code) && !tried.mayHaveExecuted;
  if (unbegun.has(code) || code === "tool/timeout") return true;
  // Only its maker knows whether a read that failed inside might do better the next time.
  return code === "tool/failed" && tried.retry !== undefined;
}

/** Milliseconds from the dispatch of a write without a key until it has to be made. The time in a queue is part of it. */
export const dispatchWindowMs = 10_000;

/** Where a tool and an operator say nothing. */
export const defaultRetry = {
  model: { attempts: 3, backoffMs: 500, backoffMsMax: 20_000 },
  tool: { attempts: 3, backoffMs: 250, backoffMsMax: 10_000 },
} as const satisfies Readonly<Record<"model" | "tool", RetryPolicy>>;

/** A longer wait than this is no short wait any more: whoever wants it is not asked again. */
const retryAfterMsMax = 60_000;

/**
 * Milliseconds to wait before the next try.
 * @param attempt tries that were made so far, from 1
 * @param seedText names the call; the same text and attempt give the same wait
 * @param error what failed; its `data.retryAfterMs` is waited for at least
 * @returns undefined when the other side wants to be left alone for longer than `retryAfterMsMax`
 */
export function backoffMs(
  policy: RetryPolicy,
  attempt: number,
  seedText: string,
  error?: Pick<ErrorRecord, "data">,
): number | undefined {
  const full = Math.min(policy.backoffMsMax, policy.backoffMs * 2 ** (attempt - 1));
  const drawn = Buffer.from(sha256(`${seedText}\n${attempt}`), "base64url").readUInt32BE(0) / 2 ** 32;
  const waitMs = full - Math.floor((full / 2) * drawn);
  const named = error?.data?.retryAfterMs;
  if (typeof named !== "number" || !(named > 0)) return waitMs;
  return named > retryAfterMsMax ? undefined : Math.max(waitMs, Math.ceil(named));
}
