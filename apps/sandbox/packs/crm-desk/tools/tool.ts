import { z } from "zod";
import type { Frozen } from "../../../src/world/table.ts";
import { WorldRefusal, type WorldTool, worldTool } from "../../../src/world/world.ts";
import { anyValue, type Field, fieldNames } from "../fields.ts";
import { type CrmRecord, type CrmState, orgIds } from "../state.ts";

/** A tool of this CRM: infers the input, and fixes the state. */
export function crmTool<Input extends z.ZodType>(tool: WorldTool<CrmState, Input>) {
  return worldTool<CrmState, Input>(tool) as WorldTool<CrmState>;
}

/** Says no for a reason of the domain. */
export function refuse(message: string): never {
  throw new WorldRefusal(message);
}

const id = (domain: string, form: RegExp, about: string) =>
  z.string().max(40).regex(form).meta({ domain }).describe(about);

/**
 * Arguments that many tools take. Those with a domain are traced by it: a value counts when a system of our own has said it
 * under that name, and our own check says what is cleared. The schemas are strict: an argument that a tool does not know is
 * refused.
 */
export const orgId = z.enum(orgIds).describe("The sales organisation whose record it is.");
export const recordId = z
  .string()
  .max(8)
  .regex(/^(?:ACC|CON|DEA)-\d{4}$/)
  .describe("Record, like ACC-1001.");
export const contactId = z
  .string()
  .max(8)
  .regex(/^CON-\d{4}$/)
  .describe("Contact, like CON-2001.");
export const field = z.enum(fieldNames as [Field, ...Field[]]);
export const offerId = z
  .string()
  .max(40)
  .regex(/^OFF-[a-zA-Z]+-\d{5}$/)
  .describe("What a service said, like OFF-phone-50001.");
export const clearedOfferId = id("cleared-offer", /^OFF-[a-zA-Z]+-\d{5}$/, "An offer that the check has cleared.");
export const clearedValue = anyValue
  .meta({ domain: "cleared-value" })
  .describe("The value that the check has cleared.");
export const clearedPercent = z
  .int()
  .min(0)
  .max(100)
  .meta({ domain: "cleared-percent" })
  .describe("How sure its source is.");
export const mailable = id("mailable-address", /^[^@\s]+@[^@\s]+$/, "Address of a contact who may be written to.");
export const draftId = id("draft", /^DRF-\d{4}$/, "Draft, like DRF-7001.");
export const slotId = z
  .string()
  .max(8)
  .regex(/^SLT-[NS]\d$/)
  .describe("Slot of the calendar, like SLT-N2.");

/** What trusted answers are looked through for, by domain. Everything else in them is there as well. */
export const answers = {
  check: z.looseObject({
    cleared: z.array(z.looseObject({ offerId: clearedOfferId, value: clearedValue, surePercent: clearedPercent })),
  }),
  facts: z.looseObject({ mailableAddress: mailable.optional() }),
  draft: z.looseObject({ draftId }),
};

/** @throws WorldRefusal when there is none, or it is another organisation's, or it was merged into another one */
export function recordOf(
  state: CrmState,
  of: { readonly orgId: string; readonly recordId: string },
): Frozen<CrmRecord> {
  const merged = state.merged[of.recordId];
  if (merged !== undefined) return refuse(`${of.recordId} was merged into ${merged.keepId}.`);
  const record = state.records[of.recordId];
  // Of another organisation's record nobody is told that there is one.
  if (record === undefined || record.orgId !== of.orgId) return refuse(`${of.orgId} has no record ${of.recordId}.`);
  return record;
}
