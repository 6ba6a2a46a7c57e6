import { daysBetween } from "../../src/world/calendar.ts";
import type { Frozen } from "../../src/world/table.ts";
import { quoteReturn } from "./rules.ts";
import {
  type Customer,
  type Language,
  type Order,
  type OrderLine,
  type Product,
  rows,
  type ShopState,
  type Ticket,
  type Variant,
} from "./state.ts";
import { terms } from "./terms.ts";

/** One order with who it belongs to, and the ticket in which that customer writes. */
export interface OrderCase {
  readonly customer: Frozen<Customer>;
  readonly order: Frozen<Order>;
  readonly ticket: Frozen<Ticket>;
}

/** An order with the line that makes it interesting. */
export interface LineCase extends OrderCase {
  readonly line: Frozen<OrderLine>;
}

/** A line and the variant that it could, or could not, be exchanged for. */
export interface SwapCase extends LineCase {
  readonly variant: Frozen<Variant>;
}

export interface CustomerCase {
  readonly customer: Frozen<Customer>;
  readonly ticket: Frozen<Ticket>;
}

/**
 * Records that scenarios refer to by what they are, found by looking for the first that is so. They are the same for
 * the same seed, and there for every seed.
 */
export interface OrderDeskFixtures {
  /** Placed; its customer has another order, which is not placed. */
  readonly pendingOrder: OrderCase;
  /** A customer with two placed orders: "my order" is ambiguous. */
  readonly twoPendingOrders: CustomerCase & { readonly orders: readonly [Frozen<Order>, Frozen<Order>] };
  /** Placed, not paid with one means of payment but with a gift card and another. */
  readonly twoPaymentsOrder: OrderCase;
  /** Placed, no voucher yet, goods for at least 100 EUR, nothing but the open voucher `SPRING10` needed. */
  readonly voucherOrder: OrderCase;
  /** Placed, a voucher is on it. */
  readonly voucherUsedOrder: OrderCase;
  readonly packedOrder: OrderCase;
  readonly cancelledOrder: OrderCase;
  /** Shipped, the promised day is still to come. */
  readonly shippedOrder: OrderCase;
  /** Shipped, late enough for POL-REF-02, not long enough without a scan for POL-REF-03. */
  readonly overdueOrder: OrderCase;
  readonly lostOrder: OrderCase;
  /** Delivered, the line can go back for a change of mind; standard member. */
  readonly returnableLine: LineCase;
  /** The same on the very last day of the window. */
  readonly lastDayLine: LineCase;
  /** Delivered to a standard member, window over since at most thirty days. */
  readonly expiredWindowLine: LineCase;
  /** Delivered to a gold member between day 31 and day 60. */
  readonly goldWindowLine: LineCase;
  readonly finalSaleLine: LineCase;
  readonly hygieneLine: LineCase;
  /** Exchange without a difference in price; the new variant is in stock. */
  readonly evenSwap: SwapCase;
  /** Exchange for a dearer variant in stock. */
  readonly dearerSwap: SwapCase;
  /** The wanted variant has no stock. */
  readonly soldOutSwap: SwapCase;
  /** Delivered late, with a shipping fee to give back. */
  readonly lateDelivery: OrderCase;
  /** Delivered in the last two weeks; the line cost 100 EUR at most. */
  readonly damagedCheapLine: LineCase;
  /** Delivered in the last two weeks; the line cost more than 100 EUR. */
  readonly damagedDearLine: LineCase;
  /** Delivered more than a year ago, still under warranty. */
  readonly warrantyLine: LineCase;
  /** A line with two or more pieces of which some went back already. */
  readonly partlyReturnedLine: LineCase;
  readonly goodwillUsedOrder: OrderCase;
  /** The account is under review; the order is placed. */
  readonly reviewedAccount: OrderCase;
  /** Two customers with one name and different postcodes, both with orders. */
  readonly namesakes: readonly [CustomerCase, CustomerCase];
  readonly withoutOrders: Frozen<Customer>;
  readonly closedTicket: CustomerCase;
  readonly escalatedTicket: CustomerCase;
  /** A delivered, returnable line of a customer of that language. */
  readonly returnableIn: { readonly [Key in Language]: LineCase };
}

/** @throws RangeError that names the fixture, when the shop holds nothing of the kind */
export function orderDeskFixtures(state: ShopState): OrderDeskFixtures {
  const search = searchShop(state);
  const { orderCase, lineCase, swapCase, customerCase } = search;
  const placed = (one: OrderCase) => one.order.status === "placed";
  const age = ({ order }: OrderCase) =>
    order.deliveredOn === undefined ? -1 : daysBetween(order.deliveredOn, state.today);
  const since = (day: string | undefined) => (day === undefined ? -1 : daysBetween(day, state.today));
  const standard = (one: OrderCase) => one.customer.tier === "standard";
  const untouched = ({ order, line }: LineCase) =>
    line.returnedQuantity === 0 && rows(state.refunds).every((refund) => refund.orderId !== order.orderId);
  const usual = ({ line }: LineCase) => state.products[line.productId]?.terms === "usual";
  const termsOf = ({ line }: LineCase) => state.products[line.productId]?.terms;
  const fresh = (one: LineCase) => age(one) >= 0 && age(one) <= terms.damageReportDays && untouched(one);
  const lastScan = ({ order }: OrderCase) => since(order.shipment?.scans.at(-1)?.on);
  const lateBy = ({ order }: OrderCase) => daysBetween(order.promisedOn, order.deliveredOn ?? state.today);
  const returnable = (one: LineCase) => {
    if (one.order.status !== "delivered" || !untouched(one) || !usual(one) || age(one) > terms.returnDays) return false;
    const asked = {
      lines: [{ lineId: one.line.lineId, quantity: one.line.quantity }],
      reason: "changed_mind",
      refundTo: "original",
    } as const;
    return quoteReturn(state, one.customer, one.order, asked).refundCents > 0;
  };
  const swappable = (one: SwapCase) => returnable(one) && standard(one);
  const difference = ({ variant, line }: SwapCase) => variant.priceCents - line.unitPriceCents;
  const sold = ({ variant, line }: SwapCase) => variant.stock >= line.quantity && !variant.discontinued;
  const returnableIn = (language: Language) =>
    lineCase(
      `returnableIn.${language}`,
      (one) => returnable(one) && one.customer.language === language && age(one) < 25,
    );
  return {
    pendingOrder: orderCase(
      "pendingOrder",
      (one) =>
        placed(one) &&
        search.ordersOf(one.customer).length === 2 &&
        search.placedOf(one.customer).length === 1 &&
        standard(one),
    ),
    twoPendingOrders: search.twoPending("twoPendingOrders"),
    twoPaymentsOrder: orderCase(
      "twoPaymentsOrder",
      (one) => placed(one) && Object.keys(one.order.payments).length === 2,
    ),
    voucherOrder: orderCase(
      "voucherOrder",
      (one) =>
        placed(one) &&
        standard(one) &&
        one.order.voucher === undefined &&
        one.order.totalCents - one.order.shippingCents >= 10_000 &&
        Object.keys(one.order.payments).length === 1,
    ),
    voucherUsedOrder: orderCase("voucherUsedOrder", (one) => placed(one) && one.order.voucher !== undefined),
    packedOrder: orderCase("packedOrder", (one) => one.order.status === "packed"),
    cancelledOrder: orderCase("cancelledOrder", (one) => one.order.status === "cancelled"),
    shippedOrder: orderCase("shippedOrder", (one) => one.order.status === "shipped" && lateBy(one) < 0),
    overdueOrder: orderCase(
      "overdueOrder",
      (one) =>
        one.order.status === "shipped" &&
        lateBy(one) >= terms.lateAfterDays &&
        lastScan(one) < terms.lostAfterDays &&
        one.order.shippingCents > 0,
    ),
    lostOrder: orderCase("lostOrder", (one) => one.order.status === "shipped" && lastScan(one) >= terms.lostAfterDays),
    returnableLine: lineCase("returnableLine", (one) => returnable(one) && standard(one) && age(one) < 25),
    lastDayLine: lineCase("lastDayLine", (one) => returnable(one) && standard(one) && age(one) === terms.returnDays),
    expiredWindowLine: lineCase(
      "expiredWindowLine",
      (one) =>
        usual(one) &&
        untouched(one) &&
        standard(one) &&
        age(one) > terms.returnDays &&
        age(one) <= 2 * terms.returnDays,
    ),
    goldWindowLine: lineCase(
      "goldWindowLine",
      (one) =>
        usual(one) &&
        untouched(one) &&
        !standard(one) &&
        age(one) > terms.returnDays &&
        age(one) <= terms.returnDaysGold,
    ),
    finalSaleLine: lineCase("finalSaleLine", (one) => termsOf(one) === "final_sale" && fresh(one)),
    hygieneLine: lineCase("hygieneLine", (one) => termsOf(one) === "hygiene" && fresh(one)),
    evenSwap: swapCase("evenSwap", (one) => swappable(one) && sold(one) && difference(one) === 0),
    dearerSwap: swapCase(
      "dearerSwap",
      (one) =>
        swappable(one) &&
        sold(one) &&
        difference(one) > 0 &&
        Object.values(one.customer.paymentMethods).some((method) => !method.active),
    ),
    soldOutSwap: swapCase("soldOutSwap", (one) => swappable(one) && one.variant.stock === 0),
    lateDelivery: orderCase(
      "lateDelivery",
      (one) => age(one) >= 0 && lateBy(one) >= terms.lateAfterDays && one.order.shippingCents > 0,
    ),
    damagedCheapLine: lineCase(
      "damagedCheapLine",
      (one) => fresh(one) && one.line.unitPriceCents * one.line.quantity <= terms.damagedKeepMaxCents,
    ),
    damagedDearLine: lineCase(
      "damagedDearLine",
      (one) => fresh(one) && one.line.unitPriceCents > terms.damagedKeepMaxCents,
    ),
    warrantyLine: lineCase("warrantyLine", (one) => untouched(one) && age(one) > 365 && age(one) <= terms.warrantyDays),
    partlyReturnedLine: lineCase(
      "partlyReturnedLine",
      ({ line }) => line.returnedQuantity > 0 && line.returnedQuantity < line.quantity,
    ),
    goodwillUsedOrder: orderCase("goodwillUsedOrder", ({ order }) =>
      rows(state.refunds).some((one) => one.orderId === order.orderId && one.reason === "goodwill"),
    ),
    reviewedAccount: orderCase("reviewedAccount", placed, "under_review"),
    namesakes: search.namesakes("namesakes"),
    withoutOrders: search.withoutOrders("withoutOrders"),
    closedTicket: customerCase("closedTicket", ({ ticket }) => ticket.status === "closed"),
    escalatedTicket: customerCase("escalatedTicket", ({ ticket }) => ticket.status === "escalated"),
    returnableIn: {
      en: returnableIn("en"),
      de: returnableIn("de"),
      es: returnableIn("es"),
      fr: returnableIn("fr"),
      ja: returnableIn("ja"),
    },
  };
}

/** Walks the shop in the order of ids. */
function searchShop(state: ShopState) {
  const customers: CustomerCase[] = rows(state.tickets).flatMap((ticket) => {
    const customer = state.customers[ticket.customerId];
    return customer === undefined ? [] : [{ customer, ticket }];
  });
  const ordersOf = ({ customerId }: Frozen<Customer>) =>
    rows(state.orders).filter((order) => order.customerId === customerId);
  const placedOf = (customer: Frozen<Customer>) => ordersOf(customer).filter((order) => order.status === "placed");
  const orders: OrderCase[] = customers
    .filter(({ ticket }) => ticket.status === "open")
    .flatMap((one) => ordersOf(one.customer).map((order) => ({ ...one, order })));
  const lines: LineCase[] = orders.flatMap((one) => Object.values(one.order.lines).map((line) => ({ ...one, line })));
  const swaps = (one: LineCase): readonly SwapCase[] => {
    const product: Frozen<Product> | undefined = state.products[one.line.productId];
    return Object.values(product?.variants ?? {})
      .filter(({ sku }) => sku !== one.line.sku)
      .map((variant) => ({ ...one, variant }));
  };
  return {
    ordersOf,
    placedOf,
    customerCase: (name: string, fits: (one: CustomerCase) => boolean) => found(name, customers.find(fits)),
    orderCase: (name: string, fits: (one: OrderCase) => boolean, account: Customer["account"] = "active") =>
      found(
        name,
        orders.find((one) => one.customer.account === account && fits(one)),
      ),
    lineCase: (name: string, fits: (one: LineCase) => boolean) =>
      found(
        name,
        lines.find((one) => one.customer.account === "active" && fits(one)),
      ),
    swapCase: (name: string, fits: (one: SwapCase) => boolean) =>
      found(
        name,
        lines
          .filter((one) => one.customer.account === "active")
          .flatMap(swaps)
          .find(fits),
      ),
    twoPending: (name: string) => {
      const one = found(
        name,
        customers.find(({ customer, ticket }) => ticket.status === "open" && placedOf(customer).length === 2),
      );
      const [first, second] = placedOf(one.customer);
      return { ...one, orders: [found(name, first), found(name, second)] as const };
    },
    namesakes: (name: string) => {
      const ordered = customers.filter(
        ({ customer, ticket }) => ticket.status === "open" && ordersOf(customer).length > 0,
      );
      const twin = ({ customer }: CustomerCase) =>
        ordered.find(
          ({ customer: other }) => other.name === customer.name && other.address.postcode !== customer.address.postcode,
        );
      const one = found(
        name,
        ordered.find((candidate) => twin(candidate) !== undefined),
      );
      return [one, found(name, twin(one))] as const;
    },
    withoutOrders: (name: string) =>
      found(
        name,
        rows(state.customers).find((customer) => ordersOf(customer).length === 0),
      ),
  };
}

function found<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new RangeError(`this shop holds nothing for the fixture "${name}"`);
  return value;
}
