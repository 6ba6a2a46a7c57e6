import type { Json } from "@remit/core";
import { type OrderDeskFixtures, orderDeskFixtures } from "./fixtures.ts";
import { policyArticles } from "./policy.ts";
import { type Customer, type Order, type OrderLine, type Product, rows, type ShopState } from "./state.ts";
import { euros } from "./terms.ts";

/**
 * What `${…}` in a scenario may name: the fixtures by their names, and around each what a scenario wants to say about
 * it. To a case with an order are added its first `line` (where it has none of its own), the `product`, the first
 * `payment` with its `method`, and `from`, the line with which the shop's mailbox begins a message of that customer.
 * Beside each number of cents stands its text: `totalCents: 8630` and `total: "86.30 EUR"`. `policy` holds the ids of
 * the articles, so that an id that is not there is found when the file is read.
 */
export function orderDeskReferences(state: ShopState): Json {
  const { returnableIn, namesakes, withoutOrders, ...cases } = orderDeskFixtures(state);
  const around = (one: Case) => withCase(state, one);
  const each = (named: Readonly<Record<string, Case>>) =>
    Object.fromEntries(Object.entries(named).map(([name, one]) => [name, around(one)]));
  return throughJson(
    withAmounts({
      today: state.today,
      policy: Object.fromEntries(policyArticles.map(({ id }) => [id, id])),
      vouchers: state.vouchers,
      withoutOrders: { customer: withMethods(withoutOrders), from: `From ${withoutOrders.email}, no ticket yet:` },
      namesakes: namesakes.map((one) => {
        const order = rows(state.orders).find(({ customerId }) => customerId === one.customer.customerId);
        return around(order ? { ...one, order } : one);
      }),
      returnableIn: each(returnableIn),
      ...each(cases),
    }),
  );
}

type Case = OrderDeskFixtures["closedTicket"] & {
  readonly order?: OrderDeskFixtures["pendingOrder"]["order"];
  readonly line?: OrderDeskFixtures["returnableLine"]["line"];
  readonly variant?: OrderDeskFixtures["evenSwap"]["variant"];
};

function withCase(state: ShopState, one: Case): object {
  const line: Readonly<OrderLine> | undefined = one.line ?? Object.values(one.order?.lines ?? {})[0];
  const product = line === undefined ? undefined : (state.products[line.productId] as Product | undefined);
  const payment = Object.values((one.order as Order | undefined)?.payments ?? {})[0];
  const method = payment === undefined ? undefined : one.customer.paymentMethods[payment.methodId];
  return {
    ...one,
    customer: withMethods(one.customer as Customer),
    from: `Ticket ${one.ticket.ticketId}, from ${one.customer.email}:`,
    ...(line === undefined ? {} : { line }),
    ...(payment === undefined ? {} : { payment, method }),
    ...(product === undefined ? {} : { product, ...otherVariant(product, [line?.sku, one.variant?.sku]) }),
  };
}

/** `active` and `expired`: the first means of payment of either kind, gift cards aside. */
function withMethods(customer: Readonly<Customer>): object {
  const methods = Object.values(customer.paymentMethods).filter(({ kind }) => kind !== "gift_card");
  return {
    ...customer,
    active: methods.find(({ active }) => active),
    expired: methods.find(({ active }) => !active),
  };
}

/** `otherVariant`: the first variant in stock that is none of these. */
function otherVariant({ variants }: Product, skus: readonly (string | undefined)[]): object {
  const other = Object.values(variants).find(
    ({ sku, stock, discontinued }) => stock > 0 && !discontinued && !skus.includes(sku),
  );
  return other === undefined ? {} : { otherVariant: other };
}

/** Puts `x: "12.34 EUR"` beside every `xCents: 1234`. */
function withAmounts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withAmounts);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).flatMap(([key, member]): [string, unknown][] =>
    key.endsWith("Cents") && typeof member === "number"
      ? [
          [key, member],
          [key.slice(0, -"Cents".length), euros(member)],
        ]
      : [[key, withAmounts(member)]],
  );
  return Object.fromEntries(members);
}

function throughJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
