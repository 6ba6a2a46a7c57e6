import type { z } from "zod";
import { type Json, type WorldTool, worldTool } from "../world/world.ts";
import type { RetailState } from "./state.ts";

/** The published tools and their published kinds; `generic` neither reads nor changes the database. */
export const retailToolKinds = {
  find_user_id_by_email: "read",
  find_user_id_by_name_zip: "read",
  get_user_details: "read",
  get_order_details: "read",
  get_product_details: "read",
  get_item_details: "read",
  list_all_product_types: "read",
  calculate: "generic",
  cancel_pending_order: "write",
  modify_pending_order_address: "write",
  modify_pending_order_payment: "write",
  modify_pending_order_items: "write",
  modify_user_address: "write",
  return_delivered_order_items: "write",
  exchange_delivered_order_items: "write",
  transfer_to_human_agents: "generic",
} as const satisfies Record<string, "read" | "write" | "generic">;

export type RetailToolName = keyof typeof retailToolKinds;
/** The specialist that holds a tool: the one that looks things up, or the one that changes them. */
export type RetailRole = "retrieval" | "action";

export const isRetailTool = (name: string): name is RetailToolName => Object.hasOwn(retailToolKinds, name);

/**
 * What a call does to the world. Handing the customer to a person changes no record, but it happens outside and must
 * happen once, so it counts as a write.
 */
export function effectOf(name: RetailToolName): "read" | "write" {
  return retailToolKinds[name] === "write" || name === "transfer_to_human_agents" ? "write" : "read";
}

/**
 * What a wrong call costs. Goods and money that change hands for good are a person's to approve; what can be changed back
 * is compliance's to judge; a hand-over to a person is neither.
 */
export const riskOf = (name: RetailToolName): "low" | "medium" | "high" => risks[name] ?? "medium";

const risks: { readonly [Name in RetailToolName]?: "low" | "high" } = {
  cancel_pending_order: "high",
  return_delivered_order_items: "high",
  exchange_delivered_order_items: "high",
  transfer_to_human_agents: "low",
};

/**
 * What of sealed data the shop needs in the clear: the address that it looks a customer up by, and its own numbers of goods. These
 * are ten digits, which in a sentence read like a telephone number, and are sealed as one.
 */
export const revealsOf = (name: RetailToolName): readonly string[] => reveals[name] ?? [];

const reveals: { readonly [Name in RetailToolName]?: readonly string[] } = {
  find_user_id_by_email: ["email"],
  get_product_details: ["phone"],
  get_item_details: ["phone"],
  modify_pending_order_items: ["phone"],
  return_delivered_order_items: ["phone"],
  exchange_delivered_order_items: ["phone"],
};

export const roleOf = (name: RetailToolName): RetailRole => (effectOf(name) === "write" ? "action" : "retrieval");

interface RetailToolDefinition<Input extends z.ZodType> {
  readonly name: RetailToolName;
  readonly description: string;
  readonly input: Input;
  readonly run: (state: RetailState, input: z.output<Input>) => Json;
}

/** A tool of the domain; its effect comes from the table above. */
export function retailTool<Input extends z.ZodType>(
  definition: RetailToolDefinition<Input>,
): WorldTool<RetailState, z.ZodType> {
  return worldTool<RetailState, Input>({ ...definition, effect: effectOf(definition.name) });
}
