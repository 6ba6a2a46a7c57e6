/**
 * Why a service desk needed a person, as the reasons of `@remit/core/kpi`: give it to `reasons` there. What the desk's words do
 * not tell is left open: a reviewer hands over for many reasons.
 */
export function serviceDeskReason({
  word,
  edges,
}: {
  readonly word: string;
  readonly edges: readonly string[];
}): "critical-case" | "missing-data" | "policy-conflict" | undefined {
  switch (word) {
    case "critical":
      return "critical-case";
    case "unclear":
      return "missing-data";
    case "handed_over":
      return edges.includes("needs a person") ? "policy-conflict" : undefined;
    default:
      return undefined;
  }
}
