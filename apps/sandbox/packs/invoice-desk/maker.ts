import {
  absolute,
  compare,
  type Decimal,
  decimal,
  decimalText,
  minorUnits,
  multiply,
} from "../../src/einvoice/decimal.ts";
import { InvoiceError, type InvoiceErrorCode } from "../../src/einvoice/errors.ts";
import { currencyDigits, type Invoice } from "../../src/einvoice/invoice.ts";
import { readInvoice } from "../../src/einvoice/read.ts";
import { addDays } from "../../src/world/calendar.ts";
import type { Random } from "../../src/world/random.ts";
import { put } from "../../src/world/table.ts";
import { type Draft, type DraftLine, invoiceOf } from "./documents/draft.ts";
import { type PrintStyle, printInvoice } from "./documents/print-invoice.ts";
import { writeCii } from "./documents/write-cii.ts";
import { type PdfPlan, writePdf } from "./documents/write-pdf.ts";
import { writeUbl } from "./documents/write-ubl.ts";
import type { XmlStyle } from "./documents/xml.ts";
import type { ExceptionCode } from "./exceptions.ts";
import type { FieldName } from "./extracted.ts";
import { type CompanyId, companies, ibanOf, type VendorName, vendorPlans } from "./people.ts";
import type { DeskState, OrderLine, Posting, PurchaseOrder, Vendor } from "./state.ts";
import { type Tier, tierOf } from "./terms.ts";

/** What is true of a document, by whoever made it; the desk's checks had no part in this. */
export interface Truth {
  readonly documentId: string;
  readonly companyId: CompanyId;
  readonly exceptions: readonly ExceptionCode[];
  /** What it says; nothing where it cannot be read. */
  readonly invoice: Invoice | undefined;
  readonly vendorId: string | undefined;
  /** The vendor's verified account, where money may go. */
  readonly account: string | undefined;
  readonly orderId: string | undefined;
  readonly amountEurCents: number | undefined;
  readonly tier: Tier;
  /** Fields that cannot be read surely: they are left to a person, and nobody is held to them. */
  readonly unsure: readonly FieldName[];
  /** Why it cannot be read. */
  readonly problem?: InvoiceErrorCode;
  /** Where its fields stand. */
  readonly places: Readonly<Record<string, Place>>;
}

export interface Place {
  readonly page?: number;
  readonly line: number;
}

export interface Wish {
  readonly company?: CompanyId;
  readonly vendor?: VendorName;
  /** How much it comes to; up to 1,000 EUR when absent. */
  readonly size?: Exclude<Tier, "none">;
  readonly currency?: string;
  readonly syntax?: "ubl" | "cii";
  readonly style?: XmlStyle;
  /** Lines beyond what is drawn; all of them when `lines` are given. */
  readonly lines?: readonly Partial<DraftLine>[];
  readonly draft?: Partial<Draft>;
  /** Changes of the purchase order; `null`: the invoice names none and there is none. */
  readonly order?: Partial<Omit<PurchaseOrder, "lines">> | null;
  /** Nobody has approved the order. */
  readonly unapproved?: true;
  /** Changes of its lines, by number. */
  readonly orderLines?: Readonly<Record<string, Partial<OrderLine>>>;
  /** What went wrong after the sums were worked out. */
  readonly spoil?: (invoice: Invoice) => Invoice;
  /** It comes as a PDF. */
  readonly pdf?: PdfWish;
  /** What went wrong with the file. */
  readonly corrupt?: (text: string) => string | Uint8Array;
  /** What is in the books beside it, once the invoice is known. */
  readonly books?: (posting: Posting, invoice: Invoice) => readonly Partial<Posting>[];
}

export interface PdfWish {
  readonly style?: PrintStyle;
  /** Names under which the electronic invoice is attached; none when absent. */
  readonly attached?: readonly string[];
  /** What the pages say, where that is not what the electronic invoice says. */
  readonly pages?: (invoice: Invoice) => Invoice;
  /** What goes into the file beside. */
  readonly plan?: (plan: PdfPlan) => PdfPlan;
  /** What went wrong with the file. */
  readonly corrupt?: (bytes: Uint8Array) => Uint8Array | string;
  readonly unsure?: readonly FieldName[];
  readonly problem?: InvoiceErrorCode;
}

const goods = [
  "Feeler gauge",
  "Bench vise",
  "Drill chuck",
  "Work lamp",
  "Seed tray",
  "Copper pipe",
  "Shelf bracket",
  "Oak dowel",
];
const prices = { small: [12, 55], middle: [410, 690], large: [4_100, 6_200] } as const;
const quantities = { small: [1, 4], middle: [3, 4], large: [3, 4] } as const;

/** Makes documents, with the orders and books around them, into one state. */
export class Maker {
  readonly #state: DeskState;
  readonly #random: Random;
  #made = 0;

  constructor(state: DeskState, random: Random) {
    this.#state = state;
    this.#random = random;
  }

  get today(): string {
    return this.#state.today;
  }

  vendor(name: VendorName): Vendor {
    const index = Object.keys(vendorPlans).indexOf(name);
    return this.#state.vendors[`V-${101 + index}`] as Vendor;
  }

  /** @param exceptions what is wrong with it, by whoever asks for it */
  document(wish: Wish, exceptions: readonly ExceptionCode[]): Truth {
    const number = this.#made++;
    const company = companies[wish.company ?? "FH01"];
    const { companyId } = company;
    const vendor = this.vendor(wish.vendor ?? "tools");
    const currency = wish.currency ?? "EUR";
    const orderId = `PO-${4001 + number}`;
    const lines = this.#lines(wish, currency);
    const draft: Draft = {
      number: `RE-2026-${String(this.#random.between(100, 899)).padStart(4, "0")}-${number}`,
      issueDate: addDays(this.today, -this.#random.between(2, 20)),
      dueDate: addDays(this.today, this.#random.between(5, 30)),
      currency,
      seller: partyOf(vendor),
      buyer: partyOf(company),
      account: vendor.accounts[0] ?? "",
      lines,
      ...(wish.order === null ? {} : { orderReference: orderId }),
      ...wish.draft,
    };
    const right = invoiceOf(draft);
    const invoice = wish.spoil?.(right) ?? right;
    const credit = invoice.kind === "creditNote";
    if (wish.order !== null && !credit) this.#order({ orderId, companyId, vendor, currency, draft }, wish);
    const { content, places, problem } = written(invoice, wish);
    const documentId = `D-${1001 + number}`;
    put(this.#state.documents, documentId, {
      documentId,
      companyId,
      fileName: `${documentId}.${wish.pdf ? "pdf" : "xml"}`,
      receivedOn: this.today,
      contentBase64: Buffer.from(content).toString("base64"),
    });
    const amountEurCents = this.#inEuroCents(invoice);
    this.#books({ wish, companyId, vendor, invoice, amountEurCents, orderId });
    const readable = !exceptions.includes("unreadable_file");
    const known = readable && !exceptions.includes("unknown_vendor");
    const ordered = readable && !credit && wish.order !== null && invoice.orderReference === orderId;
    return {
      documentId,
      companyId,
      exceptions,
      invoice: readable ? invoice : undefined,
      vendorId: known ? vendor.vendorId : undefined,
      account: known ? vendor.accounts[0] : undefined,
      orderId: ordered ? orderId : undefined,
      amountEurCents: readable ? amountEurCents : undefined,
      tier: readable && amountEurCents !== undefined ? tierOf(amountEurCents) : "none",
      unsure: wish.pdf?.unsure ?? [],
      places,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  #lines(wish: Wish, currency: string): readonly DraftLine[] {
    const size = wish.size ?? "small";
    const [low, high] = prices[size];
    const [few, many] = quantities[size];
    const digits = currencyDigits(currency);
    const asked = wish.lines ?? (size === "small" && this.#random.chance(0.5) ? [{}, {}] : [{}]);
    return asked.map((line, index) => ({
      name: `${this.#random.pick(goods)} ${this.#random.between(2, 40)}`,
      quantity: String(this.#random.between(few, many)),
      price:
        digits === 0
          ? String(this.#random.between(900, 4_000))
          : `${this.#random.between(low, high)}.${String(this.#random.between(0, 99)).padStart(2, "0")}`,
      orderLine: String(index + 1),
      ...line,
    }));
  }

  #order(
    {
      orderId,
      companyId,
      vendor,
      currency,
      draft,
    }: {
      readonly orderId: string;
      readonly companyId: string;
      readonly vendor: Vendor;
      readonly currency: string;
      readonly draft: Draft;
    },
    { order = {}, orderLines = {}, unapproved }: Wish,
  ): void {
    const lines = draft.lines.map(({ name, price, quantity, baseQuantity = "1" }, index): [string, OrderLine] => {
      const lineId = String(index + 1);
      const line = { lineId, name, price, baseQuantity, received: quantity, invoiced: "0" };
      return [lineId, { ...line, ...orderLines[lineId] }];
    });
    put(this.#state.orders, orderId, {
      orderId,
      companyId,
      vendorId: vendor.vendorId,
      currency,
      status: "open",
      ...(unapproved ? {} : { approvedBy: "buyer-bo" }),
      chargesMax: "20.00",
      ...order,
      lines: Object.fromEntries(lines),
    });
  }

  #books({
    wish,
    companyId,
    vendor,
    invoice,
    amountEurCents = 0,
    orderId,
  }: {
    readonly wish: Wish;
    readonly companyId: string;
    readonly vendor: Vendor;
    readonly invoice: Invoice;
    readonly amountEurCents: number | undefined;
    readonly orderId: string;
  }): void {
    const digits = currencyDigits(invoice.currency);
    const like: Posting = {
      postingId: "",
      companyId,
      documentId: "D-0001",
      vendorId: vendor.vendorId,
      number: invoice.number,
      kind: "invoice",
      preceding: [],
      currency: invoice.currency,
      gross: decimalText(invoice.totals.gross, digits),
      payable: decimalText(invoice.totals.payable, digits),
      amountEurCents,
      account: vendor.accounts[0] ?? "",
      tier: tierOf(amountEurCents),
      orderId: orderId.replace("PO-4", "PO-3"),
      pieces: {},
      released: [],
      issuedOn: addDays(invoice.issueDate, -30),
      postedOn: addDays(this.today, -25),
    };
    for (const posting of wish.books?.(like, invoice) ?? []) {
      const postingId = `B-${1001 + Object.keys(this.#state.postings).length}`;
      put(this.#state.postings, postingId, { ...like, ...posting, postingId });
    }
  }

  #inEuroCents({ totals, currency }: Invoice): number | undefined {
    const rate = currency === "EUR" ? "1" : this.#state.rates[currency]?.rate;
    return rate === undefined
      ? undefined
      : Number(minorUnits(multiply(larger(absolute(totals.gross), absolute(totals.payable)), decimal(rate)), 2));
  }
}

/** The file, where its fields stand, and why it cannot be read. */
function written(invoice: Invoice, wish: Wish): Pick<Truth, "places" | "problem"> & { readonly content: Uint8Array } {
  const text = (wish.syntax === "cii" || wish.pdf ? writeCii : writeUbl)(invoice, wish.style);
  const corrupted = wish.corrupt?.(text) ?? text;
  const electronic = typeof corrupted === "string" ? Buffer.from(corrupted) : corrupted;
  if (!wish.pdf) return { content: electronic, ...placesIn(electronic) };
  const { pdf } = wish;
  const printed = printInvoice(pdf.pages?.(invoice) ?? invoice, pdf.style);
  const attachments = (pdf.attached ?? []).map((name) => ({ name, content: electronic }));
  const plan: PdfPlan = { pages: printed.pages, attachments };
  const bytes = writePdf(pdf.plan?.(plan) ?? plan);
  const spoilt = pdf.corrupt?.(bytes) ?? bytes;
  const content = typeof spoilt === "string" ? Buffer.from(spoilt) : spoilt;
  if (pdf.problem !== undefined) return { content, places: {}, problem: pdf.problem };
  return { content, ...(attachments.length > 0 ? placesIn(electronic) : { places: printed.places }) };
}

function placesIn(electronic: Uint8Array): Pick<Truth, "places" | "problem"> {
  try {
    return { places: readInvoice(electronic).locations };
  } catch (error) {
    if (error instanceof InvoiceError) return { places: {}, problem: error.code };
    throw error;
  }
}

function larger(left: Decimal, right: Decimal): Decimal {
  return compare(left, right) < 0 ? right : left;
}

export function partyOf({
  name,
  vatId,
  country,
}: {
  name: string;
  vatId?: string;
  country: string;
}): Invoice["seller"] {
  return { name, country, ...(vatId === undefined ? {} : { vatId }) };
}

export function vendorsOf(): readonly Vendor[] {
  return Object.values(vendorPlans).map(({ bank, ...plan }, index) => ({
    ...plan,
    vendorId: `V-${101 + index}`,
    accounts: [ibanOf(plan.country, bank)],
  }));
}
