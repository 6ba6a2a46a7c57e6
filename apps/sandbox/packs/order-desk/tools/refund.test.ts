import { beforeEach, expect, test } from "vitest";
import { addDays } from "../../../src/world/calendar.ts";
import type { OrderCase } from "../fixtures.ts";
import { openTrial, type Trial } from "../trial.ts";

let desk: Trial;
beforeEach(() => {
  desk = openTrial();
});

const refund = ({ customer, order }: OrderCase, reason: string, amountCents: number, lineId?: string) =>
  desk.call("refund_order", {
    customerId: customer.customerId,
    orderId: order.orderId,
    reason,
    amountCents,
    ...(lineId ? { lineId } : {}),
  });

test("goodwill: up to 25 EUR, once per order, delivered orders only", () => {
  const one = desk.fixtures.returnableLine;
  expect(refund(one, "goodwill", 2_501)).toMatch(/2501 cents is too much: goodwill allows up to 2500/);
  expect(refund(one, "goodwill", 2_500)).toMatchObject({ refund: { amountCents: 2_500, reason: "goodwill" } });
  expect(refund(one, "goodwill", 1)).toMatch(/had a refund for goodwill already/);
  expect(refund(desk.fixtures.goodwillUsedOrder, "goodwill", 1)).toMatch(/had a refund for goodwill already/);
  expect(refund(desk.fixtures.pendingOrder, "goodwill", 100)).toMatch(/is placed, not delivered/);
  expect(refund(desk.fixtures.shippedOrder, "goodwill", 100)).toMatch(/is shipped, not delivered/);
});

test("late delivery: the shipping fee from three days on, delivered or still on its way", () => {
  for (const one of [desk.fixtures.lateDelivery, desk.fixtures.overdueOrder]) {
    const { shippingCents } = one.order;
    expect(refund(one, "late_delivery", shippingCents + 1)).toMatch(`allows up to ${shippingCents}`);
    expect(refund(one, "late_delivery", shippingCents)).toMatchObject({ refund: { amountCents: shippingCents } });
    expect(refund(one, "late_delivery", 1)).toMatch(/already/);
  }
  expect(refund(desk.fixtures.returnableLine, "late_delivery", 100)).toMatch(
    /is 0 days late; it takes 3 \(POL-REF-02\)/,
  );
  const free = Object.values(desk.state().orders).find(
    (order) =>
      order.shippingCents === 0 && order.deliveredOn !== undefined && order.deliveredOn >= addDays(order.promisedOn, 3),
  );
  const { customerId, orderId } = free ?? expect.fail("no late order with free shipping");
  const input = { customerId, orderId, reason: "late_delivery" };
  expect(desk.call("refund_order", { ...input, amountCents: 501 })).toMatch(/allows up to 500/);
  expect(desk.call("refund_order", { ...input, amountCents: 500 })).toMatchObject({ refund: { amountCents: 500 } });
});

test("lost parcel: everything, from ten days without a scan on", () => {
  const one = desk.fixtures.lostOrder;
  expect(refund(one, "lost_parcel", one.order.totalCents + 1)).toMatch(/is too much/);
  expect(refund(one, "lost_parcel", one.order.totalCents)).toMatchObject({
    refund: { amountCents: one.order.totalCents },
  });
  const waiting = desk.fixtures.overdueOrder;
  const lostFrom = addDays(waiting.order.shipment?.scans.at(-1)?.on ?? "", 10);
  expect(refund(waiting, "lost_parcel", 100)).toMatch(`counts as lost from ${lostFrom} (POL-REF-03)`);
  desk.setToday(lostFrom);
  expect(refund(waiting, "lost_parcel", 100)).toMatchObject({ refund: { reason: "lost_parcel" } });
  expect(refund(desk.fixtures.returnableLine, "lost_parcel", 100)).toMatch(/only a shipped parcel can be lost/);
});

test("damaged and kept: two weeks, at most what was paid, up to 100 EUR; above that it has to come back", () => {
  const one = desk.fixtures.damagedCheapLine;
  const { lineId, unitPriceCents, quantity } = one.line;
  expect(refund(one, "damaged", 500)).toMatch(/Say which line/);
  expect(refund(one, "damaged", unitPriceCents * quantity + 1, lineId)).toMatch(/is too much/);
  expect(refund(one, "damaged", unitPriceCents * quantity, lineId)).toMatchObject({ refund: { lineId } });
  expect(refund(one, "damaged", 1, lineId)).toMatch(/already/);
  expect(refund(one, "missing_item", 1, lineId)).toMatch(/allows up to 0/);
  const dear = desk.fixtures.damagedDearLine;
  expect(refund(dear, "damaged", 500, dear.line.lineId)).toMatch(/has to come back: use return_items \(POL-RET-04\)/);
  const old = desk.fixtures.lastDayLine;
  expect(refund(old, "damaged", 500, old.line.lineId)).toMatch(/had to be reported by .*POL-RET-04/);
});

test("damaged and kept: a part that was refunded before makes a dear item no cheaper", () => {
  const dear = desk.fixtures.damagedDearLine;
  const { lineId, unitPriceCents } = dear.line;
  const part = unitPriceCents - 5_000;
  expect(refund(dear, "missing_item", part, lineId)).toMatchObject({ refund: { amountCents: part } });
  expect(refund(dear, "damaged", 5_000, lineId)).toMatch(/has to come back: use return_items \(POL-RET-04\)/);
});

test("missing: the line's price, whatever it cost, within two weeks", () => {
  const one = desk.fixtures.damagedDearLine;
  const { lineId, unitPriceCents } = one.line;
  expect(refund(one, "missing_item", unitPriceCents, lineId)).toMatchObject({
    refund: { amountCents: unitPriceCents },
  });
  const old = desk.fixtures.lastDayLine;
  expect(refund(old, "missing_item", 500, old.line.lineId)).toMatch(/POL-REF-04/);
});

test("never more than is left of what was paid, announced returns included (POL-PAY-01)", () => {
  const one = desk.fixtures.damagedCheapLine;
  const { customer, order, line } = one;
  const lines = [{ lineId: line.lineId, quantity: line.quantity }];
  const input = {
    customerId: customer.customerId,
    orderId: order.orderId,
    lines,
    reason: "damaged",
    refundTo: "original",
  };
  desk.call("return_items", input);
  expect(refund(one, "goodwill", 100)).toMatch(/Only 0 cents .* can still be refunded \(POL-PAY-01\)/);
  expect(refund(desk.fixtures.cancelledOrder, "goodwill", 100)).toMatch(/is cancelled, not delivered/);
});

test("a line is named only where the reason is about a line", () => {
  expect(refund(desk.fixtures.returnableLine, "goodwill", 100, "1")).toMatch(/is for the order, not for one line/);
  expect(refund(desk.fixtures.returnableLine, "missing_item", 100, "7")).toMatch(/has no line 7/);
});
