/**
 * The state of one run: a database that all runs share and nobody changes, and above it the records this run has
 * touched. Records are values: a change puts a new record, so a copy of a state costs two small maps, and dropping the
 * copy undoes everything. It is not a general store: products never change in this domain.
 */
import { WorldRefusal } from "../world/world.ts";
import type { Order, PaymentMethod, Product, RetailDatabase, User, Variant } from "./record.ts";

export interface RetailState {
  readonly base: RetailDatabase;
  readonly users: Map<string, User>;
  readonly orders: Map<string, Order>;
}

/** An untouched state over a database. */
export function stateOf(base: RetailDatabase): RetailState {
  return { base, users: new Map(), orders: new Map() };
}

/** A copy that can be changed alone; the base stays shared. */
export function cloneState({ base, users, orders }: RetailState): RetailState {
  return { base, users: new Map(users), orders: new Map(orders) };
}

/** The whole database as this state has it; records are shared, not copied. */
export function databaseOf({ base, users, orders }: RetailState): RetailDatabase {
  return {
    ...base,
    users: { ...base.users, ...Object.fromEntries(users) },
    orders: { ...base.orders, ...Object.fromEntries(orders) },
  };
}

/** Own keys only, so that no id reaches what every object inherits. */
function own<Value>(records: Readonly<Record<string, Value>>, id: string): Value | undefined {
  return Object.hasOwn(records, id) ? records[id] : undefined;
}

function found<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw new WorldRefusal(message);
  return value;
}

export const userOf = (state: RetailState, id: string): User =>
  found(state.users.get(id) ?? own(state.base.users, id), "User not found");

export const orderOf = (state: RetailState, id: string): Order =>
  found(state.orders.get(id) ?? own(state.base.orders, id), "Order not found");

export const productOf = (state: RetailState, id: string): Product =>
  found(own(state.base.products, id), "Product not found");

export const variantOf = (product: Product, itemId: string): Variant =>
  found(own(product.variants, itemId), "Variant not found");

/** The variant with this item id, whichever product it belongs to. */
export function itemOf(state: RetailState, itemId: string): Variant {
  for (const product of Object.values(state.base.products)) {
    const variant = own(product.variants, itemId);
    if (variant !== undefined) return variant;
  }
  throw new WorldRefusal("Item not found");
}

/** One payment method of the order's owner. */
export const paymentMethodOf = (state: RetailState, order: Order, id: string): PaymentMethod =>
  found(own(userOf(state, order.user_id).payment_methods, id), "Payment method not found");

/** The first user, in the order of the database, that the test accepts. */
export function findUser(state: RetailState, accepts: (user: User) => boolean): User {
  for (const [id, user] of Object.entries(state.base.users)) {
    const current = state.users.get(id) ?? user;
    if (accepts(current)) return current;
  }
  throw new WorldRefusal("User not found");
}

export function putUser(state: RetailState, user: User): User {
  state.users.set(user.user_id, user);
  return user;
}

export function putOrder(state: RetailState, order: Order): Order {
  state.orders.set(order.order_id, order);
  return order;
}
