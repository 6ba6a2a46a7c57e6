import { daysBetween } from "../../src/world/calendar.ts";
import type { Frozen } from "../../src/world/table.ts";
import type { Job } from "./agents.ts";
import { type Field, fields, fieldsOf, kindOf } from "./fields.ts";
import { type Match, matchOf, signs } from "./match.ts";
import type { CrmRecord, CrmState } from "./state.ts";

/**
 * The deterministic pass: what is missing, what has grown old, which records may be one. It runs before any model does, and
 * what it finds is the job that a run is started with; no model adds to it.
 */

export interface Pair extends Match {
  /** The record that stays, and the one that goes: the one with more in it stays, of two alike the older. */
  readonly keepId: string;
  readonly goneId: string;
  readonly verdict: "certain" | "doubtful";
}

/** Fields that have to be there and are not. */
export function missingOf(record: Frozen<CrmRecord>): readonly Field[] {
  return fieldsOf(kindOf(record.recordId)).filter(
    (field) => fields[field].required && record.fields[field] === undefined,
  );
}

/** Fields whose value nobody has looked at for too long. */
export function staleOf({ today }: Pick<CrmState, "today">, record: Frozen<CrmRecord>): readonly Field[] {
  return fieldsOf(kindOf(record.recordId)).filter((field) => {
    const { freshDays } = fields[field];
    const looked = record.verifiedOn[field];
    if (freshDays === undefined || looked === undefined || record.fields[field] === undefined) return false;
    return daysBetween(looked, today) > freshDays;
  });
}

export function isComplete(record: Frozen<CrmRecord>): boolean {
  return missingOf(record).length === 0;
}

/** The pairs of a record with those that it may be one with. */
export function pairsOf(state: Pick<CrmState, "records">, recordId: string): readonly Pair[] {
  const record = state.records[recordId];
  if (record === undefined) return [];
  return Object.values(state.records).flatMap((other): Pair[] => {
    const { verdict, evidence } = matchOf(record, other);
    if (verdict === "apart") return [];
    const [keep, gone] = fullness(other) > fullness(record) ? [other, record] : [record, other];
    const [keepId, goneId] =
      fullness(other) === fullness(record)
        ? ([recordId, other.recordId].sort() as [string, string])
        : [keep.recordId, gone.recordId];
    return [{ keepId, goneId, verdict, evidence }];
  });
}

function fullness({ fields: known }: Frozen<CrmRecord>): number {
  return Object.keys(known).length;
}

/** All pairs of an organisation, each once. */
export function allPairs(state: Pick<CrmState, "records">, orgId: string): readonly Pair[] {
  const found = new Map<string, Pair>();
  for (const { recordId, orgId: of } of Object.values(state.records)) {
    if (of !== orgId) continue;
    for (const pair of pairsOf(state, recordId)) found.set(`${pair.keepId}+${pair.goneId}`, pair);
  }
  return [...found.values()];
}

/** What a run is started with: the record, and what the pass has found of it. */
export function jobOf(
  state: CrmState,
  task: Job["task"],
  recordId: string,
): { readonly job: Job; readonly attributes: JobAttributes } {
  const record = state.records[recordId];
  if (record === undefined) throw new RangeError(`there is no record ${recordId}`);
  const targets = task === "enrich" ? [...new Set([...missingOf(record), ...staleOf(state, record)])] : [];
  const pairs = task === "dedupe" ? pairsOf(state, recordId) : [];
  const contactId = task === "follow_up" ? record.contactId : undefined;
  const job: Job = {
    ...{ orgId: record.orgId, task, recordId, targets },
    ...(contactId === undefined ? {} : { contactId }),
    pairs: pairs.map(({ keepId, goneId, verdict, evidence }) => ({
      ...{ keepId, goneId, verdict, evidence: [...evidence], takes: takesOf(state, keepId, goneId) },
    })),
  };
  const records = [
    recordId,
    ...(contactId === undefined ? [] : [contactId]),
    ...pairs.flatMap((one) => [one.keepId, one.goneId]),
  ];
  return {
    job,
    attributes: {
      ...{ orgId: record.orgId, task, records: [...new Set(records)].join(" "), targets: targets.join(" ") },
      pairs: pairs.map((one) => pairText(one.keepId, one.goneId, one.evidence)).join(" "),
    },
  };
}

/** All that the pass finds in an organisation, in the order of its records: what is to be filled, and what may be one. */
export function jobsOf(state: CrmState, orgId: string): readonly ReturnType<typeof jobOf>[] {
  return Object.values(state.records).flatMap((record) => {
    const { recordId } = record;
    if (record.orgId !== orgId) return [];
    const isOpen = missingOf(record).length > 0 || staleOf(state, record).length > 0;
    // Of a pair the record that stays has the job, so that nobody is asked twice.
    const stays = pairsOf(state, recordId).some(({ keepId }) => keepId === recordId);
    return [
      ...(isOpen ? [jobOf(state, "enrich", recordId)] : []),
      ...(stays ? [jobOf(state, "dedupe", recordId)] : []),
    ];
  });
}

/** What the record that stays has not, and the one that goes has. */
function takesOf(
  { records }: Pick<CrmState, "records">,
  keepId: string,
  goneId: string,
): Job["pairs"][number]["takes"] {
  const [keep, gone] = [records[keepId], records[goneId]];
  return fieldsOf(kindOf(keepId)).flatMap((field) => {
    const to = gone?.fields[field];
    return keep?.fields[field] === undefined && to !== undefined ? [{ field, from: null, to }] : [];
  });
}

/** What of the job the rules go by. */
export interface JobAttributes {
  readonly orgId: string;
  readonly task: string;
  /** Numbers, with a space between. */
  readonly records: string;
  readonly targets: string;
  /** `ACC-1001+ACC-1002=same_vat,same_name`, with a space between. */
  readonly pairs: string;
}

export function pairText(keepId: string, goneId: string, evidence: readonly string[]): string {
  return `${keepId}+${goneId}=${[...evidence].sort((a, b) => order(a) - order(b)).join(",")}`;
}

const order = (sign: string) => (signs as readonly string[]).indexOf(sign);
