import { OrchestrationError } from "@remit/core";
import { illegible } from "./legible.ts";
import { cutError, stoppedError } from "./sdk-failure.ts";
import { wireFault } from "./wire-fetch.ts";

/** What any SDK threw that says nothing of its vendor: stopped by us, broken on the way, or cut. Nothing for all else. */
export function thrownOnTheWay(thrown: unknown, model: string, signal: AbortSignal): Error | undefined {
  if (OrchestrationError.is(thrown)) return thrown;
  if (signal.aborted) return stoppedError(model, thrown);
  // The SDK reads JSON that ends in the middle: the connection broke in a way that nobody noticed.
  return wireFault(thrown) ?? (thrown instanceof SyntaxError ? cutError(thrown) : illegible(model, thrown));
}
