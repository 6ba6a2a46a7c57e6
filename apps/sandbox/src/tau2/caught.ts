import type { Entry } from "@remit/core";

/** Writes that judges kept from being made. */
export function caughtIn(entries: readonly Entry[]): { readonly byCompliance: number; readonly byReviewer: number } {
  const denied = entries.filter((entry) => entry.type === "effect.judged" && entry.body.verdict === "revise");
  const rejected = entries.filter((entry) => entry.type === "approval.rejected");
  return { byCompliance: denied.length, byReviewer: rejected.length };
}
