/**
 * The state of one run. It is plain data in the shape of the database, and nothing in it is ever changed in place: a
 * change makes a new record and a new table around it, and leaves the others shared. So a copy of a state is a copy of
 * its few fields, dropping the copy undoes everything, and two states can be compared by what they do not share.
 */
import { WorldRefusal } from "../world/world.ts";
import type { Order, PaymentMethod, Product, RetailDatabase, User, Variant } from "./record.ts";

/** The one thing that a tool may set is a whole table. */
export interface RetailState {
  readonly products: RetailDatabase["products"];
  users: RetailDatabase["users"];
  orders: RetailDatabase["orders"];
}

/** A state of its own that stands where the other stands; both share all records. */
export function cloneState(state: RetailDatabase): RetailState {
  return { ...state };
}

/** Own keys only, so that no id reaches what every object inherits. */
function own<Value>(records: Readonly<Record<string, Value>>, id: string): Value | undefined {
  return Object.hasOwn(records, id) ? records[id] : undefined;
}

function found<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw new WorldRefusal(message);
  return value;
}

export const userOf = (state: RetailState, id: string): User => found(own(state.users, id), "User not found");

export const orderOf = (state: RetailState, id: string): Order => found(own(state.orders, id), "Order not found");

export const productOf = (state: RetailState, id: string): Product =>
  found(own(state.products, id), "Product not found");

export const variantOf = (product: Product, itemId: string): Variant =>
  found(own(product.variants, itemId), "Variant not found");

/** The variant with this item id, whichever product it belongs to. */
export function itemOf(state: RetailState, itemId: string): Variant {
  for (const product of Object.values(state.products)) {
    const variant = own(product.variants, itemId);
    if (variant !== undefined) return variant;
  }
  throw new WorldRefusal("Item not found");
}

/** One payment method of the order's owner. */
export const paymentMethodOf = (state: RetailState, order: Order, id: string): PaymentMethod =>
  found(own(userOf(state, order.user_id).payment_methods, id), "Payment method not found");

/** The first user, in the order of the database, that the test accepts. */
export const findUser = (state: RetailState, accepts: (user: User) => boolean): User =>
  found(Object.values(state.users).find(accepts), "User not found");

export function putUser(state: RetailState, user: User): User {
  state.users = { ...state.users, [user.user_id]: user };
  return user;
}

export function putOrder(state: RetailState, order: Order): Order {
  state.orders = { ...state.orders, [order.order_id]: order };
  return order;
}
