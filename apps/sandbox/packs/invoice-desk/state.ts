import type { PdfAnswer } from "../../src/einvoice/pdf-message.ts";
import type { Frozen, Table } from "../../src/world/table.ts";
import type { ExceptionCode, Queue } from "./exceptions.ts";
import type { Tier } from "./terms.ts";

/** A company of the group. Documents, orders and postings are of one company. */
export type Company = { companyId: string; name: string; vatId?: string; country: string };

export type Vendor = {
  vendorId: string;
  name: string;
  vatId?: string;
  country: string;
  status: "active" | "blocked" | "onboarding";
  /** Accounts that were verified with the vendor; the first is paid to. */
  accounts: string[];
};

/** Numbers in orders and postings are decimal texts. */
export type OrderLine = {
  lineId: string;
  name: string;
  price: string;
  baseQuantity: string;
  received: string;
  invoiced: string;
};

export type PurchaseOrder = {
  orderId: string;
  companyId: string;
  vendorId: string;
  currency: string;
  status: "open" | "closed";
  approvedBy?: string;
  /** Charges beside the lines, such as freight, that were agreed at most. */
  chargesMax: string;
  lines: Record<string, OrderLine>;
};

/** A file as it came in. */
export type StoredDocument = {
  documentId: string;
  companyId: string;
  fileName: string;
  receivedOn: string;
  contentBase64: string;
  /** What a PDF was found to hold when it came in, or why it could not be read. */
  pdf?: PdfAnswer;
};

export type Posting = {
  postingId: string;
  companyId: string;
  documentId: string;
  vendorId: string;
  number: string;
  kind: "invoice" | "creditNote";
  /** Numbers of the postings that it credits or corrects. */
  preceding: string[];
  currency: string;
  gross: string;
  payable: string;
  amountEurCents: number;
  /** Where the money goes; of the vendor database. */
  account: string;
  tier: Exclude<Tier, "none">;
  orderId?: string;
  /** Pieces by line of the order. */
  pieces: Record<string, string>;
  released: ExceptionCode[];
  issuedOn: string;
  postedOn: string;
};

export type ExceptionCase = {
  caseId: string;
  companyId: string;
  documentId: string;
  exceptions: ExceptionCode[];
  queue: Queue;
  openedOn: string;
};

export type Release = { documentId: string; companyId: string; exceptions: ExceptionCode[]; releasedOn: string };

export type DeskState = {
  today: string;
  /** Nobody orders by purchase orders here. */
  withoutOrders?: true;
  counters: { posting: number; case: number };
  companies: Table<Company>;
  vendors: Table<Vendor>;
  orders: Table<PurchaseOrder>;
  documents: Table<StoredDocument>;
  /** Euro for one unit, by currency. */
  rates: Table<{ currency: string; rate: string }>;
  postings: Table<Posting>;
  cases: Table<ExceptionCase>;
  releases: Table<Release>;
};

const idPrefix = { posting: "B-", case: "X-" } as const;

/** The next id of a kind: `B-5001`, `X-301` and so on. */
export function nextId(state: DeskState, kind: keyof DeskState["counters"]): string {
  const number = state.counters[kind];
  state.counters[kind] = number + 1;
  return `${idPrefix[kind]}${number}`;
}

/** Rows in the order of their ids. */
export function rows<Row>(table: Table<Row>): readonly Frozen<Row>[] {
  return Object.keys(table)
    .sort()
    .map((id) => table[id] as Frozen<Row>);
}
