import { join } from "node:path";
import type { Json } from "../world/world.ts";
import type { Change } from "./change.ts";
import { type CallOutcome, callTool } from "./ground-truth.ts";
import type { Address, Order, OrderItem, RetailDatabase, Variant } from "./record.ts";
import { retailWorld } from "./retail.ts";
import type { RetailState } from "./state.ts";

/** Where the published domains may be; tests that need them skip where they are absent. */
export const dataFolder = (domain: string): string =>
  join(process.env.REMIT_DATA_DIR ?? join(import.meta.dirname, "../../../../../shared/data"), domain);

const harbour: Address = {
  address1: "3 Quay Street",
  address2: "",
  city: "Port Ness",
  country: "Nowhere",
  state: "PN",
  zip: "00042",
};

const variant = (item_id: string, colour: string, price: number, available = true): Variant => ({
  item_id,
  options: { colour },
  available,
  price,
});

const item = (name: string, product_id: string, { item_id, price, options }: Variant): OrderItem => ({
  name,
  product_id,
  item_id,
  price,
  options,
});

const lamps = {
  l1: variant("l1", "red", 20.1),
  l2: variant("l2", "green", 35.4),
  l3: variant("l3", "blue", 12.25),
  l4: variant("l4", "gold", 999, false),
  l5: variant("l5", "pearl", 90.05),
};
const mugs = { m1: variant("m1", "white", 4.5), m2: variant("m2", "black", 7.75) };

const lamp = (which: keyof typeof lamps): OrderItem => item("Lamp", "p-lamp", lamps[which]);
const mug = (which: keyof typeof mugs): OrderItem => item("Mug", "p-mug", mugs[which]);

const order = (
  order_id: string,
  items: readonly OrderItem[],
  payment_method_id: string,
  more: Partial<Order> = {},
): Order => ({
  order_id,
  user_id: "ada",
  address: harbour,
  items,
  status: "pending",
  fulfillments: [],
  payment_history: [
    { transaction_type: "payment", amount: items.reduce((sum, { price }) => sum + price, 0), payment_method_id },
  ],
  ...more,
});

const orders = [
  order("#card", [lamp("l1"), mug("m1"), lamp("l1")], "card-1"),
  order("#gift", [lamp("l3")], "gift-1"),
  order("#sent", [lamp("l1")], "card-1", { status: "processed" }),
  order("#changed", [lamp("l1")], "card-1", { status: "pending (item modified)" }),
  order("#twice", [lamp("l1")], "card-1", {
    payment_history: [
      { transaction_type: "payment", amount: 20.1, payment_method_id: "card-1" },
      { transaction_type: "payment", amount: 1, payment_method_id: "gift-1" },
    ],
  }),
  order("#stranger", [lamp("l1")], "card-9"),
  order("#arrived", [mug("m1"), lamp("l1"), mug("m1")], "card-1", { status: "delivered" }),
];

/** A shop with two products, two customers and an order for every state that a tool cares about. */
export const tinyShop: RetailDatabase = freeze({
  products: {
    "p-mug": { name: "Mug", product_id: "p-mug", variants: mugs },
    "p-lamp": { name: "Lamp", product_id: "p-lamp", variants: lamps },
  },
  users: {
    ada: {
      user_id: "ada",
      name: { first_name: "Ada", last_name: "Quill" },
      address: harbour,
      email: "Ada.Quill@shop.test",
      payment_methods: {
        "card-1": { source: "credit_card", id: "card-1", brand: "plain", last_four: "0001" },
        "pal-1": { source: "paypal", id: "pal-1" },
        "gift-1": { source: "gift_card", id: "gift-1", balance: 30.3 },
      },
      orders: orders.map(({ order_id }) => order_id),
    },
    bo: {
      user_id: "bo",
      name: { first_name: "Bo", last_name: "Quill" },
      address: { ...harbour, zip: "00043" },
      email: "bo@shop.test",
      payment_methods: {},
      orders: [],
    },
  },
  orders: Object.fromEntries(orders.map((one) => [one.order_id, one])),
});

/** Freezes all the way down, so that a tool that changes the shared base fails at once. */
function freeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) for (const part of Object.values(Object.freeze(value))) freeze(part);
  return value;
}

/** Changes in the order in which a comparison gives them. */
export const byPath = (changes: readonly Change[] | undefined): readonly Change[] | undefined =>
  changes?.toSorted((left, right) => (left.path < right.path ? -1 : 1));

/** A world over the tiny shop whose calls go one after the other on one state. */
export function shopRun({ quirk = true }: { readonly quirk?: boolean } = {}): {
  readonly call: (name: string, input: Json) => CallOutcome;
  /** The answer, or the refusal's message with a `!` before it. */
  readonly say: (name: string, input: Json) => Json;
  readonly start: RetailState;
  readonly state: () => RetailState;
} {
  const world = retailWorld({ database: tinyShop, quirk });
  const start = world.initial();
  let state = start;
  const call = (name: string, input: Json): CallOutcome => {
    const outcome = callTool(world, state, { name, input });
    state = outcome.state;
    return outcome;
  };
  const say = (name: string, input: Json): Json => {
    const outcome = call(name, input);
    return outcome.ok ? outcome.answer : `!${outcome.message}`;
  };
  return { call, say, start, state: () => state };
}
