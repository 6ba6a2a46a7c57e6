/** A count of tokens that a vendor gave: what is negative, broken, or no number at all counts nothing. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= countMax;
}

/** Beyond it the gate takes no count for one. */
const countMax = 1e12;
