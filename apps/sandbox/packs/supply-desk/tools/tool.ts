import { z } from "zod";
import type { Frozen } from "../../../src/world/table.ts";
import { WorldRefusal, type WorldTool, worldTool } from "../../../src/world/world.ts";
import type { Decision, SupplyState } from "../state.ts";
import { bands } from "../tiers.ts";

/** A tool of this company: infers the input, and fixes the state. */
export function supplyTool<Input extends z.ZodType>(tool: WorldTool<SupplyState, Input>) {
  return worldTool<SupplyState, Input>(tool) as WorldTool<SupplyState>;
}

/** Says no for a reason of the domain. */
export function refuse(message: string): never {
  throw new WorldRefusal(message);
}

const id = (domain: string, form: RegExp, about: string) =>
  z.string().max(60).regex(form).meta({ domain }).describe(about);

/**
 * Arguments that many tools take. Each says its domain: where a value came from is traced by it. The schemas are strict: an
 * argument that a tool does not know is refused.
 */
export const decisionId = id("decision", /^RD-\d{4}$/, "Number of the decision, like RD-1001.");
export const itemId = id("item", /^ITM-\d{4}$/, "Item, like ITM-1001.");
export const vendorId = id("vendor", /^V-\d{3}$/, "Vendor, like V-101.");
export const address = id("vendor-address", /^[^\s@]{1,30}@[^\s@]{3,60}$/, "Address of the vendor.");
export const account = id("vendor-account", /^[A-Z]{2}\d{2}[A-Z0-9]{10,30}$/, "The vendor's verified account.");
export const draftId = id("draft", /^DR-\d{4}$/, "Draft of a message, like DR-2001.");
export const orderId = id("order", /^PO-\d{4}$/, "Purchase order, like PO-7001.");
export const quantity = z.int().min(1).max(100_000).meta({ domain: "order-quantity" }).describe("Units.");
export const amountCents = z.int().min(1).meta({ domain: "order-amount" }).describe("Euro cents for all of it.");
export const band = z.enum(bands).meta({ domain: "forecast-band" }).describe("Band of the forecast.");
export const text = z.string().min(3).max(2_000);

/** What trusted answers are looked through for, by domain. Everything else in them is there as well. */
export const answers = {
  recommendation: z.looseObject({
    itemId,
    vendorId: vendorId.optional(),
    account: account.optional(),
    // Nothing where nothing is to be ordered.
    quantity: quantity.optional(),
    amountCents: amountCents.optional(),
    band,
  }),
  vendor: z.looseObject({ vendorId, address }),
  draft: z.looseObject({ draftId, to: address }),
  order: z.looseObject({ orderId }),
};

export function decisionOf(state: SupplyState, asked: string): Frozen<Decision> {
  return state.decisions[asked] ?? refuse(`There is no decision ${asked}.`);
}

/** Refuses what belongs to a decision that was made already. */
export function openDecision(state: SupplyState, asked: string): Frozen<Decision> {
  const decision = decisionOf(state, asked);
  if (decision.status !== "open") return refuse(`Decision ${asked} is made: ${decision.status}.`);
  return decision;
}
