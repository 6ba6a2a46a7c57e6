import {
  absolute,
  add,
  compare,
  type Decimal,
  decimal,
  decimalText,
  digitsBehind,
  divide,
  multiply,
  round,
  same,
  subtract,
  zero,
} from "./decimal.ts";
import { currencyDigits, type Invoice, type InvoiceLine, type VatBreakdown } from "./invoice.ts";

/**
 * The arithmetic of EN 16931: what the sums of an invoice must come to (business rules BR-…, by their names in the norm,
 * and R120, R121 of Peppol for the lines). Decimal numbers throughout; no tolerance but the two that are named here.
 */

/** A sum that does not come to what the rule says. Amounts are texts in the document's currency. */
export interface Finding {
  readonly rule: string;
  readonly expected: string;
  readonly found: string;
  /** Line of the document, where the sum belongs to one. */
  readonly at?: number;
}

/** Official checkers take a VAT amount that is less than this off. Ours may be off by a minor unit for each line and no more. */
const vatToleranceMax = decimal("1");
const hundred = decimal("100");

/** Categories whose rate is zero by what they are (UNCL 5305). */
const untaxed = new Set(["Z", "E", "AE", "K", "G", "O"]);

/** Everything that is not as the rules say; empty where the invoice adds up. */
export function checkArithmetic(invoice: Invoice): readonly Finding[] {
  const { totals, lines, allowances, charges, vat, currency } = invoice;
  const digits = currencyDigits(currency);
  const findings: Finding[] = [];
  const must = (rule: string, found: Decimal, expected: Decimal, at?: number): void => {
    if (same(found, expected)) return;
    findings.push({
      rule,
      expected: decimalText(expected, digits),
      found: decimalText(found, digits),
      ...(at === undefined ? {} : { at }),
    });
  };
  const amounts = (list: readonly { readonly amount: Decimal }[]) => add(...list.map(({ amount }) => amount));

  must("BR-CO-10", totals.lines, add(...lines.map(({ net }) => net)));
  must("BR-CO-11", totals.allowances ?? zero, amounts(allowances));
  must("BR-CO-12", totals.charges ?? zero, amounts(charges));
  must("BR-CO-13", totals.net, add(subtract(totals.lines, totals.allowances ?? zero), totals.charges ?? zero));
  must("BR-CO-14", totals.vat ?? zero, add(...vat.map(({ tax }) => tax)));
  must("BR-CO-15", totals.gross, add(totals.net, totals.vat ?? zero));
  const due = add(subtract(totals.gross, totals.prepaid ?? zero), totals.rounding ?? zero, totals.thirdParty ?? zero);
  must("BR-CO-16", totals.payable, due);
  for (const one of vat) findings.push(...checkVat(invoice, one, digits));
  if (vat.length === 0) findings.push({ rule: "BR-CO-18", expected: "a VAT breakdown", found: "none" });
  for (const line of lines) {
    const expected = lineNet(line, digits);
    // Peppol's own slack for prices that were rounded.
    if (expected && compare(absolute(subtract(expected, line.net)), decimal("0.02")) > 0) {
      must("R120", line.net, expected, line.at);
    }
    if (line.baseQuantity && compare(line.baseQuantity, zero) <= 0) {
      findings.push({ rule: "R121", expected: "above 0", found: decimalText(line.baseQuantity), at: line.at });
    }
    if (line.category === undefined) {
      findings.push({ rule: "BR-CO-04", expected: "a VAT category", found: "none", at: line.at });
    }
  }
  const owed = compare(totals.payable, zero) > 0 && invoice.kind === "invoice";
  if (owed && invoice.dueDate === undefined && invoice.paymentTerms === undefined) {
    findings.push({ rule: "BR-CO-25", expected: "a due date or terms of payment", found: "none" });
  }
  findings.push(...checkDigits(invoice, digits));
  return findings;
}

function checkVat(invoice: Invoice, one: VatBreakdown, digits: number): readonly Finding[] {
  const findings: Finding[] = [];
  const rate = one.rate ?? zero;
  const taxed = !untaxed.has(one.category);
  const sameKind = (other: { readonly category?: string; readonly rate?: Decimal }) =>
    other.category === one.category && (!taxed || same(other.rate ?? zero, rate));
  const lines = invoice.lines.filter(sameKind);
  const expected = round(divide(multiply(one.base, rate), hundred, digits + 4), digits);
  const slack = multiply(decimal(String(Math.max(1, lines.length))), { units: 1n, scale: digits });
  const off = absolute(subtract(one.tax, expected));
  const tooFar = compare(off, slack) > 0 || (digits > 0 && compare(off, vatToleranceMax) >= 0);
  if (taxed ? tooFar : !same(one.tax, zero)) {
    findings.push({
      rule: "BR-CO-17",
      expected: decimalText(taxed ? expected : zero, digits),
      found: decimalText(one.tax, digits),
      at: one.at,
    });
  }
  if (taxed !== compare(rate, zero) > 0) {
    const wanted = taxed ? "a rate above 0" : "a rate of 0";
    findings.push({ rule: `BR-${one.category}-05`, expected: wanted, found: decimalText(rate), at: one.at });
  }
  const base = add(
    ...lines.map(({ net }) => net),
    ...invoice.charges.filter(sameKind).map(({ amount }) => amount),
    ...invoice.allowances.filter(sameKind).map(({ amount }) => ({ units: -amount.units, scale: amount.scale })),
  );
  if (!same(base, one.base)) {
    findings.push({
      rule: `BR-${one.category}-08`,
      expected: decimalText(base, digits),
      found: decimalText(one.base, digits),
      at: one.at,
    });
  }
  return findings;
}

/** BT-131 by its parts; nothing where the line does not name them. */
function lineNet(line: InvoiceLine, digits: number): Decimal | undefined {
  const { quantity, price, baseQuantity = decimal("1"), allowances, charges } = line;
  if (!quantity || !price || baseQuantity.units === 0n) return undefined;
  const goods = divide(multiply(quantity, price), baseQuantity, digits);
  return add(goods, ...charges, ...allowances.map(({ units, scale }) => ({ units: -units, scale })));
}

/** BR-DEC: an amount has no more digits than its currency. Prices may. */
function checkDigits({ totals, lines, vat }: Invoice, digits: number): readonly Finding[] {
  const amounts: readonly (readonly [Decimal, number | undefined])[] = [
    ...Object.values(totals as unknown as Readonly<Record<string, Decimal>>).map((one) => [one, undefined] as const),
    ...lines.map(({ net, at }) => [net, at] as const),
    ...vat.flatMap(({ base, tax, at }) => [[base, at] as const, [tax, at] as const]),
  ];
  return amounts
    .filter(([amount]) => digitsBehind(amount) > digits)
    .map(([amount, at]) => ({
      rule: "BR-DEC",
      expected: `at most ${digits} digits behind the point`,
      found: decimalText(amount),
      ...(at === undefined ? {} : { at }),
    }));
}

/** The rule in a few words, for people. */
export const ruleTexts: Readonly<Record<string, string>> = {
  "BR-CO-04": "each line has a VAT category",
  "BR-CO-10": "the sum of line amounts is that of the lines",
  "BR-CO-11": "the sum of allowances is that of the document's allowances",
  "BR-CO-12": "the sum of charges is that of the document's charges",
  "BR-CO-13": "the total without VAT is lines − allowances + charges",
  "BR-CO-14": "the total VAT is the sum of the categories' taxes",
  "BR-CO-15": "the total with VAT is that without it + VAT",
  "BR-CO-16": "the amount due is the total with VAT − prepaid + rounding",
  "BR-CO-17": "a category's tax is base × rate ÷ 100",
  "BR-CO-18": "there is a VAT breakdown",
  "BR-CO-25": "where something is due there is a due date or terms",
  "BR-DEC": "no amount has more digits than its currency",
  R121: "a price is for more than nothing",
  R120: "a line's amount is quantity × price ÷ base quantity − allowances + charges",
};
