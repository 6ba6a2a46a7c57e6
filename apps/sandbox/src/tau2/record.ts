/**
 * The records of the retail database as they are published: snake_case fields, money in dollars with cents, ids as map
 * keys. Types are read-only throughout because all states share their records (see state.ts).
 */
import { z } from "zod";

const ids = z.array(z.string()).readonly();
const text = z.string().nullable().exactOptional();
const options = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).readonly();

export const Address = z
  .object({
    address1: z.string(),
    address2: z.string(),
    city: z.string(),
    country: z.string(),
    state: z.string(),
    zip: z.string(),
  })
  .readonly();
export type Address = z.infer<typeof Address>;

/** One buyable form of a product. */
const Variant = z.object({ item_id: z.string(), options, available: z.boolean(), price: z.number() }).readonly();
export type Variant = z.infer<typeof Variant>;

const Product = z
  .object({ name: z.string(), product_id: z.string(), variants: z.record(z.string(), Variant).readonly() })
  .readonly();
export type Product = z.infer<typeof Product>;

const PaymentMethod = z.discriminatedUnion("source", [
  z.object({ source: z.literal("credit_card"), id: z.string(), brand: z.string(), last_four: z.string() }).readonly(),
  z.object({ source: z.literal("paypal"), id: z.string() }).readonly(),
  z.object({ source: z.literal("gift_card"), id: z.string(), balance: z.number() }).readonly(),
]);
export type PaymentMethod = z.infer<typeof PaymentMethod>;

const User = z
  .object({
    user_id: z.string(),
    name: z.object({ first_name: z.string(), last_name: z.string() }).readonly(),
    address: Address,
    email: z.string(),
    payment_methods: z.record(z.string(), PaymentMethod).readonly(),
    orders: ids,
  })
  .readonly();
export type User = z.infer<typeof User>;

const OrderItem = z
  .object({ name: z.string(), product_id: z.string(), item_id: z.string(), price: z.number(), options })
  .readonly();
export type OrderItem = z.infer<typeof OrderItem>;

const Payment = z
  .object({
    transaction_type: z.enum(["payment", "refund"]),
    amount: z.number(),
    payment_method_id: z.string(),
  })
  .readonly();
export type Payment = z.infer<typeof Payment>;

const Order = z
  .object({
    order_id: z.string(),
    user_id: z.string(),
    address: Address,
    items: z.array(OrderItem).readonly(),
    status: z.enum([
      "processed",
      "pending",
      "pending (item modified)",
      "delivered",
      "cancelled",
      "exchange requested",
      "return requested",
    ]),
    fulfillments: z.array(z.object({ tracking_id: ids, item_ids: ids }).readonly()).readonly(),
    payment_history: z.array(Payment).readonly(),
    cancel_reason: text,
    exchange_items: ids.nullable().exactOptional(),
    exchange_new_items: ids.nullable().exactOptional(),
    exchange_payment_method_id: text,
    exchange_price_difference: z.number().nullable().exactOptional(),
    return_items: ids.nullable().exactOptional(),
    return_payment_method_id: text,
  })
  .readonly();
export type Order = z.infer<typeof Order>;

export const RetailDatabase = z
  .object({
    products: z.record(z.string(), Product).readonly(),
    users: z.record(z.string(), User).readonly(),
    orders: z.record(z.string(), Order).readonly(),
  })
  .readonly();
export type RetailDatabase = z.infer<typeof RetailDatabase>;
