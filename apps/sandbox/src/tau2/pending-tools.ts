import { z } from "zod";
import { WorldRefusal, type WorldTool } from "../world/world.ts";
import { cannotCover, creditGiftCard } from "./money.ts";
import { firstMissing, pairReplacements, priceDifference } from "./order-line.ts";
import type { Payment } from "./record.ts";
import { orderOf, paymentMethodOf, putOrder, type RetailState } from "./state.ts";
import { retailTool } from "./tool-role.ts";

const orderId = z.string().describe("The order id, with its leading #.");
const methodId = z.string().describe("A payment method id of the customer.");
const reasons = ["no longer needed", "ordered by mistake"];

/** The reason stays a plain string here: a wrong one is the tool's to refuse, after it has looked at the order. */
const cancelOrder = retailTool({
  name: "cancel_pending_order",
  description:
    "Cancels a pending order and refunds what was paid. Needs the customer's explicit yes to the details first.",
  input: z.strictObject({
    order_id: orderId,
    reason: z.string().meta({ enum: reasons, description: "Why the customer cancels." }),
  }),
  run: (state, { order_id, reason }) => {
    const order = orderOf(state, order_id);
    if (order.status !== "pending") throw new WorldRefusal("Non-pending order cannot be cancelled");
    if (!reasons.includes(reason)) throw new WorldRefusal("Invalid reason");
    // Every entry is refunded, whatever its type: the published end states are made that way.
    for (const { payment_method_id } of order.payment_history) paymentMethodOf(state, order, payment_method_id);
    const refunds = order.payment_history.map(
      ({ amount, payment_method_id }): Payment => ({ transaction_type: "refund", amount, payment_method_id }),
    );
    for (const { amount, payment_method_id } of refunds) creditGiftCard(state, order, payment_method_id, amount);
    return putOrder(state, {
      ...order,
      status: "cancelled",
      payment_history: [...order.payment_history, ...refunds],
      cancel_reason: reason,
    });
  },
});

const changePayment = retailTool({
  name: "modify_pending_order_payment",
  description:
    "Moves the payment of a pending order to another payment method. Needs the customer's explicit yes to the details first.",
  input: z.strictObject({ order_id: orderId, payment_method_id: methodId }),
  run: (state, { order_id, payment_method_id }) => {
    const order = orderOf(state, order_id);
    if (!order.status.includes("pending")) throw new WorldRefusal("Non-pending order cannot be modified");
    const method = paymentMethodOf(state, order, payment_method_id);
    const [paid, ...others] = order.payment_history;
    if (paid?.transaction_type !== "payment" || others.length > 0) {
      throw new WorldRefusal("There should be exactly one payment for a pending order");
    }
    if (paid.payment_method_id === payment_method_id) {
      throw new WorldRefusal("The new payment method should be different from the current one");
    }
    const { amount } = paid;
    if (cannotCover(method, amount)) throw new WorldRefusal("Insufficient gift card balance to pay for the order");
    paymentMethodOf(state, order, paid.payment_method_id);
    creditGiftCard(state, order, payment_method_id, -amount);
    creditGiftCard(state, order, paid.payment_method_id, amount);
    return putOrder(state, {
      ...order,
      payment_history: [
        paid,
        { transaction_type: "payment", amount, payment_method_id },
        { transaction_type: "refund", amount, payment_method_id: paid.payment_method_id },
      ],
    });
  },
});

/** @param quirk every changed item gets price and options of the last new variant, as the published end states have it */
const changeItems = (quirk: boolean): WorldTool<RetailState, z.ZodType> =>
  retailTool({
    name: "modify_pending_order_items",
    description:
      "Swaps items of a pending order for other variants of the same products; once per order, so collect all items first. Needs the customer's explicit yes to the details first.",
    input: z.strictObject({
      order_id: orderId,
      item_ids: z.array(z.string()).describe("The items to swap; an item that is held twice may be named twice."),
      new_item_ids: z.array(z.string()).describe("The new items, in the same order as item_ids."),
      payment_method_id: methodId.describe("The customer's payment method for the price difference, either way."),
    }),
    run: (state, { order_id, item_ids, new_item_ids, payment_method_id }) => {
      const order = orderOf(state, order_id);
      if (order.status !== "pending") throw new WorldRefusal("Non-pending order cannot be modified");
      const missing = firstMissing(order, item_ids);
      if (missing !== undefined) throw new WorldRefusal(`${missing} not found`);
      if (item_ids.length !== new_item_ids.length) {
        throw new WorldRefusal("The number of items to be exchanged should match");
      }
      const pairs = { itemIds: item_ids, newItemIds: new_item_ids };
      const replacements = pairReplacements(state, order, pairs, (itemId, newItemId) => {
        if (itemId === newItemId) throw new WorldRefusal("The new item id should be different from the old item id");
      });
      const difference = priceDifference(replacements);
      if (cannotCover(paymentMethodOf(state, order, payment_method_id), difference)) {
        throw new WorldRefusal("Insufficient gift card balance to pay for the new item");
      }
      const last = replacements.at(-1)?.variant;
      const items = [...order.items];
      for (const { index, item, variant } of replacements) {
        const { price, options } = quirk && last !== undefined ? last : variant;
        items[index] = { ...item, item_id: variant.item_id, price, options };
      }
      creditGiftCard(state, order, payment_method_id, -difference);
      const settlement: Payment = {
        transaction_type: difference > 0 ? "payment" : "refund",
        amount: Math.abs(difference),
        payment_method_id,
      };
      return putOrder(state, {
        ...order,
        items,
        status: "pending (item modified)",
        payment_history: [...order.payment_history, settlement],
      });
    },
  });

/** The tools that change an order before it is sent. */
export const pendingTools = ({ quirk }: { readonly quirk: boolean }): readonly WorldTool<RetailState, z.ZodType>[] => [
  cancelOrder,
  changePayment,
  changeItems(quirk),
];
