import { z } from "zod";
import { addDays } from "../../../src/world/calendar.ts";
import { edit, put } from "../../../src/world/table.ts";
import type { WorldTool } from "../../../src/world/world.ts";
import { handOverReasons } from "../reasons.ts";
import { decisionStatuses, orderOf, type SupplyState, spentCentsOf } from "../state.ts";
import { approvers, euros, orderTools, type Tier, terms, tiers } from "../tiers.ts";
import {
  account,
  amountCents,
  band,
  decisionId,
  decisionOf,
  itemId,
  openDecision,
  orderId,
  quantity,
  refuse,
  supplyTool,
  vendorId,
} from "./tool.ts";

/**
 * The procurement system. It orders what it is told, of whom it is told and pays where it is told: formula, prices and approvals
 * are nothing to it. What it keeps are three things: a decision has one order that stands, an order has its limit, and the orders
 * of a month stay within the cap, however many ask at once.
 */

const created = z.strictObject({ decisionId, itemId, vendorId, quantity, amountCents, account, band });

function createOrder(tier: Tier): WorldTool<SupplyState> {
  const { roles, quorum } = approvers[tier];
  const who = quorum === 0 ? "Waits for nobody" : `Waits for ${quorum === 1 ? "" : `${quorum} of `}${roles.join(", ")}`;
  return supplyTool({
    name: orderTools[tier],
    description: `Creates the purchase order of a decision, of the tier "${tier}". ${who}. Take all arguments from recommend_order.`,
    input: created,
    effect: "write",
    run: (state, asked) => {
      const decision = openDecision(state, asked.decisionId);
      const before = orderOf(state, asked.decisionId);
      if (before) return refuse(`Decision ${asked.decisionId} has its order: ${before.orderId}.`);
      if (state.items[asked.itemId] === undefined) return refuse(`There is no item ${asked.itemId}.`);
      if (state.vendors[asked.vendorId] === undefined) return refuse(`There is no vendor ${asked.vendorId}.`);
      if (asked.amountCents > terms.orderMaxCents) {
        return refuse(`No order is for more than ${euros(terms.orderMaxCents)}.`);
      }
      const left = terms.monthCapCents - spentCentsOf(state);
      if (asked.amountCents > left) {
        return refuse(`The month's cap leaves ${euros(left)}; this order is for ${euros(asked.amountCents)}.`);
      }
      const id = `PO-${state.counters.order++}`;
      const offer = Object.values(state.offers).find(
        (one) => one.itemId === asked.itemId && one.vendorId === asked.vendorId,
      );
      const { leadDays = 14 } = offer ?? {};
      const status = decision.portalDeclines ? ("declined" as const) : ("placed" as const);
      const { band: _, ...ordered } = asked;
      const days = { orderedOn: state.today, dueOn: addDays(state.today, leadDays) };
      put(state.orders, id, { orderId: id, ...ordered, ...days, status });
      return { orderId: id, status, ...days };
    },
  });
}

const findOrder = supplyTool({
  name: "find_order",
  description: "Says whether a decision has an order, and which.",
  input: z.strictObject({ decisionId }),
  effect: "read",
  run: (state, asked) => {
    decisionOf(state, asked.decisionId);
    const order = Object.values(state.orders).findLast((one) => one.decisionId === asked.decisionId);
    if (order === undefined) return { order: null };
    const { orderId: id, status, orderedOn, dueOn } = order;
    return { order: { orderId: id, status, orderedOn, dueOn } };
  },
});

const cancelOrder = supplyTool({
  name: "cancel_purchase_order",
  description: "Cancels an order that has not arrived. What it would have cost is free again.",
  input: z.strictObject({ decisionId, orderId }),
  effect: "write",
  run: (state, asked) => {
    const order = state.orders[asked.orderId];
    if (order?.decisionId !== asked.decisionId) {
      return refuse(`There is no order ${asked.orderId} of decision ${asked.decisionId}.`);
    }
    if (order.status === "cancelled" || order.status === "received") {
      return refuse(`${asked.orderId} is ${order.status}.`);
    }
    edit(state.orders, asked.orderId, (row) => {
      row.status = "cancelled";
    });
    return { orderId: asked.orderId, status: "cancelled" };
  },
});

const logDecision = supplyTool({
  name: "log_decision",
  description:
    "Writes down what became of a decision, and why; after it nothing more is done under it. `ordered` takes an order that stands, and `not_needed` and `handed_over` take none.",
  input: z.strictObject({
    decisionId,
    outcome: z.enum(decisionStatuses).exclude(["open"]),
    reason: z.enum(["none", ...handOverReasons]),
  }),
  effect: "write",
  run: (state, asked) => {
    openDecision(state, asked.decisionId);
    const order = orderOf(state, asked.decisionId);
    if ((order !== undefined) !== (asked.outcome === "ordered")) {
      return refuse(`Decision ${asked.decisionId} ${order ? `has ${order.orderId}` : "has no order that stands"}.`);
    }
    if ((asked.outcome === "handed_over") !== (asked.reason !== "none")) {
      return refuse("What is handed over has a reason, and nothing else has one.");
    }
    const recordId = `LOG-${state.counters.record++}`;
    put(state.records, recordId, { recordId, ...asked, ...(order ? { orderId: order.orderId } : {}) });
    edit(state.decisions, asked.decisionId, (row) => {
      row.status = asked.outcome;
    });
    return { recordId, outcome: asked.outcome, orderId: order?.orderId ?? null };
  },
});

export const procurementTools = [...tiers.map(createOrder), findOrder, cancelOrder, logDecision];
