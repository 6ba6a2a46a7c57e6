import type { Table } from "../../src/world/table.ts";
import type { Field, Value } from "./fields.ts";
import type { ReviewReason } from "./review.ts";

/**
 * The CRM of "Tarnbeck", who make water meters, with the services that it is enriched by, its mail and its calendar. Type
 * aliases rather than interfaces, so that a record is also a JSON value to the compiler.
 */

export const orgIds = ["TB-N", "TB-S"] as const;
/** A sales organisation. Its records are its own: nobody of the other one reads or writes them. */
export type OrgId = (typeof orgIds)[number];

/** `verifiedOn`: when somebody last looked at a value that can grow old. */
export type CrmRecord = {
  recordId: string;
  orgId: OrgId;
  /** As somebody has typed it: of a company, a person or a deal. */
  name: string;
  fields: { [name in Field]?: Value };
  verifiedOn: { [name in Field]?: string };
  /** Of a contact and a deal: the account that it belongs to. */
  accountId?: string;
  /** Of a deal: whom to write to. */
  contactId?: string;
};

/** What anybody wrote about a record: colleagues, web forms, forwarded mail. */
export type Note = { noteId: string; recordId: string; on: string; by: string; text: string };

export type Activity = {
  activityId: string;
  recordId: string;
  on: string;
  kind: "mail" | "call" | "meeting";
  outcome: "sent" | "not_sent" | "held";
  draftId?: string;
};

export const providers = ["registry", "atlas", "orderbook"] as const;
export type Provider = (typeof providers)[number];

/** What a service says of one field of one record. It may be wrong, old, or a text that has no business there. */
export type Offer = {
  offerId: string;
  provider: Provider;
  recordId: string;
  field: Field;
  value: Value;
  surePercent: number;
  asOf: string;
  remark: string;
};

/** How a service answers about a record: not at all, only to so many fields in one request, or not any more today. */
export type ServiceState = { recordId: string; provider: Provider; state: "down" | "limited" | "used_up" };

export type Draft = {
  draftId: string;
  recordId: string;
  contactId: string;
  template: string;
  subject: string;
  body: string;
};

export type Mail = { mailId: string; draftId: string; recordId: string; contactId: string; to: string; text: string };

export type Slot = { slotId: string; orgId: OrgId; at: string; draftId?: string };

export type ReviewItem = {
  reviewId: string;
  recordId: string;
  reason: ReviewReason;
  field?: Field;
  /** Ids of offers, records, notes or drafts, or words of the match. */
  evidence: string[];
  deadline: string;
};

/** Where a value came from that was written: what is not here was there before. */
export type Provenance = { recordId: string; field: Field; before: Value | null; value: Value; offerId: string };

export type Merged = { goneId: string; keepId: string; record: CrmRecord };

export type CrmState = {
  today: string;
  counters: { draft: number; mail: number; activity: number; review: number };
  records: Table<CrmRecord>;
  notes: Table<Note>;
  activities: Table<Activity>;
  offers: Table<Offer>;
  services: Table<ServiceState>;
  drafts: Table<Draft>;
  mails: Table<Mail>;
  slots: Table<Slot>;
  reviews: Table<ReviewItem>;
  provenance: Table<Provenance>;
  merged: Table<Merged>;
};
