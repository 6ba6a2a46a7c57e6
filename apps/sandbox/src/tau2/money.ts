import { roundCents } from "./arithmetic.ts";
import type { Order, PaymentMethod } from "./record.ts";
import { putUser, type RetailState, userOf } from "./state.ts";

/** True when the method is a gift card that holds less than `amount` dollars; no other method can be too small. */
export function cannotCover(method: PaymentMethod, amount: number): boolean {
  return method.source === "gift_card" && method.balance < amount;
}

/** Adds `amount` dollars (may be negative) to a gift card of the order's owner; other methods settle elsewhere. */
export function creditGiftCard(state: RetailState, order: Order, methodId: string, amount: number): void {
  const user = userOf(state, order.user_id);
  const method = user.payment_methods[methodId];
  if (method?.source !== "gift_card") return;
  const credited = { ...method, balance: roundCents(method.balance + amount) };
  putUser(state, { ...user, payment_methods: { ...user.payment_methods, [methodId]: credited } });
}
