import { z } from "zod";
import { searchPolicy } from "../policy.ts";
import { customerOf, orderOf, productOf, quoteReturn, refundableCents, refuse, variantOf } from "../rules.ts";
import { categories, orderStatuses, returnReasons, rows } from "../state.ts";
import { customerId, lineQuantities, orderId, productId, shopTool, sku } from "./tool.ts";

/** The tools that only look. None of them changes the state, whatever it is asked. */

/**
 * Text for comparing names and postcodes: no case, no accents, no spaces. Only what stands above and below Latin, Greek and
 * Cyrillic letters is an accent: in other scripts such a mark makes another letter (か and が), and so another person.
 */
function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f\s]/gu, "");
}

export const findCustomer = shopTool({
  name: "find_customer",
  description:
    "Finds customers by e-mail address, by full name and postcode, or by an order number. Everything given must fit. Returns up to five; an empty list means nobody fits.",
  input: z.strictObject({
    email: z.string().min(3).max(120).optional(),
    name: z.string().min(2).max(120).optional(),
    postcode: z.string().min(3).max(12).optional(),
    orderId: orderId.optional(),
  }),
  effect: "read",
  run: (state, input) => {
    if (Object.keys(input).length === 0) return refuse("Give an e-mail address, a name or an order number.");
    const owner = input.orderId === undefined ? undefined : state.orders[input.orderId]?.customerId;
    const found = rows(state.customers).filter(
      (customer) =>
        (input.orderId === undefined || customer.customerId === owner) &&
        (input.email === undefined || customer.email === input.email.trim().toLowerCase()) &&
        (input.name === undefined || plain(customer.name) === plain(input.name)) &&
        (input.postcode === undefined || plain(customer.address.postcode) === plain(input.postcode)),
    );
    return { customers: found.slice(0, 5) };
  },
});

export const listOrders = shopTool({
  name: "list_orders",
  description: "Lists a customer's orders, newest first, with status, day, total and titles.",
  input: z.strictObject({
    customerId,
    status: z.enum(orderStatuses).optional(),
    limit: z.int().min(1).max(50).default(10),
  }),
  effect: "read",
  run: (state, { customerId, status, limit }) => {
    customerOf(state, customerId);
    const orders = rows(state.orders)
      .filter((order) => order.customerId === customerId && (status === undefined || order.status === status))
      .toReversed();
    return {
      count: orders.length,
      orders: orders.slice(0, limit).map((order) => ({
        orderId: order.orderId,
        status: order.status,
        placedOn: order.placedOn,
        totalCents: order.totalCents,
        titles: Object.values(order.lines).map((line) => line.title),
      })),
    };
  },
});

export const getOrder = shopTool({
  name: "get_order",
  description:
    "Shows one order with its lines, payments and shipment, everything refunded, returned and exchanged so far, and what can still be refunded.",
  input: z.strictObject({ orderId }),
  effect: "read",
  run: (state, { orderId }) => {
    const order = orderOf(state, orderId);
    const ofOrder = (row: { readonly orderId: string }) => row.orderId === orderId;
    return {
      today: state.today,
      order,
      refundableCents: refundableCents(state, order),
      refunds: rows(state.refunds).filter(ofOrder),
      returns: rows(state.returns).filter(ofOrder),
      exchanges: rows(state.exchanges).filter(ofOrder),
    };
  },
});

export const searchProducts = shopTool({
  name: "search_products",
  description:
    "Finds products whose name has a word that begins like one of the query's words, in one category or in all.",
  input: z.strictObject({
    query: z.string().trim().min(2).max(80),
    category: z.enum(categories).optional(),
    limit: z.int().min(1).max(20).default(5),
  }),
  effect: "read",
  run: (state, { query, category, limit }) => {
    const words = query.toLowerCase().split(/\s+/u);
    const found = rows(state.products).filter(
      (product) =>
        (category === undefined || product.category === category) &&
        words.some((word) => ` ${product.name.toLowerCase()}`.includes(` ${word}`)),
    );
    return {
      products: found.slice(0, limit).map(({ productId, name, category, variants }) => ({
        productId,
        name,
        category,
        fromCents: Math.min(...Object.values(variants).map((variant) => variant.priceCents)),
      })),
    };
  },
});

export const getProduct = shopTool({
  name: "get_product",
  description: "Shows one product with all its variants, their prices and whether it can be taken back.",
  input: z.strictObject({ productId }),
  effect: "read",
  run: (state, { productId }) => ({ product: productOf(state, productId) }),
});

export const checkStock = shopTool({
  name: "check_stock",
  description: "Says for up to ten article numbers how many are in stock and when more are expected.",
  input: z.strictObject({ skus: z.array(sku).min(1).max(10) }),
  effect: "read",
  run: (state, { skus }) => ({
    articles: skus.map((sku) => {
      const { variant } = variantOf(state, sku);
      const { stock, discontinued } = variant;
      return { sku, stock, discontinued, restockOn: variant.restockOn ?? null };
    }),
  }),
});

export const trackShipment = shopTool({
  name: "track_shipment",
  description: "Shows the carrier's scans of an order's parcel and the day it was promised for.",
  input: z.strictObject({ orderId }),
  effect: "read",
  run: (state, { orderId }) => {
    const { status, promisedOn, deliveredOn, shipment } = orderOf(state, orderId);
    if (shipment === undefined) return refuse(`Order ${orderId} is ${status}; it has no parcel yet.`);
    return { today: state.today, status, promisedOn, deliveredOn: deliveredOn ?? null, shipment };
  },
});

export const searchPolicyTool = shopTool({
  name: "search_policy",
  description: "Finds articles of the shop's terms by words or by id. Cite them by id.",
  input: z.strictObject({ query: z.string().min(2).max(200), limit: z.int().min(1).max(10).default(3) }),
  effect: "read",
  run: (_, { query, limit }) => ({
    passages: searchPolicy(query, limit).map(({ id, title, text }) => ({ id, title, text })),
  }),
});

export const quoteRefund = shopTool({
  name: "quote_refund",
  description:
    "Works out what a return would bring, without opening it. Refuses, with the article of the terms, when the return would not be taken.",
  input: z.strictObject({
    orderId,
    lines: lineQuantities,
    reason: z.enum(returnReasons),
    refundTo: z.enum(["original", "store_credit"]).default("original"),
  }),
  effect: "read",
  run: (state, { orderId, ...asked }) => {
    const order = orderOf(state, orderId);
    return { today: state.today, ...quoteReturn(state, customerOf(state, order.customerId), order, asked) };
  },
});

export const lookupTools = [
  findCustomer,
  listOrders,
  getOrder,
  searchProducts,
  getProduct,
  checkStock,
  trackShipment,
  searchPolicyTool,
  quoteRefund,
];
