import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { canonicalText, throughJson } from "../../src/world/canonical.ts";
import { openWorldReader, openWorldStore } from "../../src/world/store.ts";
import { orderDeskFixtures } from "./fixtures.ts";
import { generateShop } from "./generate.ts";
import { policyArticles, searchPolicy } from "./policy.ts";
import { refundableCents } from "./rules.ts";
import { languages, queues, refundReasons, returnReasons, rows, type ShopState, severities } from "./state.ts";
import { orderDeskSeed, orderDeskWorld } from "./world.ts";

const hash = (state: ShopState) =>
  createHash("sha256")
    .update(canonicalText(throughJson(state)))
    .digest("hex")
    .slice(0, 16);

test("the same seed gives the same shop, on any machine and in any release", () => {
  expect(hash(generateShop(1))).toBe(hash(generateShop(1)));
  expect({ 1: hash(generateShop(1)), 2: hash(generateShop(2)) }).toMatchInlineSnapshot(`
    {
      "1": "6a74bac213ec1bde",
      "2": "c06e885f2959242f",
    }
  `);
});

test("the shop has the size and the mixture it promises", () => {
  const shop = generateShop(orderDeskSeed);
  expect([rows(shop.customers).length, rows(shop.orders).length, rows(shop.products).length]).toEqual([120, 300, 40]);
  expect(new Set(rows(shop.customers).map((one) => one.language))).toEqual(new Set(languages));
  const emails = rows(shop.customers).map((one) => one.email);
  expect(new Set(emails).size).toBe(120);
  expect(new Set(rows(shop.customers).map((one) => one.name)).size).toBe(119);
  for (const email of emails) expect(email).toMatch(/^[a-z.-]+\d*@example\.(com|net|org)$/);
});

/** What holds in every shop and after every call. */
function expectSound(shop: ShopState): void {
  for (const order of rows(shop.orders)) {
    const goods = Object.values(order.lines).reduce((sum, line) => sum + line.unitPriceCents * line.quantity, 0);
    const paid = Object.values(order.payments).reduce((sum, one) => sum + one.amountCents, 0);
    const back = Object.values(order.payments).reduce((sum, one) => sum + one.refundedCents, 0);
    const booked = rows(shop.refunds).filter((one) => one.orderId === order.orderId);
    expect(order.totalCents).toBe(goods + order.shippingCents - order.discountCents);
    expect(Object.values(order.lines).reduce((sum, line) => sum + line.discountCents, 0)).toBe(order.discountCents);
    expect(paid).toBe(order.totalCents + order.discountCents);
    expect(back).toBeLessThanOrEqual(paid);
    expect(refundableCents(shop, order)).toBeGreaterThanOrEqual(0);
    if (booked.length > 0) expect(booked.reduce((sum, one) => sum + one.amountCents, 0)).toBe(back);
    for (const line of Object.values(order.lines)) expect(line.returnedQuantity).toBeLessThanOrEqual(line.quantity);
  }
  for (const { variants } of rows(shop.products))
    for (const { stock } of Object.values(variants)) expect(stock).toBeGreaterThanOrEqual(0);
  for (const { paymentMethods } of rows(shop.customers)) {
    for (const { balanceCents = 0 } of Object.values(paymentMethods)) expect(balanceCents).toBeGreaterThanOrEqual(0);
  }
}

test("in the shop that scenarios use, the order to cancel and the line to return belong to one customer", () => {
  const { pendingOrder, returnableLine } = orderDeskFixtures(generateShop(orderDeskSeed));
  expect(pendingOrder.customer.customerId).toBe(returnableLine.customer.customerId);
});

test("a shop that lacks a case of the desk is drawn again, the same for the same seed", () => {
  const shop = generateShop(1_967_053_433);
  expectSound(shop);
  expect(orderDeskFixtures(shop).voucherOrder).toBeTruthy();
  expect(generateShop(1_967_053_433)).toEqual(shop);
});

test("for any seed the books are sound and every fixture is there", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const shop = generateShop(seed);
      expectSound(shop);
      const fixtures = orderDeskFixtures(shop);
      for (const one of Object.values(fixtures)) expect(one).toBeTruthy();
      expect(fixtures.namesakes[0].customer.customerId).not.toBe(fixtures.namesakes[1].customer.customerId);
    }),
    { numRuns: 25 },
  );
});

test("every tool has a house name, a description and a JSON Schema that refuses unknown arguments", () => {
  const { tools } = orderDeskWorld();
  expect(tools.map((tool) => [tool.name, tool.effect])).toEqual([
    ["find_customer", "read"],
    ["list_orders", "read"],
    ["get_order", "read"],
    ["search_products", "read"],
    ["get_product", "read"],
    ["check_stock", "read"],
    ["track_shipment", "read"],
    ["search_policy", "read"],
    ["quote_refund", "read"],
    ["cancel_order", "write"],
    ["change_address", "write"],
    ["return_items", "write"],
    ["exchange_item", "write"],
    ["apply_voucher", "write"],
    ["refund_order", "write"],
    ["add_ticket_note", "write"],
    ["send_message", "write"],
    ["escalate_ticket", "write"],
  ]);
  for (const tool of tools) {
    expect(tool.description.length).toBeGreaterThan(20);
    expect(z.toJSONSchema(tool.input, { io: "input" })).toMatchObject({ type: "object", additionalProperties: false });
  }
});

test("policy articles have unique ids, are found by their words and by id", () => {
  expect(new Set(policyArticles.map((article) => article.id)).size).toBe(policyArticles.length);
  expect(policyArticles.map((article) => article.id)).toEqual(policyArticles.map((article) => article.id).toSorted());
  const first = (query: string) => searchPolicy(query, 1)[0]?.id;
  expect({
    return: first("how long is the return window"),
    cancel: first("can I cancel my order"),
    address: first("delivery address changed"),
    late: first("parcel arrived late"),
    lost: first("lost parcel"),
    voucher: first("expired voucher"),
    language: first("in which language to answer"),
    colloquial: first("how long do I have to send something back"),
    broke: first("my lamp broke, is there a guarantee"),
    byId: first("POL-WAR-01"),
    nonsense: first("zzz qqq"),
  }).toEqual({
    return: "POL-RET-01",
    cancel: "POL-CAN-01",
    address: "POL-ADR-01",
    late: "POL-REF-02",
    lost: "POL-REF-03",
    voucher: "POL-VOU-01",
    language: "POL-LAN-01",
    colloquial: "POL-RET-01",
    broke: "POL-WAR-01",
    byId: "POL-WAR-01",
    nonsense: undefined,
  });
});

test("for any calls the books stay sound, and the log on disk gives the state in memory again", () => {
  const dir = mkdtempSync(join(tmpdir(), "remit-desk-"));
  const world = orderDeskWorld();
  const shop = generateShop(orderDeskSeed);
  const store = openWorldStore({ world, dir });
  const orders = rows(shop.orders).filter((order) => order.placedOn > "2026-02-20" && order.status !== "cancelled");
  const arbQuantity = fc.integer({ min: 1, max: 2 });
  const arbChange = fc.constantFrom(...orders).chain((order) => {
    const arbLine = fc.constantFrom(...Object.keys(order.lines));
    const own = fc.constant({ customerId: order.customerId, orderId: order.orderId });
    const with_ = (tool: string, rest: { readonly [name: string]: fc.Arbitrary<unknown> }) =>
      fc.record({
        tool: fc.constant(tool),
        input: fc.tuple(own, fc.record(rest)).map(([ids, more]) => ({ ...ids, ...more })),
      });
    const variants = Object.keys(shop.products[order.lines["1"]!.productId]!.variants);
    const arbPieces = fc.array(fc.record({ lineId: arbLine, quantity: arbQuantity }), { minLength: 1, maxLength: 2 });
    const early = [
      with_("cancel_order", { reason: fc.constant("customer_request") }),
      with_("apply_voucher", { code: fc.constantFrom(...Object.keys(shop.vouchers)) }),
      with_("change_address", { address: fc.constant(order.shipTo) }),
    ];
    const late = [
      with_("return_items", {
        lines: arbPieces,
        reason: fc.constantFrom(...returnReasons),
        refundTo: fc.constantFrom("original", "store_credit"),
      }),
      with_("exchange_item", {
        lineId: arbLine,
        quantity: arbQuantity,
        newSku: fc.constantFrom(...variants),
        paymentMethodId: fc.constantFrom(...Object.keys(order.payments)),
      }),
      with_("refund_order", {
        reason: fc.constantFrom(...refundReasons),
        amountCents: fc.integer({ min: 1, max: 6_000 }),
      }),
      with_("refund_order", {
        reason: fc.constantFrom("missing_item", "damaged"),
        amountCents: fc.integer({ min: 1, max: 9_000 }),
        lineId: arbLine,
      }),
    ];
    const [fitting, other] = order.status === "placed" ? [early, late] : [late, early];
    return fc.oneof({ weight: 5, arbitrary: fc.oneof(...fitting) }, { weight: 1, arbitrary: fc.oneof(...other) });
  });
  const arbTicket = fc.record({
    tool: fc.constant("escalate_ticket"),
    input: fc
      .record({
        ticketId: fc.constantFrom(...Object.keys(shop.tickets)),
        queue: fc.constantFrom(...queues),
        severity: fc.constantFrom(...severities),
        summary: fc.constant("Somebody should look at this."),
      })
      .map((asked) => ({ customerId: shop.tickets[asked.ticketId]?.customerId, ...asked })),
  });
  let run = 0;
  const done: { [tool: string]: number } = {};
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 8, arbitrary: arbChange }, { weight: 1, arbitrary: arbTicket }), {
        minLength: 5,
        maxLength: 30,
        size: "max",
      }),
      (calls) => {
        run += 1;
        const worldId = `run_${run}`;
        for (const [index, { tool, input }] of calls.entries()) {
          const before = store.endState(worldId);
          const answer = store.call(worldId, tool, input, { key: `k${index}` });
          if (answer.status === "done") done[tool] = (done[tool] ?? 0) + 1;
          else expect(store.endState(worldId)).toEqual(before);
        }
        const end = store.endState(worldId);
        expectSound(end);
        expect(openWorldReader({ world, dir }).endState(worldId)).toEqual(end);
      },
    ),
    { numRuns: 25, seed: 7 },
  );
  // The calls are not all refused: otherwise the property would prove nothing.
  expect(Object.keys(done).sort()).toEqual([
    "apply_voucher",
    "cancel_order",
    "change_address",
    "escalate_ticket",
    "exchange_item",
    "refund_order",
    "return_items",
  ]);
  store.close();
  rmSync(dir, { recursive: true });
});
