import { z } from "zod";
import { WorldRefusal } from "../world/world.ts";
import { roundCents } from "./arithmetic.ts";
import { cannotCover } from "./money.ts";
import { firstMissing, pairReplacements, priceDifference } from "./order-line.ts";
import { orderOf, paymentMethodOf, putOrder } from "./state.ts";
import { retailTool } from "./tool-role.ts";

const orderId = z.string().describe("The order id, with its leading #.");

/** The tools for an order that has arrived. They record the wish; neither money nor items move yet. */
export const deliveredTools = [
  retailTool({
    name: "return_delivered_order_items",
    description:
      "Starts the return of items of a delivered order. Needs the customer's explicit yes to the details first.",
    input: z.strictObject({
      order_id: orderId,
      item_ids: z.array(z.string()).describe("The items to return; an item that is held twice may be named twice."),
      payment_method_id: z.string().describe("Where the refund goes: the original payment method or a gift card."),
    }),
    run: (state, { order_id, item_ids, payment_method_id }) => {
      const order = orderOf(state, order_id);
      if (order.status !== "delivered") throw new WorldRefusal("Non-delivered order cannot be returned");
      const method = paymentMethodOf(state, order, payment_method_id);
      const original = order.payment_history[0]?.payment_method_id;
      if (method.source !== "gift_card" && payment_method_id !== original) {
        throw new WorldRefusal("Payment method should be the original payment method");
      }
      if (firstMissing(order, item_ids) !== undefined) throw new WorldRefusal("Some item not found");
      return putOrder(state, {
        ...order,
        status: "return requested",
        return_items: item_ids.toSorted(),
        return_payment_method_id: payment_method_id,
      });
    },
  }),
  retailTool({
    name: "exchange_delivered_order_items",
    description:
      "Starts the exchange of items of a delivered order for other variants of the same products; once per order. Needs the customer's explicit yes to the details first.",
    input: z.strictObject({
      order_id: orderId,
      item_ids: z.array(z.string()).describe("The items to give back; an item that is held twice may be named twice."),
      new_item_ids: z.array(z.string()).describe("The new items, in the same order as item_ids."),
      payment_method_id: z.string().describe("The customer's payment method for the price difference, either way."),
    }),
    run: (state, { order_id, item_ids, new_item_ids, payment_method_id }) => {
      const order = orderOf(state, order_id);
      if (order.status !== "delivered") throw new WorldRefusal("Non-delivered order cannot be exchanged");
      const missing = firstMissing(order, item_ids);
      if (missing !== undefined) throw new WorldRefusal(`Number of ${missing} not found.`);
      if (item_ids.length !== new_item_ids.length) {
        throw new WorldRefusal("The number of items to be exchanged should match.");
      }
      const replacements = pairReplacements(state, order, { itemIds: item_ids, newItemIds: new_item_ids });
      const difference = roundCents(priceDifference(replacements));
      if (cannotCover(paymentMethodOf(state, order, payment_method_id), difference)) {
        throw new WorldRefusal("Insufficient gift card balance to pay for the price difference");
      }
      return putOrder(state, {
        ...order,
        status: "exchange requested",
        exchange_items: item_ids.toSorted(),
        exchange_new_items: new_item_ids.toSorted(),
        exchange_payment_method_id: payment_method_id,
        exchange_price_difference: difference,
      });
    },
  }),
];
