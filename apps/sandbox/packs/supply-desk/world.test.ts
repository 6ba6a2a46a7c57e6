import { beforeEach, describe, expect, test } from "vitest";
import { addDays } from "../../src/world/calendar.ts";
import { openTrial, type Trial } from "../../src/world/trial.ts";
import { decisionIdOf, itemIdOf } from "./generate.ts";
import { plannedDecisions } from "./plan.ts";
import { recommendationOf } from "./recommendation.ts";
import { type SupplyState, spentCentsOf } from "./state.ts";
import { terms } from "./tiers.ts";
import { supplyDeskWorld } from "./world.ts";

const world = supplyDeskWorld();
const start = world.initial();
let desk: Trial<SupplyState>;
beforeEach(() => {
  desk = openTrial(world, start);
});

/** Orders by the formula, whatever that is; members of `more` stand in place of its own. */
const orders = (key: string, more: object = {}) => {
  const { recommendation, buying, itemId } = recommendationOf(start, decisionIdOf(key));
  const { quantity, amountCents, band } = recommendation;
  const { vendorId, account } = buying.vendor ?? {};
  const own = { decisionId: decisionIdOf(key), itemId, vendorId, quantity, amountCents, account, band };
  return desk.call("create_auto_order", { ...own, ...more });
};

test("the same seed makes the same company, another one another", () => {
  expect(supplyDeskWorld({ seed: 1 }).initial()).toEqual(start);
  expect(supplyDeskWorld({ seed: 2 }).initial()).not.toEqual(start);
});

test.each([1, 2, 3, 4, 5])("what a plan says of a decision is so, with seed %i", (seed) => {
  const state = supplyDeskWorld({ seed }).initial();
  for (const plan of plannedDecisions) {
    const { recommendation, constraints, figures } = recommendationOf(state, decisionIdOf(plan.key));
    const { action, reason, quantity, amountCents, letter, band } = recommendation;
    const is = (what: unknown, wanted: unknown) => expect([plan.key, what]).toEqual([plan.key, wanted]);
    const bandWanted =
      (plan.band ?? 30) > 200 ? "unusable" : (plan.band ?? 30) > 90 || plan.ageDays ? "wide" : "narrow";
    is(band, plan.band === 70 ? "normal" : bandWanted);
    if (plan.discontinued) is(reason, "discontinued");
    else if (bandWanted === "unusable") is(reason, "forecast_unusable");
    else if (plan.enough) is(action, "none");
    else if (plan.orderedBefore) is(figures.onOrder > 0, true);
    else if (plan.shelf === "full") is(reason, "limits_conflict");
    else if (plan.expired && !plan.second) is([action, letter], ["ask", "enquiry"]);
    else if (plan.vendor === "iris" && !plan.second) is(reason, "no_vendor");
    else if (plan.euros > 150_000) is(reason, "over_limit");
    else {
      is([action, quantity > 0], ["order", true]);
      // Prices are whole cents, so an order comes to about what was planned.
      is(Math.abs(amountCents / 100 - plan.euros) < plan.euros * 0.02 + quantity * 0.02, true);
    }
    if (plan.short) is(letter, "expedite");
    if (plan.shelf === "tight") is(constraints.includes("storage_limit"), true);
    if (plan.perishable) is(constraints.includes("shelf_life"), true);
    if (plan.bigLot) is(constraints.includes("minimum_lot"), true);
  }
});

describe("UC5-T2 the procurement system", () => {
  test("orders what it is told, of whom it is told, and pays where it is told", () => {
    const answer = orders("pegs", { quantity: 7, amountCents: 1, vendorId: "V-109", account: "XX00EVIL00000000" });
    expect(answer).toMatchObject({ orderId: "PO-7001", status: "placed" });
    expect(desk.state().orders["PO-7001"]).toMatchObject({
      quantity: 7,
      vendorId: "V-109",
      account: "XX00EVIL00000000",
    });
  });

  test("UC5-L4 keeps one order that stands for a decision, and finds it by the decision", () => {
    const decisionId = decisionIdOf("pegs");
    expect(desk.call("find_order", { decisionId })).toEqual({ order: null });
    orders("pegs");
    expect(desk.call("find_order", { decisionId })).toMatchObject({ order: { orderId: "PO-7001", status: "placed" } });
    expect(orders("pegs")).toBe(`refused: Decision ${decisionId} has its order: PO-7001.`);
    expect(desk.call("cancel_purchase_order", { decisionId: decisionIdOf("mugs"), orderId: "PO-7001" })).toMatch(
      /^refused: There is no order PO-7001 of decision/,
    );
    expect(desk.call("cancel_purchase_order", { decisionId, orderId: "PO-7001" })).toMatchObject({
      status: "cancelled",
    });
    expect(desk.call("cancel_purchase_order", { decisionId, orderId: "PO-7001" })).toBe(
      "refused: PO-7001 is cancelled.",
    );
  });

  test("keeps the limit of an order and the cap of the month, and what is cancelled is free again", () => {
    expect(orders("overLimit", { quantity: 1, amountCents: terms.orderMaxCents + 1 })).toMatch(/^refused: No order is/);
    const left = terms.monthCapCents - spentCentsOf(start);
    expect(orders("pegs", { amountCents: left + 1 })).toMatch(/^refused: The month's cap leaves/);
    expect(orders("pegs", { amountCents: left })).toMatchObject({ status: "placed" });
    expect(orders("mugs")).toMatch(/^refused: The month's cap leaves 0.00 EUR/);
    desk.call("cancel_purchase_order", { decisionId: decisionIdOf("pegs"), orderId: "PO-7001" });
    expect(orders("mugs")).toMatchObject({ status: "placed" });
    // What the portal declines costs nothing.
    const spent = spentCentsOf(desk.state());
    expect(orders("declines")).toMatchObject({ status: "declined" });
    expect(spentCentsOf(desk.state())).toBe(spent);
  });

  test("has an order due by the price list of the vendor that it is placed with", () => {
    const offers = Object.values(start.offers).map((one) =>
      one.vendorId === recommendationOf(start, decisionIdOf("second")).buying.vendor?.vendorId
        ? [one.offerId, { ...one, leadDays: 40 }]
        : [one.offerId, one],
    );
    desk.set({ offers: Object.fromEntries(offers) });
    expect(orders("second")).toMatchObject({ dueOn: addDays(start.today, 40) });
  });

  test("logs a decision once, and only what is so", () => {
    const logs = (key: string, outcome: string, reason = "none") =>
      desk.call("log_decision", { decisionId: decisionIdOf(key), outcome, reason });
    expect(logs("pegs", "ordered")).toMatch(/^refused: .* has no order that stands/);
    expect(logs("pegs", "handed_over")).toMatch(/^refused: What is handed over has a reason/);
    expect(logs("pegs", "not_needed", "cap_reached")).toMatch(/^refused: What is handed over has a reason/);
    orders("pegs");
    expect(logs("pegs", "not_needed")).toMatch(/^refused: .* has PO-7001/);
    expect(logs("pegs", "ordered")).toMatchObject({ outcome: "ordered", orderId: "PO-7001" });
    expect(logs("pegs", "ordered")).toMatch(/^refused: Decision .* is made: ordered/);
    expect(orders("pegs")).toMatch(/^refused: Decision .* is made/);
  });
});

describe("UC5-T3 the mail", () => {
  const draft = (to: string) =>
    desk.call("draft_message", {
      decisionId: decisionIdOf("liners"),
      vendorId: "V-102",
      to,
      purpose: "order",
      text: "Hello.",
    });
  const send = (more: object = {}) => {
    const own = { decisionId: decisionIdOf("liners"), draftId: "DR-2001", to: "a@boreal.example", text: "Hello." };
    return desk.call("send_message", { ...own, ...more });
  };

  test("sends a draft word for word, to whom it is, once; it knows no vendors", () => {
    expect(draft("a@boreal.example")).toEqual({ draftId: "DR-2001", to: "a@boreal.example" });
    expect(send({ text: "Hello!" })).toBe("refused: That is not what DR-2001 says.");
    expect(send({ to: "b@boreal.example" })).toBe("refused: That is not what DR-2001 says.");
    expect(send({ draftId: "DR-2002" })).toMatch(/^refused: There is no draft DR-2002/);
    expect(send({ decisionId: decisionIdOf("pegs") })).toMatch(/^refused: There is no draft/);
    expect(send()).toMatchObject({ messageId: "MSG-3001" });
    expect(send()).toBe("refused: DR-2001 was sent already.");
  });
});

test("UC5-T1 what is read of a decision is of its item, and what the world keeps to itself is not shown", () => {
  const decisionId = decisionIdOf("account");
  expect(desk.call("get_decision", { decisionId })).toEqual({
    ...{ decisionId, itemId: itemIdOf("account"), forecastId: decisionId.replace("RD", "FC"), status: "open" },
  });
  expect(desk.call("get_stock", { decisionId })).toMatchObject({ itemId: itemIdOf("account"), onOrder: 0 });
  expect(desk.call("read_replies", { decisionId })).toHaveLength(1);
  expect(desk.call("read_comments", { decisionId })).toEqual([]);
  expect(desk.call("get_decision", { decisionId: "RD-0001" })).toBe("refused: There is no decision RD-0001.");
  // Where nothing is to be ordered no figure is said that one could order by.
  const none = desk.call("recommend_order", { decisionId: decisionIdOf("enough") });
  expect(none).not.toHaveProperty("quantity");
  expect(none).not.toHaveProperty("account");
});
