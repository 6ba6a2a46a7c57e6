import { appendFileSync } from "node:fs";
import { defineTool, ToolRefusal } from "@remit/core";
import { z } from "zod";
import { serveMcp } from "../serve.ts";

/**
 * A small shop of Remit tools on standard input and output, for tests: `node served-shop.ts <log file>`. Every call that
 * reaches a tool is a line of JSON in the log file.
 */
const [log = "/dev/null"] = process.argv.slice(2);

const readOrder = defineTool({
  name: "read_order",
  description: "Reads one order.",
  input: z.object({ orderId: z.string() }),
  output: z.object({ orderId: z.string(), seenBy: z.record(z.string(), z.unknown()) }),
  effect: "read",
  execute: ({ orderId }, { signal: _, ...context }) => ({ orderId, seenBy: context }),
});
const countOrders = defineTool({
  name: "count_orders",
  description: "Counts the orders.",
  input: z.object({}),
  output: z.int(),
  effect: "read",
  execute: () => 2,
});
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds one order.",
  input: z.object({ orderId: z.string(), amountCents: z.int().positive() }),
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  timeoutMs: 1_000,
  execute: ({ orderId, amountCents }, { idempotencyKey, signal }) => {
    appendFileSync(log, `${JSON.stringify({ orderId, idempotencyKey })}\n`);
    if (orderId === "o_closed") throw new ToolRefusal("order o_closed is closed");
    if (orderId === "o_broken") throw new Error("connection string with a password");
    if (orderId === "o_slow") {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          appendFileSync(log, `${JSON.stringify({ aborted: orderId })}\n`);
          reject(new Error("aborted"));
        });
      });
    }
    return { refundId: `r_${orderId}_${amountCents}` };
  },
});

const serving = await serveMcp({ name: "shop", version: "1.2.3", tools: [readOrder, countOrders, refundOrder] });
await serving.closed;
