import type { Decimal } from "./decimal.ts";

/**
 * One invoice or credit note in the semantic model of EN 16931, whatever syntax it came in. Business terms are named in
 * comments (BT-…). Amounts stand as they stood: nothing is worked out here and nothing is mended.
 */
export interface Invoice {
  /** `print`: it came as a page of text, and how sure its fields are is another matter. */
  readonly syntax: "ubl" | "cii" | "print";
  /** BT-24: which specification it says it follows. */
  readonly profile?: string;
  /** What its type code (BT-3, UNTDID 1001) makes of it: a credit note takes away. */
  readonly kind: "invoice" | "creditNote";
  readonly typeCode: string;
  /** BT-1. */
  readonly number: string;
  /** BT-2, BT-9: `YYYY-MM-DD`. */
  readonly issueDate: string;
  readonly dueDate?: string;
  /** BT-20. */
  readonly paymentTerms?: string;
  /** BT-5, BT-6: ISO 4217. */
  readonly currency: string;
  readonly taxCurrency?: string;
  readonly buyerReference?: string;
  /** BT-13: the buyer's purchase order. */
  readonly orderReference?: string;
  /** BT-25: invoices that this one corrects or credits. */
  readonly precedingInvoices: readonly string[];
  readonly seller: Party;
  readonly buyer: Party;
  /** BT-59, where the money goes to somebody else than the seller. */
  readonly payeeName?: string;
  /** BT-84: accounts to pay to, without spaces. */
  readonly accounts: readonly string[];
  readonly notes: readonly string[];
  readonly lines: readonly InvoiceLine[];
  /** BG-20, BG-21. */
  readonly allowances: readonly AllowanceCharge[];
  readonly charges: readonly AllowanceCharge[];
  /** BG-23. */
  readonly vat: readonly VatBreakdown[];
  readonly totals: Totals;
  /** Where the fields of the head stand. */
  readonly locations: Readonly<Record<string, Location>>;
}

export interface Location {
  readonly path: string;
  /** From 1; of the page, where there is one. */
  readonly line: number;
  /** From 1. */
  readonly page?: number;
}

export interface Party {
  readonly name: string;
  readonly tradeName?: string;
  /** BT-31, BT-48: with its country's letters, without spaces. */
  readonly vatId?: string;
  /** BT-32. */
  readonly taxNumber?: string;
  readonly country?: string;
}

export interface InvoiceLine {
  readonly id: string;
  readonly name: string;
  readonly quantity?: Decimal;
  readonly unit?: string;
  /** BT-146, for so many (BT-149). */
  readonly price?: Decimal;
  readonly baseQuantity?: Decimal;
  readonly allowances: readonly Decimal[];
  readonly charges: readonly Decimal[];
  /** BT-131. */
  readonly net: Decimal;
  readonly category?: string;
  readonly rate?: Decimal;
  /** BT-132: line of the purchase order. */
  readonly orderLine?: string;
  /** Line of the document where it begins. */
  readonly at: number;
}

export interface AllowanceCharge {
  readonly amount: Decimal;
  readonly reason?: string;
  readonly category?: string;
  readonly rate?: Decimal;
}

export interface VatBreakdown {
  /** BT-118, UNCL 5305: S standard, Z zero, E exempt, AE reverse charge, K within the EU, G export, O outside. */
  readonly category: string;
  readonly rate?: Decimal;
  readonly base: Decimal;
  readonly tax: Decimal;
  readonly reason?: string;
  readonly at: number;
}

/** BG-22. What is absent is not zero: some rules tell them apart. */
export interface Totals {
  readonly lines: Decimal;
  readonly allowances?: Decimal;
  readonly charges?: Decimal;
  readonly net: Decimal;
  readonly vat?: Decimal;
  readonly gross: Decimal;
  readonly prepaid?: Decimal;
  readonly rounding?: Decimal;
  /** Sums collected for others, of the XRechnung extension (BG-DEX-09). */
  readonly thirdParty?: Decimal;
  readonly payable: Decimal;
}

/** UNTDID 1001 codes that EN 16931 counts among the credit notes. */
const creditNotes = new Set(["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"]);

export function kindOf(typeCode: string): Invoice["kind"] {
  return creditNotes.has(typeCode) ? "creditNote" : "invoice";
}

const noDecimals = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ");
const threeDecimals = "BHD IQD JOD KWD LYD OMR TND".split(" ");

/** Digits behind the point of a currency's amounts (ISO 4217). */
export function currencyDigits(currency: string): 0 | 2 | 3 {
  if (noDecimals.includes(currency)) return 0;
  return threeDecimals.includes(currency) ? 3 : 2;
}
