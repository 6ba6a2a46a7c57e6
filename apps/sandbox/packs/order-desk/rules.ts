import { addDays, daysBetween } from "../../src/world/calendar.ts";
import { edit, type Frozen, put } from "../../src/world/table.ts";
import { WorldRefusal } from "../../src/world/world.ts";
import {
  type Customer,
  type LineQuantity,
  nextId,
  type Order,
  type OrderLine,
  type Product,
  type Refund,
  type ReturnReason,
  rows,
  type ShopState,
  type Ticket,
  type Variant,
} from "./state.ts";
import { terms } from "./terms.ts";

/** Rules that several tools share. All refuse with a `WorldRefusal` whose message can be shown to an agent. */

export function refuse(message: string): never {
  throw new WorldRefusal(message);
}

/** A part by its id, where the id is free text: `toString` is not one of them. */
export function part<Part>(parts: { readonly [id: string]: Part }, id: string): Part | undefined {
  return Object.hasOwn(parts, id) ? parts[id] : undefined;
}

export function customerOf(state: ShopState, customerId: string): Frozen<Customer> {
  return state.customers[customerId] ?? refuse(`There is no customer ${customerId}.`);
}

export function orderOf(state: ShopState, orderId: string): Frozen<Order> {
  return state.orders[orderId] ?? refuse(`There is no order ${orderId}.`);
}

export function productOf(state: ShopState, productId: string): Frozen<Product> {
  return state.products[productId] ?? refuse(`There is no product ${productId}.`);
}

export function lineOf(order: Frozen<Order>, lineId: string): Frozen<OrderLine> {
  return order.lines[lineId] ?? refuse(`Order ${order.orderId} has no line ${lineId}.`);
}

export function variantOf(state: ShopState, sku: string): { product: Frozen<Product>; variant: Frozen<Variant> } {
  for (const product of Object.values(state.products)) {
    const variant = part(product.variants, sku);
    if (variant !== undefined) return { product, variant };
  }
  return refuse(`There is no article ${sku}.`);
}

/** The ticket, when it is this customer's and can still be worked on. The refusal does not say whose it is. */
export function workableTicket(
  state: ShopState,
  { customerId, ticketId }: { readonly customerId: string; readonly ticketId: string },
): Frozen<Ticket> {
  const ticket = state.tickets[ticketId] ?? refuse(`There is no ticket ${ticketId}.`);
  if (ticket.customerId !== customerId) {
    return refuse(`Ticket ${ticketId} does not belong to customer ${customerId} (POL-PRV-01).`);
  }
  return ticket.status === "closed" ? refuse(`Ticket ${ticketId} is closed.`) : ticket;
}

/**
 * The order, when it is this customer's and the account is not under review: what every change of an order asks first.
 * The refusal does not say whose order it is.
 */
export function ownOrder(
  state: ShopState,
  { customerId, orderId }: { readonly customerId: string; readonly orderId: string },
): { customer: Frozen<Customer>; order: Frozen<Order> } {
  const customer = customerOf(state, customerId);
  const order = orderOf(state, orderId);
  if (order.customerId !== customerId) {
    return refuse(`Order ${orderId} does not belong to customer ${customerId} (POL-PRV-01).`);
  }
  if (customer.account === "under_review") {
    return refuse(`The account of customer ${customerId} is under review by the payments team (POL-ESC-01).`);
  }
  return { customer, order };
}

/** Cents paid for the first `count` pieces of a line. Rounded so that the pieces of a line add up to the line. */
function paidFor(line: Frozen<OrderLine>, count: number): number {
  return Math.round(((line.unitPriceCents * line.quantity - line.discountCents) * count) / line.quantity);
}

/** Cents paid for the next `quantity` pieces that go back. */
export function paidShare(line: Frozen<OrderLine>, quantity: number): number {
  return paidFor(line, line.returnedQuantity + quantity) - paidFor(line, line.returnedQuantity);
}

/** Cents that can still be refunded: paid, less refunded, less what announced returns will bring (POL-PAY-01). */
export function refundableCents(state: ShopState, order: Frozen<Order>): number {
  const open = Object.values(order.payments).reduce(
    (sum, payment) => sum + payment.amountCents - payment.refundedCents,
    0,
  );
  const announced = rows(state.returns).filter((one) => one.orderId === order.orderId);
  return open - announced.reduce((sum, one) => sum + one.refundCents, 0);
}

/** Cents refunded for one line as missing or damaged: what the customer keeps the goods, or their absence, for. */
export function refundedForLine(state: ShopState, order: Frozen<Order>, lineId: string): number {
  const ofLine = rows(state.refunds).filter((one) => one.orderId === order.orderId && one.lineId === lineId);
  return ofLine.reduce((sum, one) => sum + one.amountCents, 0);
}

/** Refuses a line that was refunded as missing or damaged: it was paid back already, and nothing of it comes back. */
export function requireNotRefunded(state: ShopState, order: Frozen<Order>, line: Frozen<OrderLine>): void {
  if (refundedForLine(state, order, line.lineId) === 0) return;
  refuse(`Line ${line.lineId} was refunded as missing or damaged and does not come back (POL-PAY-01).`);
}

/** The last day on which something of the order can go back for this reason. Refuses when it was never delivered. */
export function lastReturnDay(customer: Frozen<Customer>, order: Frozen<Order>, reason: ReturnReason): string {
  if (order.status !== "delivered" || order.deliveredOn === undefined) {
    return refuse(`Order ${order.orderId} is ${order.status}; only delivered orders can be returned or exchanged.`);
  }
  if (reason === "defective") return addDays(order.deliveredOn, terms.warrantyDays);
  if (reason !== "changed_mind") return addDays(order.deliveredOn, terms.damageReportDays);
  return addDays(order.deliveredOn, customer.tier === "gold" ? terms.returnDaysGold : terms.returnDays);
}

export interface ReturnQuote {
  readonly goodsCents: number;
  readonly shippingCents: number;
  readonly feeCents: number;
  readonly refundCents: number;
  readonly lastDay: string;
}

/** What a return would bring, or a refusal with the article that stands against it. Changes nothing. */
export function quoteReturn(
  state: ShopState,
  customer: Frozen<Customer>,
  order: Frozen<Order>,
  asked: {
    readonly lines: readonly LineQuantity[];
    readonly reason: ReturnReason;
    readonly refundTo: "original" | "store_credit";
  },
): ReturnQuote {
  const { reason, refundTo } = asked;
  const lastDay = lastReturnDay(customer, order, reason);
  if (new Set(asked.lines.map((one) => one.lineId)).size !== asked.lines.length) {
    return refuse("Each line may be named once; add its pieces up.");
  }
  const lines = asked.lines.map(({ lineId, quantity }) => ({ line: lineOf(order, lineId), quantity }));
  for (const { line, quantity } of lines) {
    const left = line.quantity - line.returnedQuantity;
    if (quantity > left) refuse(`Line ${line.lineId} has ${left} of ${line.quantity} pieces left to send back.`);
    requireNotRefunded(state, order, line);
    if (reason === "changed_mind") requireTakenBack(state, line);
  }
  if (daysBetween(state.today, lastDay) < 0) {
    const article = {
      changed_mind: "POL-RET-01",
      damaged: "POL-RET-04",
      wrong_item: "POL-RET-04",
      defective: "POL-WAR-01",
    };
    return refuse(`The window for ${reason} ended on ${lastDay}, today is ${state.today} (${article[reason]}).`);
  }
  const goodsCents = lines.reduce((sum, { line, quantity }) => sum + paidShare(line, quantity), 0);
  const whole = Object.values(order.lines).every((line) => {
    const quantity = lines.find((one) => one.line.lineId === line.lineId)?.quantity ?? 0;
    return line.returnedQuantity === 0 && quantity === line.quantity;
  });
  const atFault = reason !== "changed_mind";
  const shippingCents = atFault && whole ? order.shippingCents : 0;
  const free = atFault || customer.tier === "gold" || refundTo === "store_credit";
  const feeCents = free ? 0 : Math.min(terms.returnLabelCents, goodsCents);
  const refundCents = Math.min(goodsCents + shippingCents - feeCents, refundableCents(state, order));
  return { goodsCents, shippingCents, feeCents, refundCents, lastDay };
}

/** Refuses what is not taken back or exchanged on a change of mind. */
export function requireTakenBack(state: ShopState, line: Frozen<OrderLine>): void {
  const { terms: kind, name } = productOf(state, line.productId);
  if (kind === "final_sale") refuse(`Line ${line.lineId} (${name}) was sold off and is not taken back (POL-RET-02).`);
  if (kind === "hygiene") refuse(`Line ${line.lineId} (${name}) is a bath article and not taken back (POL-RET-02).`);
}

/** Gives `amountCents` back over the order's payments, in the order they were charged, and records it. */
export function payBack(
  state: ShopState,
  order: Frozen<Order>,
  amountCents: number,
  reason: Refund["reason"],
  lineId?: string,
): Frozen<Refund> {
  if (amountCents > refundableCents(state, order)) {
    return refuse(
      `Only ${refundableCents(state, order)} cents of order ${order.orderId} can still be refunded (POL-PAY-01).`,
    );
  }
  const to: Refund["to"] = [];
  edit(state.orders, order.orderId, ({ payments }) => {
    let left = amountCents;
    for (const payment of Object.values(payments)) {
      const part = Math.min(left, payment.amountCents - payment.refundedCents);
      if (part <= 0) continue;
      payment.refundedCents += part;
      left -= part;
      to.push({ methodId: payment.methodId, amountCents: part });
    }
  });
  edit(state.customers, order.customerId, ({ paymentMethods }) => {
    for (const part of to) {
      const method = paymentMethods[part.methodId];
      if (method?.kind === "gift_card") method.balanceCents = (method.balanceCents ?? 0) + part.amountCents;
    }
  });
  const refundId = nextId(state, "refund");
  const { orderId, customerId } = order;
  const line = lineId === undefined ? {} : { lineId };
  put(state.refunds, refundId, { refundId, orderId, customerId, reason, ...line, amountCents, to, on: state.today });
  return state.refunds[refundId]!;
}

/** Puts pieces into stock, or takes them out with a negative count. */
export function moveStock(state: ShopState, productId: string, sku: string, count: number): void {
  edit(state.products, productId, ({ variants }) => {
    const variant = variants[sku];
    if (variant !== undefined) variant.stock += count;
  });
}
