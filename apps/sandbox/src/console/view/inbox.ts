import {
  type ApprovalCase,
  type OpenQuestion,
  openCasesOf,
  openQuestionsOf,
  type QuestionCase,
  type RunRecord,
  type UncertainEffect,
} from "@remit/core";
import { type Complaint, complaintOf } from "../../cli/complaint.ts";
import { readRun } from "../../cli/recorded-run.ts";
import type { ConsoleSource, RunGroup } from "../source.ts";

/** All that waits for a person, in all groups. */

export interface InboxView {
  readonly cases: readonly Waiting<ApprovalCase>[];
  /** Questions of tools under way. */
  readonly questions: readonly Waiting<QuestionCase>[];
  /** Questions of agents and supervisors to a customer or an operator. */
  readonly asks: readonly Waiting<OpenQuestion>[];
  /** Writes of which nobody knows whether they happened. */
  readonly uncertain: readonly Waiting<UncertainEffect>[];
  /** Groups of which nobody can say what is asked, since their team cannot be loaded; each with why. */
  readonly broken: readonly { readonly group: string; readonly complaint: Complaint }[];
  /** True when not all runs that wait were looked at. */
  readonly isCut: boolean;
}

/** Something that waits, and the run that it belongs to. */
export interface Waiting<What> {
  readonly group: string;
  readonly run: string;
  readonly title: string;
  readonly what: What;
}

type OfRun = Omit<InboxView, "isCut">;
const nobody = async () => [];

/** Runs that are looked at, of each group. */
const runsMost = 200;
const keptMost = 2_000;

/** Makes what lists the inbox; what it has read of a run it keeps until that goes on. */
export function inboxLister(source: ConsoleSource): () => Promise<InboxView> {
  const kept = new Map<string, OfRun>();

  const runOf = async (group: RunGroup, { runId }: RunRecord) => {
    try {
      const supervisor = await source.supervisorOf(group);
      return [await supervisor.find(runId, { tenant: group.tenant })] as const;
    } catch (thrown) {
      return [undefined, complaintOf(thrown)] as const;
    }
  };

  const ofRun = async (group: RunGroup, record: RunRecord): Promise<OfRun> => {
    const key = `${group.id}/${record.runId}@${record.lastSeq}`;
    // A parked run stands still; what a running call asks comes in entries that the index need not tell of.
    const known = record.status === "parked" ? kept.get(key) : undefined;
    if (known) return known;
    const { entries } = await readRun(source.journal, record);
    const [start] = entries;
    const attributes = start?.type === "run.started" ? (start.body.attributes ?? {}) : {};
    const title = (await source.subjectOf(group, attributes))?.title ?? record.supervisor;
    const about = <What>(what: What) => ({ group: group.id, run: record.runId, title, what });
    // Most wait for a decision alone, for which no team has to be loaded.
    const isAsked = record.waits === undefined || record.waits.some((wait) => wait === "question" || wait === "effect");
    const [run, complaint] = isAsked ? await runOf(group, record) : [{ questions: nobody, uncertain: nobody }];
    const found: OfRun = {
      cases: openCasesOf(entries, record).map(about),
      questions: openQuestionsOf(entries, record).map(about),
      asks: ((await run?.questions()) ?? []).map(about),
      uncertain: ((await run?.uncertain()) ?? []).map(about),
      broken: complaint ? [{ group: group.id, complaint }] : [],
    };
    // What is in the way now may not be there the next time.
    if (complaint) return found;
    if (kept.size >= keptMost) kept.delete(kept.keys().next().value ?? "");
    kept.set(key, found);
    return found;
  };

  return async () => {
    const all: OfRun[] = [];
    let isCut = false;
    for (const group of source.groups()) {
      const records = new Map<string, RunRecord>();
      for (const waitingFor of ["approval", "question", "effect"] as const) {
        const filter = { tenant: group.tenant, status: ["running", "parked"], waitingFor, most: runsMost } as const;
        const found = await source.journal.listRuns(filter);
        isCut ||= found.length === runsMost;
        for (const record of found) records.set(record.runId, record);
      }
      for (const record of records.values()) all.push(await ofRun(group, record));
    }
    const soonest = <What extends { readonly expiresAt: number }>(left: Waiting<What>, right: Waiting<What>) =>
      left.what.expiresAt - right.what.expiresAt;
    return {
      cases: all.flatMap(({ cases }) => cases).sort(soonest),
      questions: all.flatMap(({ questions }) => questions).sort(soonest),
      asks: all.flatMap(({ asks }) => asks),
      uncertain: all.flatMap(({ uncertain }) => uncertain),
      broken: [...new Map(all.flatMap(({ broken }) => broken.map((one) => [one.group, one]))).values()],
      isCut,
    };
  };
}
