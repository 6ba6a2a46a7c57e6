import { addDays } from "../../src/world/calendar.ts";
import type { Random } from "../../src/world/random.ts";
import { edit } from "../../src/world/table.ts";
import type { WorldTool } from "../../src/world/world.ts";
import type { Language, Order, OrderStatus, Product, ShopState, Variant } from "./state.ts";
import { applyVoucher, returnItems } from "./tools/change.ts";
import { escalateTicket } from "./tools/contact.ts";
import { refundOrder } from "./tools/refund.ts";

/** What an order should be like before its details are drawn. Days count back from today. */
export interface OrderPlan {
  /** Index of the customer. */
  readonly customer: number;
  readonly status: OrderStatus;
  readonly placedAgo: number;
  /** May be negative: still to come. */
  readonly promisedAgo: number;
  readonly deliveredAgo?: number;
  /** Shipped orders: the day of the last scan. */
  readonly lastScanAgo?: number;
  readonly lines: readonly LineWish[];
  /** A gift card pays the first part. */
  readonly twoPayments?: true;
  /** What happened to the order since, done with the shop's own tools. */
  readonly history?: (state: ShopState, order: Order) => void;
}

export interface LineWish {
  readonly quantity: number;
  readonly fits: (product: Product, variant: Variant) => boolean;
}

/** What a customer should be like; members that are absent are drawn. */
export interface CustomerPlan {
  readonly language?: Language;
  readonly tier?: "standard" | "gold";
  readonly account?: "under_review";
  /** Index of an earlier customer whose name this one shares. */
  readonly sameNameAs?: number;
  readonly withGiftCard?: true;
  /** The second card has expired. */
  readonly withExpiredCard?: true;
}

const anything: LineWish = { quantity: 1, fits: (_, variant) => variant.stock > 0 };
const usual = (fits: LineWish["fits"] = () => true, quantity = 1): LineWish => ({
  quantity,
  fits: (product, variant) => product.terms === "usual" && fits(product, variant),
});
const others = (product: Product, variant: Variant) =>
  Object.values(product.variants).filter((one) => one.sku !== variant.sku);

const swapEven = usual((product, variant) =>
  others(product, variant).some((one) => one.stock > 2 && !one.discontinued && one.priceCents === variant.priceCents),
);
const swapSoldOut = usual((product, variant) => others(product, variant).some((one) => one.stock === 0));
const swapDearer = usual((product, variant) =>
  others(product, variant).some((one) => one.stock > 2 && !one.discontinued && one.priceCents > variant.priceCents),
);
const cheap = usual((_, variant) => variant.priceCents <= 6_000);
const dear = usual((_, variant) => variant.priceCents > 10_000);
const middling = usual((_, variant) => variant.priceCents >= 6_000 && variant.priceCents <= 9_500);

function delivered(customer: number, deliveredAgo: number, lines: readonly LineWish[]): OrderPlan {
  return { customer, status: "delivered", placedAgo: deliveredAgo + 5, promisedAgo: deliveredAgo, deliveredAgo, lines };
}
function placed(customer: number, lines: readonly LineWish[], placedAgo = 0): OrderPlan {
  return { customer, status: "placed", placedAgo, promisedAgo: placedAgo - 6, lines };
}

/** Does one call `ago` days before today. */
function earlier(state: ShopState, ago: number, tool: WorldTool<ShopState>, input: unknown): void {
  const { today } = state;
  state.today = addDays(today, -ago);
  tool.run(state, tool.input.parse(input));
  state.today = today;
}

/** The customers that scenarios lean on; who comes after them is drawn freely. */
export const arrangedCustomers: readonly CustomerPlan[] = [
  { language: "en", tier: "standard" },
  { language: "de", tier: "standard" },
  { language: "es", tier: "standard" },
  { language: "fr", tier: "standard" },
  { language: "ja", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "fr", tier: "standard" },
  { language: "de", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "es", tier: "standard" },
  { language: "en", tier: "gold" },
  { language: "de", tier: "standard" },
  { language: "fr", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "en", tier: "standard", withExpiredCard: true },
  { language: "ja", tier: "standard" },
  { language: "es", tier: "standard", withGiftCard: true },
  { language: "en", tier: "standard" },
  { language: "de", tier: "standard" },
  { language: "en", tier: "standard", account: "under_review" },
  { language: "en", tier: "standard" },
  { language: "en", tier: "standard", sameNameAs: 20 },
  { language: "de", tier: "standard" },
  { language: "fr", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "es", tier: "standard" },
  { language: "de", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "fr", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "en", tier: "standard" },
  { language: "en", tier: "standard" },
];

/** The orders of those customers, one situation after the other. */
export const arrangedOrders: readonly OrderPlan[] = [
  placed(0, [middling]),
  delivered(0, 12, [swapEven]),
  placed(1, [cheap], 1),
  delivered(1, 9, [cheap, middling]),
  delivered(2, 20, [swapEven, cheap]),
  { customer: 3, status: "shipped", placedAgo: 4, promisedAgo: -2, lastScanAgo: 1, lines: [anything] },
  delivered(4, 6, [swapEven]),
  placed(5, [cheap]),
  placed(5, [middling], 1),
  { customer: 6, status: "packed", placedAgo: 2, promisedAgo: -4, lines: [middling] },
  { customer: 7, status: "shipped", placedAgo: 10, promisedAgo: 4, lastScanAgo: 2, lines: [cheap] },
  { customer: 8, status: "shipped", placedAgo: 16, promisedAgo: 9, lastScanAgo: 12, lines: [middling, cheap] },
  delivered(9, 38, [middling]),
  delivered(10, 44, [middling]),
  delivered(11, 10, [{ quantity: 1, fits: (product) => product.terms === "final_sale" }, cheap]),
  delivered(12, 8, [{ quantity: 2, fits: (product) => product.terms === "hygiene" }, cheap]),
  delivered(13, 7, [swapSoldOut]),
  delivered(14, 11, [swapDearer]),
  { customer: 15, status: "delivered", placedAgo: 15, promisedAgo: 9, deliveredAgo: 4, lines: [cheap] },
  { ...placed(16, [middling, cheap]), twoPayments: true },
  placed(17, [middling, cheap]),
  placed(18, [usual((product) => product.category === "garden"), cheap]),
  placed(19, [middling]),
  delivered(19, 14, [middling]),
  delivered(20, 16, [cheap]),
  delivered(21, 13, [middling]),
  {
    ...delivered(22, 9, [usual(undefined, 3), cheap]),
    history: (state, { orderId, customerId }) =>
      earlier(state, 3, returnItems, {
        ...{ orderId, customerId, lines: [{ lineId: "1", quantity: 1 }], reason: "changed_mind", refundTo: "original" },
      }),
  },
  {
    ...delivered(23, 15, [middling]),
    history: (state, { orderId, customerId }) =>
      earlier(state, 8, refundOrder, { orderId, customerId, reason: "goodwill", amountCents: 800 }),
  },
  delivered(24, 3, [dear]),
  delivered(25, 4, [cheap, middling]),
  delivered(26, 18, [swapEven]),
  delivered(27, 400, [middling]),
  delivered(28, 30, [cheap]),
  { customer: 29, status: "cancelled", placedAgo: 21, promisedAgo: 15, lines: [middling] },
  {
    ...delivered(30, 5, [usual((product) => product.category === "lighting")]),
    history: (state, { customerId }) => {
      const ticket = Object.values(state.tickets).find((one) => one.customerId === customerId);
      const summary = "The lamp sparked when it was switched on. Nobody was hurt.";
      const { ticketId } = ticket ?? {};
      earlier(state, 1, escalateTicket, { customerId, ticketId, queue: "safety", severity: "critical", summary });
    },
  },
  {
    ...delivered(31, 60, [cheap]),
    history: (state, { customerId }) => {
      const ticket = Object.values(state.tickets).find((one) => one.customerId === customerId);
      edit(state.tickets, ticket?.ticketId ?? "", (row) => {
        row.status = "closed";
      });
    },
  },
  {
    ...placed(32, [middling]),
    history: (state, { orderId, customerId }) =>
      earlier(state, 0, applyVoucher, { orderId, customerId, code: "SPRING10" }),
  },
];

/** An order as they come in every day. */
export function everydayOrder(random: Random, customer: number): OrderPlan {
  const lines = Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, (_, index) => ({
    ...anything,
    quantity: index === 0 && random.chance(0.2) ? 2 : 1,
  }));
  const kind = random.next();
  if (kind < 0.1) return placed(customer, lines, random.between(0, 1));
  if (kind < 0.17) return { customer, status: "packed", placedAgo: 2, promisedAgo: -4, lines };
  if (kind < 0.27) {
    const placedAgo = random.between(3, 6);
    return { customer, status: "shipped", placedAgo, promisedAgo: placedAgo - 7, lastScanAgo: 1, lines };
  }
  if (kind < 0.33) {
    const placedAgo = random.between(5, 150);
    return { customer, status: "cancelled", placedAgo, promisedAgo: placedAgo - 6, lines };
  }
  const deliveredAgo = random.between(1, 220);
  const lateDays = random.chance(0.12) ? random.between(1, 6) : 0;
  const plan = delivered(customer, deliveredAgo, lines);
  return { ...plan, placedAgo: plan.placedAgo + lateDays, promisedAgo: deliveredAgo + lateDays };
}
