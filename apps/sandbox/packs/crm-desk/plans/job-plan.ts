import type { Field, Kind, Value } from "../fields.ts";
import type { OrgId, Provider, ServiceState } from "../state.ts";

/** What a record is a job about, by what is particular about it. What is left out is usual, and true. */
export interface JobPlan {
  /** The name that stories know it by. */
  readonly key: string;
  readonly task: "enrich" | "dedupe" | "follow_up";
  readonly kind: Kind;
  readonly name: string;
  readonly org?: OrgId;
  readonly country?: string;
  /** Fields that the record has not. */
  readonly without?: readonly Field[];
  /** Fields that nobody has looked at for years; what they say is not true any more. */
  readonly stale?: Partial<Readonly<Record<Field, Value>>>;
  /** What is true of the record, where that matters. */
  readonly fields?: Partial<Readonly<Record<Field, Value>>>;
  readonly offers?: readonly OfferPlan[];
  readonly services?: Partial<Readonly<Record<Provider, ServiceState["state"]>>>;
  readonly notes?: readonly string[];
  readonly twins?: readonly TwinPlan[];
  /** Of a deal: what is unusual about the person to write to. */
  readonly contact?: Pick<JobPlan, "without" | "fields">;
  /** Days since it was last written to; a month when absent. */
  readonly contactedDaysAgo?: number;
}

export interface OfferPlan {
  readonly field: Field;
  /** registry of accounts, atlas of contacts and orderbook of deals when absent. */
  readonly provider?: Provider;
  /** What is true when absent. */
  readonly value?: Value;
  readonly sure?: number;
  readonly asOf?: string;
  readonly remark?: string;
}

/** Another record that looks like it. */
export interface TwinPlan {
  readonly name?: string;
  /** Whether it is the same company, person or deal in truth. */
  readonly same: boolean;
  /** Fields in which it is another; those of the record else. */
  readonly fields?: JobPlan["fields"];
  readonly without?: readonly Field[];
  /** Of a contact or a deal: at an account of its own. */
  readonly elsewhere?: true;
}
