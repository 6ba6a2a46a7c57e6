import { z } from "zod";
import { daysBetween } from "../../../src/world/calendar.ts";
import { edit, type Frozen, put } from "../../../src/world/table.ts";
import {
  lastReturnDay,
  lineOf,
  moveStock,
  ownOrder,
  paidShare,
  part,
  payBack,
  quoteReturn,
  refundableCents,
  refuse,
  requireNotRefunded,
  requireTakenBack,
  variantOf,
} from "../rules.ts";
import { type Customer, nextId, type Order, returnReasons, type ShopState } from "../state.ts";
import { address, customerId, lineId, lineQuantities, orderId, shopTool, sku } from "./tool.ts";

/** The tools that change an order or its goods. Each asks first whose order it is. Refunds have a file of their own. */

function requirePlaced({ orderId, status }: Frozen<Order>, what: string, article: string): void {
  if (status !== "placed") refuse(`Order ${orderId} is ${status}; only a placed order can ${what} (${article}).`);
}

export const cancelOrder = shopTool({
  name: "cancel_order",
  description:
    "Cancels a whole order that is placed and not yet packed. Everything paid goes back to the means of payment used.",
  input: z.strictObject({
    customerId,
    orderId,
    reason: z.enum(["customer_request", "ordered_by_mistake", "takes_too_long", "payment_problem"]),
  }),
  effect: "write",
  run: (state, input) => {
    const { order } = ownOrder(state, input);
    requirePlaced(order, "be cancelled", "POL-CAN-01");
    const refund = payBack(state, order, refundableCents(state, order), "cancelled");
    edit(state.orders, order.orderId, (row) => {
      row.status = "cancelled";
    });
    for (const line of Object.values(order.lines)) moveStock(state, line.productId, line.sku, line.quantity);
    if (order.voucher !== undefined) edit(state.vouchers, order.voucher, giveUseBack);
    return { orderId: order.orderId, status: "cancelled", refund };
  },
});

function giveUseBack(voucher: { usesLeft: number }): void {
  voucher.usesLeft += 1;
}

export const changeAddress = shopTool({
  name: "change_address",
  description: "Changes where an order goes, while it is placed and not yet packed, within the same country.",
  input: z.strictObject({ customerId, orderId, address }),
  effect: "write",
  run: (state, { address, ...input }) => {
    const { order } = ownOrder(state, input);
    requirePlaced(order, "get another address", "POL-ADR-01");
    if (address.country !== order.shipTo.country) {
      return refuse(
        `Order ${order.orderId} goes to ${order.shipTo.country} and cannot go to ${address.country} (POL-ADR-01).`,
      );
    }
    edit(state.orders, order.orderId, (row) => {
      row.shipTo = address;
    });
    return { orderId: order.orderId, shipTo: address };
  },
});

export const returnItems = shopTool({
  name: "return_items",
  description:
    "Opens a return for pieces of a delivered order and sends the label. The refund is paid when the goods are back. Ask quote_refund for the amount first.",
  input: z.strictObject({
    customerId,
    orderId,
    lines: lineQuantities,
    reason: z.enum(returnReasons),
    refundTo: z.enum(["original", "store_credit"]),
  }),
  effect: "write",
  run: (state, { customerId, orderId, ...asked }) => {
    const { customer, order } = ownOrder(state, { customerId, orderId });
    const { refundCents, feeCents } = quoteReturn(state, customer, order, asked);
    const returnId = nextId(state, "return");
    takeBack(state, order, asked.lines);
    const opened = { returnId, orderId, customerId, ...asked, refundCents, feeCents, openedOn: state.today };
    put(state.returns, returnId, opened);
    return { return: opened };
  },
});

function takeBack(
  state: ShopState,
  order: Frozen<Order>,
  pieces: readonly { lineId: string; quantity: number }[],
): void {
  edit(state.orders, order.orderId, ({ lines }) => {
    for (const { lineId, quantity } of pieces) {
      const line = lines[lineId];
      if (line !== undefined) line.returnedQuantity += quantity;
    }
  });
}

export const exchangeItem = shopTool({
  name: "exchange_item",
  description:
    "Exchanges pieces of a delivered line for another variant of the same product. If the new one costs more, paymentMethodId says what pays the difference.",
  input: z.strictObject({
    customerId,
    orderId,
    lineId,
    quantity: z.int().min(1).max(99),
    newSku: sku,
    paymentMethodId: z.string().min(3).max(20).optional().describe("Means of payment of the customer, like pm_1234_1."),
  }),
  effect: "write",
  run: (state, { customerId, orderId, lineId, quantity, newSku, paymentMethodId }) => {
    const { customer, order } = ownOrder(state, { customerId, orderId });
    const line = lineOf(order, lineId);
    const lastDay = lastReturnDay(customer, order, "changed_mind");
    const { product, variant } = variantOf(state, newSku);
    const left = line.quantity - line.returnedQuantity;
    if (quantity > left) refuse(`Line ${lineId} has ${left} of ${line.quantity} pieces left to exchange.`);
    requireNotRefunded(state, order, line);
    requireTakenBack(state, line);
    if (product.productId !== line.productId) refuse(`${newSku} is another product than line ${lineId} (POL-EXC-01).`);
    if (newSku === line.sku) refuse(`Line ${lineId} is ${newSku} already.`);
    if (daysBetween(state.today, lastDay) < 0) {
      refuse(`The window for an exchange ended on ${lastDay}, today is ${state.today} (POL-RET-01).`);
    }
    if (variant.discontinued) refuse(`${newSku} is no longer sold (POL-EXC-01).`);
    if (variant.stock < quantity)
      refuse(`${newSku} has ${variant.stock} in stock, ${quantity} are needed (POL-EXC-01).`);
    const differenceCents = variant.priceCents * quantity - paidShare(line, quantity);
    const paidWith = differenceCents > 0 ? charge(state, customer, paymentMethodId, differenceCents) : undefined;
    if (differenceCents < 0) payBack(state, order, -differenceCents, "exchange");
    moveStock(state, product.productId, newSku, -quantity);
    takeBack(state, order, [{ lineId, quantity }]);
    const exchangeId = nextId(state, "exchange");
    const made = {
      exchangeId,
      orderId,
      customerId,
      lineId,
      quantity,
      fromSku: line.sku,
      toSku: newSku,
      differenceCents,
      ...(paidWith === undefined ? {} : { paidWith }),
      openedOn: state.today,
    };
    put(state.exchanges, exchangeId, made);
    return { exchange: made };
  },
});

/** Charges a means of payment of the customer and returns its id. */
function charge(state: ShopState, customer: Frozen<Customer>, methodId: string | undefined, cents: number): string {
  if (methodId === undefined) {
    return refuse(`The new variant costs ${cents} cents more; say which means of payment takes it (POL-EXC-02).`);
  }
  const method = part(customer.paymentMethods, methodId);
  if (method === undefined) return refuse(`Customer ${customer.customerId} has no means of payment ${methodId}.`);
  if (!method.active) return refuse(`${method.label} (${methodId}) is no longer active (POL-EXC-02).`);
  if (method.kind !== "gift_card") return methodId;
  const balance = method.balanceCents ?? 0;
  if (balance < cents) return refuse(`${method.label} (${methodId}) holds ${balance} cents, ${cents} are needed.`);
  edit(state.customers, customer.customerId, ({ paymentMethods }) => {
    const giftCard = paymentMethods[methodId];
    if (giftCard !== undefined) giftCard.balanceCents = balance - cents;
  });
  return methodId;
}

export const applyVoucher = shopTool({
  name: "apply_voucher",
  description:
    "Puts one voucher on an order that is placed and not yet packed. The difference goes back to the means of payment.",
  input: z.strictObject({ customerId, orderId, code: z.string().min(3).max(20) }),
  effect: "write",
  run: (state, { customerId, orderId, code: given }) => {
    const { customer, order } = ownOrder(state, { customerId, orderId });
    requirePlaced(order, "take a voucher", "POL-VOU-01");
    if (order.voucher !== undefined) refuse(`Order ${orderId} has voucher ${order.voucher} already (POL-VOU-01).`);
    const code = given.trim().toUpperCase();
    const voucher = part(state.vouchers, code) ?? refuse(`There is no voucher ${code}.`);
    const no = (why: string) => refuse(`Voucher ${code} ${why} (POL-VOU-01).`);
    if (voucher.onlyCustomerId !== undefined && voucher.onlyCustomerId !== customerId) no("belongs to somebody else");
    if (voucher.onlyTier !== undefined && voucher.onlyTier !== customer.tier) no(`is for ${voucher.onlyTier} members`);
    if (daysBetween(state.today, voucher.validUntil) < 0) no(`expired on ${voucher.validUntil}`);
    if (voucher.usesLeft < 1) no("is used up");
    const lines = Object.values(order.lines);
    const goods = lines.reduce((sum, line) => sum + line.unitPriceCents * line.quantity, 0);
    if (goods < voucher.minimumCents) no(`needs goods for ${voucher.minimumCents} cents, these cost ${goods}`);
    const shares = lines.map((line) => {
      const { category } = state.products[line.productId] ?? {};
      const counts = voucher.onlyCategory === undefined || voucher.onlyCategory === category;
      return counts ? line.unitPriceCents * line.quantity : 0;
    });
    const base = shares.reduce((sum, share) => sum + share, 0);
    if (base === 0) no(`is for ${voucher.onlyCategory} only`);
    const discount = Math.min(base, voucher.amountCents ?? Math.floor((base * (voucher.percent ?? 0)) / 100));
    const refund = payBack(state, order, discount, "voucher");
    let before = 0;
    edit(state.orders, orderId, (row) => {
      row.voucher = code;
      row.discountCents = discount;
      row.totalCents -= discount;
      for (const [index, line] of Object.values(row.lines).entries()) {
        const upTo = before + (shares[index] ?? 0);
        line.discountCents = Math.round((discount * upTo) / base) - Math.round((discount * before) / base);
        before = upTo;
      }
    });
    edit(state.vouchers, code, (row) => {
      row.usesLeft -= 1;
    });
    return { orderId, code, discountCents: discount, totalCents: order.totalCents - discount, refund };
  },
});

export const changeTools = [cancelOrder, changeAddress, returnItems, exchangeItem, applyVoucher];
