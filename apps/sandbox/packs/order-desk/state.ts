import type { Frozen, Table } from "../../src/world/table.ts";

/**
 * The records of the shop "Fernhollow" (things for house, garden and workshop). Money is whole euro cents, days are
 * `YYYY-MM-DD`. Parts of a record that have an id are kept by it, so that a difference between two states names them.
 * Type aliases rather than interfaces, so that a record is also a JSON value to the compiler.
 */

export const languages = ["en", "de", "es", "fr", "ja"] as const;
export type Language = (typeof languages)[number];

export type Address = { street: string; postcode: string; city: string; country: string };

export type PaymentMethod = {
  methodId: string;
  kind: "card" | "wallet" | "invoice" | "gift_card";
  /** What may be said aloud: never more than the last four digits. */
  label: string;
  active: boolean;
  /** Gift cards only. */
  balanceCents?: number;
};

export type Customer = {
  customerId: string;
  name: string;
  email: string;
  language: Language;
  address: Address;
  tier: "standard" | "gold";
  /** `under_review`: the payments team looks at the account, and nobody else may move its money or parcels. */
  account: "active" | "under_review";
  storeCreditCents: number;
  paymentMethods: { [methodId: string]: PaymentMethod };
  since: string;
};

export const categories = ["kitchen", "lighting", "textiles", "garden", "workshop", "bath"] as const;
export type Category = (typeof categories)[number];

export type Variant = {
  sku: string;
  options: { [option: string]: string };
  priceCents: number;
  stock: number;
  /** When more is expected; absent when nothing is on its way. */
  restockOn?: string;
  discontinued: boolean;
};

export type Product = {
  productId: string;
  name: string;
  category: Category;
  /** `hygiene`: not taken back once delivered. `final_sale`: sold off, not taken back or exchanged. */
  terms: "usual" | "hygiene" | "final_sale";
  variants: { [sku: string]: Variant };
};

export type OrderLine = {
  lineId: string;
  sku: string;
  productId: string;
  title: string;
  quantity: number;
  unitPriceCents: number;
  /** The line's share of the order's voucher. */
  discountCents: number;
  /** How many were sent back or exchanged, announced ones included. */
  returnedQuantity: number;
};

export type Payment = { methodId: string; amountCents: number; refundedCents: number };

export type ShipmentScan = { on: string; place: string; what: string };

export type Shipment = { carrier: string; trackingId: string; scans: ShipmentScan[] };

export const orderStatuses = ["placed", "packed", "shipped", "delivered", "cancelled"] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export type Order = {
  orderId: string;
  customerId: string;
  status: OrderStatus;
  placedOn: string;
  promisedOn: string;
  deliveredOn?: string;
  shipTo: Address;
  lines: { [lineId: string]: OrderLine };
  shippingCents: number;
  discountCents: number;
  /** Lines and shipping less discount. */
  totalCents: number;
  voucher?: string;
  /** By means of payment, in the order they were charged. */
  payments: { [methodId: string]: Payment };
  shipment?: Shipment;
};

export type Voucher = {
  code: string;
  percent?: number;
  amountCents?: number;
  minimumCents: number;
  validUntil: string;
  usesLeft: number;
  onlyCategory?: Category;
  onlyTier?: Customer["tier"];
  onlyCustomerId?: string;
};

export type TicketMessage = { from: "customer" | "desk"; on: string; language: Language; text: string };

export type Ticket = {
  ticketId: string;
  customerId: string;
  subject: string;
  status: "open" | "escalated" | "closed";
  openedOn: string;
  queue: "desk" | Queue;
  severity: Severity;
  notes: string[];
  messages: TicketMessage[];
};

export const queues = ["payments", "logistics", "legal", "safety", "team_lead"] as const;
export type Queue = (typeof queues)[number];
export const severities = ["low", "normal", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

export const returnReasons = ["changed_mind", "damaged", "wrong_item", "defective"] as const;
export type ReturnReason = (typeof returnReasons)[number];

export type LineQuantity = { lineId: string; quantity: number };

export type Return = {
  returnId: string;
  orderId: string;
  customerId: string;
  lines: LineQuantity[];
  reason: ReturnReason;
  refundTo: "original" | "store_credit";
  /** Paid once the goods are back; until then it counts against what else can be refunded. */
  refundCents: number;
  feeCents: number;
  openedOn: string;
};

export type Exchange = {
  exchangeId: string;
  orderId: string;
  customerId: string;
  lineId: string;
  quantity: number;
  fromSku: string;
  toSku: string;
  /** Above zero: the customer paid it with `paidWith`. Below: it went back to the order's payments. */
  differenceCents: number;
  paidWith?: string;
  openedOn: string;
};

export const refundReasons = ["late_delivery", "lost_parcel", "missing_item", "damaged", "goodwill"] as const;
export type RefundReason = (typeof refundReasons)[number];

export type Refund = {
  refundId: string;
  orderId: string;
  customerId: string;
  reason: RefundReason | "cancelled" | "voucher" | "exchange";
  lineId?: string;
  amountCents: number;
  to: { methodId: string; amountCents: number }[];
  on: string;
};

export type ShopState = {
  today: string;
  counters: { return: number; exchange: number; refund: number };
  customers: Table<Customer>;
  products: Table<Product>;
  orders: Table<Order>;
  vouchers: Table<Voucher>;
  tickets: Table<Ticket>;
  returns: Table<Return>;
  exchanges: Table<Exchange>;
  refunds: Table<Refund>;
};

const idPrefix = { return: "R-", exchange: "X-", refund: "F-" } as const;

/** The next id of a kind: `R-7001`, `X-7001`, `F-7001` and so on. */
export function nextId(state: ShopState, kind: keyof ShopState["counters"]): string {
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
