import { type AnyReadTool, defineTool } from "@remit/core";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { calculate } from "./builtin/calculate.ts";
import { createRegistry } from "./registry.ts";

const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds one order.",
  input: z.object({ orderId: z.string() }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({ refundId: "r" }),
});

const registry = createRegistry([calculate, refundOrder]);
expectTypeOf(registry.names).toEqualTypeOf<readonly ("calculate" | "refund_order")[]>();
expectTypeOf(registry.get("refund_order")).toEqualTypeOf(refundOrder);
expectTypeOf(registry.get("calculate")).toEqualTypeOf(calculate);
// @ts-expect-error there is no such tool
registry.get("refund");

const reads = registry.allow(["calculate"]);
expectTypeOf(reads.tools).toExtend<readonly AnyReadTool[]>();
// @ts-expect-error the view does not hold it
reads.get("refund_order");
// @ts-expect-error only names of the registry can be allowed
registry.allow(["delete_order"]);
// @ts-expect-error a registry with a write is no list of reads
export const wrong: readonly AnyReadTool[] = registry.tools;
