import {
  absolute,
  add,
  compare,
  type Decimal,
  decimal,
  decimalText,
  minorUnits,
  multiply,
  same,
  subtract,
  zero,
} from "../../src/einvoice/decimal.ts";
import { InvoiceError, type InvoiceErrorCode } from "../../src/einvoice/errors.ts";
import { currencyDigits, type Invoice } from "../../src/einvoice/invoice.ts";
import { lineText } from "../../src/einvoice/pdf-lines.ts";
import type { PdfContent } from "../../src/einvoice/pdf-message.ts";
import { printedSums } from "../../src/einvoice/print.ts";
import { checkArithmetic } from "../../src/einvoice/rules.ts";
import type { Frozen } from "../../src/world/table.ts";
import { type ExceptionCode, sorted } from "./exceptions.ts";
import { type ExtractedValues, fieldNames, fieldsIn, sameNumber } from "./extracted.ts";
import { type ReadDocument, readStored } from "./intake.ts";
import {
  type Company,
  type DeskState,
  type Posting,
  type PurchaseOrder,
  rows,
  type StoredDocument,
  type Vendor,
} from "./state.ts";
import { type Tier, terms, tierOf } from "./terms.ts";

/**
 * The desk's own judgement of a document: pure, exact, and without any model. It says the same wherever it is asked, and
 * it is asked twice: when an invoice is validated and when it is posted. Its answer holds codes, amounts and ids of the
 * desk's own records, and no text of the document.
 */
export interface Checked {
  readonly problem: InvoiceErrorCode | "none";
  readonly invoice: Invoice | undefined;
  /** Where the fields of a page are not sure, before the desk's own records were asked. */
  readonly unsure: readonly string[];
  readonly exceptions: readonly ExceptionCode[];
  readonly findings: readonly CheckFinding[];
  readonly vendor: Frozen<Vendor> | undefined;
  readonly order: Frozen<PurchaseOrder> | undefined;
  /** Gross in euro cents, by which approvals go; nothing where there is no rate. */
  readonly amountEurCents: number | undefined;
  readonly tier: Tier;
  /** Pieces by line of the order. */
  readonly pieces: Readonly<Record<string, string>>;
}

export interface CheckFinding {
  readonly exception: ExceptionCode;
  /** Rule of EN 16931, or a record of the desk, that it is about. */
  readonly about: string;
  readonly expected?: string;
  readonly found?: string;
  readonly line?: number;
}

const vatRules = /^BR-(CO-14|CO-17|CO-18|CO-04|[A-Z]{1,2}-0[58])$/;
const dayMs = 86_400_000;

/** @param extracted what an agent took out of it; held against what it says */
export function checkDocument(
  state: DeskState,
  document: Frozen<StoredDocument>,
  extracted?: ExtractedValues,
): Checked {
  const findings: CheckFinding[] = [];
  const found = (exception: ExceptionCode, about: string, more: Omit<CheckFinding, "exception" | "about"> = {}) => {
    findings.push({ exception, about, ...more });
  };
  const done = (rest: Partial<Checked>): Checked => ({
    problem: "none",
    invoice: undefined,
    unsure: [],
    vendor: undefined,
    order: undefined,
    amountEurCents: undefined,
    tier: "none",
    pieces: {},
    ...rest,
    findings,
    exceptions: sorted(findings.map(({ exception }) => exception)),
  });
  let read: ReadDocument;
  try {
    read = readStored(document);
  } catch (error) {
    if (!(error instanceof InvoiceError)) throw error;
    const { line } = error.data;
    found("unreadable_file", error.code, typeof line === "number" ? { line } : {});
    return done({ problem: error.code });
  }
  const { invoice, confidence = {}, pages } = read;
  const printed = invoice.syntax === "print";
  const unsure = Object.keys(confidence).filter((field) => (confidence[field] ?? 0) < terms.confidenceMin);
  if (extracted) checkExtracted(invoice, extracted, { unsure, found });
  if (pages && !printed) checkPages(invoice, pages, found);
  for (const { rule, expected, found: is, at } of checkArithmetic(invoice)) {
    const more = { expected, found: is, ...(at === undefined ? {} : { line: at }) };
    found(vatRules.test(rule) ? "vat_mismatch" : "total_mismatch", rule, more);
  }
  checkPlausible(invoice, found);
  const company = state.companies[document.companyId];
  if (company && !isRecipient(invoice.buyer, company)) found("wrong_recipient", company.companyId);
  const age = (Date.parse(state.today) - Date.parse(invoice.issueDate)) / dayMs;
  if (age < 0) found("future_date", state.today, { found: invoice.issueDate });
  if (age > terms.oldAfterDays) found("old_date", state.today, { found: invoice.issueDate });
  const amountEurCents = inEuroCents(state, invoice);
  if (amountEurCents === undefined) found("currency_without_rate", invoice.currency);
  const vendor = rows(state.vendors).find((one) => isSameParty(invoice.seller, one));
  if (!vendor) found("unknown_vendor", "vendor database");
  else {
    if (vendor.status !== "active") found("blocked_vendor", vendor.vendorId, { found: vendor.status });
    checkAccount(invoice, vendor, found);
  }
  const { order, pieces } = checkOrder(state, document, { invoice, vendor }, found);
  if (vendor) checkAgainstPostings(state, document, { invoice, vendor, order }, found);
  const named = vendor !== undefined && pages !== undefined && isNamedOn(pages, vendor.name);
  // One digit of a number alone could make one vendor of another.
  if (printed && vendor && !named) found("uncertain_reading", "the vendor's name is not on the page");
  const known = confirmedBy({ invoice, vendor, order, company, named });
  for (const field of unsure) {
    const sure = confidence[field] ?? 0;
    if (sure < mendedMin || !known.has(field)) found("uncertain_reading", field, { found: String(sure) });
  }
  return done({
    invoice,
    unsure,
    vendor,
    order,
    pieces,
    amountEurCents,
    tier: amountEurCents === undefined ? "none" : tierOf(amountEurCents),
  });
}

/** The exceptions that no controller has released. */
export function openExceptions(state: DeskState, documentId: string, checked: Checked): readonly ExceptionCode[] {
  const released = state.releases[documentId]?.exceptions ?? [];
  return checked.exceptions.filter((code) => !released.includes(code));
}

type Found = (exception: ExceptionCode, about: string, more?: Omit<CheckFinding, "exception" | "about">) => void;

function checkExtracted(
  invoice: Invoice,
  extracted: ExtractedValues,
  { unsure, found }: { readonly unsure: readonly string[]; readonly found: Found },
): void {
  const said = fieldsIn(invoice);
  for (const name of fieldNames) {
    // What is not sure is nothing to hold anything against; that it is not sure is an exception of its own.
    if (unsure.includes(name)) continue;
    const [is, taken] = [said[name], extracted[name]];
    if (is === taken) continue;
    const amounts = is !== undefined && taken !== undefined && ["net", "vat", "gross", "payable"].includes(name);
    if (!amounts || !same(decimal(is), decimal(taken))) found("extraction_mismatch", name);
  }
}

/** A field was mended; below this it says two things, or nothing that can be read. */
const mendedMin = 0.5;

/** Fields whose value, mended as it may be, is one that the desk has in its own records. */
function confirmedBy({
  invoice,
  vendor,
  order,
  company,
  named,
}: Parties & {
  readonly order: Frozen<PurchaseOrder> | undefined;
  readonly company: Frozen<Company> | undefined;
  readonly named: boolean;
}): ReadonlySet<string> {
  const { accounts, buyer } = invoice;
  const known: readonly (readonly [string, boolean])[] = [
    ["orderReference", order !== undefined],
    ["account", accounts.length > 0 && accounts.every((account) => vendor?.accounts.includes(account) === true)],
    ["sellerVatId", named],
    ["buyerVatId", company?.vatId !== undefined && company.vatId === buyer.vatId],
  ];
  return new Set(known.flatMap(([field, is]) => (is ? [field] : [])));
}

function isNamedOn({ lines }: PdfContent, name: string): boolean {
  return lines.some((line) => plain(lineText(line)).includes(plain(name)));
}

/** The electronic invoice is what holds; a page that names another total was meant to be read by somebody else. */
function checkPages({ totals, currency }: Invoice, pages: PdfContent, found: Found): void {
  const { gross, payable, amounts } = printedSums(pages, currency);
  const other = (named: readonly Decimal[], is: Decimal) => named.some((one) => !same(one, is));
  const nowhere = amounts.length > 0 && !amounts.some((one) => same(one, totals.gross) || same(one, totals.payable));
  if (other(gross, totals.gross)) found("page_mismatch", "total with VAT");
  if (other(payable, totals.payable)) found("page_mismatch", "amount due");
  if (nowhere) found("page_mismatch", "neither total is on the page");
}

/** No rate of VAT in the union is above this, in per cent. */
const vatRateMax = decimal("27");

/**
 * What adds up and is not so all the same: sums below zero, which turn a credit note into an invoice without an order;
 * more due than the gross amount, by rounding, by a prepaid sum below zero or by what is collected for others; VAT at a
 * rate that there is not.
 */
function checkPlausible({ totals, vat, currency }: Invoice, found: Found): void {
  if (compare(totals.gross, zero) < 0) found("reference_mismatch", "a sum below zero");
  const one = currencyDigits(currency) === 0 ? decimal("9") : decimal("1");
  const rounded = compare(absolute(totals.rounding ?? zero), one) > 0;
  const below = compare(totals.prepaid ?? zero, zero) < 0;
  if (rounded || below || totals.thirdParty) found("due_beyond_lines", "rounding, prepaid or collected for others");
  for (const { rate = zero, at } of vat) {
    if (compare(rate, vatRateMax) > 0) found("vat_mismatch", "rate", { found: decimalText(rate), line: at });
  }
}

/** Charges beside the goods, on any level; an allowance below zero is one. */
function chargesIn({ charges, allowances, lines }: Invoice): Decimal {
  const added = [...charges.map(({ amount }) => amount), ...lines.flatMap((line) => line.charges)];
  const taken = [...allowances.map(({ amount }) => amount), ...lines.flatMap((line) => line.allowances)];
  // What goes the other way does not make up for it: it would hide it.
  return add(
    ...added.filter((amount) => compare(amount, zero) > 0),
    ...taken.filter((amount) => compare(amount, zero) < 0).map(absolute),
  );
}

/** By VAT number; by name only where a side has none. */
function isSameParty(
  party: Invoice["seller"],
  known: { readonly name: string; readonly vatId?: string | undefined },
): boolean {
  if (party.vatId !== undefined && known.vatId !== undefined) return party.vatId === known.vatId;
  return known.vatId === undefined && plain(party.name) === plain(known.name);
}

/** Buyers are often named without their number; one that is another is somebody else. */
function isRecipient({ name, vatId }: Invoice["buyer"], company: Frozen<Company>): boolean {
  return vatId !== undefined && company.vatId !== undefined
    ? vatId === company.vatId
    : plain(name) === plain(company.name);
}

function plain(text: string): string {
  return text.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").trim();
}

function checkAccount(invoice: Invoice, vendor: Frozen<Vendor>, found: Found): void {
  for (const account of invoice.accounts) {
    if (!vendor.accounts.includes(account)) found("changed_bank_account", vendor.vendorId);
  }
  if (vendor.accounts.length === 0) found("changed_bank_account", vendor.vendorId, { expected: "a verified account" });
  if (invoice.payeeName !== undefined && plain(invoice.payeeName) !== plain(vendor.name)) {
    found("changed_bank_account", vendor.vendorId, { expected: "the vendor as payee" });
  }
}

/** Whichever is larger of what is owed in all and what is due now: what was paid before makes no invoice small. */
function inEuroCents(state: DeskState, { totals, currency }: Invoice): number | undefined {
  const rate = currency === "EUR" ? "1" : state.rates[currency]?.rate;
  if (rate === undefined) return undefined;
  const [gross, payable] = [absolute(totals.gross), absolute(totals.payable)];
  const cents = minorUnits(multiply(compare(gross, payable) < 0 ? payable : gross, decimal(rate)), 2);
  return cents > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(cents);
}

interface Parties {
  readonly invoice: Invoice;
  readonly vendor: Frozen<Vendor> | undefined;
}

function checkOrder(
  state: DeskState,
  { companyId }: Frozen<StoredDocument>,
  { invoice, vendor }: Parties,
  found: Found,
): { readonly order: Frozen<PurchaseOrder> | undefined; readonly pieces: Readonly<Record<string, string>> } {
  // A credit note is held against what it credits.
  if (invoice.kind === "creditNote" || state.withoutOrders) return { order: undefined, pieces: {} };
  const reference = invoice.orderReference?.trim();
  if (reference === undefined) {
    found("po_missing", "no order reference");
    return { order: undefined, pieces: {} };
  }
  const order = Object.hasOwn(state.orders, reference) ? state.orders[reference] : undefined;
  const fits = order?.companyId === companyId && (!vendor || order.vendorId === vendor.vendorId);
  if (!order || !fits || order.status !== "open" || order.currency !== invoice.currency) {
    found("po_mismatch", order && fits ? order.orderId : "no such order of this vendor");
    return { order: undefined, pieces: {} };
  }
  if (order.approvedBy === undefined) found("missing_approval", order.orderId);
  const charges = chargesIn(invoice);
  if (compare(charges, decimal(order.chargesMax)) > 0) {
    found("po_mismatch", order.orderId, { expected: order.chargesMax, found: decimalText(charges) });
  }
  const pieces = new Map<string, Decimal>();
  for (const [index, line] of invoice.lines.entries()) {
    const id = line.orderLine ?? String(index + 1);
    const ordered = Object.hasOwn(order.lines, id) ? order.lines[id] : undefined;
    const base = line.baseQuantity ?? decimal("1");
    if (!ordered || !line.price || !line.quantity || compare(base, zero) <= 0) {
      found("po_mismatch", order.orderId, { line: line.at });
      continue;
    }
    const asked = multiply(line.price, decimal(ordered.baseQuantity));
    const agreed = multiply(decimal(ordered.price), base);
    if (!same(asked, agreed)) found("po_mismatch", `${order.orderId} line ${ordered.lineId}`, { line: line.at });
    // Two lines for one line of the order count together.
    pieces.set(ordered.lineId, add(pieces.get(ordered.lineId) ?? zero, line.quantity));
  }
  for (const [lineId, quantity] of pieces) {
    const { received, invoiced } = order.lines[lineId]!;
    const before = rows(state.postings)
      .filter((one) => one.orderId === order.orderId)
      .map((one) => decimal(one.pieces[lineId] ?? "0"));
    const left = subtract(decimal(received), add(decimal(invoiced), ...before));
    if (compare(quantity, left) > 0) {
      const more = { expected: decimalText(left), found: decimalText(quantity) };
      found("over_delivered", `${order.orderId} line ${lineId}`, more);
    }
  }
  return { order, pieces: Object.fromEntries([...pieces].map(([id, quantity]) => [id, decimalText(quantity)])) };
}

/** Duplicates, whatever their number, currency and kind look like; credit notes and corrections. */
function checkAgainstPostings(
  state: DeskState,
  { companyId }: Frozen<StoredDocument>,
  { invoice, vendor, order }: Parties & { readonly order: Frozen<PurchaseOrder> | undefined },
  found: Found,
): void {
  const posted = rows(state.postings).filter((one) => one.companyId === companyId && one.vendorId === vendor?.vendorId);
  const gross = decimalText(invoice.totals.gross, currencyDigits(invoice.currency));
  for (const one of posted) {
    const sameDeal =
      one.kind === invoice.kind &&
      one.issuedOn === invoice.issueDate &&
      one.currency === invoice.currency &&
      one.gross === gross &&
      one.orderId === order?.orderId;
    if (sameNumber(one.number, invoice.number) || sameDeal) found("duplicate", one.postingId);
  }
  const named = (one: Frozen<Posting>) =>
    one.kind === "invoice" && invoice.precedingInvoices.some((number) => sameNumber(number, one.number));
  if (invoice.kind === "creditNote") checkCredit(posted, { invoice, named }, found);
  else if (invoice.typeCode === "384") checkCorrection(posted, named, found);
}

interface Naming {
  readonly invoice: Invoice;
  readonly named: (one: Frozen<Posting>) => boolean;
}

/** A credit note names one posted invoice of its currency, and takes no more away than is left of it. */
function checkCredit(posted: readonly Frozen<Posting>[], { invoice, named }: Naming, found: Found): void {
  const [credited, another] = posted.filter(named);
  if (!credited || another || credited.currency !== invoice.currency) {
    found("reference_mismatch", credited?.postingId ?? "no posted invoice");
    return;
  }
  const left = leftOf(posted, credited);
  if (compare(invoice.totals.gross, left) > 0) {
    const more = { expected: decimalText(left), found: decimalText(invoice.totals.gross) };
    found("reference_mismatch", credited.postingId, more);
  }
}

/** A corrected invoice takes the place of one that was credited; beside one that was not, it is the same debt twice. */
function checkCorrection(posted: readonly Frozen<Posting>[], named: Naming["named"], found: Found): void {
  const originals = posted.filter(named);
  if (originals.length === 0) found("reference_mismatch", "no posted invoice");
  for (const original of originals) {
    if (compare(leftOf(posted, original), zero) > 0) found("duplicate", original.postingId);
  }
}

function leftOf(posted: readonly Frozen<Posting>[], credited: Frozen<Posting>): Decimal {
  const notes = posted.filter(
    (one) => one.kind === "creditNote" && one.preceding.some((number) => sameNumber(number, credited.number)),
  );
  return subtract(decimal(credited.gross), add(...notes.map((one) => decimal(one.gross))));
}
