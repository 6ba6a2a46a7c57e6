import { add, type Decimal, decimal, decimalText, same, zero } from "./decimal.ts";
import { InvoiceError } from "./errors.ts";
import { present } from "./fields.ts";
import { currencyDigits, type Invoice, type InvoiceLine, type Location, type VatBreakdown } from "./invoice.ts";
import { lineText } from "./pdf-lines.ts";
import type { PdfContent, PdfLine } from "./pdf-message.ts";
import { type Found, type FoundLabel, type FoundRow, findIn } from "./print-find.ts";
import { folded, knownLabels, knownReasons, otherTitles, type PrintLabel } from "./print-labels.ts";
import {
  amountIn,
  codeIn,
  currenciesIn,
  dayIn,
  ibanIn,
  isInAnother,
  numberIn,
  type Printed,
  vatIdIn,
} from "./print-values.ts";
import { checkArithmetic } from "./rules.ts";

/**
 * Reads an invoice that is only printed: fields by their labels in eight languages, lines by their columns. It is no
 * electronic invoice, and what a page looks like is no rule; so each field comes with how sure it is, by these:
 *
 * F1 1 where label and value stand there letter by letter, 0.9 where the label was mended.
 * F2 0.5 where the value was mended (a letter for a digit, a blank in it) or can be read in two ways; 0.1 where the
 *    document says two things, as an amount in another currency, or a title of something that is no invoice; 0 where a
 *    label has a value that is none.
 * F3 Where all sums of the document come to what they should, mended amounts are at 0.9; where they do not, each is at 0.5.
 * F4 0.7 at most for a number or a date of a document in which anything was mended, unless it stands there twice.
 *
 * Nothing is guessed: what is not there is missing, and without the fields that make an invoice there is none.
 */
export interface PrintedInvoice {
  readonly invoice: Invoice;
  /** From 0 to 1, by field; `lines` and `kind` among them. */
  readonly confidence: Readonly<Record<string, number>>;
}

interface Reading<Value> {
  readonly value: Value | undefined;
  readonly confidence: number;
  readonly at: PdfLine | undefined;
}

/** Sums that a page names, whatever else it says. */
export interface PrintedSums {
  /** By their labels; several where they differ. */
  readonly gross: readonly Decimal[];
  readonly payable: readonly Decimal[];
  /** All amounts on the pages. */
  readonly amounts: readonly Decimal[];
}

/** What the pages name as their sums, for holding it against the electronic invoice that comes with them. */
export function printedSums({ lines }: PdfContent, currency: string): PrintedSums {
  const { labels } = findIn(lines);
  const form = (text: string) => amountIn(text, currencyDigits(currency));
  const of = (label: PrintLabel) =>
    labels.flatMap((one) => (one.label === label ? (firstOf(one.values, form)?.value ?? []) : []));
  const amounts = lines.flatMap(({ cells }) => cells.flatMap(({ text }) => form(text)?.value ?? []));
  return { gross: of("gross"), payable: of("payable"), amounts };
}

/** @throws InvoiceError `invoice/not-an-invoice` where it has not what makes an invoice */
export function readPrinted(content: PdfContent): PrintedInvoice {
  const found = findIn(content.lines);
  const printed = new Pages(content, found);
  const { currency, digits } = printed;
  const amount = (label: PrintLabel) => printed.field(label, (text) => amountIn(text, digits));
  const number = printed.field("number", codeIn);
  const issued = printed.field("issueDate", (text) => dayIn(text, printed.dayFirst));
  const due = printed.field("dueDate", (text) => dayIn(text, printed.dayFirst));
  const order = printed.field("orderReference", codeIn);
  const account = printed.all("account", ibanIn);
  const seller = printed.field("sellerVatId", vatIdIn);
  const buyer = printed.field("buyerVatId", vatIdIn);
  const [net, gross, prepaid, payable] = [amount("net"), amount("gross"), amount("prepaid"), amount("payable")];
  const rows = vatRows(found.labels, digits);
  const read = found.table.rows.map((row, index) => lineOf(row, index, { digits, rows }));
  const lines = read.flatMap((one) => (one ? [one.line] : []));
  const reason = printed.reason();
  const needed = {
    number: number.value,
    "date of issue": issued.value,
    currency: currency.value,
    "net total": net.value,
  };
  for (const [field, value] of Object.entries({ ...needed, "gross total": gross.value, line: lines[0] })) {
    if (value === undefined) throw new InvoiceError("invoice/not-an-invoice", { field });
  }
  const vat = breakdown(lines, rows, reason, digits);
  const taxes = add(...vat.map(({ tax }) => tax));
  const invoice: Invoice = {
    syntax: "print",
    kind: "invoice",
    typeCode: "380",
    number: number.value ?? "",
    issueDate: issued.value ?? "",
    currency: currency.value ?? "",
    // Terms of payment are sentences in a printed invoice: not read, and not asked for.
    ...present({ dueDate: due.value, paymentTerms: due.value === undefined ? "not read" : undefined }),
    ...present({ orderReference: order.value }),
    precedingInvoices: [],
    seller: { name: printed.letterhead(), ...present({ vatId: seller.value }) },
    buyer: { name: printed.text("buyerName"), ...present({ vatId: buyer.value }) },
    accounts: account.values,
    notes: [],
    lines: lines.map((line) => (line.category === undefined && reason ? { ...line, category: reason } : line)),
    allowances: [],
    charges: [],
    vat,
    totals: {
      lines: net.value ?? zero,
      net: net.value ?? zero,
      vat: taxes,
      gross: gross.value ?? zero,
      payable: payable.value ?? gross.value ?? zero,
      ...present({ prepaid: prepaid.value }),
    },
    locations: placesOf({
      ...{ number, issueDate: issued, orderReference: order, account, sellerVatId: seller, currency },
      ...{ net, gross, vat: rows[0], payable: payable.at ? payable : gross },
    }),
  };
  const sums = { net, gross, prepaid, payable };
  const vatSure = rows.every(({ sure }) => sure) && (rows.length > 0 || reason !== undefined);
  const linesSure = read.every((one) => one?.sure === true) && !found.table.odd;
  const proven = checkArithmetic(invoice).length === 0 && !found.table.odd && read.every((one) => one !== undefined);
  // A day that can be read in two ways was not mended.
  const day = printed.field("issueDate", (text) => dayIn(text, true));
  const noisy =
    printed.blurred || [...Object.values(sums), number, day, account, seller].some((one) => mended(one)) || !linesSure;
  const summed = (confidence: number) => {
    if (confidence < 0.5) return confidence;
    return proven ? Math.max(confidence, 0.9) : 0.5;
  };
  // Who buys from themselves? One label stands there for the other's.
  const ownVatId = seller.value === undefined || seller.value !== buyer.value;
  const alone = (reading: Reading<string>, form: (text: string) => string | undefined) =>
    noisy && !printed.repeats(reading, form) ? Math.min(reading.confidence, 0.7) : reading.confidence;
  return {
    invoice,
    confidence: {
      kind: printed.takesAway() || printed.isOther() ? conflict : 1,
      number: alone(number, (text) => text),
      issueDate: alone(issued, (text) => dayIn(text, printed.dayFirst)?.value),
      currency: currency.confidence,
      ...(buyer.at ? { buyerVatId: ownVatId ? buyer.confidence : conflict } : {}),
      ...(seller.at ? { sellerVatId: ownVatId ? seller.confidence : conflict } : {}),
      ...(order.at ? { orderReference: order.confidence } : {}),
      ...(account.at ? { account: account.confidence } : {}),
      net: summed(net.confidence),
      gross: summed(gross.confidence),
      ...(prepaid.at ? { prepaid: summed(prepaid.confidence) } : {}),
      payable: summed(payable.at ? payable.confidence : gross.confidence),
      vat: summed(vatSure ? 1 : rows.length > 0 ? 0.5 : 0),
      lines: summed(linesSure ? 1 : 0.5),
    },
  };
}

/** Where a document says two things. */
const conflict = 0.1;

function mended({ at, confidence }: Reading<unknown>): boolean {
  return at !== undefined && confidence < 1 && confidence !== conflict;
}

/** The pages with what was found on them. */
class Pages {
  readonly currency: Reading<string>;
  readonly digits: number;
  readonly dayFirst: boolean | undefined;
  readonly blurred: boolean;
  readonly #lines: readonly PdfLine[];
  readonly #labels: readonly FoundLabel[];

  constructor({ lines }: PdfContent, { labels, table }: Found) {
    this.#lines = lines;
    this.#labels = labels;
    this.blurred = table.blurred || labels.some(({ blurred }) => blurred);
    const at = lines.find((line) => currenciesIn(lineText(line)).length > 0);
    const named = new Set(lines.flatMap((line) => currenciesIn(lineText(line))));
    const [value] = named;
    const another = value !== undefined && lines.some((line) => isInAnother(lineText(line), value));
    this.currency = { value, at, confidence: named.size === 0 ? 0 : named.size > 1 || another ? conflict : 1 };
    this.digits = value === undefined ? 2 : currencyDigits(value);
    const votes = labels.filter(({ languages }) => languages.length === 1).map(({ languages: [one] }) => one);
    const english = votes.filter((one) => one === "en").length;
    this.dayFirst = votes.length === 0 || english * 2 >= votes.length ? undefined : true;
  }

  /** Whether it says anywhere that it takes away: as a label or in a title, with more words around. */
  takesAway(): boolean {
    const words = [...knownLabels].flatMap(([key, { label }]) => (label === "credit" && key.length >= 9 ? [key] : []));
    const says = (text: string) => words.some((word) => text.includes(word));
    return (
      this.#labels.some(({ label }) => label === "credit") || this.#lines.some((line) => says(folded(lineText(line))))
    );
  }

  /** Whether it is called something that is no invoice: by a title that stands alone, or that it is pro forma anywhere. */
  isOther(): boolean {
    return this.#lines.some(({ cells }) => {
      const texts = cells.map(({ text }) => folded(text.replace(/[\s:\d]+$/, "")));
      return (texts.length === 1 && otherTitles.has(texts[0] ?? "")) || texts.some((text) => text.includes("proforma"));
    });
  }

  field<Value extends string | Decimal>(
    label: PrintLabel,
    form: (text: string) => Printed<Value> | undefined,
  ): Reading<Value> {
    const there = this.#labels.filter((one) => one.label === label && one.values.length > 0);
    const read = there.map((one) => ({ one, printed: firstOf(one.values, form) }));
    const known = read.filter(({ printed }) => printed !== undefined);
    const [first] = known;
    if (!first?.printed) return { value: undefined, confidence: 0, at: there[0]?.at };
    const values = new Set(known.map(({ printed }) => keyOf(printed?.value)));
    const surest =
      known.find(({ one, printed }) => printed?.sure && !one.blurred) ??
      known.find(({ printed }) => printed?.sure) ??
      first;
    const { one, printed = first.printed } = surest;
    const confidence = values.size > 1 ? conflict : !printed.sure ? 0.5 : one.blurred ? 0.9 : 1;
    return { value: printed.value, confidence, at: one.at };
  }

  /** All values of a label, each once: there may be several, and one that cannot be read makes none of them sure. */
  all(
    label: PrintLabel,
    form: (text: string) => Printed<string> | undefined,
  ): Reading<string> & { readonly values: readonly string[] } {
    const there = this.#labels.filter((one) => one.label === label && one.values.length > 0);
    const read = there.map(({ values }) => firstOf(values, form));
    const values = [...new Set(read.flatMap((printed) => printed?.value ?? []))];
    const blurred = there.some((one) => one.blurred);
    const whole = read.every((printed) => printed !== undefined);
    const confidence = !whole || values.length === 0 ? 0 : !read.every((one) => one?.sure) ? 0.5 : blurred ? 0.9 : 1;
    return { value: values[0], values, confidence, at: there[0]?.at };
  }

  text(label: PrintLabel): string {
    return this.#labels.find((one) => one.label === label)?.values[0]?.slice(0, 200) ?? "";
  }

  letterhead(): string {
    return this.#lines[0]?.cells[0]?.text.slice(0, 200) ?? "";
  }

  /** Whether a value stands on another line as well. */
  repeats({ value, at }: Reading<string>, form: (text: string) => string | undefined): boolean {
    return this.#lines.some(
      (line) =>
        (line.page !== at?.page || line.line !== at.line) &&
        line.cells.some(({ text }) => text.split(/[\s,;()]+/).some((word) => form(word) === value)),
    );
  }

  /** Why there is no VAT, by the sentence that says so. */
  reason(): string | undefined {
    const reasons = [...knownReasons];
    const found = new Set(
      this.#lines.flatMap((line) => {
        const text = folded(lineText(line));
        return reasons.filter(([phrase]) => text.includes(phrase)).map(([, category]) => category);
      }),
    );
    return found.size === 1 ? [...found][0] : undefined;
  }
}

function keyOf(value: string | Decimal | undefined): string {
  return typeof value === "object" ? decimalText(value, 4) : String(value);
}

function firstOf<Value>(
  values: readonly string[],
  form: (text: string) => Printed<Value> | undefined,
): Printed<Value> | undefined {
  for (const text of [...values, values.join(" ")]) {
    const printed = form(text);
    if (printed) return printed;
  }
  return undefined;
}

interface VatRow {
  readonly rate: Decimal;
  readonly base: Decimal | undefined;
  readonly tax: Decimal;
  readonly at: PdfLine;
  readonly sure: boolean;
}

/** With the letters that scanners take digits for: half a rate would be another one. */
const percent =
  /%\s?([\dOolI|SB]{1,2}(?:[.,][\dOolI|SB]{1,2})?)(?!\S)|(?<!\S)\(?([\dOolI|SB]{1,2}(?:[.,][\dOolI|SB]{1,2})?)\s?%/;

/** Lines such as `MwSt 19 % auf 100,00   19,00`. */
function vatRows(labels: readonly FoundLabel[], digits: number): readonly VatRow[] {
  return labels.flatMap(({ label, values, at, blurred }): VatRow[] => {
    if (label !== "vat") return [];
    const text = values.join("   ");
    const rate = percent.exec(text);
    if (!rate) return [];
    const parts = text.replace(rate[0], "   ").split(/\s{3,}/);
    const amounts = parts.flatMap((part) => amountIn(withoutWords(part), digits) ?? []);
    const tax = amounts.at(-1);
    const rated = numberIn(rate[1] ?? rate[2] ?? "");
    if (!tax || !rated) return [];
    const base = amounts.length > 1 ? amounts[0]?.value : undefined;
    const sure = !blurred && rated.sure && amounts.every((one) => one.sure);
    return [{ rate: rated.value, base, tax: tax.value, at, sure }];
  });
}

/** `auf 100,00)` as `100,00`: whole words alone are left out, for a letter may be a digit. */
function withoutWords(text: string): string {
  const words = text.replaceAll(/[()]/g, "").trim().split(" ");
  const first = words.findIndex((word) => /\d/.test(word));
  return first < 0 ? "" : words.slice(first).join(" ");
}

function breakdown(
  lines: readonly InvoiceLine[],
  rows: readonly VatRow[],
  reason: string | undefined,
  digits: number,
): readonly VatBreakdown[] {
  const netAt = (rate: Decimal) => add(...lines.filter((line) => same(line.rate ?? zero, rate)).map(({ net }) => net));
  if (rows.length === 0) {
    if (reason === undefined) return [];
    return [{ category: reason, rate: zero, base: add({ units: 0n, scale: digits }, netAt(zero)), tax: zero, at: 0 }];
  }
  return rows.map(({ rate, base, tax, at }) => {
    const category = same(rate, zero) ? (reason ?? "Z") : "S";
    return { category, rate, base: base ?? netAt(rate), tax, at: at.line };
  });
}

interface LineHelp {
  readonly digits: number;
  readonly rows: readonly VatRow[];
}

function lineOf(
  { at, cells }: FoundRow,
  index: number,
  { digits, rows }: LineHelp,
): { readonly line: InvoiceLine; readonly sure: boolean } | undefined {
  const quantity = numberIn((cells.get("quantity") ?? "").replace(/\s+\p{L}{1,6}\.?$/u, ""));
  const price = numberIn(cells.get("price") ?? "");
  const net = amountIn(cells.get("net") ?? "", digits);
  if (!quantity || !price || !net) return undefined;
  const own = cells.get("rate");
  const rate = own === undefined ? undefined : numberIn(own.replaceAll("%", "").trim());
  const [only, more] = rows;
  const shared = own === undefined && only && !more ? { value: only.rate, sure: true } : undefined;
  const used = rate ?? shared ?? (rows.length === 0 ? { value: decimal("0"), sure: true } : undefined);
  const taxed = used !== undefined && !same(used.value, zero);
  return {
    line: {
      id: String(index + 1),
      name: (cells.get("name") ?? "").slice(0, 200),
      quantity: quantity.value,
      price: price.value,
      allowances: [],
      charges: [],
      net: net.value,
      at: at.line,
      ...present({ rate: used?.value, category: taxed ? "S" : rows.length > 0 && used ? "Z" : undefined }),
    },
    sure: quantity.sure && price.sure && net.sure && used?.sure === true,
  };
}

function placesOf(
  fields: Readonly<Record<string, { readonly at: PdfLine | undefined } | undefined>>,
): Readonly<Record<string, Location>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field?.at ? [[name, { path: `page ${field.at.page}`, page: field.at.page, line: field.at.line }]] : [],
    ),
  );
}
