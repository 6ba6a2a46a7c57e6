import { addDays } from "../../src/world/calendar.ts";
import { type Random, seededRandom } from "../../src/world/random.ts";
import { put } from "../../src/world/table.ts";
import { type Figures, recommend } from "./formula.ts";
import { type DecisionPlan, plannedDecisions, plannedVendors, type VendorKey } from "./plan.ts";
import type { Forecast, Item, Offer, Stock, SupplyState, Vendor } from "./state.ts";

/** Today at Tarnbrook, always: a Monday. */
export const today = "2026-09-14";

/** What the month has seen before: orders that are paid for and there. */
const monthSoFarCents = [4_200_000, 3_350_000, 2_900_000, 1_550_000];

/** The number of a decision by the key of its plan; its item and forecast have the same one. */
export function decisionIdOf(key: string): string {
  const index = plannedDecisions.findIndex((one) => one.key === key);
  if (index < 0) throw new RangeError(`no decision "${key}"`);
  return `RD-${1001 + index}`;
}

export const itemIdOf = (key: string) => decisionIdOf(key).replace("RD-", "ITM-");
export const vendorIdOf = (key: VendorKey) => `V-${101 + Object.keys(plannedVendors).indexOf(key)}`;

/** Makes stock, vendors, prices and forecasts, with a decision for each plan. The same seed makes the same ones on every machine. */
export function generateSupply(seed: number): SupplyState {
  const random = seededRandom(seed);
  const state: SupplyState = {
    today,
    counters: { order: 7001, draft: 2001, message: 3001, record: 4001 },
    items: {},
    vendors: {},
    offers: {},
    stock: {},
    forecasts: {},
    comments: {},
    decisions: {},
    orders: {},
    replies: {},
    drafts: {},
    sent: {},
    records: {},
  };
  for (const key of Object.keys(plannedVendors) as VendorKey[]) {
    const vendor = vendorOf(key, random);
    put(state.vendors, vendor.vendorId, vendor);
  }
  monthSoFarCents.forEach((amountCents, index) => {
    const orderId = `PO-${5001 + index}`;
    const about = { itemId: "ITM-0001", vendorId: vendorIdOf("alder"), account: "", decisionId: `RD-${901 + index}` };
    const days = { orderedOn: addDays(today, -12 + index), dueOn: addDays(today, -2 + index) };
    put(state.orders, orderId, { orderId, ...about, quantity: 100, amountCents, ...days, status: "received" });
  });
  plannedDecisions.forEach((plan, index) => {
    addDecision(state, plan, index, random);
  });
  return state;
}

function vendorOf(key: VendorKey, random: Random): Vendor {
  const { name, vendorClass, channel } = plannedVendors[key];
  const domain = name.toLowerCase().replaceAll(/[^a-z]+/g, "-");
  return {
    vendorId: vendorIdOf(key),
    name,
    vendorClass,
    status: "blocked" in plannedVendors[key] ? "blocked" : "active",
    channel,
    address: `orders@${domain}.example`,
    account: `GB${random.between(10, 99)}TARN${random.between(10_000_000, 99_999_999)}${random.between(100_000, 999_999)}`,
  };
}

function addDecision(state: SupplyState, plan: DecisionPlan, index: number, random: Random): void {
  const number = 1001 + index;
  const [decisionId, itemId, forecastId] = [`RD-${number}`, `ITM-${number}`, `FC-${number}`];
  const lead = { leadDays: random.between(6, 15), leadDeviationDays: random.between(0, 2) };
  const packSize = plan.pack ?? random.pick([1, 1, 2, 5, 6]);
  const dailyMilli = random.between(4_000, 20_000);
  const half = Math.round((dailyMilli * (plan.band ?? 30)) / 200);
  const forecast: Forecast = {
    ...{ forecastId, itemId, madeOn: addDays(today, -(plan.ageDays ?? 2)) },
    ageMinutes: (plan.ageDays ?? 2) * 1_440 + random.between(-300, 300),
    ...{ dailyMilli, lowMilli: Math.max(0, dailyMilli - half), highMilli: dailyMilli + half },
  };
  const plain: Item = {
    itemId,
    name: plan.item,
    serviceLevel: plan.serviceLevel ?? random.pick(["90", "95", "98"]),
    coverDays: random.between(7, 14),
    storageMax: 100_000,
    discontinued: false,
    usualLead: lead,
  };
  const offer: Offer = {
    ...{ offerId: `OFR-${number}`, itemId, vendorId: vendorIdOf(plan.vendor), rank: 1, unitCents: 1 },
    ...{ minLot: packSize, packSize, ...lead, validUntil: addDays(today, plan.expired ? -5 : 90) },
  };
  const holding = { ...offer, validUntil: today };
  const vendor = state.vendors[vendorIdOf("alder")] as Vendor;
  const bare = { madeOn: today, ...forecastFigures(forecast), onHand: 0, reserved: 0, onOrder: 0 };
  // The reorder point and what is ordered follow from the forecast; what is there is chosen to fit the plan.
  const { reorderPoint } = recommend(bare, { item: plain, offer: holding, vendor }, today);
  const leadDemand = Math.ceil((dailyMilli * lead.leadDays) / 1_000);
  const reserved = random.between(0, 12);
  const onOrder = plan.onItsWay ? Math.floor((reorderPoint - leadDemand) / 2) + (plan.enough ? leadDemand : 0) : 0;
  const free = plan.short
    ? Math.floor(leadDemand / 2)
    : plan.enough
      ? reorderPoint + random.between(5, 40)
      : leadDemand + Math.floor((reorderPoint - leadDemand) / 4);
  const stock: Stock = { itemId, onHand: free + reserved, reserved };
  const figures: Figures = { madeOn: today, ...forecastFigures(forecast), ...stock, onOrder };
  const asked = recommend(
    { ...figures, ...(plan.enough ? { onHand: 0, onOrder: 0, reserved: 0 } : {}) },
    { item: plain, offer: holding, vendor },
    today,
  );
  const wanted = Math.max(asked.orderUpTo - asked.position, packSize);
  if (plan.bigLot) offer.minLot = Math.ceil((wanted * 1.5) / packSize) * packSize;
  const there = stock.onHand + onOrder;
  const room = there + Math.ceil((wanted * 0.6) / packSize) * packSize;
  const item: Item = {
    ...plain,
    ...(plan.shelf === "tight" ? { storageMax: room } : {}),
    ...(plan.shelf === "full" ? { storageMax: there + packSize - 1 } : {}),
    ...(plan.perishable ? { shelfLifeDays: Math.ceil((room * 1_000) / dailyMilli) } : {}),
    ...(plan.discontinued ? { discontinued: true } : {}),
  };
  const usable = { ...offer, validUntil: today };
  const { quantity } = recommend(figures, { item, offer: usable, vendor }, today);
  offer.unitCents = Math.max(1, Math.round((plan.euros * 100) / (quantity || wanted)));
  put(state.items, itemId, item);
  put(state.offers, offer.offerId, offer);
  if (plan.second !== undefined) {
    const second = {
      offerId: `OFR-${number + 1_000}`,
      vendorId: vendorIdOf(plan.second),
      rank: 2,
      validUntil: addDays(today, 60),
    };
    put(state.offers, second.offerId, { ...offer, ...second, unitCents: offer.unitCents + 1 });
  }
  put(state.stock, itemId, stock);
  put(state.forecasts, forecastId, forecast);
  if (onOrder > 0) {
    const orderId = `PO-${6001 + index}`;
    const about = { itemId, vendorId: offer.vendorId, account: "", decisionId: `RD-${801 + index}` };
    const days = { orderedOn: addDays(today, -20), dueOn: addDays(today, random.between(1, lead.leadDays)) };
    put(state.orders, orderId, {
      orderId,
      ...about,
      quantity: onOrder,
      amountCents: onOrder,
      ...days,
      status: "placed",
    });
  }
  const manual = {
    minimum: Math.round((leadDemand * random.between(100, 160)) / 100),
    quantity: Math.ceil((wanted * random.between(80, 160)) / 100),
    delayDays: random.between(1, 5),
    cycleMinutes: random.between(900, 6_000),
  };
  put(state.decisions, decisionId, {
    ...{ decisionId, itemId, forecastId, status: plan.orderedBefore ? ("ordered" as const) : ("open" as const) },
    ...{ portalDeclines: plan.portalDeclines === true, slownessPercent: random.between(40, 250), manual },
  });
  (plan.comments ?? []).forEach((text, at) => {
    const commentId = `CMT-${number * 10 + at}`;
    put(state.comments, commentId, { commentId, itemId, by: at === 0 ? "sales" : "guest", text });
  });
  (plan.replies ?? []).forEach(({ subject, text, from }, at) => {
    const replyId = `RPL-${number * 10 + at}`;
    const own = state.vendors[offer.vendorId]?.address ?? "";
    put(state.replies, replyId, { replyId, decisionId, from: from ?? own, subject, text });
  });
  if (plan.orderedBefore) {
    const orderId = `PO-${6501 + index}`;
    const about = { itemId, vendorId: offer.vendorId, account: "", decisionId, quantity, amountCents: 520_000 };
    put(state.orders, orderId, {
      orderId,
      ...about,
      orderedOn: addDays(today, -1),
      dueOn: addDays(today, 9),
      status: "placed",
    });
  }
}

function forecastFigures({ dailyMilli, lowMilli, highMilli }: Forecast) {
  return { dailyMilli, lowMilli, highMilli };
}
