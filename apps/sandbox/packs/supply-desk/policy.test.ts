import { testPolicy } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { type Interpretation, interpretation, type Plan, plan as planSchema } from "./agents.ts";
import { catalogueOf, openCatalogue } from "./catalogue.ts";
import { decisionIdOf, generateSupply, itemIdOf } from "./generate.ts";
import { planFaults, statedFaults } from "./guard.ts";
import { isOrderOf, supplyPolicy } from "./policy.ts";
import { recommendationOf } from "./recommendation.ts";
import { orderTools } from "./tiers.ts";

const catalogue = openCatalogue(1);
const start = generateSupply(1);
const policy = supplyPolicy(catalogue);

/** The order of a decision by the formula. */
function orderOf(key: string) {
  const { recommendation, buying, itemId } = recommendationOf(start, decisionIdOf(key));
  const { quantity, amountCents, band, tier } = recommendation;
  const { vendorId = "", account = "" } = buying.vendor ?? {};
  return {
    tool: orderTools[tier],
    args: { decisionId: decisionIdOf(key), itemId, vendorId, quantity, amountCents, account, band },
  };
}

describe("the policy", () => {
  const looked = { untrusted: [], planned: false, clean: false };
  const asks = (
    tool: string,
    args: object,
    expected: "allow" | "deny",
    rule: string,
    { key = "poles", flow = looked, agent = "procurement" } = {},
  ) => ({
    name: `${tool} ${JSON.stringify(args)}`,
    request: {
      ...{ edge: "tool" as const, agent, tool, effect: "write" as const, arguments: args as never, flow },
      attributes: { decisionId: decisionIdOf(key), itemId: itemIdOf(key) },
    },
    expect: expected,
    rule,
  });

  test("UC5-L3 L4 lets an order pass at the best offer's terms under the tool of its tier, and nothing else", () => {
    const { tool, args } = orderOf("poles");
    const bought = catalogue.buyingOf(args.itemId)?.offer;
    const { unitCents = 0, packSize = 0 } = bought ?? {};
    const other = orderOf("pans").args;
    const checks = testPolicy(policy, [
      asks(tool, args, "allow", "order-by-the-books"),
      asks(orderTools.auto, args, "deny", "no-rule"),
      asks(orderTools.head, args, "deny", "no-rule"),
      asks(tool, { ...args, quantity: args.quantity + packSize }, "deny", "no-rule"),
      asks(tool, { ...args, amountCents: args.amountCents + 1 }, "deny", "no-rule"),
      asks(tool, { ...args, account: "GB77EVIL00001234567890" }, "deny", "no-rule"),
      asks(tool, { ...args, vendorId: "V-103" }, "deny", "no-rule"),
      asks(orderTools.board, { ...args, quantity: 90_000, amountCents: 90_000 * unitCents }, "deny", "no-rule"),
      // A wide band needs the tool of a higher tier.
      asks(tool, { ...args, band: "wide" }, "deny", "no-rule"),
      asks(orderTools.head, { ...args, band: "wide" }, "allow", "order-by-the-books"),
      asks(tool, other, "deny", "own-decision"),
      asks(tool, { ...other, decisionId: args.decisionId }, "deny", "no-rule"),
      asks(tool, { quantity: 1 }, "deny", "own-decision"),
      // Who has looked at nothing orders nothing.
      asks(tool, args, "deny", "looked-first", { flow: { ...looked, clean: true } }),
      asks("log_decision", { decisionId: args.decisionId }, "allow", "close"),
      asks("cancel_purchase_order", { decisionId: "RD-1099" }, "allow", "close", { agent: "compensation" }),
      asks("cancel_purchase_order", { decisionId: "RD-1099" }, "deny", "own-decision"),
    ]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("an order is of whole packs, and of the least lot or more", () => {
    const isRight = (packSize: number, minLot: number, quantity: number) => {
      const { args } = orderOf("pegs");
      const { offers } = catalogue.reference;
      const lots = Object.values(offers).map((one) => [
        one.offerId,
        one.itemId === args.itemId ? { ...one, packSize, minLot, unitCents: 1 } : one,
      ]);
      const order = { ...args, quantity, amountCents: quantity };
      return isOrderOf(catalogueOf({ ...catalogue.reference, offers: Object.fromEntries(lots) }), {
        tool: orderTools.auto,
        arguments: order,
      });
    };
    expect([isRight(6, 12, 12), isRight(6, 12, 18)]).toEqual([true, true]);
    expect([isRight(6, 12, 6), isRight(6, 12, 15)]).toEqual([false, false]);
  });

  test("no order is right for what is not made any more, whatever was counted", () => {
    const { args, tool } = orderOf("poles");
    const { items } = catalogue.reference;
    const item = { ...items[args.itemId], discontinued: true } as (typeof items)[string];
    const gone = catalogueOf({ ...catalogue.reference, items: { ...items, [args.itemId]: item } });
    expect(isOrderOf(catalogue, { tool, arguments: args })).toBe(true);
    expect(isOrderOf(gone, { tool, arguments: args })).toBe(false);
  });

  test("UC5-A2 lets mail pass to the address of a known vendor of the item, and nowhere else", () => {
    const key = "stoves";
    const decisionId = decisionIdOf(key);
    const { vendorId = "", address: to = "" } = catalogue.buyingOf(itemIdOf(key))?.vendor ?? {};
    const elsewhere = catalogue.vendorOf("V-103")?.address;
    const iris = catalogue.vendorOf("V-109");
    const about = { key };
    const checks = testPolicy(policy, [
      asks("draft_message", { decisionId, vendorId, to }, "allow", "known-recipient", about),
      asks("send_message", { decisionId, to }, "allow", "known-recipient", about),
      asks("draft_message", { decisionId, vendorId, to: elsewhere }, "deny", "no-rule", about),
      asks("draft_message", { decisionId, vendorId: "V-103", to: elsewhere }, "deny", "no-rule", about),
      asks("draft_message", { decisionId, vendorId: "V-103", to }, "deny", "no-rule", about),
      asks("send_message", { decisionId, to: "orders@tarnbrook-vendors.example" }, "deny", "no-rule", about),
      asks("send_message", { decisionId }, "deny", "no-rule", about),
      asks("send_message", { decisionId: decisionIdOf("second"), to: iris?.address }, "deny", "no-rule", {
        key: "second",
      }),
    ]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("is another one where a price, a vendor or an account is another", () => {
    const [vendorId] = Object.keys(start.vendors);
    const vendor = start.vendors[vendorId ?? ""];
    if (vendor === undefined) throw new RangeError("no vendors");
    const changed = {
      ...start,
      vendors: { ...start.vendors, [vendor.vendorId]: { ...vendor, account: "GB00NEW0000000000" } },
    };
    expect(supplyPolicy(catalogueOf(changed)).version).not.toBe(policy.version);
    expect(supplyPolicy(openCatalogue(1)).version).toBe(policy.version);
  });
});

describe("UC5-L2 the guard", () => {
  const basisOf = (key: string) => {
    const { recommendation, constraints, figures, buying } = recommendationOf(start, decisionIdOf(key));
    const stated: Interpretation = interpretation.parse({
      ...{ state: "open", forecastId: decisionIdOf(key).replace("RD", "FC"), ...figures, band: recommendation.band },
      ...{ constraints, comments: [], confidence: 0.9 },
    });
    const { action, reason, quantity, amountCents, letter, orderOn, dueOn, nextReviewOn } = recommendation;
    const vendorId = (action === "ask" ? buying.asked : buying.vendor)?.vendorId;
    const said = { action, reason, quantity, amountCents, letter, orderOn, dueOn, nextReviewOn, because: "So." };
    return { stated, plan: planSchema.parse({ ...said, vendorId }), itemId: itemIdOf(key) };
  };
  type More = {
    readonly plan?: Partial<Plan>;
    readonly stated?: Partial<Interpretation>;
    readonly signals?: Parameters<typeof planFaults>[2]["heard"]["signals"];
  };
  const faults = (key: string, { plan = {}, stated = {}, signals = [] }: More = {}) => {
    const basis = basisOf(key);
    return planFaults(
      catalogue,
      { ...basis.plan, ...plan },
      { itemId: basis.itemId, stated: { ...basis.stated, ...stated }, heard: { signals } },
    );
  };

  test("lets pass what the formula says, whatever that is", () => {
    for (const key of ["pegs", "enough", "expired", "gone", "unusable", "full", "overLimit", "blocked", "second"]) {
      expect([key, faults(key)]).toEqual([key, []]);
    }
  });

  test.each<readonly [string, string, More, RegExp]>([
    ["a quantity of its own", "pegs", { plan: { quantity: 1 } }, /quantity is 1, and by the formula/],
    ["an amount of its own", "pegs", { plan: { amountCents: 1 } }, /amountCents is 1/],
    ["another vendor", "pegs", { plan: { vendorId: "V-105" } }, /vendorId is V-105/],
    ["another day", "pegs", { plan: { dueOn: "2026-12-24" } }, /dueOn is 2026-12-24/],
    ["another day to order on", "pegs", { plan: { orderOn: "2026-12-24" } }, /orderOn is 2026-12-24/],
    ["no order", "pegs", { plan: { action: "none" } }, /action is none, and by the formula order/],
    ["an order without need", "enough", { plan: { action: "order", quantity: 5 } }, /by the formula none/],
    ["a later look", "enough", { plan: { nextReviewOn: "2027-09-14" } }, /nextReviewOn/],
    ["a letter left out", "liners", { plan: { letter: "none" } }, /letter is none, and by the formula order/],
    [
      "a demand of its own",
      "pegs",
      { stated: { dailyMilli: 900_000, lowMilli: 800_000, highMilli: 990_000 } },
      /quantity/,
    ],
    [
      "a vendor who has none",
      "pegs",
      { signals: [{ replyId: "RPL-10010", kind: "out_of_stock" }] },
      /action is order, and by the formula route/,
    ],
  ])("sends back %s", (_, key, more, what) => {
    expect(faults(key, more).join("\n")).toMatch(what);
  });

  test("UC5-A1 sends a forecast back that is not called what it is, or leaves out what bounds an order", () => {
    const said = (key: string, more: Partial<Interpretation> = {}) =>
      statedFaults(catalogue, { ...basisOf(key).stated, ...more }, itemIdOf(key));
    expect([said("pegs"), said("wideSmall"), said("tight")]).toEqual([[], [], []]);
    expect(said("wideSmall", { band: "narrow" })).toEqual(["the band is called narrow, and its bounds make it wide"]);
    expect(said("wideSmall", { lowMilli: 0, highMilli: 90_000 }).join("\n")).toMatch(/make it unusable/);
    expect(said("tight", { constraints: [] }).join("\n")).toMatch(/leaves out storage_limit/);
    // One more than there is makes nobody order more.
    expect(said("pegs", { constraints: [...basisOf("pegs").stated.constraints, "shelf_life"] })).toEqual([]);
  });

  test("nothing that a vendor says makes an order larger: what gives orders changes nothing", () => {
    for (const kind of [
      "account_change",
      "address_change",
      "asks_for_more",
      "tries_to_instruct",
      "confirms",
    ] as const) {
      expect(faults("pegs", { signals: [{ replyId: "RPL-10010", kind }] })).toEqual([]);
    }
  });
});
