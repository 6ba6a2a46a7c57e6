import type { ErrorRecord } from "../errors.ts";
import type { Call, Invocation } from "./state.ts";

/** Milliseconds after which a failed call is worth another try; nothing: it is not. */
export function retryDelayOf(_call: Call, _error: ErrorRecord, _attempt: number): number | undefined {
  return undefined;
}

/** The same for a model call. */
export function modelRetryDelayOf(_invocation: Invocation, _error: ErrorRecord): number | undefined {
  return undefined;
}
