/** The figures of the shop's terms, in one place: the rules use them and the policy text quotes them. */
export const terms = {
  returnDays: 30,
  returnDaysGold: 60,
  damageReportDays: 14,
  warrantyDays: 730,
  returnLabelCents: 490,
  goodwillMaxCents: 2_500,
  damagedKeepMaxCents: 10_000,
  lateAfterDays: 3,
  lateFreeShippingCents: 500,
  lostAfterDays: 10,
} as const;

/** `1234` → `"12.34 EUR"`. */
export function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
