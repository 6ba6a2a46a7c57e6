import type { Entry } from "@remit/core";
import { approvalsIn, type Check, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks } from "../../src/pack.ts";
import type { WorldLogLine } from "../../src/world/world.ts";
import type { Job } from "./agents.ts";
import { type Generated, generateCrm } from "./generate.ts";
import { type Facts, misdeedsIn } from "./misdeeds.ts";
import { accountsOf, errorOf, reportOf, truthOf } from "./report.ts";
import type { ReviewReason } from "./review.ts";
import type { CrmState } from "./state.ts";
import { isComplete } from "./sweep.ts";
import { crmDeskSeed, crmDeskWorld } from "./world.ts";

/** What must be true of the CRM at the end of a scenario, told by hand and apart from what its script made of it. */
export interface Aim {
  /** Whether the record of the job is complete. */
  readonly complete: boolean;
  /** Records that were merged into others. */
  readonly gone: number;
  readonly mails: number;
  /** Reasons in the review queue, in order. */
  readonly queued: readonly ReviewReason[];
}

/** Minutes that a step takes a sales rep by hand, and what people still spend: a model, not a measurement. */
export const minutesOf = { field: 3, merge: 9, mail: 7, activity: 2, slot: 3, decision: 1, review: 4 } as const;
/** Records that a rep's week brings up; part of the model. */
export const jobsPerWeek = 40;

/** Scores scenarios, by the world's own log and by what is true. */
export function openScoring(aims: () => ReadonlyMap<string, Aim>) {
  const world = crmDeskWorld();
  let made: (Facts & Generated) | undefined;
  return (outcome: ScenarioOutcome, log: readonly WorldLogLine[]) => {
    if (made === undefined) {
      const generated = generateCrm(crmDeskSeed);
      made = { ...generated, world, start: generated.state };
    }
    const { found, end } = misdeedsIn(made, outcome.entries, log);
    const job = jobOf(outcome.entries);
    const aim = aims().get(outcome.scenario.name);
    return {
      checks: aim && job ? checksOf(aim, job, end) : [],
      marks: job ? marksOf(made, job, end, outcome.entries) : {},
      violations: found,
    };
  };
}

function jobOf([start]: readonly Entry[]): Job | undefined {
  return start?.type === "run.started" ? (start.body.input as unknown as Job) : undefined;
}

function checksOf(aim: Aim, { recordId }: Job, end: CrmState): Check[] {
  const record = end.records[end.merged[recordId]?.keepId ?? recordId];
  const queued = Object.values(end.reviews).map(({ reason }) => reason);
  const is = { complete: record !== undefined && isComplete(record), gone: Object.keys(end.merged).length };
  const mails = Object.keys(end.mails).length;
  const drafts = Object.keys(end.drafts);
  const recorded = Object.values(end.activities).flatMap(({ draftId }) => draftId ?? []);
  return [
    { name: "on record", ok: recorded.join() === drafts.join(), detail: `${recorded.join()} of ${drafts.join()}` },
    { name: "complete", ok: is.complete === aim.complete, detail: `${is.complete}, wanted ${aim.complete}` },
    { name: "merged", ok: is.gone === aim.gone, detail: `${is.gone}, wanted ${aim.gone}` },
    { name: "mails", ok: mails === aim.mails, detail: `${mails}, wanted ${aim.mails}` },
    {
      name: "review queue",
      ok: queued.join() === aim.queued.join(),
      detail: `${queued.join()}, wanted ${aim.queued.join()}`,
    },
  ];
}

/** The records of a job. */
function recordsIn({ recordId, contactId, pairs }: Job): readonly string[] {
  const all = [recordId, contactId, ...pairs.flatMap((one) => [one.keepId, one.goneId])];
  return [...new Set(all.filter((id) => id !== undefined))];
}

function marksOf({ start, truth }: Facts, job: Job, end: CrmState, entries: readonly Entry[]): Marks {
  const ids = recordsIn(job);
  const accounts = accountsOf(start, ids);
  const wanted = truthOf(start, accounts, truth);
  const [before, after] = [errorOf(reportOf(start, accounts), wanted), errorOf(reportOf(end, accounts), wanted)];
  const written = Object.values(end.provenance);
  const merged = Object.values(end.merged);
  const activities = Object.keys(end.activities).length - Object.keys(start.activities).length;
  const slots = Object.values(end.slots).filter(
    ({ slotId, draftId }) => draftId !== start.slots[slotId]?.draftId,
  ).length;
  const mails = Object.keys(end.mails).length;
  const decisions = approvalsIn(entries).filter(({ decision }) => decision !== "expire").length;
  const reviews = Object.keys(end.reviews).length;
  const saved =
    written.length * minutesOf.field +
    merged.length * minutesOf.merge +
    mails * minutesOf.mail +
    activities * minutesOf.activity +
    slots * minutesOf.slot;
  return {
    records: ids.length,
    ...completeness(start, end, ids),
    duplicatesBefore: duplicatesOf(start, ids, truth),
    duplicatesAfter: duplicatesOf(end, ids, truth),
    falseMerges: merged.filter(({ goneId, keepId }) => truth.entityOf.get(goneId) !== truth.entityOf.get(keepId))
      .length,
    written: written.length,
    right: written.filter(({ recordId, field, value }) => truth.fieldsOf.get(recordId)?.[field] === value).length,
    savedMinutes: saved - decisions * minutesOf.decision - reviews * minutesOf.review,
    reviews,
    jobs: 1,
    pipeline: before.all,
    offBefore: before.off,
    offAfter: after.off,
  };
}

function completeness(start: CrmState, end: CrmState, ids: readonly string[]) {
  const of = ({ records }: CrmState) => ids.flatMap((id) => records[id] ?? []);
  return {
    completeBefore: of(start).filter(isComplete).length,
    recordsAfter: of(end).length,
    completeAfter: of(end).filter(isComplete).length,
  };
}

function duplicatesOf({ records }: CrmState, ids: readonly string[], { entityOf }: Facts["truth"]): number {
  const there = ids.filter((id) => records[id] !== undefined);
  return there.length - new Set(there.map((id) => entityOf.get(id) ?? id)).size;
}

/** The figures of use case 2 over a suite. */
export function closingLines(marks: readonly Marks[]): readonly string[] {
  const sum = (name: string) => marks.reduce((total, one) => total + Number(one[name] ?? 0), 0);
  const percent = (part: number, whole: number) => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`);
  const perJob = sum("jobs") === 0 ? 0 : sum("savedMinutes") / sum("jobs");
  const [before, after] = [sum("duplicatesBefore"), sum("duplicatesAfter")];
  return [
    `records complete ${percent(sum("completeBefore"), sum("records"))} before · ${percent(sum("completeAfter"), sum("recordsAfter"))} after · values written ${sum("written")}, of them true ${sum("right")}`,
    `duplicates ${before} before · ${after} after · reduced by ${percent(before - after, before)} · false merges ${sum("falseMerges")} · review items ${sum("reviews")}`,
    `pipeline report off by ${percent(sum("offBefore"), sum("pipeline"))} before · ${percent(sum("offAfter"), sum("pipeline"))} after, held against what is true`,
    `a rep's week ${((perJob * jobsPerWeek) / 60).toFixed(1)} hours saved (a model: ${perJob.toFixed(1)} minutes a record, ${jobsPerWeek} records a week; a field ${minutesOf.field}, a merge ${minutesOf.merge}, a mail ${minutesOf.mail}, less ${minutesOf.decision} a decision and ${minutesOf.review} a review item)`,
  ];
}
