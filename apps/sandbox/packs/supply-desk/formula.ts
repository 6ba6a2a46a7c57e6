import { addDays, daysBetween } from "../../src/world/calendar.ts";
import { serviceFactors } from "./service-level.ts";
import type { Item, Offer, Vendor } from "./state.ts";
import { type Band, bandOf, type Tier, terms, tierOf } from "./tiers.ts";

/**
 * How much is ordered, and when: a pure function of a forecast, a stock and the company's own reference data. No model works
 * anything out. Every item is looked at once a day. It is ordered when what is there and on its way falls to the reorder point: what
 * the lead time needs, with a safety stock for both kinds of doubt, demand and delivery. It is ordered up to what lasts for its
 * days of cover beyond that; then lots, packs, shelf and shelf life have their say.
 */

/** What a forecast and a stock say. Demand is in thousandths of a unit a day; the bounds are its tenth and ninetieth percentile. */
export interface Figures {
  readonly madeOn: string;
  readonly dailyMilli: number;
  readonly lowMilli: number;
  readonly highMilli: number;
  readonly onHand: number;
  /** Promised to customers already. */
  readonly reserved: number;
  /** Ordered and not there yet. */
  readonly onOrder: number;
}

/** Reference data of one item: limits, and the offer that it is bought by. */
export interface Buying {
  readonly item: Item;
  /** The best offer that holds today, of a vendor who is not blocked. */
  readonly offer?: Offer | undefined;
  readonly vendor?: Vendor | undefined;
  /** Whom to ask for a new price where no offer holds. */
  readonly asked?: Vendor | undefined;
}

export const actions = ["order", "none", "ask", "route"] as const;
export type Action = (typeof actions)[number];

/** Why nothing is ordered by itself: a closed set, the words of escalations and of the log. */
export const formulaReasons = [
  "discontinued",
  "forecast_unusable",
  "limits_conflict",
  "no_vendor",
  "over_limit",
] as const;

/** A message to the vendor that goes with it. */
export const letters = ["none", "order", "expedite", "enquiry"] as const;
export type Letter = (typeof letters)[number];

export const constraintNames = [
  "storage_limit",
  "shelf_life",
  "minimum_lot",
  "pack_size",
  "discontinued",
  "stale_forecast",
  "wide_band",
  "runs_out_before_delivery",
] as const;
export type Constraint = (typeof constraintNames)[number];

export interface Recommendation {
  readonly action: Action;
  readonly reason: "none" | (typeof formulaReasons)[number];
  readonly band: Band;
  readonly quantity: number;
  readonly amountCents: number;
  readonly tier: Tier;
  readonly letter: Letter;
  /** What is on hand and on order without what is promised. */
  readonly position: number;
  readonly reorderPoint: number;
  readonly safetyStock: number;
  readonly orderUpTo: number;
  readonly orderOn: string;
  readonly dueOn: string;
  /** When the position will have fallen to the reorder point, by the forecast's mean. */
  readonly nextReviewOn: string;
}

/** From the tenth to the ninetieth percentile of a normal distribution, in standard deviations. */
const bandDeviations = 2 * serviceFactors["90"];

export function recommend(figures: Figures, buying: Buying, today: string): Recommendation {
  const { item, offer, vendor, asked } = buying;
  const { dailyMilli, lowMilli, highMilli, onHand, reserved, onOrder } = figures;
  const band = bandOf(lowMilli, dailyMilli, highMilli, daysBetween(figures.madeOn, today));
  const daily = dailyMilli / 1_000;
  const deviation = (highMilli - lowMilli) / 1_000 / bandDeviations;
  // Where no offer holds the item is reviewed as if it came from its first vendor.
  const { leadDays, leadDeviationDays } = offer ?? item.usualLead;
  const factor = serviceFactors[item.serviceLevel];
  // Until tomorrow's look, and from then until a delivery.
  const exposedDays = leadDays + 1;
  const safetyStock = Math.ceil(factor * Math.sqrt(exposedDays * deviation ** 2 + (daily * leadDeviationDays) ** 2));
  const position = onHand - reserved + onOrder;
  const reorderPoint = Math.ceil(daily * exposedDays) + safetyStock;
  const orderUpTo = reorderPoint + Math.ceil(daily * item.coverDays);
  const spare = position - reorderPoint;
  const daysLeft = spare <= 0 || daily <= 0 ? 0 : Math.floor(spare / daily);
  const common = {
    ...{ band, position, reorderPoint, safetyStock, orderUpTo, orderOn: today },
    dueOn: addDays(today, leadDays),
    nextReviewOn: addDays(today, daily <= 0 ? 365 : Math.min(daysLeft, 365)),
  };
  const nothing = { quantity: 0, amountCents: 0, tier: "auto", letter: "none" } as const;
  const route = (reason: (typeof formulaReasons)[number]): Recommendation => ({
    ...{ action: "route", reason },
    ...common,
    ...nothing,
  });
  if (item.discontinued) return route("discontinued");
  if (band === "unusable") return route("forecast_unusable");
  if (spare > 0) return { action: "none", reason: "none", ...common, ...nothing };
  if (offer === undefined || vendor === undefined) {
    if (asked === undefined) return route("no_vendor");
    return { action: "ask", reason: "none", ...common, ...nothing, letter: "enquiry" };
  }
  const quantity = fitted(orderUpTo - position, roomOf(figures, item), offer);
  if (quantity === 0) return route("limits_conflict");
  const amountCents = quantity * offer.unitCents;
  if (amountCents > terms.orderMaxCents) return route("over_limit");
  const runsOut = onHand - reserved < Math.floor(daily * leadDays);
  return {
    ...{ action: "order", reason: "none" },
    ...common,
    quantity,
    amountCents,
    tier: tierOf({ amountCents, vendorClass: vendor.vendorClass, band }),
    letter: runsOut ? "expedite" : vendor.channel === "mail" ? "order" : "none",
  };
}

/** Units that may come on top of what is there and on its way: by the shelf, and by what is sold before it is too old. */
function roomOf({ dailyMilli, onHand, onOrder }: Figures, { storageMax, shelfLifeDays }: Item): number {
  const there = onHand + onOrder;
  const byAge = shelfLifeDays === undefined ? storageMax : Math.floor((dailyMilli * shelfLifeDays) / 1_000);
  return Math.max(0, Math.min(storageMax, byAge) - there);
}

/** Up to whole packs and the minimum lot, down again where there is no room; none where no lot fits. */
function fitted(wanted: number, room: number, { minLot, packSize }: Offer): number {
  const up = Math.ceil(Math.max(wanted, minLot) / packSize) * packSize;
  const most = Math.floor(room / packSize) * packSize;
  const quantity = Math.min(up, most);
  return quantity >= minLot && quantity > 0 ? quantity : 0;
}

/** What bounds an order of this item, as it is said to people. */
export function constraintsOf(figures: Figures, buying: Buying, today: string): readonly Constraint[] {
  const { item, offer } = buying;
  const { onHand, reserved, dailyMilli, madeOn } = figures;
  const { band, orderUpTo, position } = recommend(figures, buying, today);
  const wanted = orderUpTo - position;
  const byShelf = item.storageMax - onHand - figures.onOrder;
  const { leadDays } = offer ?? item.usualLead;
  const holds: Readonly<Record<Constraint, boolean>> = {
    storage_limit: byShelf < wanted,
    shelf_life:
      item.shelfLifeDays !== undefined &&
      Math.floor((dailyMilli * item.shelfLifeDays) / 1_000) - onHand - figures.onOrder < wanted,
    minimum_lot: offer !== undefined && wanted > 0 && wanted < offer.minLot,
    pack_size: offer !== undefined && offer.packSize > 1,
    discontinued: item.discontinued,
    stale_forecast: daysBetween(madeOn, today) > terms.staleAfterDays,
    wide_band: band === "wide" || band === "unusable",
    runs_out_before_delivery: onHand - reserved < Math.floor((dailyMilli * leadDays) / 1_000),
  };
  return constraintNames.filter((name) => holds[name]);
}
