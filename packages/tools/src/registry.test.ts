import { defineTool } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { describeTools } from "./describe-tools.ts";
import { ToolsError } from "./errors.ts";
import { createRegistry } from "./registry.ts";

const readOrder = defineTool({
  name: "read_order",
  description: "Reads one order. Gives its lines too.",
  input: z.object({ orderId: z.string() }),
  output: z.object({}),
  effect: "read",
  execute: () => ({}),
});
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds\n  part of one order.",
  input: z.object({ orderId: z.string(), amountCents: z.int() }),
  output: z.object({}),
  effect: "write",
  risk: "high",
  idempotency: "key",
  timeoutMs: 5_000,
  protect: ["orderId", "amountCents"],
  execute: () => ({}),
});

test("a registry finds tools by name, and nothing else", () => {
  const registry = createRegistry([readOrder, refundOrder]);
  expect(registry.names).toEqual(["read_order", "refund_order"]);
  expect(registry.get("refund_order")).toBe(refundOrder);
  expect(registry.find("read_order")).toBe(readOrder);
  for (const name of ["", "Read_Order", "constructor", "__proto__"]) expect(registry.find(name)).toBeUndefined();
});

test("a view holds only what it allows", () => {
  const view = createRegistry([readOrder, refundOrder]).allow(["read_order"]);
  expect(view.tools).toEqual([readOrder]);
  expect(view.find("refund_order")).toBeUndefined();
});

test("two tools of one name and an unknown name are typed errors", () => {
  const twice = thrownBy(() => createRegistry([readOrder, { ...refundOrder, name: "read_order" }]));
  expect(ToolsError.is(twice, "registry/duplicate-tool")).toBe(true);
  expect(twice).toMatchObject({ data: { tool: "read_order" } });
  const registry = createRegistry([readOrder]);
  const unknown = thrownBy(() => registry.allow(["delete_order" as "read_order"]));
  expect(unknown).toMatchObject({
    code: "registry/tool-unknown",
    data: { tool: "delete_order", known: ["read_order"] },
  });
  expect((unknown as Error).message).toBe(
    'registry/tool-unknown: there is no tool named "delete_order"; there are ["read_order"]',
  );
});

test("the table says what a person wants to know", () => {
  expect(describeTools([readOrder, refundOrder])).toBe(
    [
      "tool          effect  risk  idempotency  timeout   protects              description",
      "read_order    read    -     -            30000 ms  -                     Reads one order.",
      "refund_order  write   high  key          5000 ms   orderId, amountCents  Refunds part of one order.",
    ].join("\n"),
  );
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}
