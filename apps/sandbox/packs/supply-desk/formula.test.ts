import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Buying, constraintsOf, type Figures, recommend } from "./formula.ts";
import { servedByDesk, servedByHand } from "./simulate.ts";
import { bandOf, terms, tierCausesOf, tierOf } from "./tiers.ts";

const today = "2026-09-14";
const figures: Figures = {
  madeOn: "2026-09-12",
  dailyMilli: 10_000,
  lowMilli: 8_000,
  highMilli: 12_000,
  onHand: 60,
  reserved: 0,
  onOrder: 0,
};
const lead = { leadDays: 8, leadDeviationDays: 1 };
const buying: Buying = {
  item: {
    ...{ itemId: "ITM-1001", name: "pegs", serviceLevel: "95", coverDays: 14, storageMax: 1_000, discontinued: false },
    usualLead: lead,
  },
  offer: {
    ...{
      offerId: "OFR-1001",
      itemId: "ITM-1001",
      vendorId: "V-101",
      rank: 1,
      unitCents: 500,
      minLot: 10,
      packSize: 10,
    },
    ...lead,
    validUntil: today,
  },
  vendor: {
    ...{ vendorId: "V-101", name: "Alder", vendorClass: "approved", status: "active", channel: "portal" },
    ...{ address: "orders@alder.example", account: "GB00TARN0000000000" },
  },
};
const item = (more: Partial<Buying["item"]>): Buying => ({ ...buying, item: { ...buying.item, ...more } });
const said = (more: Partial<Figures> = {}, by: Buying = buying) => recommend({ ...figures, ...more }, by, today);

describe("the formula", () => {
  test("by hand, once: 90 until a delivery, 19 for doubt, 140 for two weeks, in packs of ten", () => {
    // Deviation of a day 4/2.5632 = 1.56; 1.6449 · √(9 · 1.56² + 10²) = 18.2.
    expect(said()).toEqual({
      ...{ action: "order", reason: "none", band: "narrow", position: 60, safetyStock: 19, reorderPoint: 109 },
      ...{ orderUpTo: 249, quantity: 190, amountCents: 95_000, tier: "auto", letter: "expedite" },
      ...{ orderOn: today, dueOn: "2026-09-22", nextReviewOn: today },
    });
  });

  test("orders at the reorder point and not above it, and names the day of the next order", () => {
    expect(said({ onHand: 109 })).toMatchObject({ action: "order", letter: "none" });
    expect(said({ onHand: 110 })).toMatchObject({ action: "none", quantity: 0, nextReviewOn: today });
    expect(said({ onHand: 140 })).toMatchObject({ action: "none", nextReviewOn: "2026-09-17" });
    // What is promised is not there, and what is on its way is.
    expect(said({ onHand: 115, reserved: 6 })).toMatchObject({ action: "order", position: 109 });
    expect(said({ onHand: 60, onOrder: 60 })).toMatchObject({ action: "none", position: 120 });
  });

  test("doubt costs stock: a wider band, a higher service level, a vendor who is less punctual", () => {
    const base = said().safetyStock;
    expect(said({ lowMilli: 4_000, highMilli: 16_000 }).safetyStock).toBeGreaterThan(base);
    expect(said({}, item({ serviceLevel: "99" })).safetyStock).toBeGreaterThan(base);
    const late = { ...buying, offer: { ...buying.offer, leadDeviationDays: 4 } } as Buying;
    expect(said({}, late).safetyStock).toBeGreaterThan(base);
  });

  test.each<readonly [string, Partial<Figures>, Buying, object]>([
    ["a shelf that takes less", {}, item({ storageMax: 195 }), { quantity: 130 }],
    ["a shelf that takes nothing", {}, item({ storageMax: 69 }), { action: "route", reason: "limits_conflict" }],
    ["a shelf life", {}, item({ shelfLifeDays: 20 }), { quantity: 140 }],
    ["a large lot", {}, { ...buying, offer: { ...buying.offer, minLot: 400 } } as Buying, { quantity: 400 }],
    ["a discontinued item", {}, item({ discontinued: true }), { action: "route", reason: "discontinued", quantity: 0 }],
    ["no forecast to speak of", { highMilli: 40_000 }, buying, { action: "route", reason: "forecast_unusable" }],
    [
      "no demand",
      { dailyMilli: 0, lowMilli: 0, highMilli: 0 },
      buying,
      { action: "route", reason: "forecast_unusable" },
    ],
    ["no offer", {}, { item: buying.item, asked: buying.vendor }, { action: "ask", letter: "enquiry", quantity: 0 }],
    ["nobody", {}, { item: buying.item }, { action: "route", reason: "no_vendor" }],
    [
      "more than an order may be",
      {},
      { ...buying, offer: { ...buying.offer, unitCents: 100_000 } } as Buying,
      { action: "route", reason: "over_limit", quantity: 0, amountCents: 0 },
    ],
  ])("%s", (_, more, by, wanted) => {
    expect(said(more, by)).toMatchObject(wanted);
  });

  test("says what bounds an order", () => {
    expect(constraintsOf(figures, buying, today)).toEqual(["pack_size", "runs_out_before_delivery"]);
    const old = { ...figures, madeOn: "2026-08-01", onHand: 100 };
    expect(constraintsOf(old, item({ storageMax: 150, shelfLifeDays: 15 }), today)).toEqual([
      ...["storage_limit", "shelf_life", "pack_size", "stale_forecast", "wide_band"],
    ]);
  });

  test("an order is always whole packs, at least a lot, within the shelf, and at its price", () => {
    const whole = fc.integer({ min: 0, max: 2_000 });
    const arbitrary = fc.record({
      ...{ daily: fc.integer({ min: 1, max: 90_000 }), width: fc.integer({ min: 0, max: 250 }), onHand: whole },
      ...{
        reserved: whole,
        onOrder: whole,
        pack: fc.integer({ min: 1, max: 60 }),
        lots: fc.integer({ min: 1, max: 9 }),
      },
      ...{
        storageMax: whole,
        leadDays: fc.integer({ min: 0, max: 60 }),
        unitCents: fc.integer({ min: 1, max: 90_000 }),
      },
    });
    fc.assert(
      fc.property(arbitrary, (given) => {
        const { daily, width, pack, lots, leadDays, unitCents, storageMax, ...stock } = given;
        const half = Math.round((daily * width) / 200);
        const now = { ...stock, madeOn: today, dailyMilli: daily, lowMilli: daily - half, highMilli: daily + half };
        const offer = { ...buying.offer, packSize: pack, minLot: pack * lots, leadDays, unitCents };
        const one = recommend(now, { ...item({ storageMax }), offer } as Buying, today);
        expect(recommend(now, { ...item({ storageMax }), offer } as Buying, today)).toEqual(one);
        if (one.action !== "order") {
          expect([one.quantity, one.amountCents]).toEqual([0, 0]);
          return;
        }
        expect(one.position).toBeLessThanOrEqual(one.reorderPoint);
        expect(one.quantity % pack).toBe(0);
        expect(one.quantity).toBeGreaterThanOrEqual(pack * lots);
        expect(one.quantity + now.onHand + now.onOrder).toBeLessThanOrEqual(storageMax);
        expect(one.amountCents).toBe(one.quantity * unitCents);
        expect(one.amountCents).toBeLessThanOrEqual(terms.orderMaxCents);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the tiers", () => {
  test.each([
    [250_000, "approved", "narrow", "auto"],
    [250_001, "approved", "normal", "buyer"],
    [1_500_001, "strategic", "narrow", "head"],
    [5_000_001, "strategic", "narrow", "board"],
    [100, "new", "narrow", "buyer"],
    [100, "approved", "wide", "buyer"],
    [100, "new", "wide", "head"],
    [9_000_000, "new", "wide", "board"],
    [100, "approved", "unusable", "board"],
  ] as const)("%i cents with a vendor who is %s on a %s band: %s", (amountCents, vendorClass, band, tier) => {
    expect(tierOf({ amountCents, vendorClass, band })).toBe(tier);
  });

  test("UC5-L1 a wider band never needs less approval, and each cause is named", () => {
    for (const amountCents of [100, 300_000, 2_000_000, 6_000_000]) {
      const steps = (["narrow", "normal", "wide", "unusable"] as const).map((band) =>
        ["auto", "buyer", "head", "board"].indexOf(tierOf({ amountCents, vendorClass: "approved", band })),
      );
      expect(steps).toEqual([...steps].sort());
      expect(steps[2]).toBe(Math.min(3, (steps[1] ?? 0) + 1));
    }
    expect(tierCausesOf({ amountCents: 300_000, vendorClass: "new", band: "wide" })).toEqual([
      ...["amount", "vendor_class", "wide_band"],
    ]);
    expect(tierCausesOf({ amountCents: 100, vendorClass: "approved", band: "normal" })).toEqual([]);
  });

  test("a band goes by its width, and an old forecast is wide", () => {
    expect(bandOf(8_000, 10_000, 12_000, 0)).toBe("narrow");
    expect(bandOf(7_999, 10_000, 12_000, 0)).toBe("normal");
    expect(bandOf(5_000, 10_000, 14_001, 0)).toBe("wide");
    expect(bandOf(0, 10_000, 20_001, 0)).toBe("unusable");
    expect(bandOf(8_000, 10_000, 12_000, 10)).toBe("narrow");
    expect(bandOf(8_000, 10_000, 12_000, 11)).toBe("wide");
    // Bounds the wrong way round are none.
    expect(bandOf(12_000, 10_000, 8_000, 0)).toBe("unusable");
  });
});

describe("UC5-K1 the simulated shelf", () => {
  const manual = { minimum: 80, quantity: 200, delayDays: 4, cycleMinutes: 900 };
  const situation = { figures: { ...figures, onHand: 105 }, buying, today, manual, seed: 7 };

  test("is the same for the same seed, and the demand is the same with and without the desk", () => {
    const first = { quantity: 190, afterDays: 0 };
    expect(servedByDesk(situation, first)).toEqual(servedByDesk(situation, first));
    expect(servedByDesk(situation, first).asked).toBe(servedByHand(situation).asked);
  });

  test("is emptier the later and the less is ordered", () => {
    const days = [0, 5, 10].map((afterDays) => servedByDesk(situation, { quantity: 190, afterDays }).stockoutDays);
    expect(days).toEqual([...days].sort((left, right) => left - right));
    expect(servedByHand(situation).missed).toBeGreaterThan(
      servedByDesk(situation, { quantity: 190, afterDays: 0 }).missed,
    );
  });

  test("is as full as the service level says: stock that is looked at daily runs out in few of the cycles", () => {
    const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
    const share = (serviceLevel: "90" | "99") => {
      const by = item({ serviceLevel });
      const full = { ...figures, onHand: recommend(figures, by, today).orderUpTo };
      const served = seeds.map((seed) => servedByDesk({ ...situation, figures: full, buying: by, seed }, undefined));
      const days = served.reduce((sum, { stockoutDays }) => sum + stockoutDays, 0);
      // An order lasts for its days of cover, so that is how many cycles there are, about.
      return days / ((seeds.length * 60) / by.item.coverDays);
    };
    expect(share("99")).toBeLessThan(0.01);
    expect(share("90")).toBeLessThan(0.1);
    expect(share("99")).toBeLessThan(share("90"));
  });
});
