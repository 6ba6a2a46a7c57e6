import { beforeEach, describe, expect, test } from "vitest";
import type { LineCase, OrderCase } from "../fixtures.ts";
import { openTrial, type Trial } from "../trial.ts";

let desk: Trial;
beforeEach(() => {
  desk = openTrial();
});

const ids = ({ customer, order }: OrderCase) => ({ customerId: customer.customerId, orderId: order.orderId });
const pieces = ({ line }: LineCase, quantity = line.quantity) => ({ lines: [{ lineId: line.lineId, quantity }] });
const variantsOf = (productId: string) => Object.values(desk.state().products[productId]?.variants ?? {});
const stockOf = (sku: string) => desk.state().products[sku.slice(0, 5)]?.variants[sku]?.stock;
const isGarden = ({ productId }: { readonly productId: string }) =>
  desk.state().products[productId]?.category === "garden";
const elsewhere = { street: "3 Other Street", postcode: "T12 AB34", city: "Cork", country: "IE" };

test("every change of an order refuses another customer's order without saying whose it is, and an account under review", () => {
  const other = desk.fixtures.packedOrder.customer;
  const cases: readonly (readonly [string, LineCase | OrderCase, object])[] = [
    ["cancel_order", desk.fixtures.pendingOrder, { reason: "customer_request" }],
    ["change_address", desk.fixtures.pendingOrder, { address: elsewhere }],
    ["apply_voucher", desk.fixtures.voucherOrder, { code: "SPRING10" }],
    [
      "return_items",
      desk.fixtures.returnableLine,
      { ...pieces(desk.fixtures.returnableLine), reason: "changed_mind", refundTo: "original" },
    ],
    ["exchange_item", desk.fixtures.evenSwap, { lineId: "1", quantity: 1, newSku: desk.fixtures.evenSwap.variant.sku }],
    ["refund_order", desk.fixtures.lateDelivery, { reason: "goodwill", amountCents: 100 }],
  ];
  const reviewed = ids(desk.fixtures.reviewedAccount);
  for (const [tool, one, rest] of cases) {
    const refusal = desk.call(tool, { ...ids(one), customerId: other.customerId, ...rest });
    expect(refusal).toMatch(/^refused: Order L-\d+ does not belong to customer C-\d+ \(POL-PRV-01\)\.$/);
    expect(refusal).not.toContain(one.customer.customerId);
    expect(desk.call(tool, { ...reviewed, ...rest })).toMatch(/under review.*POL-ESC-01/);
    expect(desk.call(tool, { ...ids(one), orderId: "L-99999", ...rest })).toBe("refused: There is no order L-99999.");
  }
  expect(desk.changes()).toEqual([]);
});

describe("cancel_order", () => {
  const cancel = (one: OrderCase) => desk.call("cancel_order", { ...ids(one), reason: "customer_request" });

  test("gives everything back: money to each means of payment, goods to the stock", () => {
    const one = desk.fixtures.twoPaymentsOrder;
    const [giftCard, card] = Object.values(one.order.payments);
    const line = one.order.lines["1"]!;
    const balance = () =>
      desk.state().customers[one.customer.customerId]?.paymentMethods[giftCard?.methodId ?? ""]?.balanceCents ?? 0;
    const [stock = 0, before] = [stockOf(line.sku), balance()];
    expect(cancel(one)).toMatchObject({
      status: "cancelled",
      refund: {
        reason: "cancelled",
        amountCents: one.order.totalCents,
        to: [
          { methodId: giftCard?.methodId, amountCents: giftCard?.amountCents },
          { methodId: card?.methodId, amountCents: card?.amountCents },
        ],
      },
    });
    expect(stockOf(line.sku)).toBe(stock + line.quantity);
    expect(balance()).toBe(before + (giftCard?.amountCents ?? 0));
    expect(desk.call("get_order", { orderId: one.order.orderId })).toMatchObject({ refundableCents: 0 });
  });

  test("gives a voucher's use back", () => {
    const one = desk.fixtures.voucherUsedOrder;
    const code = one.order.voucher ?? "";
    const uses = desk.state().vouchers[code]?.usesLeft ?? 0;
    cancel(one);
    expect(desk.state().vouchers[code]?.usesLeft).toBe(uses + 1);
  });

  test("is refused once the order is packed, shipped, delivered or cancelled", () => {
    const { packedOrder, shippedOrder, returnableLine, cancelledOrder } = desk.fixtures;
    for (const one of [packedOrder, shippedOrder, returnableLine, cancelledOrder]) {
      expect(cancel(one)).toBe(
        `refused: Order ${one.order.orderId} is ${one.order.status}; only a placed order can be cancelled (POL-CAN-01).`,
      );
    }
  });
});

describe("change_address", () => {
  test("changes where the order goes, and nothing else", () => {
    const one = desk.fixtures.pendingOrder;
    desk.call("change_address", { ...ids(one), address: { ...elsewhere, country: one.order.shipTo.country } });
    expect(desk.changes().map((change) => change.path.replace(/[^/]+$/, ""))).toEqual(
      desk.changes().map(() => `/orders/${one.order.orderId}/shipTo/`),
    );
    expect(desk.state().customers[one.customer.customerId]?.address).toEqual(one.customer.address);
  });

  test("is refused across a border and after packing", () => {
    const one = desk.fixtures.pendingOrder;
    expect(desk.call("change_address", { ...ids(one), address: { ...elsewhere, country: "NZ" } })).toMatch(
      /cannot go to NZ.*POL-ADR-01/,
    );
    expect(desk.call("change_address", { ...ids(desk.fixtures.packedOrder), address: elsewhere })).toMatch(
      /is packed.*POL-ADR-01/,
    );
    expect(() => desk.call("change_address", { ...ids(one), address: { ...elsewhere, planet: "Mars" } })).toThrow(
      /planet/,
    );
  });
});

describe("return_items", () => {
  const ask = { reason: "changed_mind", refundTo: "original" };

  test("opens the return that quote_refund announced; the money waits for the goods", () => {
    const one = desk.fixtures.returnableLine;
    const quoted = desk.call("quote_refund", { orderId: one.order.orderId, ...pieces(one), ...ask }) as {
      refundCents: number;
    };
    expect(desk.call("return_items", { ...ids(one), ...pieces(one), ...ask })).toMatchObject({
      return: { returnId: expect.stringMatching(/^R-\d+$/), refundCents: quoted.refundCents, feeCents: 490 },
    });
    expect(desk.state().orders[one.order.orderId]).toMatchObject({
      payments: one.order.payments,
      lines: { [one.line.lineId]: { returnedQuantity: one.line.quantity } },
    });
    expect(desk.call("return_items", { ...ids(one), ...pieces(one), ...ask })).toMatch(/has 0 of \d+ pieces left/);
  });

  test("pieces that go back one after the other bring what the whole line cost, to the cent", () => {
    const one = desk.fixtures.partlyReturnedLine;
    const values = [1, 1].map(() => {
      const answer = desk.call("return_items", { ...ids(one), ...pieces(one, 1), ...ask, reason: "damaged" });
      return (answer as { return: { refundCents: number } }).return.refundCents;
    });
    expect(values.reduce((sum, value) => sum + value, 0)).toBe(one.line.unitPriceCents * 2);
  });

  test("is refused where the quote is refused", () => {
    for (const one of [desk.fixtures.expiredWindowLine, desk.fixtures.finalSaleLine, desk.fixtures.hygieneLine]) {
      expect(desk.call("return_items", { ...ids(one), ...pieces(one), ...ask })).toMatch(/^refused: .*POL-RET-0[12]/);
    }
  });

  test("a line that was refunded as damaged and kept does not come back", () => {
    const one = desk.fixtures.damagedCheapLine;
    desk.call("refund_order", { ...ids(one), reason: "damaged", amountCents: 500, lineId: one.line.lineId });
    expect(desk.call("return_items", { ...ids(one), ...pieces(one), ...ask })).toMatch(
      /refunded as missing or damaged/,
    );
  });
});

describe("exchange_item", () => {
  const swap = (one: Trial["fixtures"]["evenSwap"], more: object = {}) =>
    desk.call("exchange_item", {
      ...ids(one),
      lineId: one.line.lineId,
      quantity: one.line.quantity,
      newSku: one.variant.sku,
      ...more,
    });

  test("takes the new variant from the stock and counts the old one as back", () => {
    const one = desk.fixtures.evenSwap;
    const stock = stockOf(one.variant.sku) ?? 0;
    expect(swap(one)).toMatchObject({
      exchange: { fromSku: one.line.sku, toSku: one.variant.sku, differenceCents: 0 },
    });
    expect(stockOf(one.variant.sku)).toBe(stock - one.line.quantity);
    expect(swap(one)).toMatch(/has 0 of \d+ pieces left to exchange/);
  });

  test("is refused for a line that was refunded as missing or damaged: it was paid back, and does not come back", () => {
    const one = desk.fixtures.evenSwap;
    const refund = { ...ids(one), reason: "missing_item", lineId: one.line.lineId, amountCents: 500 };
    expect(desk.call("refund_order", refund)).toMatchObject({ refund: { amountCents: 500 } });
    const before = stockOf(one.variant.sku);
    expect(swap(one)).toMatch(/was refunded as missing or damaged and does not come back \(POL-PAY-01\)/);
    expect(stockOf(one.variant.sku)).toBe(before);
  });

  test("a dearer variant needs a means of payment that is the customer's own and active", () => {
    const one = desk.fixtures.dearerSwap;
    const methods = Object.values(one.customer.paymentMethods);
    const [good, expired] = [true, false].map((active) => methods.find((method) => method.active === active)?.methodId);
    expect(swap(one)).toMatch(/costs \d+ cents more; say which means of payment takes it \(POL-EXC-02\)/);
    expect(swap(one, { paymentMethodId: "pm_0000_1" })).toMatch(/has no means of payment pm_0000_1/);
    expect(swap(one, { paymentMethodId: expired })).toMatch(/no longer active/);
    expect(desk.changes()).toEqual([]);
    const differenceCents = one.variant.priceCents - one.line.unitPriceCents;
    expect(swap(one, { paymentMethodId: good })).toMatchObject({ exchange: { differenceCents, paidWith: good } });
  });

  test("what is cheaper goes back to the order's payment", () => {
    const { state } = desk;
    // Somebody who bought the dearer one and wants the plainer one.
    const [order, line] = Object.values(state().orders)
      .filter((candidate) => candidate.status === "delivered" && (candidate.deliveredOn ?? "") > "2026-02-20")
      .flatMap((candidate) => Object.values(candidate.lines).map((item) => [candidate, item] as const))
      .find(
        ([, item]) =>
          state().products[item.productId]?.terms === "usual" &&
          sizes(item.productId, item.unitPriceCents) !== undefined,
      )!;
    const target = sizes(line.productId, line.unitPriceCents)!;
    const input = {
      customerId: order.customerId,
      orderId: order.orderId,
      lineId: line.lineId,
      quantity: 1,
      newSku: target.sku,
    };
    const differenceCents = target.priceCents - line.unitPriceCents;
    expect(desk.call("exchange_item", input)).toMatchObject({ exchange: { differenceCents } });
    expect(Object.values(state().refunds).at(-1)).toMatchObject({ reason: "exchange", amountCents: -differenceCents });
  });
  const sizes = (productId: string, below: number) =>
    variantsOf(productId).find((one) => one.priceCents < below && one.stock > 0 && !one.discontinued);

  test("is refused when sold out, for another product, for the same variant, after the window, for bath articles", () => {
    expect(swap(desk.fixtures.soldOutSwap)).toMatch(/has 0 in stock, 1 are needed \(POL-EXC-01\)/);
    const one = desk.fixtures.evenSwap;
    expect(swap(one, { newSku: one.line.sku })).toMatch(/is .* already/);
    expect(swap(one, { newSku: "P-101-SLATE" })).toMatch(/another product.*POL-EXC-01/);
    expect(swap(one, { newSku: "P-000-NONE" })).toMatch(/There is no article/);
    const { hygieneLine, expiredWindowLine } = desk.fixtures;
    for (const [fixture, reason] of [
      [hygieneLine, /POL-RET-02/],
      [expiredWindowLine, /POL-RET-01/],
    ] as const) {
      const newSku = variantsOf(fixture.line.productId).find((variant) => variant.sku !== fixture.line.sku)?.sku;
      const input = { ...ids(fixture), lineId: fixture.line.lineId, quantity: 1, newSku };
      expect(desk.call("exchange_item", input)).toMatch(reason);
    }
  });
});

describe("apply_voucher", () => {
  const apply = (one: OrderCase, code: string) => desk.call("apply_voucher", { ...ids(one), code });

  test("lowers the total, shares the discount over the lines, gives the difference back, counts the use", () => {
    const one = desk.fixtures.voucherOrder;
    const uses = desk.state().vouchers.SPRING10?.usesLeft ?? 0;
    const goods = one.order.totalCents - one.order.shippingCents;
    const discountCents = Math.floor(goods / 10);
    const totalCents = one.order.totalCents - discountCents;
    expect(apply(one, " spring10 ")).toMatchObject({
      discountCents,
      totalCents,
      refund: { amountCents: discountCents },
    });
    const order = desk.state().orders[one.order.orderId];
    expect(order).toMatchObject({ voucher: "SPRING10", discountCents, totalCents });
    const shares = Object.values(order?.lines ?? {}).map((line) => line.discountCents);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(discountCents);
    expect(desk.state().vouchers.SPRING10?.usesLeft).toBe(uses - 1);
    expect(apply(one, "SPRING10")).toMatch(/has voucher SPRING10 already/);
  });

  test("keeps to the voucher's terms", () => {
    const one = desk.fixtures.voucherOrder;
    expect(apply(one, "NOSUCHCODE")).toBe("refused: There is no voucher NOSUCHCODE.");
    expect(apply(one, "WINTER25")).toMatch(/expired on 2026-01-31 \(POL-VOU-01\)/);
    expect(apply(one, "FIRSTFROST")).toMatch(/is used up/);
    expect(apply(one, "GOLDLEAF")).toMatch(/is for gold members/);
    expect(apply(desk.fixtures.pendingOrder, "SORRY2018")).toMatch(/belongs to somebody else/);
    expect(apply(desk.fixtures.pendingOrder, "TWENTYOFF")).toMatch(/needs goods for 15000 cents/);
    expect(apply(desk.fixtures.packedOrder, "SPRING10")).toMatch(/is packed; only a placed order can take a voucher/);
    expect(desk.changes()).toEqual([]);
  });

  test("a voucher for one category counts its lines only", () => {
    const garden = Object.values(desk.state().orders).find(
      (order) =>
        order.status === "placed" &&
        order.voucher === undefined &&
        new Set(Object.values(order.lines).map(isGarden)).size === 2,
    )!;
    const { customerId, orderId } = garden;
    desk.call("apply_voucher", { customerId, orderId, code: "GARDEN15" });
    for (const line of Object.values(desk.state().orders[orderId]?.lines ?? {})) {
      expect(line.discountCents).toBe(
        isGarden(line) ? Math.floor((line.unitPriceCents * line.quantity * 15) / 100) : 0,
      );
    }
  });
});
