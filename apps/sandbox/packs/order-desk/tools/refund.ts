import { z } from "zod";
import { addDays, daysBetween } from "../../../src/world/calendar.ts";
import type { Frozen } from "../../../src/world/table.ts";
import { lineOf, ownOrder, paidShare, payBack, refundableCents, refundedForLine, refuse } from "../rules.ts";
import { type Order, type OrderLine, type RefundReason, refundReasons, rows, type ShopState } from "../state.ts";
import { terms } from "../terms.ts";
import { customerId, lineId, orderId, shopTool } from "./tool.ts";

interface Claim {
  readonly state: ShopState;
  readonly order: Frozen<Order>;
  readonly line: Frozen<OrderLine> | undefined;
}

/** The most that a reason allows, in cents; refuses when the reason does not hold. */
const limits: { readonly [Reason in RefundReason]: (claim: Claim) => number } = {
  goodwill: ({ order }) => {
    deliveredOn(order);
    return terms.goodwillMaxCents;
  },
  late_delivery: ({ state, order }) => {
    const until = order.status === "shipped" ? state.today : deliveredOn(order);
    const days = daysBetween(order.promisedOn, until);
    if (days < terms.lateAfterDays) {
      refuse(`Order ${order.orderId} is ${Math.max(0, days)} days late; it takes ${terms.lateAfterDays} (POL-REF-02).`);
    }
    return order.shippingCents === 0 ? terms.lateFreeShippingCents : order.shippingCents;
  },
  lost_parcel: ({ state, order }) => {
    const lastScan = order.shipment?.scans.at(-1)?.on;
    if (order.status !== "shipped" || lastScan === undefined) {
      return refuse(`Order ${order.orderId} is ${order.status}; only a shipped parcel can be lost (POL-REF-03).`);
    }
    const lostFrom = addDays(lastScan, terms.lostAfterDays);
    if (daysBetween(lostFrom, state.today) < 0) {
      refuse(`The parcel was scanned on ${lastScan} and counts as lost from ${lostFrom} (POL-REF-03).`);
    }
    return refundableCents(state, order);
  },
  missing_item: (claim) => reportedInTime(claim, "POL-REF-04"),
  damaged: (claim) => {
    const left = reportedInTime(claim, "POL-RET-04");
    // What was refunded for the line before makes the item no cheaper.
    const { state, order, line } = claim;
    const price = left + (line === undefined ? 0 : refundedForLine(state, order, line.lineId));
    if (price > terms.damagedKeepMaxCents) {
      refuse(
        `Above ${terms.damagedKeepMaxCents} cents a damaged item has to come back: use return_items (POL-RET-04).`,
      );
    }
    return left;
  },
};

function deliveredOn(order: Frozen<Order>): string {
  return order.deliveredOn ?? refuse(`Order ${order.orderId} is ${order.status}, not delivered.`);
}

function reportedInTime({ state, order, line }: Claim, article: string): number {
  if (line === undefined) return refuse("Say which line of the order it is.");
  const lastDay = addDays(deliveredOn(order), terms.damageReportDays);
  if (daysBetween(state.today, lastDay) < 0) {
    refuse(`This had to be reported by ${lastDay}, today is ${state.today} (${article}).`);
  }
  const left = line.quantity - line.returnedQuantity;
  if (left === 0) refuse(`All pieces of line ${line.lineId} went back already.`);
  return paidShare(line, left) - refundedForLine(state, order, line.lineId);
}

export const refundOrder = shopTool({
  name: "refund_order",
  description:
    "Refunds money of an order without anything coming back: late, lost, missing, damaged and kept, or goodwill. Each reason has its own limit, and is paid once per order (missing and damaged: once per line).",
  input: z.strictObject({
    customerId,
    orderId,
    reason: z.enum(refundReasons),
    amountCents: z.int().min(1).max(1_000_000).describe("Euro cents."),
    lineId: lineId.optional().describe("Needed for missing_item and damaged."),
  }),
  effect: "write",
  run: (state, { reason, amountCents, lineId, ...input }) => {
    const { order } = ownOrder(state, input);
    const line = lineId === undefined ? undefined : lineOf(order, lineId);
    const perLine = reason === "missing_item" || reason === "damaged";
    if (!perLine && lineId !== undefined) refuse(`A refund for ${reason} is for the order, not for one line.`);
    const most = limits[reason]({ state, order, line });
    const given = rows(state.refunds).filter((one) => one.orderId === order.orderId && one.reason === reason);
    if (given.some((one) => one.lineId === lineId)) {
      refuse(`Order ${order.orderId} had a refund for ${reason} already; another is for the team lead (POL-REF-01).`);
    }
    if (amountCents > most) refuse(`${amountCents} cents is too much: ${reason} allows up to ${most}.`);
    return { refund: payBack(state, order, amountCents, reason, lineId) };
  },
});
