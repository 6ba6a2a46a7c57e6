import { daysBetween } from "../../src/world/calendar.ts";
import type { Frozen } from "../../src/world/table.ts";
import { type Field, fields, fits, kindOf, type Value } from "./fields.ts";
import type { ReviewReason } from "./review.ts";
import type { CrmRecord, CrmState, Offer, Provider } from "./state.ts";

/**
 * Our own check of what services say, by rule and without a model. Pure. It looks at every offer that a service which
 * answers has for the field, whoever named it: leaving one out hides no conflict.
 */

export interface Cleared {
  readonly field: Field;
  readonly value: Value;
  readonly offerId: string;
  readonly provider: Provider;
  readonly surePercent: number;
}

export interface Doubted {
  readonly field: Field;
  readonly reason: ReviewReason;
  readonly evidence: readonly string[];
}

export interface Checked {
  readonly cleared: readonly Cleared[];
  readonly doubted: readonly Doubted[];
}

/** Days after which what a service knows is of no use. */
const offerDaysMax = 730;
/** What is less sure than this contradicts nobody. */
const heardPercent = 50;

/** What may be written of a record's fields, and what somebody has to look at, with the reason. */
export function checkOffers(state: CrmState, record: Frozen<CrmRecord>, wanted: readonly Field[]): Checked {
  const cleared: Cleared[] = [];
  const doubted: Doubted[] = [];
  for (const field of wanted) {
    const all = Object.values(state.offers).filter((one) => one.recordId === record.recordId && one.field === field);
    const heard = all.filter(({ provider }) => isHeard(state, record.recordId, provider));
    const verdict = verdictOn(state, record, field, heard, all.length > heard.length);
    if ("reason" in verdict) doubted.push(verdict);
    else cleared.push(verdict);
  }
  return { cleared, doubted };
}

/** False for a service that does not answer about this record today. */
export function isHeard({ services }: CrmState, recordId: string, provider: Provider): boolean {
  const state = services[`${recordId}.${provider}`]?.state;
  return state !== "down" && state !== "used_up";
}

function verdictOn(
  { today }: CrmState,
  record: Frozen<CrmRecord>,
  field: Field,
  heard: readonly Frozen<Offer>[],
  someUnheard: boolean,
): Cleared | Doubted {
  const doubt = (reason: ReviewReason, evidence: readonly Frozen<Offer>[] = []): Doubted => ({
    field,
    reason,
    evidence: [record.recordId, ...evidence.map(({ offerId }) => offerId)],
  });
  if (heard.length === 0) return doubt(someUnheard ? "source_unavailable" : "no_source");
  const formed = heard.filter(({ value }) => fits(field, value));
  if (formed.length === 0) return doubt("malformed_value", heard);
  const loud = formed.filter(({ surePercent }) => surePercent >= heardPercent);
  if (new Set(loud.map(({ value }) => value)).size > 1) return doubt("sources_disagree", loud);
  const [best] = [...formed].sort(
    (left, right) => right.surePercent - left.surePercent || (left.offerId < right.offerId ? -1 : 1),
  );
  if (best === undefined || best.surePercent < fields[field].surePercent) return doubt("low_confidence", formed);
  if (daysBetween(best.asOf, today) > offerDaysMax) return doubt("stale_source", [best]);
  if (contradicts(record, field, best.value)) return doubt("contradicts_record", [best]);
  const { value, offerId, provider, surePercent } = best;
  return { field, value, offerId, provider, surePercent };
}

/** Country codes by what telephone numbers begin with, longest first. */
const callingCodes = {
  DE: "+49",
  FR: "+33",
  NL: "+31",
  PL: "+48",
  GB: "+44",
  ES: "+34",
  JP: "+81",
  UA: "+380",
} as const;

/** True for a value that does not go with the record: a country with the VAT number, a VAT number or a telephone with the country. */
function contradicts({ recordId, fields: known }: Frozen<CrmRecord>, field: Field, value: Value): boolean {
  if (kindOf(recordId) !== "account") return false;
  const country = field === "country" ? value : known.country;
  const vatId = field === "vatId" ? value : known.vatId;
  const phone = field === "phone" ? value : known.phone;
  if (!["country", "vatId", "phone"].includes(field) || typeof country !== "string") return false;
  if (field !== "phone" && typeof vatId === "string" && !vatId.startsWith(country)) return true;
  const code = callingCodes[country as keyof typeof callingCodes];
  return field === "phone" && typeof phone === "string" && !phone.startsWith(code);
}
