/**
 * Exact decimal numbers: whole units and how many of their digits stand behind the point. Money never goes through a
 * floating point number here, and what is rounded is rounded where it says so, half away from zero.
 */
export interface Decimal {
  readonly units: bigint;
  /** Digits behind the point, 0 or more. */
  readonly scale: number;
}

export const zero: Decimal = { units: 0n, scale: 0 };

const form = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))$/;
/** More digits than any amount of money, rate or quantity has. */
const digitsMax = 40;

/** A number as `xs:decimal` writes it: `-12.50`, `.5`, `7.`; nothing for anything else, `1e3` and `1.234,56` among it. */
export function parseDecimal(text: string): Decimal | undefined {
  const found = form.exec(text.trim());
  if (!found) return undefined;
  const [, sign, whole = "", tail, alone] = found;
  const fraction = tail ?? alone ?? "";
  if (whole.length + fraction.length > digitsMax) return undefined;
  const units = BigInt(`${whole}${fraction}`);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

/** @throws RangeError when it is none; for numbers of our own making */
export function decimal(text: string): Decimal {
  const parsed = parseDecimal(text);
  if (!parsed) throw new RangeError(`"${text}" is no decimal number`);
  return parsed;
}

/** As short as it can be, at least `scale` digits behind the point: `decimalText(decimal("7"), 2)` is `"7.00"`. */
export function decimalText(value: Decimal, scale = 0): string {
  const { units, scale: digits } = shortest(value, scale);
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, "0");
  const sign = units < 0n ? "-" : "";
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Digits behind the point that are not trailing zeros. */
export function digitsBehind(value: Decimal): number {
  return shortest(value, 0).scale;
}

export function add(...values: readonly Decimal[]): Decimal {
  const scale = Math.max(0, ...values.map((one) => one.scale));
  return { units: values.reduce((sum, one) => sum + widened(one, scale), 0n), scale };
}

export function negate({ units, scale }: Decimal): Decimal {
  return { units: -units, scale };
}

export function subtract(from: Decimal, value: Decimal): Decimal {
  return add(from, negate(value));
}

export function multiply(left: Decimal, right: Decimal): Decimal {
  return { units: left.units * right.units, scale: left.scale + right.scale };
}

/** @throws RangeError for a divisor of zero */
export function divide(value: Decimal, by: Decimal, scale: number): Decimal {
  if (by.units === 0n) throw new RangeError("division by zero");
  const shift = scale + by.scale - value.scale;
  const [above, below] =
    shift >= 0 ? [value.units * 10n ** BigInt(shift), by.units] : [value.units, by.units * 10n ** BigInt(-shift)];
  return { units: halfAway(above, below), scale };
}

export function round(value: Decimal, scale: number): Decimal {
  if (value.scale <= scale) return { units: widened(value, scale), scale };
  return { units: halfAway(value.units, 10n ** BigInt(value.scale - scale)), scale };
}

/** Below zero, zero or above: as `left - right`. */
export function compare(left: Decimal, right: Decimal): number {
  const { units } = subtract(left, right);
  return units < 0n ? -1 : units > 0n ? 1 : 0;
}

export function same(left: Decimal, right: Decimal): boolean {
  return compare(left, right) === 0;
}

export function absolute({ units, scale }: Decimal): Decimal {
  return { units: units < 0n ? -units : units, scale };
}

/** Whole minor units of a currency: `minorUnits(decimal("12.5"), 2)` is `1250n`. Rounds what is finer. */
export function minorUnits(value: Decimal, digits: number): bigint {
  return round(value, digits).units;
}

function widened({ units, scale }: Decimal, to: number): bigint {
  return units * 10n ** BigInt(to - scale);
}

function shortest({ units, scale }: Decimal, least: number): Decimal {
  let [left, digits] = [units, scale];
  while (digits > least && left % 10n === 0n) [left, digits] = [left / 10n, digits - 1];
  return digits < least
    ? { units: left * 10n ** BigInt(least - digits), scale: least }
    : { units: left, scale: digits };
}

function halfAway(above: bigint, below: bigint): bigint {
  const negative = above < 0n !== below < 0n;
  const [top, bottom] = [above < 0n ? -above : above, below < 0n ? -below : below];
  const rounded = (2n * top + bottom) / (2n * bottom);
  return negative ? -rounded : rounded;
}
