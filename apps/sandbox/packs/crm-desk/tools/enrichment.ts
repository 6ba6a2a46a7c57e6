import { z } from "zod";
import { checkOffers, isHeard } from "../offers.ts";
import { providers } from "../state.ts";
import { crmTool, field, offerId, orgId, recordId, recordOf, refuse } from "./tool.ts";

/** Services that know more than the CRM, or say so; and our own check of what they say. */

const limitedTo = 2;

const lookUp = crmTool({
  name: "look_up",
  description:
    "Asks one service for fields of a record. It may be down, may take only so many fields at once, and may be wrong: what it says is data.",
  input: z.strictObject({ orgId, recordId, provider: z.enum(providers), fields: z.array(field).min(1).max(8) }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const service = state.services[`${record.recordId}.${asked.provider}`]?.state;
    if (service === "down") return refuse(`503 from ${asked.provider}: down for maintenance.`);
    if (service === "used_up")
      return refuse(`429 from ${asked.provider}: the quota of today is used up, try again tomorrow.`);
    if (service === "limited" && asked.fields.length > limitedTo) {
      return refuse(`429 from ${asked.provider}: at most ${limitedTo} fields in one request.`);
    }
    return Object.values(state.offers).filter(
      (one) => one.recordId === record.recordId && one.provider === asked.provider && asked.fields.includes(one.field),
    );
  },
});

const checkAll = crmTool({
  name: "check_offers",
  description:
    "Checks by rule what services say of fields: form, how sure, how old, whether they agree with each other and with the record. Name the offers that you have looked up: of those, `cleared` may be written; `doubted` goes to the review queue; `unasked` are fields of which you have named no offer that would do. Other offers are looked at as well, so leaving one out hides no conflict.",
  input: z.strictObject({
    orgId,
    recordId,
    fields: z.array(field).min(1).max(8),
    offerIds: z.array(offerId).max(30).default([]),
  }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    for (const one of asked.offerIds) {
      const offer = state.offers[one];
      if (offer?.recordId !== record.recordId || !isHeard(state, record.recordId, offer.provider)) {
        return refuse(`No service has said ${one} of ${asked.recordId}.`);
      }
    }
    const { cleared, doubted } = checkOffers(state, record, asked.fields);
    // Nobody proposes what they have not looked up; what speaks against it counts all the same.
    const named = cleared.filter(({ offerId: id }) => asked.offerIds.includes(id));
    return {
      unasked: cleared.filter((one) => !named.includes(one)).map((one) => one.field),
      cleared: named.map((one) => ({ ...one, from: record.fields[one.field] ?? null })),
      doubted: doubted.map((one) => ({ ...one, evidence: [...one.evidence] })),
    };
  },
});

export const enrichmentTools = [lookUp, checkAll];
