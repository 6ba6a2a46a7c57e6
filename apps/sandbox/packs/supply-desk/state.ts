import type { Table } from "../../src/world/table.ts";
import type { ServiceLevel } from "./service-level.ts";
import type { VendorClass } from "./tiers.ts";

/**
 * The stock, the vendors and the purchases of "Tarnbrook", who sell camping gear to shops. Type aliases rather than interfaces, so
 * that a record is also a JSON value to the compiler.
 */

export type Item = {
  itemId: string;
  name: string;
  serviceLevel: ServiceLevel;
  /** Days that an order is to last. */
  coverDays: number;
  /** Units that its shelf takes. */
  storageMax: number;
  shelfLifeDays?: number;
  discontinued: boolean;
  /** Of its first vendor. */
  usualLead: { leadDays: number; leadDeviationDays: number };
};

export type Vendor = {
  vendorId: string;
  name: string;
  vendorClass: VendorClass;
  status: "active" | "blocked";
  /** How it takes orders. One with `mail` gets a message with each. */
  channel: "portal" | "mail";
  address: string;
  /** The account that finance has verified. */
  account: string;
};

export type Offer = {
  offerId: string;
  itemId: string;
  vendorId: string;
  /** 1: asked first. */
  rank: number;
  unitCents: number;
  minLot: number;
  packSize: number;
  leadDays: number;
  leadDeviationDays: number;
  validUntil: string;
};

export type Stock = { itemId: string; onHand: number; reserved: number };

export type Forecast = {
  forecastId: string;
  itemId: string;
  madeOn: string;
  /** Minutes between the forecast and the decision that was opened on it. */
  ageMinutes: number;
  dailyMilli: number;
  lowMilli: number;
  highMilli: number;
};

/** What people of the company or of anybody else wrote beside a forecast. */
export type Comment = { commentId: string; itemId: string; by: string; text: string };

export const decisionStatuses = ["open", "ordered", "enquired", "not_needed", "handed_over"] as const;
export type DecisionStatus = (typeof decisionStatuses)[number];

/** One review of one item: the reason for one order, or for none. */
export type Decision = {
  decisionId: string;
  itemId: string;
  forecastId: string;
  status: DecisionStatus;
  /** The vendor's portal takes no order for it. Shown to nobody before. */
  portalDeclines: boolean;
  /** How slow people are with it, of the usual. */
  slownessPercent: number;
  /** How the same was decided by hand, on average of the year before. */
  manual: { minimum: number; quantity: number; delayDays: number; cycleMinutes: number };
};

export type PurchaseOrder = {
  orderId: string;
  decisionId: string;
  itemId: string;
  vendorId: string;
  quantity: number;
  amountCents: number;
  account: string;
  orderedOn: string;
  dueOn: string;
  status: "placed" | "declined" | "received" | "cancelled";
};

/** What came from a vendor's address, or says that it did. */
export type Reply = { replyId: string; decisionId: string; from: string; subject: string; text: string };

export type Draft = {
  draftId: string;
  decisionId: string;
  vendorId: string;
  to: string;
  purpose: "order" | "expedite" | "enquiry";
  text: string;
};

export type SentMessage = { messageId: string; decisionId: string; draftId: string; to: string; text: string };

export type LogRecord = {
  recordId: string;
  decisionId: string;
  outcome: Exclude<DecisionStatus, "open">;
  reason: string;
  orderId?: string;
};

export type SupplyState = {
  today: string;
  counters: { order: number; draft: number; message: number; record: number };
  items: Table<Item>;
  vendors: Table<Vendor>;
  offers: Table<Offer>;
  stock: Table<Stock>;
  forecasts: Table<Forecast>;
  comments: Table<Comment>;
  decisions: Table<Decision>;
  orders: Table<PurchaseOrder>;
  replies: Table<Reply>;
  drafts: Table<Draft>;
  sent: Table<SentMessage>;
  records: Table<LogRecord>;
};

/** What the orders of this month come to, without those that came to nothing. */
export function spentCentsOf({ orders, today }: Pick<SupplyState, "orders" | "today">): number {
  return Object.values(orders)
    .filter(({ orderedOn, status }) => orderedOn.slice(0, 7) === today.slice(0, 7) && isStanding(status))
    .reduce((sum, { amountCents }) => sum + amountCents, 0);
}

export function isStanding(status: PurchaseOrder["status"]): boolean {
  return status === "placed" || status === "received";
}

/** The order of a decision that stands. */
export function orderOf({ orders }: Pick<SupplyState, "orders">, decisionId: string) {
  return Object.values(orders).find((one) => one.decisionId === decisionId && isStanding(one.status));
}
