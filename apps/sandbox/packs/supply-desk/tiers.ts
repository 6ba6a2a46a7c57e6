/**
 * Who has to allow an order, as policy data: by its amount, by the class of its vendor and by how wide the forecast is that it
 * rests on. Rules, tools, the guard and the scoring read these tables and no others.
 */

export const vendorClasses = ["strategic", "approved", "new"] as const;
export type VendorClass = (typeof vendorClasses)[number];

/** How far apart the bounds of a forecast are, of its mean. `unusable`: nobody orders by it. */
export const bands = ["narrow", "normal", "wide", "unusable"] as const;
export type Band = (typeof bands)[number];

/** From nobody beside the rules to two directors. */
export const tiers = ["auto", "buyer", "head", "board"] as const;
export type Tier = (typeof tiers)[number];

export const terms = {
  /** Euro cents up to which each tier goes; what is more is of the last one. */
  tierMaxCents: { auto: 250_000, buyer: 1_500_000, head: 5_000_000 },
  /** Tiers that the vendor's class adds. */
  classSteps: { strategic: 0, approved: 0, new: 1 },
  /** Tiers that the band adds: what is less sure is less automatic. */
  bandSteps: { narrow: 0, normal: 0, wide: 1, unusable: 3 },
  /** Width in percent of the mean up to which a band is narrow, normal, wide. */
  bandMaxPercent: { narrow: 40, normal: 90, wide: 200 },
  /** A forecast that is older is as wide as can be. */
  staleAfterDays: 10,
  /** No single order is for more, whoever approves it. */
  orderMaxCents: 15_000_000,
  /** What all orders of a month may come to together. The procurement system keeps it. */
  monthCapCents: 26_000_000,
  /** Hours that an order or a message may wait for its approval. */
  approvalHours: 48,
} as const satisfies {
  readonly classSteps: Readonly<Record<VendorClass, number>>;
  readonly bandSteps: Readonly<Record<Band, number>>;
  readonly [name: string]: unknown;
};

/** Who approves, and how many of them. `auto` waits for nobody. */
export const approvers = {
  auto: { roles: [], quorum: 0, minutes: 0 },
  buyer: { roles: ["buyer"], quorum: 1, minutes: 90 },
  head: { roles: ["head-of-procurement"], quorum: 1, minutes: 300 },
  board: { roles: ["director"], quorum: 2, minutes: 1_200 },
} as const satisfies Readonly<
  Record<Tier, { readonly roles: readonly string[]; readonly quorum: number; readonly minutes: number }>
>;

/** The tool that creates an order of a tier. There is no other way to create one. */
export const orderTools = {
  auto: "create_auto_order",
  buyer: "create_order",
  head: "create_large_order",
  board: "create_major_order",
} as const satisfies Readonly<Record<Tier, string>>;

export const orderToolNames: readonly string[] = Object.values(orderTools);

/** @param ageDays of the forecast, from the day that it was made on */
export function bandOf(lowMilli: number, dailyMilli: number, highMilli: number, ageDays: number): Band {
  const percent = dailyMilli === 0 ? Number.POSITIVE_INFINITY : ((highMilli - lowMilli) * 100) / dailyMilli;
  if (percent > terms.bandMaxPercent.wide || percent < 0) return "unusable";
  if (ageDays > terms.staleAfterDays || percent > terms.bandMaxPercent.normal) return "wide";
  return percent > terms.bandMaxPercent.narrow ? "normal" : "narrow";
}

export interface TierFacts {
  readonly amountCents: number;
  readonly vendorClass: VendorClass;
  readonly band: Band;
}

export function tierOf({ amountCents, vendorClass, band }: TierFacts): Tier {
  const steps = amountStep(amountCents) + terms.classSteps[vendorClass] + terms.bandSteps[band];
  return tiers[Math.min(steps, tiers.length - 1)] ?? "board";
}

export const tierCauses = ["amount", "vendor_class", "wide_band"] as const;
export type TierCause = (typeof tierCauses)[number];

/** Why an order is not automatic, each cause that adds a tier. */
export function tierCausesOf({ amountCents, vendorClass, band }: TierFacts): readonly TierCause[] {
  const adds = {
    amount: amountStep(amountCents),
    vendor_class: terms.classSteps[vendorClass],
    wide_band: terms.bandSteps[band],
  };
  return tierCauses.filter((cause) => adds[cause] > 0);
}

function amountStep(amountCents: number): number {
  const { auto, buyer, head } = terms.tierMaxCents;
  return [auto, buyer, head].filter((most) => amountCents > most).length;
}

export function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
