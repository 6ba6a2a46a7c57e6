import type { HumanReason } from "@remit/core/kpi";

/** Why somebody of the shop takes over, by the words of the team's escalations and the way that its run took. */
export function operationsDeskReason({
  word,
  edges,
}: {
  readonly word: string;
  readonly edges: readonly string[];
}): HumanReason | undefined {
  switch (word) {
    case "invented_steps":
    case "contradiction":
      return "contract-broken";
    case "handed_over":
      // Where a runbook was gone by, it did not help, was taken back, or nobody allowed its next step: the case is a person's.
      return edges.includes("no runbook fits") ? "missing-data" : "critical-case";
    default:
      return undefined;
  }
}
