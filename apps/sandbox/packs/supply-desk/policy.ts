import { definePolicy, hashJson } from "@remit/core";
import { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import { approvers, bands, orderToolNames, orderTools, terms, tierOf } from "./tiers.ts";

/** Label of what the procurement system answers to an order. */
export const orderedLabel = "trusted:procurement";

/** Rules do not hold for who undoes: the order that is cancelled names its decision, and the system knows which one it is of. */
const undoes = "compensation";

const orderCall = z.looseObject({
  itemId: z.string(),
  vendorId: z.string(),
  quantity: z.int(),
  amountCents: z.int(),
  account: z.string(),
  band: z.enum(bands),
});
const messageCall = z.looseObject({ vendorId: z.string().optional(), to: z.string() });

interface Call {
  readonly tool: string;
  readonly arguments: unknown;
}

/**
 * True for an order that the company's own records bear out: of the vendor whose offer is the best today, in its lots, at its price,
 * to its account, within the limit of a single order, and under the tool of its tier.
 */
export function isOrderOf(catalogue: Catalogue, { tool, arguments: args }: Call): boolean {
  const read = orderCall.safeParse(args);
  if (!read.success) return false;
  const { itemId, vendorId, quantity, amountCents, account, band } = read.data;
  const { offer, vendor, item } = catalogue.buyingOf(itemId) ?? {};
  if (offer === undefined || vendor === undefined || item === undefined || item.discontinued) return false;
  if (vendorId !== vendor.vendorId || account !== vendor.account) return false;
  if (quantity < offer.minLot || quantity % offer.packSize !== 0) return false;
  if (amountCents !== quantity * offer.unitCents || amountCents > terms.orderMaxCents) return false;
  return tool === orderTools[tierOf({ amountCents, vendorClass: vendor.vendorClass, band })];
}

/** Whether an answer claims that something was ordered. */
export function saysOrdered(output: unknown): boolean {
  return (output as { readonly outcome?: unknown }).outcome === "ordered";
}

/** What a run is about is said where it is started; a run that does not say it writes nothing. */
function itemOfRun(attributes: Readonly<Record<string, string>>): string {
  return attributes.itemId ?? "";
}

/**
 * What holds whatever the models say, asked where a call is proposed and again where it is made: a run works on its own decision,
 * an order is one that price lists and tiers allow, and mail goes to known vendors of the item.
 */
export function supplyPolicy(catalogue: Catalogue) {
  return definePolicy({
    name: "supply",
    // Other price lists are another policy, and so are other tiers.
    version: `1.${hashJson({ ...catalogue.reference, terms, approvers }).slice(0, 12)}`,
    rules: [
      { id: "team", on: ["handoff", "model"], effect: "allow", because: "the desk works together" },
      {
        id: "answer",
        on: "egress",
        effect: "allow",
        when: ({ output }) => !saysOrdered(output),
        because: "what claims no order is the desk's to say",
      },
      {
        id: "said-by-procurement",
        on: "egress",
        effect: "allow",
        when: ({ output }) => saysOrdered(output),
        after: { tools: orderToolNames },
        because: "nothing is said to be ordered that the procurement system has not answered for",
      },
      {
        id: "own-decision",
        on: "tool",
        effect: "deny",
        when: ({ arguments: given, attributes: { decisionId }, agent }) => {
          const asked = (given as { readonly decisionId?: unknown }).decisionId;
          return agent !== undoes && (decisionId === undefined || asked !== decisionId);
        },
        because: "a run works on the decision that it was started for (attribute decisionId)",
      },
      {
        id: "looked-first",
        on: "tool",
        effect: "deny",
        // Who has read what others wrote is held to what trusted systems say; who has read nothing is held to nothing.
        when: ({ effect, flow, agent }) => effect === "write" && agent !== undoes && flow?.clean !== false,
        because: "nobody has looked at the forecast and the vendor's messages",
      },
      {
        id: "look",
        on: "tool",
        effect: "allow",
        when: ({ effect }) => effect === "read",
        because: "looking changes nothing",
      },
      {
        id: "order-by-the-books",
        on: "tool",
        tools: [...orderToolNames],
        effect: "allow",
        when: (call) =>
          (call.arguments as { readonly itemId?: unknown }).itemId === itemOfRun(call.attributes) &&
          isOrderOf(catalogue, call),
        because: "an order at the best offer's terms, under the tool of its tier",
      },
      {
        id: "known-recipient",
        on: "tool",
        tools: ["draft_message", "send_message"],
        effect: "allow",
        when: ({ arguments: args, attributes }) => {
          const { to, vendorId } = messageCall.safeParse(args).data ?? { to: "" };
          return catalogue.isRecipient(itemOfRun(attributes), to, vendorId);
        },
        because: "a message to a known vendor of the item",
      },
      {
        id: "close",
        on: "tool",
        tools: ["log_decision", "cancel_purchase_order"],
        effect: "allow",
        because: "the log is the desk's own, and what is cancelled costs nothing",
      },
    ],
  });
}
