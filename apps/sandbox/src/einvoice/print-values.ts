import { type Decimal, parseDecimal } from "./decimal.ts";
import { compact } from "./fields.ts";
import { folded } from "./print-labels.ts";

/** One value as it was printed. `sure`: it stands there as it is, in one way only; nothing was mended or chosen. */
export interface Printed<Value> {
  readonly value: Value;
  readonly sure: boolean;
}

/** Letters that scanners take digits for. */
const digitFor: Readonly<Record<string, string>> = { O: "0", o: "0", l: "1", I: "1", "|": "1", S: "5", B: "8" };

function mended(text: string): string {
  return text.replaceAll(/[OolI|SB]/g, (letter) => digitFor[letter] ?? letter);
}

const marks: Readonly<Record<string, string>> = { "€": "EUR", "£": "GBP", zł: "PLN", "₺": "TRY" };
const codes = /\b(EUR|USD|GBP|CHF|PLN|TRY|SEK|NOK|DKK|CZK|HUF|RON|JPY|KWD|CAD|AUD)\b/g;

/** Currencies that a text names by code or by a sign that is one currency's alone. */
export function currenciesIn(text: string): readonly string[] {
  const signs = Object.entries(marks).flatMap(([sign, code]) => (text.includes(sign) ? [code] : []));
  const lira = /\d\s?TL\b|\bTL\s?\d/.test(text) ? ["TRY"] : [];
  return [...signs, ...lira, ...[...text.matchAll(codes)].map(([, code = ""]) => code)];
}

const dollars: readonly string[] = ["USD", "CAD", "AUD"];
const allCodes: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));
const codeBeside = /\b([A-Z]{3})\s{0,3}-?\d[\d.,'’ ]*[.,]\d{2}(?!\d)|\d[.,]\d{2}\s{0,3}([A-Z]{3})\b/g;
const signBeside =
  /(?:kr\.?|Kč|Ft|lei|Fr\.|R\$|[₹¥₽₴₩₪₫₱])\s{0,3}-?\d|\d[.,]\d{2}\s{0,3}(?:kr\b|Kč|Ft\b|lei\b|Fr\.|R\$|[₹¥₽₴₩₪₫₱])/;
/** Whose signs are letters, or somebody else's too. */
const signed: Readonly<Record<string, RegExp>> = {
  ...{ SEK: /kr/, NOK: /kr/, DKK: /kr/, CZK: /Kč/, HUF: /Ft/, RON: /lei/, CHF: /Fr\./, JPY: /¥/ },
};

/** Whether a text has an amount in some other currency than this one, whether or not it is one that is known. */
export function isInAnother(text: string, currency: string): boolean {
  if (/\$\s{0,3}-?\d|\d\s?\$/.test(text) && !dollars.includes(currency)) return true;
  for (const [, before, behind] of text.matchAll(codeBeside)) {
    const code = before ?? behind ?? "";
    if (code !== currency && allCodes.has(code)) return true;
  }
  const [sign] = signBeside.exec(text) ?? [];
  return sign !== undefined && signed[currency]?.test(sign) !== true;
}

function withoutCurrency(text: string): string {
  return text
    .replaceAll(codes, " ")
    .replaceAll(/€|£|₺|zł|TL\b|\$/g, " ")
    .trim();
}

/**
 * An amount, with a comma or a point before its last digits and any of the usual signs between thousands.
 * @param digits behind the point, as the currency has them
 */
export function amountIn(text: string, digits: number): Printed<Decimal> | undefined {
  const bare = withoutCurrency(text).replaceAll(/[\u00a0\u202f\u2009]/g, " ");
  if (!/[0-9OolI|SB]/.test(bare) || /[^0-9OolI|SB., '’+-]/.test(bare)) return undefined;
  const strict = digits === 0 ? strictWhole : strictFraction(digits);
  if (strict.test(bare)) return withFraction(bare, digits, digits !== 3);
  const close = mended(bare).replaceAll(/\s+/g, "");
  if (!/^[+-]?\d[\d.,'’]*$/.test(close)) return undefined;
  return withFraction(close, digits, false);
}

const strictWhole = /^-?(\d+|\d{1,3}([., '’]\d{3})+)$/;

/** Thousands by one sign, the rest behind the other. */
function strictFraction(digits: number): RegExp {
  const tail = `\\d{${digits}}$`;
  return new RegExp(`^-?(\\d{1,3}(\\.\\d{3})+,|\\d{1,3}(,\\d{3})+\\.|\\d{1,3}([ '’]\\d{3})+[.,]|\\d+[.,])${tail}`);
}

function withFraction(text: string, digits: number, sure: boolean): Printed<Decimal> | undefined {
  const last = Math.max(text.lastIndexOf(","), text.lastIndexOf("."));
  const behind = text.length - last - 1;
  // One digit too few is a scanner's; three are thousands, unless the currency has three.
  const fraction = digits > 0 && last >= 0 && (behind === digits || (behind > 0 && behind < 3));
  const whole = (fraction ? text.slice(0, last) : text).replaceAll(/[^0-9-]/g, "");
  const value = parseDecimal(fraction ? `${whole}.${text.slice(last + 1)}` : whole);
  return value && { value, sure };
}

/** A quantity, a price or a rate: as many digits behind the point as there are. */
export function numberIn(text: string): Printed<Decimal> | undefined {
  const bare = withoutCurrency(text).replace(/\s*%$/, "").trim();
  const whole = /^-?\d+$/.test(bare);
  const plain = /^-?\d+[.,]\d{1,4}$/.test(bare);
  if (whole || plain) {
    const value = parseDecimal(bare.replace(",", "."));
    // `1,000` is a thousand to some and one to others.
    return value && { value, sure: whole || !/^-?[1-9]\d{0,2}[.,]\d{3}$/.test(bare) };
  }
  const grouped = amountIn(bare, 2);
  if (grouped) return grouped;
  return undefined;
}

const months = [
  "january jan januar janvier enero gennaio januari stycznia ocak",
  "february feb februar fevrier febrero febbraio februari lutego subat",
  "march mar maerz marz mars marzo maart marca mart",
  "april apr avril abril aprile kwietnia nisan",
  "may mai mayo maggio mei maja mayis",
  "june jun juni juin junio giugno czerwca haziran",
  "july jul juli juillet julio luglio lipca temmuz",
  "august aug aout agosto augustus sierpnia agustos",
  "september sep septembre septiembre settembre wrzesnia eylul",
  "october oct oktober octobre octubre ottobre pazdziernika ekim",
  "november nov novembre noviembre listopada kasim",
  "december dec dezember decembre diciembre dicembre grudnia aralik",
].map((names) => new Set(names.split(" ").map(folded)));

/**
 * A day, `YYYY-MM-DD`.
 * @param dayFirst whether the document's language writes the day before the month; nothing where that is not known
 */
export function dayIn(text: string, dayFirst: boolean | undefined): Printed<string> | undefined {
  const bare = text.trim();
  const exact = dayOf(bare, dayFirst);
  if (exact) return exact;
  const close = dayOf(
    mended(bare)
      .replaceAll(/\s*([.,/-])\s*/g, "$1")
      .replaceAll(",", "."),
    dayFirst,
  );
  const joined = close ?? dayOf(mended(bare).replaceAll(/\s+/g, ""), dayFirst);
  return joined && { value: joined.value, sure: false };
}

function dayOf(text: string, dayFirst: boolean | undefined): Printed<string> | undefined {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso) return real(iso[1], iso[2], iso[3], true);
  const dotted = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/.exec(text);
  if (dotted) return real(dotted[3], dotted[2], dotted[1], true);
  const other = /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$/.exec(text);
  if (other) {
    const [, first = "", second = "", year] = other;
    if (Number(second) > 12) return real(year, first, second, true);
    const clear = first === second || Number(first) > 12 || dayFirst === true;
    return real(year, second, first, clear);
  }
  const named = /^(\d{1,2})(?:\.|st|nd|rd|th)?\s+(?:de\s+)?(\p{L}{3,14})\.?,?\s+(?:de\s+)?(\d{4})$/u.exec(text);
  const american = /^(\p{L}{3,14})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$/u.exec(text);
  const [day, month, year] = named ? named.slice(1) : american ? [american[2], american[1], american[3]] : [];
  if (month === undefined) return undefined;
  const index = months.findIndex((names) => names.has(folded(month)));
  return index < 0 ? undefined : real(year, String(index + 1), day, true);
}

function real(year = "", month = "", day = "", sure: boolean): Printed<string> | undefined {
  const value = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const at = Date.parse(`${value}T00:00:00Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(value) ? { value, sure } : undefined;
}

const codeForm = /^[A-Za-z]{0,8}[/._-]?[A-Za-z]{0,4}[/._-]?[0-9OolI|][0-9OolI|/._-]{0,19}[A-Za-z]{0,4}[0-9/._-]{0,6}$/;

/** A number of an invoice or an order. A letter among its digits may be one, and may be a digit that was misread. */
export function codeIn(text: string): Printed<string> | undefined {
  const close = text.replaceAll(/\s+/g, "").replaceAll("|", "l");
  if (close.length > 32 || !codeForm.test(close) || !/\d/.test(close)) return undefined;
  // A day beside the label of a number is the value of another label.
  if (dayOf(close, true)) return undefined;
  const doubtful = /\d[OolISB]|[/._-][OolI]+\d|[/._-][OolI]+$|^[OolI]\d/.test(close);
  return { value: close, sure: !doubtful && !/\s/.test(text.trim()) };
}

const ibanForm = /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/;

/** An account by its check digits (ISO 13616); what has wrong ones is no account. */
export function ibanIn(text: string): Printed<string> | undefined {
  const close = compact(text);
  if (ibanForm.test(close) && rightIban(close)) return { value: close, sure: true };
  const raw = text.replaceAll(/[\s.-]/g, "");
  const country = raw.slice(0, 2).toUpperCase();
  const mendedIban = `${country}${mended(raw.slice(2)).toUpperCase()}`;
  return ibanForm.test(mendedIban) && rightIban(mendedIban) ? { value: mendedIban, sure: false } : undefined;
}

function rightIban(iban: string): boolean {
  const digits = [...iban.slice(4), ...iban.slice(0, 4)].map((char) => Number.parseInt(char, 36)).join("");
  return BigInt(digits) % 97n === 1n;
}

/** A VAT number with its country's letters. */
export function vatIdIn(text: string): Printed<string> | undefined {
  const close = compact(text);
  if (/^[A-Z]{2}(?=[A-Z]{0,3}[0-9])[A-Z0-9]{2,13}$/.test(close) && !/[0-9][OIL]|[OIL][0-9]/.test(close.slice(2))) {
    return { value: close, sure: true };
  }
  const raw = text.replaceAll(/[\s.-]/g, "");
  if (!/\d.*\d/.test(raw)) return undefined;
  const value = `${raw.slice(0, 2).toUpperCase()}${mended(raw.slice(2)).toUpperCase()}`;
  return /^[A-Z]{2}(?=[A-Z]{0,3}[0-9])[A-Z0-9]{2,13}$/.test(value) ? { value, sure: false } : undefined;
}
