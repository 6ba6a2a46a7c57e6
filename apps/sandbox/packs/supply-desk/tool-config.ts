import type { Json, LookupAnswer, ToolContext } from "@remit/core";
import type { PackTool } from "../../src/pack.ts";
import { orderedLabel } from "./policy.ts";
import { orderTools } from "./tiers.ts";
import { answers } from "./tools/tool.ts";

/**
 * What each tool is to us. Comments and replies are whoever's; all else is what the company's own systems assign. An order is
 * looked up after a crash by its decision, which has one order or none.
 */

type Call = (tool: string, input: { readonly [key: string]: Json }) => Promise<Json>;

/** An order that has not shown itself this long after the server's process was ended never will. Milliseconds. */
const settlesWithinMs = 5_000;

async function lookupOrder(
  { decisionId }: { readonly [key: string]: Json },
  _: ToolContext,
  call: Call,
): Promise<LookupAnswer<Json>> {
  const { order } = (await call("find_order", { decisionId: decisionId ?? "" })) as { readonly order: Json };
  return order === null ? { outcome: "never" } : { outcome: "found", output: order };
}

const read = { effect: "read", labels: [] } as const;
const write = { effect: "write", risk: "low", idempotency: "key", labels: [] } as const;

/** Every argument decides what is ordered, so each has to be what a trusted system says; with one left free an order could be made twice. */
const order = {
  effect: "write",
  idempotency: "lookup",
  settlesWithinMs,
  lookup: lookupOrder,
  labels: [orderedLabel],
  protect: ["decisionId", "itemId", "vendorId", "quantity", "amountCents", "account", "band"],
  answer: answers.order,
  undo: {
    tool: "cancel_purchase_order",
    input: (asked: { readonly [name: string]: Json }, answer: Json) => ({
      decisionId: asked.decisionId ?? null,
      orderId: (answer as { readonly orderId: string }).orderId,
    }),
  },
} as const;

export const toolConfigs: Readonly<Record<string, PackTool>> = {
  get_decision: read,
  get_forecast: read,
  get_stock: read,
  read_comments: { effect: "read", labels: ["comments"] },
  recommend_order: { ...read, answer: answers.recommendation },
  read_replies: { effect: "read", labels: ["vendor"] },
  get_vendor: { ...read, answer: answers.vendor },
  draft_message: { ...write, protect: ["decisionId", "vendorId", "to"], answer: answers.draft },
  send_message: { ...write, risk: "high", protect: ["decisionId", "draftId", "to"] },
  [orderTools.auto]: { ...order, risk: "low" },
  [orderTools.buyer]: { ...order, risk: "high" },
  [orderTools.head]: { ...order, risk: "high" },
  [orderTools.board]: { ...order, risk: "high" },
  find_order: read,
  cancel_purchase_order: { ...write, protect: ["decisionId", "orderId"] },
  log_decision: { ...write, protect: ["decisionId"] },
};
