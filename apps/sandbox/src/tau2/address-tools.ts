import { z } from "zod";
import { WorldRefusal } from "../world/world.ts";
import { orderOf, putOrder, putUser, userOf } from "./state.ts";
import { retailTool } from "./tool-role.ts";

const address = {
  address1: z.string().describe("Street and number."),
  address2: z.string().describe("Suite or apartment; may be empty."),
  city: z.string(),
  state: z.string().describe("State, as two letters."),
  country: z.string(),
  zip: z.string().describe("Postal code."),
};

/** The tools that replace an address: the customer's default one, or that of an order which has not been sent. */
export const addressTools = [
  retailTool({
    name: "modify_user_address",
    description: "Replaces the customer's default address. Needs the customer's explicit yes to the details first.",
    input: z.strictObject({ user_id: z.string().describe("The customer's user id."), ...address }),
    run: (state, { user_id, address1, address2, city, country, state: region, zip }) => {
      const user = userOf(state, user_id);
      return putUser(state, { ...user, address: { address1, address2, city, country, state: region, zip } });
    },
  }),
  retailTool({
    name: "modify_pending_order_address",
    description: "Replaces the address of a pending order. Needs the customer's explicit yes to the details first.",
    input: z.strictObject({ order_id: z.string().describe("The order id, with its leading #."), ...address }),
    run: (state, { order_id, address1, address2, city, country, state: region, zip }) => {
      const order = orderOf(state, order_id);
      if (!order.status.includes("pending")) throw new WorldRefusal("Non-pending order cannot be modified");
      return putOrder(state, { ...order, address: { address1, address2, city, country, state: region, zip } });
    },
  }),
];
