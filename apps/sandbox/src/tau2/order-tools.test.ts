import { describe, expect, test } from "vitest";
import { diffState } from "./change.ts";
import { byPath, shopRun, tinyShop } from "./tiny-shop.test.data.ts";

const elsewhere = {
  address1: "9 Mill Road",
  address2: "",
  city: "Port Ness",
  state: "PN",
  country: "Nowhere",
  zip: "7",
};

describe("cancel_pending_order", () => {
  const cancel = (order_id: string, reason = "no longer needed") => ({ order_id, reason });

  test("refunds what was paid; a gift card has its money at once", () => {
    const { say, start, state } = shopRun();
    say("cancel_pending_order", cancel("#gift", "ordered by mistake"));
    const paid = { amount: 12.25, payment_method_id: "gift-1" };
    expect(diffState(start, state())).toEqual(
      byPath([
        { path: "/users/ada/payment_methods/gift-1/balance", before: 30.3, after: 42.55 },
        { path: "/orders/#gift/status", before: "pending", after: "cancelled" },
        {
          path: "/orders/#gift/payment_history",
          before: [{ transaction_type: "payment", ...paid }],
          after: [
            { transaction_type: "payment", ...paid },
            { transaction_type: "refund", ...paid },
          ],
        },
        { path: "/orders/#gift/cancel_reason", after: "ordered by mistake" },
      ]),
    );
  });

  test("refunds every payment of several, each to its own method", () => {
    const { say, state } = shopRun();
    expect(say("cancel_pending_order", cancel("#twice"))).toMatchObject({ status: "cancelled" });
    expect(state().orders["#twice"]?.payment_history.slice(2)).toEqual([
      { transaction_type: "refund", amount: 20.1, payment_method_id: "card-1" },
      { transaction_type: "refund", amount: 1, payment_method_id: "gift-1" },
    ]);
    expect(state().users.ada?.payment_methods["gift-1"]).toMatchObject({ balance: 31.3 });
  });

  test.each([
    [cancel("#none", "whim"), "Order not found"],
    [cancel("#sent", "whim"), "Non-pending order cannot be cancelled"],
    [cancel("#changed"), "Non-pending order cannot be cancelled"],
    [cancel("#stranger", "whim"), "Invalid reason"],
    [cancel("#stranger"), "Payment method not found"],
  ])("%j is refused: %s", refuses("cancel_pending_order"));
});

describe("addresses", () => {
  test("an order that was not sent goes elsewhere, also after its items were changed", () => {
    const { say, state } = shopRun();
    for (const order_id of ["#card", "#changed"]) say("modify_pending_order_address", { order_id, ...elsewhere });
    expect(state().orders["#card"]).toEqual({ ...tinyShop.orders["#card"], address: elsewhere });
    expect(state().orders["#changed"]?.address).toEqual(elsewhere);
  });

  test.each([
    [{ order_id: "#none", ...elsewhere }, "Order not found"],
    [{ order_id: "#arrived", ...elsewhere }, "Non-pending order cannot be modified"],
  ])("%j is refused: %s", refuses("modify_pending_order_address"));

  test("the default address changes for the customer alone", () => {
    const { say, start, state } = shopRun();
    say("modify_user_address", { user_id: "ada", ...elsewhere });
    expect(diffState(start, state())).toEqual(
      byPath([
        { path: "/users/ada/address/address1", before: "3 Quay Street", after: "9 Mill Road" },
        { path: "/users/ada/address/zip", before: "00042", after: "7" },
      ]),
    );
  });

  test.each([[{ user_id: "cy", ...elsewhere }, "User not found"]])("%j is refused: %s", refuses("modify_user_address"));
});

describe("modify_pending_order_payment", () => {
  const pay = (order_id: string, payment_method_id: string) => ({ order_id, payment_method_id });

  test("from a gift card to another method: paid anew, then refunded, and the card has its money", () => {
    const { say, state } = shopRun();
    expect(say("modify_pending_order_payment", pay("#gift", "pal-1"))).toMatchObject({
      status: "pending",
      payment_history: [
        { transaction_type: "payment", amount: 12.25, payment_method_id: "gift-1" },
        { transaction_type: "payment", amount: 12.25, payment_method_id: "pal-1" },
        { transaction_type: "refund", amount: 12.25, payment_method_id: "gift-1" },
      ],
    });
    expect(state().users.ada?.payment_methods["gift-1"]).toMatchObject({ balance: 42.55 });
  });

  test("to a gift card that holds enough", () => {
    const { say, state } = shopRun();
    say("modify_pending_order_payment", pay("#changed", "gift-1"));
    expect(state().users.ada?.payment_methods["gift-1"]).toMatchObject({ balance: 10.2 });
  });

  test.each([
    [pay("#none", "pal-9"), "Order not found"],
    [pay("#arrived", "pal-9"), "Non-pending order cannot be modified"],
    [pay("#twice", "pal-9"), "Payment method not found"],
    [pay("#twice", "card-1"), "There should be exactly one payment for a pending order"],
    [pay("#card", "card-1"), "The new payment method should be different from the current one"],
    [pay("#card", "gift-1"), "Insufficient gift card balance to pay for the order"],
  ])("%j is refused: %s", refuses("modify_pending_order_payment"));
});

describe("modify_pending_order_items", () => {
  const swap = (order_id: string, item_ids: string[], new_item_ids: string[], payment_method_id = "card-1") => ({
    order_id,
    item_ids,
    new_item_ids,
    payment_method_id,
  });

  test("one item becomes another variant and the difference is settled", () => {
    const { say, state } = shopRun();
    say("modify_pending_order_items", swap("#card", ["m1"], ["m2"], "gift-1"));
    const order = state().orders["#card"];
    expect(order?.status).toBe("pending (item modified)");
    expect(order?.items.map(({ item_id, price, options }) => [item_id, price, options.colour])).toEqual([
      ["l1", 20.1, "red"],
      ["m2", 7.75, "black"],
      ["l1", 20.1, "red"],
    ]);
    expect(order?.payment_history[1]).toEqual({
      transaction_type: "payment",
      amount: 3.25,
      payment_method_id: "gift-1",
    });
    expect(state().users.ada?.payment_methods["gift-1"]).toMatchObject({ balance: 27.05 });
  });

  test("a cheaper variant is a refund, not rounded in the history and rounded on the card", () => {
    const { say, state } = shopRun();
    say("modify_pending_order_items", swap("#card", ["l1", "l1"], ["l3", "l2"], "gift-1"));
    const difference = 12.25 - 20.1 + (35.4 - 20.1);
    expect(state().orders["#card"]?.payment_history[1]).toEqual({
      transaction_type: "payment",
      amount: difference,
      payment_method_id: "gift-1",
    });
    expect(state().users.ada?.payment_methods["gift-1"]).toMatchObject({ balance: 22.85 });
    const other = shopRun();
    other.say("modify_pending_order_items", swap("#card", ["l1"], ["l3"]));
    expect(other.state().orders["#card"]?.payment_history[1]).toEqual({
      transaction_type: "refund",
      amount: 20.1 - 12.25,
      payment_method_id: "card-1",
    });
  });

  const after = (quirk: boolean) => {
    const { say, state } = shopRun({ quirk });
    say("modify_pending_order_items", swap("#card", ["l1", "m1"], ["l2", "m2"]));
    return state().orders["#card"]?.items.map(({ name, item_id, price, options }) => [
      name,
      item_id,
      price,
      options.colour,
    ]);
  };

  test("with the quirk, all changed items get price and options of the last new variant", () => {
    expect(after(true)).toEqual([
      ["Lamp", "l2", 7.75, "black"],
      ["Mug", "m2", 7.75, "black"],
      ["Lamp", "l1", 20.1, "red"],
    ]);
  });

  test("without it, each item gets its own", () => {
    expect(after(false)).toEqual([
      ["Lamp", "l2", 35.4, "green"],
      ["Mug", "m2", 7.75, "black"],
      ["Lamp", "l1", 20.1, "red"],
    ]);
  });

  test.each([
    [swap("#none", ["x"], []), "Order not found"],
    [swap("#changed", ["x"], []), "Non-pending order cannot be modified"],
    [swap("#card", ["m1", "m1"], []), "m1 not found"],
    [swap("#card", ["l2"], []), "l2 not found"],
    [swap("#card", ["l1"], ["l2", "l3"]), "The number of items to be exchanged should match"],
    [swap("#card", ["l1"], ["l1"]), "The new item id should be different from the old item id"],
    [swap("#card", ["l1"], ["m2"]), "Variant not found"],
    [swap("#card", ["l1"], ["l4"], "pal-9"), "New item l4 not found or available"],
    [swap("#card", ["l1"], ["l5"], "pal-9"), "Payment method not found"],
    [swap("#card", ["l1"], ["l5"], "gift-1"), "Insufficient gift card balance to pay for the new item"],
  ])("%j is refused: %s", refuses("modify_pending_order_items"));
});

describe("return_delivered_order_items", () => {
  const give = (order_id: string, item_ids: string[], payment_method_id = "card-1") => ({
    order_id,
    item_ids,
    payment_method_id,
  });

  test.each(["card-1", "gift-1"])("is recorded with sorted items, refund to %s", (method) => {
    const { say, start, state } = shopRun();
    say("return_delivered_order_items", give("#arrived", ["m1", "l1", "m1"], method));
    expect(diffState(start, state())).toEqual(
      byPath([
        { path: "/orders/#arrived/status", before: "delivered", after: "return requested" },
        { path: "/orders/#arrived/return_items", after: ["l1", "m1", "m1"] },
        { path: "/orders/#arrived/return_payment_method_id", after: method },
      ]),
    );
  });

  test.each([
    [give("#none", ["x"], "pal-9"), "Order not found"],
    [give("#card", ["x"], "pal-9"), "Non-delivered order cannot be returned"],
    [give("#arrived", ["x"], "pal-9"), "Payment method not found"],
    [give("#arrived", ["x"], "pal-1"), "Payment method should be the original payment method"],
    [give("#arrived", ["l1", "l1"]), "Some item not found"],
  ])("%j is refused: %s", refuses("return_delivered_order_items"));

  test("is taken once", () => {
    const { say } = shopRun();
    say("return_delivered_order_items", give("#arrived", ["l1"]));
    expect(say("return_delivered_order_items", give("#arrived", ["m1"]))).toBe(
      "!Non-delivered order cannot be returned",
    );
  });
});

describe("exchange_delivered_order_items", () => {
  const swap = (order_id: string, item_ids: string[], new_item_ids: string[], payment_method_id = "card-1") => ({
    order_id,
    item_ids,
    new_item_ids,
    payment_method_id,
  });

  test("is recorded with sorted items and the rounded difference; items and money stay", () => {
    const { say, start, state } = shopRun();
    say("exchange_delivered_order_items", swap("#arrived", ["m1", "l1"], ["m2", "l3"], "gift-1"));
    expect(diffState(start, state())).toEqual(
      byPath([
        { path: "/orders/#arrived/status", before: "delivered", after: "exchange requested" },
        { path: "/orders/#arrived/exchange_items", after: ["l1", "m1"] },
        { path: "/orders/#arrived/exchange_new_items", after: ["l3", "m2"] },
        { path: "/orders/#arrived/exchange_payment_method_id", after: "gift-1" },
        { path: "/orders/#arrived/exchange_price_difference", after: -4.6 },
      ]),
    );
  });

  test("the same variant anew is an exchange too", () => {
    const { say } = shopRun();
    expect(say("exchange_delivered_order_items", swap("#arrived", ["l1"], ["l1"]))).toMatchObject({
      exchange_price_difference: 0,
    });
  });

  test.each([
    [swap("#none", ["x"], []), "Order not found"],
    [swap("#card", ["x"], []), "Non-delivered order cannot be exchanged"],
    [swap("#arrived", ["l1", "l1"], []), "Number of l1 not found."],
    [swap("#arrived", ["l1"], []), "The number of items to be exchanged should match."],
    [swap("#arrived", ["l1"], ["m1"]), "Variant not found"],
    [swap("#arrived", ["l1"], ["l4"], "pal-9"), "New item l4 not found or available"],
    [swap("#arrived", ["l1"], ["l5"], "pal-9"), "Payment method not found"],
    [swap("#arrived", ["l1"], ["l5"], "gift-1"), "Insufficient gift card balance to pay for the price difference"],
  ])("%j is refused: %s", refuses("exchange_delivered_order_items"));
});

/** A refused call gives its message, and the state is the very one from before. */
function refuses(tool: string): (input: Record<string, string | string[]>, message: string) => void {
  return (input, message) => {
    const { call, start } = shopRun();
    const outcome = call(tool, input);
    expect(outcome).toEqual({ ok: false, state: start, message });
    expect(outcome.state).toBe(start);
    expect(start).toEqual(tinyShop);
  };
}
