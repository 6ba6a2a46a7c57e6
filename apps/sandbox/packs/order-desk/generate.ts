import { addDays } from "../../src/world/calendar.ts";
import { type Random, seededRandom } from "../../src/world/random.ts";
import { put, type Table } from "../../src/world/table.ts";
import { stockCatalogue } from "./catalogue.ts";
import { orderDeskFixtures } from "./fixtures.ts";
import { inventPerson, type Person } from "./people.ts";
import {
  arrangedCustomers,
  arrangedOrders,
  type CustomerPlan,
  everydayOrder,
  type LineWish,
  type OrderPlan,
} from "./plan.ts";
import {
  type Customer,
  type Language,
  type Order,
  type OrderLine,
  type Payment,
  type PaymentMethod,
  type Product,
  rows,
  type Shipment,
  type ShopState,
  type Ticket,
  type Voucher,
} from "./state.ts";

/** The shop's today: a Monday. Nothing here asks a clock. */
export const today = "2026-03-16";
const customerCount = 120;
const orderCount = 300;
/** Customers from this index on have not ordered yet. */
const firstWithoutOrders = 115;
const ticketCount = 90;

const drawsMax = 8;

/** The shop on its fixed day: 120 customers, 300 orders, 40 products. The same seed gives the same shop. */
export function generateShop(seed: number): ShopState {
  for (let draw = 1; ; draw++) {
    try {
      const shop = drawShop(seededRandom(seed + (draw - 1) * 1_000_003));
      orderDeskFixtures(shop);
      return shop;
    } catch (thrown) {
      // Of some thousand shops one has nothing for a case that the desk is about: then another one is drawn.
      if (!(thrown instanceof RangeError) || draw === drawsMax) throw thrown;
    }
  }
}

/** @throws RangeError where the draw leaves nothing to pick from */
function drawShop(random: Random): ShopState {
  const products = stockCatalogue(random, today);
  const customers = inventCustomers(random);
  const everyone = rows(customers) as readonly Customer[];
  const state: ShopState = {
    today,
    counters: { return: 7001, exchange: 7001, refund: 7001 },
    customers,
    products,
    orders: {},
    vouchers: vouchers(),
    tickets: openTickets(random, everyone),
    returns: {},
    exchanges: {},
    refunds: {},
  };
  const histories: (() => void)[] = [];
  const articles = rows(products) as readonly Product[];
  for (const [index, plan] of planOrders(random).entries()) {
    const order = makeOrder(random, {
      orderId: `L-${50_001 + index}`,
      plan,
      customer: everyone[plan.customer]!,
      articles,
    });
    put(state.orders, order.orderId, order);
    const { history } = plan;
    if (history !== undefined) histories.push(() => history(state, order));
  }
  for (const history of histories) history();
  return state;
}

/** Oldest first, so that order numbers rise with the day. */
function planOrders(random: Random): readonly OrderPlan[] {
  const everyday = Array.from({ length: orderCount - arrangedOrders.length }, () =>
    everydayOrder(random, random.between(arrangedCustomers.length, firstWithoutOrders - 1)),
  );
  return [...arrangedOrders, ...everyday].sort((left, right) => right.placedAgo - left.placedAgo);
}

/** Nobody shares a name, except where the plan says so: name and postcode are enough to know who is asking. */
function inventCustomers(random: Random): Table<Customer> {
  const table: Table<Customer> = {};
  const emails = new Set<string>();
  const people: Person[] = [];
  for (let index = 0; index < customerCount; index += 1) {
    const plan = arrangedCustomers[index] ?? {};
    const language = plan.language ?? drawLanguage(random);
    let invented = inventPerson(random, language);
    while (people.some((other) => other.name === invented.name)) invented = inventPerson(random, language);
    const twin = plan.sameNameAs === undefined ? undefined : people[plan.sameNameAs];
    const person = twin === undefined ? invented : namesake(invented, twin);
    people.push(person);
    let email = `${person.latin}@example.${random.pick(["com", "net", "org"])}`;
    for (let number = 2; emails.has(email); number += 1) email = email.replace(/\d*@/, `${number}@`);
    emails.add(email);
    const customerId = `C-${2001 + index}`;
    put(table, customerId, {
      customerId,
      name: person.name,
      email,
      language,
      address: person.address,
      tier: plan.tier ?? (random.chance(0.2) ? "gold" : "standard"),
      account: plan.account ?? "active",
      storeCreditCents: random.chance(0.15) ? random.between(3, 40) * 100 : 0,
      paymentMethods: inventPaymentMethods(random, customerId, language, plan),
      since: addDays(today, -random.between(420, 2_400)),
    });
  }
  return table;
}

/** Somebody else of the same name, in another town. */
function namesake(invented: Person, { name, latin, address }: Person): Person {
  const far = invented.address.postcode === address.postcode ? { postcode: "W91 RX64", city: "Naas" } : {};
  return { ...invented, name, latin, address: { ...invented.address, ...far } };
}

/** Ten tenths: three of English, two each of German, Spanish and French, one of Japanese. */
function drawLanguage(random: Random): Language {
  return random.pick(["en", "en", "en", "de", "de", "es", "es", "fr", "fr", "ja"]);
}

function inventPaymentMethods(
  random: Random,
  customerId: string,
  language: Language,
  plan: CustomerPlan,
): Customer["paymentMethods"] {
  const lastFour = () => String(random.between(1_000, 9_999));
  const kinds: Omit<PaymentMethod, "methodId">[] = [{ kind: "card", label: `card ending ${lastFour()}`, active: true }];
  if (plan.withExpiredCard || random.chance(0.2)) {
    kinds.push({ kind: "card", label: `card ending ${lastFour()}`, active: false });
  }
  if (random.chance(0.35)) kinds.push({ kind: "wallet", label: "Pocketwell wallet", active: true });
  if (language === "de" && random.chance(0.5)) kinds.push({ kind: "invoice", label: "invoice", active: true });
  if (plan.withGiftCard || random.chance(0.12)) {
    const balanceCents = random.between(10, 60) * 100;
    kinds.push({ kind: "gift_card", label: `gift card ending ${lastFour()}`, active: true, balanceCents });
  }
  const methods = kinds.map((method, index) => ({ methodId: `pm_${customerId.slice(2)}_${index + 1}`, ...method }));
  return Object.fromEntries(methods.map((method) => [method.methodId, method]));
}

interface OrderParts {
  readonly orderId: string;
  readonly plan: OrderPlan;
  readonly customer: Customer;
  readonly articles: readonly Product[];
}

function makeOrder(random: Random, { orderId, plan, customer, articles }: OrderParts): Order {
  const lines = drawLines(random, plan.lines, articles);
  const goods = lines.reduce((sum, line) => sum + line.unitPriceCents * line.quantity, 0);
  const shippingCents = goods >= 12_000 ? 0 : customer.address.country === "JP" ? 1_490 : 590;
  const totalCents = goods + shippingCents;
  const refundedCents = plan.status === "cancelled" ? totalCents : 0;
  const methods = Object.values(customer.paymentMethods);
  const giftCard = plan.twoPayments && methods.find((method) => method.kind === "gift_card");
  const fromGiftCard = giftCard ? Math.min(2_500, totalCents - 100) : 0;
  const main = random.pick(methods.filter((method) => method.active && method.kind !== "gift_card"));
  const shipment = makeShipment(random, plan, customer);
  return {
    orderId,
    customerId: customer.customerId,
    status: plan.status,
    placedOn: addDays(today, -plan.placedAgo),
    promisedOn: addDays(today, -plan.promisedAgo),
    ...(plan.deliveredAgo === undefined ? {} : { deliveredOn: addDays(today, -plan.deliveredAgo) }),
    shipTo: customer.address,
    lines: Object.fromEntries(lines.map((line) => [line.lineId, line])),
    shippingCents,
    discountCents: 0,
    totalCents,
    payments: {
      ...(giftCard ? { [giftCard.methodId]: payment(giftCard.methodId, fromGiftCard, 0) } : {}),
      [main.methodId]: payment(main.methodId, totalCents - fromGiftCard, refundedCents),
    },
    ...(shipment === undefined ? {} : { shipment }),
  };
}

function payment(methodId: string, amountCents: number, refundedCents: number): Payment {
  return { methodId, amountCents, refundedCents };
}

/** Lines of different products. Pieces on their way or delivered have left the stock before the shop's today. */
function drawLines(random: Random, wishes: readonly LineWish[], articles: readonly Product[]): OrderLine[] {
  const lines: OrderLine[] = [];
  for (const { quantity, fits } of wishes) {
    const fitting = articles
      .filter((product) => lines.every((line) => line.productId !== product.productId))
      .flatMap((product) => Object.values(product.variants).map((variant) => ({ product, variant })))
      .filter(({ product, variant }) => fits(product, variant));
    const { product, variant } = random.pick(fitting);
    lines.push({
      lineId: String(lines.length + 1),
      sku: variant.sku,
      productId: product.productId,
      title: `${product.name} (${Object.values(variant.options).join(", ")})`,
      quantity,
      unitPriceCents: variant.priceCents,
      discountCents: 0,
      returnedQuantity: 0,
    });
  }
  return lines;
}

function makeShipment(random: Random, plan: OrderPlan, customer: Customer): Shipment | undefined {
  if (plan.status !== "shipped" && plan.status !== "delivered") return undefined;
  const lastAgo = plan.deliveredAgo ?? plan.lastScanAgo ?? 0;
  const day = (ago: number) => addDays(today, -ago);
  const handedOver = Math.max(plan.placedAgo - 2, lastAgo);
  const { city } = customer.address;
  return {
    carrier: random.pick(["Brightpost", "Overland Parcel", "Cartwheel Couriers"]),
    trackingId: `FH${random.between(10_000_000, 99_999_999)}`,
    scans: [
      { on: day(handedOver), place: "Fernhollow warehouse", what: "handed over to the carrier" },
      plan.deliveredAgo === undefined
        ? { on: day(lastAgo), place: `hub near ${city}`, what: "sorted" }
        : { on: day(lastAgo), place: city, what: "delivered" },
    ],
  };
}

const subjects: { readonly [Key in Language]: string } = {
  en: "A question about my order",
  de: "Frage zu meiner Bestellung",
  es: "Una pregunta sobre mi pedido",
  fr: "Question sur ma commande",
  ja: "注文についての質問",
};

function openTickets(random: Random, customers: readonly Customer[]): Table<Ticket> {
  const tickets: Table<Ticket> = {};
  for (const [index, { customerId, language }] of customers.slice(0, ticketCount).entries()) {
    const ticketId = `T-${8001 + index}`;
    put(tickets, ticketId, {
      ticketId,
      customerId,
      subject: subjects[language],
      status: "open",
      openedOn: addDays(today, -random.between(0, 1)),
      queue: "desk",
      severity: "normal",
      notes: [],
      messages: [],
    });
  }
  return tickets;
}

function vouchers(): Table<Voucher> {
  const all: readonly Voucher[] = [
    { code: "SPRING10", percent: 10, minimumCents: 4_000, validUntil: "2026-04-30", usesLeft: 500 },
    { code: "GARDEN15", percent: 15, minimumCents: 0, validUntil: "2026-05-31", usesLeft: 80, onlyCategory: "garden" },
    { code: "TWENTYOFF", amountCents: 2_000, minimumCents: 15_000, validUntil: "2026-06-30", usesLeft: 200 },
    { code: "GOLDLEAF", percent: 12, minimumCents: 0, validUntil: "2026-12-31", usesLeft: 60, onlyTier: "gold" },
    { code: "WINTER25", percent: 25, minimumCents: 5_000, validUntil: "2026-01-31", usesLeft: 40 },
    { code: "FIRSTFROST", percent: 20, minimumCents: 0, validUntil: "2026-03-31", usesLeft: 0 },
    {
      code: "SORRY2018",
      amountCents: 1_000,
      minimumCents: 0,
      validUntil: "2026-09-30",
      usesLeft: 1,
      onlyCustomerId: "C-2018",
    },
  ];
  const table: Table<Voucher> = {};
  for (const voucher of all) put(table, voucher.code, voucher);
  return table;
}
