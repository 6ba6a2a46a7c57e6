import { z } from "zod";
import { evaluate, floatText, roundCents } from "./arithmetic.ts";
import { findUser, itemOf, orderOf, productOf, userOf } from "./state.ts";
import { retailTool } from "./tool-role.ts";

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

/** The tools that change no record: look-ups, the calculator and the hand-over to a person. */
export const lookupTools = [
  retailTool({
    name: "find_user_id_by_email",
    description: "Finds the customer whose e-mail address this is; capital letters do not matter. Answers the user id.",
    input: z.strictObject({ email: z.string().describe("The customer's e-mail address.") }),
    run: (state, { email }) => findUser(state, (user) => same(user.email, email)).user_id,
  }),
  retailTool({
    name: "find_user_id_by_name_zip",
    description:
      "Finds a customer by name and the postal code of the default address. Answers the user id. Try the e-mail first.",
    input: z.strictObject({
      first_name: z.string().describe("Given name; capital letters do not matter."),
      last_name: z.string().describe("Family name; capital letters do not matter."),
      zip: z.string().describe("Postal code of the default address, exactly."),
    }),
    run: (state, { first_name, last_name, zip }) =>
      findUser(
        state,
        ({ name, address }) =>
          same(name.first_name, first_name) && same(name.last_name, last_name) && address.zip === zip,
      ).user_id,
  }),
  retailTool({
    name: "get_user_details",
    description: "Reads one customer: name, e-mail, default address, payment methods and order ids.",
    input: z.strictObject({ user_id: z.string().describe("The user id that a look-up answered.") }),
    run: (state, { user_id }) => userOf(state, user_id),
  }),
  retailTool({
    name: "get_order_details",
    description: "Reads one order: status, items, address, shipments and payments.",
    input: z.strictObject({ order_id: z.string().describe("The order id, with its leading #.") }),
    run: (state, { order_id }) => orderOf(state, order_id),
  }),
  retailTool({
    name: "get_product_details",
    description: "Reads one product with all its variants: options, price, and whether each is available.",
    input: z.strictObject({ product_id: z.string().describe("The product id, which is not an item id.") }),
    run: (state, { product_id }) => productOf(state, product_id),
  }),
  retailTool({
    name: "get_item_details",
    description: "Reads one variant by its item id, whichever product it belongs to.",
    input: z.strictObject({ item_id: z.string().describe("The item id, which is not a product id.") }),
    run: (state, { item_id }) => itemOf(state, item_id),
  }),
  retailTool({
    name: "list_all_product_types",
    description: "Lists every product of the shop: a JSON object from name to product id, sorted by name.",
    input: z.strictObject({}),
    run: ({ products }) => {
      const idByName = new Map(Object.values(products).map(({ name, product_id }) => [name, product_id]));
      return JSON.stringify(Object.fromEntries([...idByName].sort(([left], [right]) => (left < right ? -1 : 1))));
    },
  }),
  retailTool({
    name: "calculate",
    description: "Works out a sum and rounds the result to two decimals.",
    input: z.strictObject({ expression: z.string().describe("Digits, + - * / ( ) . and spaces only.") }),
    run: (_state, { expression }) => floatText(roundCents(evaluate(expression))),
  }),
  retailTool({
    name: "transfer_to_human_agents",
    description: "Hands the customer over to a person, for a request that the rules or the tools cannot meet.",
    input: z.strictObject({ summary: z.string().describe("What the customer wants and what was done so far.") }),
    run: () => "Transfer successful",
  }),
];
