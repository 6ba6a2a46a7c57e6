import { beforeEach, describe, expect, test } from "vitest";
import { openTrial, type Trial } from "../trial.ts";
import { findCustomer } from "./lookup.ts";

let desk: Trial;
beforeEach(() => {
  desk = openTrial();
});

describe("find_customer", () => {
  test("finds by e-mail, by name and postcode without case or accents, and by order number", () => {
    const { customer, order } = desk.fixtures.returnableIn.de;
    const expected = { customers: [customer] };
    expect(desk.call("find_customer", { email: ` ${customer.email.toUpperCase()} ` })).toEqual(expected);
    const name = customer.name.normalize("NFD").replaceAll(/\p{M}/gu, "").toUpperCase();
    expect(desk.call("find_customer", { name, postcode: customer.address.postcode })).toEqual(expected);
    expect(desk.call("find_customer", { orderId: order.orderId })).toEqual(expected);
  });

  test("finds names in other scripts, and both of two namesakes until a postcode tells them apart", () => {
    const { customer } = desk.fixtures.returnableIn.ja;
    expect(desk.call("find_customer", { name: customer.name })).toMatchObject({
      customers: [{ customerId: customer.customerId }],
    });
    const [one, two] = desk.fixtures.namesakes.map((fixture) => fixture.customer);
    expect(desk.call("find_customer", { name: one?.name })).toMatchObject({ customers: [one, two] });
    expect(desk.call("find_customer", { name: two?.name, postcode: two?.address.postcode })).toEqual({
      customers: [two],
    });
  });

  test.each([
    ["かとう はな", "がとう はな"],
    ["राम", "रामी"],
  ])("a mark that makes another letter makes another person: %s is not %s", (name, other) => {
    const { customerId } = desk.fixtures.pendingOrder.customer;
    const state = structuredClone(desk.state()) as { customers: Record<string, object> };
    state.customers[customerId] = { ...state.customers[customerId], name };
    const find = (wanted: string) => findCustomer.run(state as never, { name: wanted });
    expect(find(name.normalize("NFD"))).toMatchObject({ customers: [{ customerId }] });
    expect(find(other)).toEqual({ customers: [] });
  });

  test("everything given must fit; nobody is an empty list; nothing given is refused", () => {
    const { customer } = desk.fixtures.pendingOrder;
    const { order } = desk.fixtures.packedOrder;
    expect(desk.call("find_customer", { email: customer.email, orderId: order.orderId })).toEqual({ customers: [] });
    expect(desk.call("find_customer", { email: "nobody@example.com" })).toEqual({ customers: [] });
    expect(desk.call("find_customer", { orderId: "L-99999" })).toEqual({ customers: [] });
    expect(desk.call("find_customer", {})).toMatch(/^refused: Give an e-mail/);
  });
});

describe("orders", () => {
  test("list_orders: newest first, by status, at most the limit, and the whole count", () => {
    const { customer, orders } = desk.fixtures.twoPendingOrders;
    const { customerId } = customer;
    const ids = orders.map((order) => order.orderId).toReversed();
    expect(desk.call("list_orders", { customerId, status: "placed" })).toMatchObject({
      count: 2,
      orders: ids.map((orderId) => ({ orderId, status: "placed" })),
    });
    expect(desk.call("list_orders", { customerId, limit: 1 })).toMatchObject({
      count: 2,
      orders: [{ orderId: ids[0] }],
    });
    expect(desk.call("list_orders", { customerId: desk.fixtures.withoutOrders.customerId })).toEqual({
      count: 0,
      orders: [],
    });
    expect(desk.call("list_orders", { customerId: "C-9999" })).toBe("refused: There is no customer C-9999.");
  });

  test("get_order shows what happened to it and what can still be refunded", () => {
    const { order } = desk.fixtures.partlyReturnedLine;
    const paid = Object.values(order.payments).reduce((sum, one) => sum + one.amountCents, 0);
    const shown = desk.call("get_order", { orderId: order.orderId });
    expect(shown).toMatchObject({
      order: { orderId: order.orderId },
      returns: [{ reason: "changed_mind" }],
      refunds: [],
    });
    const { refundableCents, returns } = shown as unknown as {
      refundableCents: number;
      returns: { refundCents: number }[];
    };
    expect(refundableCents).toBe(paid - (returns[0]?.refundCents ?? 0));
    expect(desk.call("get_order", { orderId: "L-99999" })).toBe("refused: There is no order L-99999.");
  });

  test("track_shipment: scans and promise; an order without a parcel is refused", () => {
    const { order } = desk.fixtures.overdueOrder;
    expect(desk.call("track_shipment", { orderId: order.orderId })).toMatchObject({
      status: "shipped",
      promisedOn: order.promisedOn,
      deliveredOn: null,
      shipment: { scans: [{ what: "handed over to the carrier" }, { what: "sorted" }] },
    });
    const { orderId } = desk.fixtures.pendingOrder.order;
    expect(desk.call("track_shipment", { orderId })).toMatch(/^refused: .* is placed; it has no parcel yet/);
  });
});

describe("products", () => {
  test("search_products by words and category, get_product, check_stock", () => {
    expect(desk.call("search_products", { query: "lamp" })).toMatchObject({
      products: [{ name: "Fenlight desk lamp" }, { name: "Dusk reading lamp" }, { name: "Rookery wall lamp" }],
    });
    expect(desk.call("search_products", { query: "lamp", category: "garden" })).toEqual({ products: [] });
    const { line, variant } = desk.fixtures.soldOutSwap;
    expect(desk.call("get_product", { productId: line.productId })).toMatchObject({
      product: { productId: line.productId },
    });
    expect(desk.call("check_stock", { skus: [variant.sku] })).toEqual({
      articles: [{ sku: variant.sku, stock: 0, discontinued: false, restockOn: variant.restockOn ?? null }],
    });
    expect(desk.call("check_stock", { skus: ["P-000-NONE"] })).toBe("refused: There is no article P-000-NONE.");
    expect(desk.call("check_stock", { skus: ["toString"] })).toBe("refused: There is no article toString.");
    expect(desk.call("get_product", { productId: "P-999" })).toBe("refused: There is no product P-999.");
  });
});

test("search_policy gives passages with ids, best first, at most the limit", () => {
  expect(desk.call("search_policy", { query: "exchange for another size, price difference", limit: 2 })).toMatchObject({
    passages: [{ id: "POL-EXC-02" }, { id: "POL-EXC-01" }],
  });
});

describe("quote_refund", () => {
  const quote = (one: Trial["fixtures"]["returnableLine"], more: object = {}) =>
    desk.call("quote_refund", {
      orderId: one.order.orderId,
      lines: [{ lineId: one.line.lineId, quantity: one.line.quantity }],
      reason: "changed_mind",
      ...more,
    });

  test("a change of mind costs the label, unless it goes to store credit or to a gold member", () => {
    const { line } = desk.fixtures.returnableLine;
    const goodsCents = line.unitPriceCents * line.quantity;
    expect(quote(desk.fixtures.returnableLine)).toMatchObject({
      goodsCents,
      feeCents: 490,
      refundCents: goodsCents - 490,
    });
    expect(quote(desk.fixtures.returnableLine, { refundTo: "store_credit" })).toMatchObject({
      feeCents: 0,
      refundCents: goodsCents,
    });
    expect(quote(desk.fixtures.goldWindowLine)).toMatchObject({ feeCents: 0 });
  });

  test("shipping comes back only when the shop is at fault and the whole order returns", () => {
    const whole = desk.fixtures.damagedCheapLine;
    expect(Object.keys(whole.order.lines)).toHaveLength(1);
    const { shippingCents } = whole.order;
    expect(shippingCents).toBeGreaterThan(0);
    expect(quote(whole, { reason: "damaged" })).toMatchObject({ feeCents: 0, shippingCents });
    expect(quote(whole)).toMatchObject({ shippingCents: 0 });
    const part = desk.fixtures.returnableIn.fr;
    expect(Object.keys(part.order.lines).length).toBeGreaterThan(1);
    expect(quote(part, { reason: "damaged" })).toMatchObject({ shippingCents: 0 });
  });

  test("the last day of the window counts, the next one does not; gold members have longer; a defect has two years", () => {
    expect(quote(desk.fixtures.lastDayLine)).toMatchObject({ lastDay: desk.state().today });
    expect(quote(desk.fixtures.expiredWindowLine)).toMatch(
      /^refused: The window for changed_mind ended on .*POL-RET-01/,
    );
    expect(quote(desk.fixtures.expiredWindowLine, { reason: "damaged" })).toMatch(/POL-RET-04/);
    expect(quote(desk.fixtures.expiredWindowLine, { reason: "defective" })).toMatchObject({ feeCents: 0 });
    expect(quote(desk.fixtures.goldWindowLine)).toMatchObject({ goodsCents: expect.any(Number) });
    desk.setToday("2029-01-01");
    expect(quote(desk.fixtures.warrantyLine, { reason: "defective" })).toMatch(/POL-WAR-01/);
  });

  test("what was sold off and bath articles stay sold on a change of mind, and come back when damaged", () => {
    for (const one of [desk.fixtures.finalSaleLine, desk.fixtures.hygieneLine]) {
      expect(quote(one)).toMatch(/^refused: .*POL-RET-02/);
      expect(quote(one, { reason: "damaged" })).toMatchObject({ feeCents: 0 });
    }
  });

  test("refuses more pieces than are left, a line named twice, a line that is not there, an order not delivered", () => {
    const { order, line } = desk.fixtures.partlyReturnedLine;
    const left = line.quantity - line.returnedQuantity;
    const ask = (lines: object[]) =>
      desk.call("quote_refund", { orderId: order.orderId, lines, reason: "changed_mind" });
    expect(ask([{ lineId: line.lineId, quantity: left + 1 }])).toMatch(`has ${left} of ${line.quantity} pieces left`);
    expect(
      ask([
        { lineId: "1", quantity: 1 },
        { lineId: "1", quantity: 1 },
      ]),
    ).toMatch(/named once/);
    expect(ask([{ lineId: "9", quantity: 1 }])).toMatch(/has no line 9/);
    const { orderId } = desk.fixtures.shippedOrder.order;
    const early = { orderId, lines: [{ lineId: "1", quantity: 1 }], reason: "changed_mind" };
    expect(desk.call("quote_refund", early)).toMatch(/is shipped; only delivered orders/);
  });
});

test("no read changes the shop", () => {
  const { order, line, customer } = desk.fixtures.returnableLine;
  const { orderId } = order;
  desk.call("find_customer", { email: customer.email });
  desk.call("list_orders", { customerId: customer.customerId });
  for (const tool of ["get_order", "track_shipment"]) desk.call(tool, { orderId });
  desk.call("search_products", { query: "lamp" });
  desk.call("get_product", { productId: line.productId });
  desk.call("check_stock", { skus: [line.sku] });
  desk.call("search_policy", { query: "returns" });
  desk.call("quote_refund", { orderId, lines: [{ lineId: line.lineId, quantity: 1 }], reason: "changed_mind" });
  expect(desk.changes()).toEqual([]);
});
