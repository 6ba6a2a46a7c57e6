/** The figures of the desk's rules, in one place: the checks use them and the articles quote them. */
export const terms = {
  /** Gross in euro cents up to which an invoice is posted on a verdict of compliance alone. */
  smallMaxCents: 100_000,
  /** Up to here one manager approves; above, two directors. */
  middleMaxCents: 1_000_000,
  oldAfterDays: 365,
  /** A field that is less sure than this is nobody's word: a person reads it. */
  confidenceMin: 0.8,
} as const;

export const tiers = ["none", "small", "middle", "large"] as const;
/** Who has to approve: nobody beside the rules, one manager, two directors. `none`: there is no amount. */
export type Tier = (typeof tiers)[number];

export function tierOf(amountEurCents: number): Exclude<Tier, "none"> {
  if (amountEurCents <= terms.smallMaxCents) return "small";
  return amountEurCents <= terms.middleMaxCents ? "middle" : "large";
}

/** The tool that posts an invoice of a tier. */
export const postingTools = {
  small: "post_small_invoice",
  middle: "post_invoice",
  large: "post_large_invoice",
} as const;

export function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
