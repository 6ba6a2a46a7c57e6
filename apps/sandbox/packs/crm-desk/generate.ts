import { addDays } from "../../src/world/calendar.ts";
import { type Random, seededRandom } from "../../src/world/random.ts";
import { put } from "../../src/world/table.ts";
import { fields, fieldsOf, industries, type Kind, roles, sizes, type Value } from "./fields.ts";
import { plannedJobs } from "./plan.ts";
import type { JobPlan, OfferPlan, TwinPlan } from "./plans/job-plan.ts";
import { today } from "./review.ts";
import { type CrmRecord, type CrmState, type OrgId, orgIds, type Provider } from "./state.ts";

/** What is so, whatever the CRM says. Nothing of it is in the world: no tool can say it. */
export interface Truth {
  /** What a record is about: two records with one entity are duplicates. */
  readonly entityOf: ReadonlyMap<string, string>;
  readonly fieldsOf: ReadonlyMap<string, CrmRecord["fields"]>;
}

export interface Generated {
  readonly state: CrmState;
  readonly truth: Truth;
  /** The records of a job by the key of its plan: its own first, then those that look like it. */
  readonly recordsOf: ReadonlyMap<string, readonly string[]>;
}

interface Making extends Generated {
  readonly truth: { readonly entityOf: Map<string, string>; readonly fieldsOf: Map<string, CrmRecord["fields"]> };
  readonly recordsOf: Map<string, readonly string[]>;
  readonly random: Random;
}

/** Makes the CRM and what is true of it. The same seed makes the same ones on every machine. */
export function generateCrm(seed: number): Generated {
  const state: CrmState = {
    today,
    counters: { draft: 7001, mail: 8001, activity: 6501, review: 9001 },
    records: {},
    notes: {},
    activities: {},
    offers: {},
    services: {},
    drafts: {},
    mails: {},
    slots: {},
    reviews: {},
    provenance: {},
    merged: {},
  };
  const truth = { entityOf: new Map<string, string>(), fieldsOf: new Map<string, CrmRecord["fields"]>() };
  const making: Making = { state, truth, recordsOf: new Map(), random: seededRandom(seed) };
  for (const plan of plannedJobs) addJob(making, plan);
  for (const orgId of orgIds) addSlots(state, orgId);
  const { recordsOf } = making;
  return { state, truth, recordsOf };
}

const bases: Readonly<Record<Kind, readonly [prefix: string, first: number]>> = {
  account: ["ACC", 1001],
  contact: ["CON", 2001],
  deal: ["DEA", 3001],
};

function nextId({ truth }: Making, kind: Kind): string {
  const [prefix, first] = bases[kind];
  const known = [...truth.fieldsOf.keys()].filter((id) => id.startsWith(prefix)).length;
  return `${prefix}-${first + known}`;
}

function addJob(making: Making, plan: JobPlan): void {
  const { state, recordsOf } = making;
  const { kind, key } = plan;
  const record =
    kind === "account"
      ? addRecord(making, plan, kind, plan.name)
      : addRecord(making, plan, kind, plan.name, homeOf(making, plan));
  // Whatever an account is about, somebody sells something there: what the report is made of.
  if (kind === "account")
    addRecord(making, { ...bare(plan), fields: {} }, "deal", `Order of ${plan.key}`, { accountId: record.recordId });
  const own = [record.recordId];
  for (const twin of plan.twins ?? []) own.push(addTwin(making, plan, record, twin));
  if (record.contactId !== undefined) own.push(record.contactId);
  recordsOf.set(key, own);
  (plan.notes ?? []).forEach((text, index) => {
    const noteId = `NOT-${4001 + Object.keys(state.notes).length}`;
    put(state.notes, noteId, {
      noteId,
      recordId: record.recordId,
      on: addDays(today, -20 + index),
      by: "somebody",
      text,
    });
  });
  for (const offer of plan.offers ?? []) addOffer(making, record, kind, offer);
  for (const [provider, service] of Object.entries(plan.services ?? {})) {
    const row = { recordId: record.recordId, provider: provider as Provider, state: service };
    put(state.services, `${record.recordId}.${provider}`, row);
  }
  if (plan.task === "follow_up") {
    const activityId = `ACT-${6001 + Object.keys(state.activities).length}`;
    const on = addDays(today, -(plan.contactedDaysAgo ?? 32));
    put(state.activities, activityId, { activityId, recordId: record.recordId, on, kind: "mail", outcome: "sent" });
  }
}

/** The plan without what is particular about its record. */
function bare({ key, task, kind, name, org, country }: JobPlan): JobPlan {
  return {
    ...{ key, task, kind, name },
    ...(org === undefined ? {} : { org }),
    ...(country === undefined ? {} : { country }),
  };
}

/** The account of a contact or a deal, and whom a deal is with. */
function homeOf(making: Making, plan: JobPlan): Pick<CrmRecord, "accountId" | "contactId"> {
  const account = addRecord(making, bare(plan), "account", `House of ${plan.key}`);
  const { accountId } = { accountId: account.recordId };
  if (plan.kind !== "deal") return { accountId };
  const contact = addRecord(making, { ...bare(plan), ...plan.contact }, "contact", `Buyer ${plan.key}`, { accountId });
  return { accountId, contactId: contact.recordId };
}

function addRecord(
  making: Making,
  plan: JobPlan,
  kind: Kind,
  name: string,
  home: Pick<CrmRecord, "accountId" | "contactId"> = {},
): CrmRecord {
  const recordId = nextId(making, kind);
  const isTrue = { ...trueFields(making, plan, kind, recordId), ...plan.fields };
  making.truth.entityOf.set(recordId, recordId);
  return keep(making, { ...plan, kind }, { recordId, name, ...home }, isTrue);
}

/** Keeps what is true, and stores what the CRM says of it. */
function keep(
  { state, truth }: Making,
  { kind, org = "TB-N", without = [], stale = {} }: Pick<JobPlan, "kind" | "org" | "without" | "stale">,
  about: Pick<CrmRecord, "recordId" | "name" | "accountId" | "contactId">,
  isTrue: CrmRecord["fields"],
): CrmRecord {
  const known: CrmRecord["fields"] = { ...isTrue, ...stale };
  const verifiedOn: CrmRecord["verifiedOn"] = {};
  for (const field of fieldsOf(kind)) {
    if (without.includes(field)) delete known[field];
    else if (fields[field].freshDays !== undefined) verifiedOn[field] = field in stale ? "2023-05-02" : "2026-08-03";
  }
  truth.fieldsOf.set(about.recordId, isTrue);
  const record: CrmRecord = { ...about, orgId: org, fields: known, verifiedOn };
  put(state.records, about.recordId, record);
  return record;
}

const callingCodes: Readonly<Record<string, string>> = {
  ...{ DE: "+4930", FR: "+3314", NL: "+3120", PL: "+4822", GB: "+4420", ES: "+3491", JP: "+8133", UA: "+38044" },
};
const languageOf: Readonly<Record<string, string>> = {
  ...{ DE: "de", FR: "fr", NL: "nl", PL: "pl", GB: "en", ES: "es", JP: "ja", UA: "uk" },
};

function trueFields(
  { random }: Making,
  { country = "DE", key }: JobPlan,
  kind: Kind,
  recordId: string,
): CrmRecord["fields"] {
  const number = recordId.slice(4);
  const phone = `${callingCodes[country]}${number}${random.between(100, 999)}`;
  const slug = key.toLowerCase();
  switch (kind) {
    case "account":
      return {
        website: `${slug}-${number}.example`,
        phone,
        industry: random.pick(industries),
        country,
        size: random.pick(sizes.slice(2)),
        vatId: `${country}${number}${random.between(10_000, 99_999)}`,
        creditLimitCents: random.between(5, 90) * 100_000,
      };
    case "contact":
      return {
        email: `person.${number}@${slug}.example`,
        phone,
        role: random.pick(roles),
        language: languageOf[country] ?? "en",
        consent: "granted",
      };
    case "deal":
      return {
        amountCents: random.between(20, 900) * 10_000,
        closeDate: addDays(today, random.between(14, 90)),
        stage: random.pick(["qualified", "proposed", "negotiated"]),
      };
  }
}

function addTwin(making: Making, plan: JobPlan, record: CrmRecord, twin: TwinPlan): string {
  const { truth } = making;
  const recordId = nextId(making, plan.kind);
  const isTrue = { ...truth.fieldsOf.get(record.recordId), ...twin.fields };
  const { accountId, contactId } = twin.elsewhere
    ? {
        accountId: addRecord(making, { ...bare(plan), key: `${plan.key}-2` }, "account", `Second house of ${plan.key}`)
          .recordId,
        contactId: undefined,
      }
    : record;
  truth.entityOf.set(recordId, twin.same ? record.recordId : recordId);
  keep(
    making,
    { kind: plan.kind, ...(plan.org === undefined ? {} : { org: plan.org }), without: twin.without ?? [] },
    {
      recordId,
      name: twin.name ?? plan.name,
      ...(accountId === undefined ? {} : { accountId }),
      ...(contactId === undefined ? {} : { contactId }),
    },
    // What the CRM says of the same company is what is true of it, but where the twin says something else.
    twin.same ? { ...isTrue } : isTrue,
  );
  if (twin.same) truth.fieldsOf.set(recordId, truth.fieldsOf.get(record.recordId) ?? {});
  return recordId;
}

const usualProvider: Readonly<Record<Kind, Provider>> = { account: "registry", contact: "atlas", deal: "orderbook" };

function addOffer({ state, truth }: Making, { recordId }: CrmRecord, kind: Kind, plan: OfferPlan): void {
  const { field, provider = usualProvider[kind], sure = 93, asOf = "2026-07-01", remark = "" } = plan;
  // The field stands in the number: a receipt for a telephone is none for a country.
  const offerId = `OFF-${field}-${50_001 + Object.keys(state.offers).length}`;
  const value: Value = plan.value ?? truth.fieldsOf.get(recordId)?.[field] ?? "";
  put(state.offers, offerId, { offerId, provider, recordId, field, value, surePercent: sure, asOf, remark });
}

function addSlots(state: CrmState, orgId: OrgId): void {
  for (let index = 0; index < 6; index++) {
    const slotId = `SLT-${orgId.slice(3)}${index + 1}`;
    const at = `${addDays(today, 1 + Math.floor(index / 2))}T${index % 2 === 0 ? "09" : "14"}:00:00Z`;
    // The first of each organisation is somebody else's already.
    put(state.slots, slotId, { slotId, orgId, at, ...(index === 0 ? { draftId: "DRF-6999" } : {}) });
  }
}
