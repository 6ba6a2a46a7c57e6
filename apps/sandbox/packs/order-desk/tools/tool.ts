import { z } from "zod";
import { type WorldTool, worldTool } from "../../../src/world/world.ts";
import { languages, type ShopState } from "../state.ts";

/** A tool of this shop: infers the input, and fixes the state. */
export function shopTool<Input extends z.ZodType>(tool: WorldTool<ShopState, Input>): WorldTool<ShopState> {
  return worldTool(tool);
}

/** Arguments that many tools take. The schemas are strict: an argument that a tool does not know is refused. */
export const customerId = z
  .string()
  .regex(/^C-\d{4}$/)
  .describe("Customer number, like C-1234.");
export const orderId = z
  .string()
  .regex(/^L-\d{5}$/)
  .describe("Order number, like L-12345.");
export const ticketId = z
  .string()
  .regex(/^T-\d{4}$/)
  .describe("Ticket number, like T-1234.");
export const productId = z
  .string()
  .regex(/^P-\d{3}$/)
  .describe("Product number, like P-123.");
export const sku = z.string().min(3).max(40).describe("Article number of one variant, like P-123-OAK.");
export const lineId = z
  .string()
  .regex(/^\d{1,2}$/)
  .describe("Number of a line in its order, like 1.");
export const language = z.enum(languages).describe("Two-letter language code.");
export const lineQuantities = z
  .array(z.strictObject({ lineId, quantity: z.int().min(1).max(99) }))
  .min(1)
  .max(20)
  .describe("Lines of the order, and how many pieces of each.");
export const address = z.strictObject({
  street: z.string().min(3).max(120).describe("Street and house number."),
  postcode: z.string().min(3).max(12),
  city: z.string().min(2).max(60),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .describe("ISO 3166-1 alpha-2 code."),
});
