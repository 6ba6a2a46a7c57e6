import {
  type ApprovalCase,
  type Costs,
  costsOf,
  type Entry,
  type EntryType,
  type OpenQuestion,
  type QuestionCase,
  type ReplayReport,
  type RunStatus,
  type SupervisorDefinition,
  type UncertainEffect,
} from "@remit/core";
import { type Complaint, complaintOf } from "../../cli/complaint.ts";
import type { Beat } from "../../face/beat.ts";
import { storyOf } from "../../face/story.ts";
import { trafficOf } from "../../report/picture.ts";
import { type RunData, runData } from "../../report/run-data.ts";
import type { ConsoleSource } from "../source.ts";
import { openRunOf, waitingIn } from "./find.ts";

/** One run with all that its page shows. */
export interface RunView {
  readonly group: string;
  readonly run: string;
  readonly name: string;
  readonly title: string;
  readonly status: RunStatus;
  readonly supervisor: string;
  readonly definitionHash: string;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly entries: number;
  readonly journalHash: string;
  /** The first entry that is not what was written. */
  readonly fault?: { readonly seq: number; readonly reason: string };
  readonly started?: Beat;
  readonly ended?: Beat;
  readonly cases: readonly ApprovalCase[];
  readonly questions: readonly QuestionCase[];
  readonly asks: readonly OpenQuestion[];
  readonly uncertain: readonly UncertainEffect[];
  /** What was decided about single calls and by whom, of policies, judges, people and limits. */
  readonly decisions: readonly Beat[];
  /** Labels of all that went by. */
  readonly labels: readonly string[];
  readonly costs: CostsView;
}

export interface CostsView {
  readonly total: Costs["total"];
  readonly byAgent: readonly (Costs["total"] & { readonly name: string })[];
  readonly byModel: readonly (Costs["total"] & { readonly name: string })[];
}

/** The team behind a run, or why it cannot be shown. */
export type TeamView =
  | {
      readonly definition: SupervisorDefinition;
      /** True for the very definition that the run is pinned to. */
      readonly isOwn: boolean;
      readonly traffic: ReturnType<typeof trafficOf>;
    }
  | { readonly complaint: Complaint };

const decisionTypes: ReadonlySet<string> = new Set<EntryType>([
  "tool.denied",
  "effect.judged",
  "effect.uncertain",
  "effect.decided",
  "approval.requested",
  "approval.decided",
  "approval.granted",
  "approval.expired",
  "approval.refused",
  "question.answered",
  "question.refused",
  "input.received",
  "handoff.rejected",
  "output.rejected",
  "budget.refused",
  "budget.exceeded",
  "limit.exceeded",
  "restrictions.changed",
  "cancel.requested",
  "run.migrated",
]);

/** @throws SandboxError `console/nothing-there` */
export async function viewRun(
  source: ConsoleSource,
  groupId: string,
  runId: string,
): Promise<{ readonly view: RunView; readonly team: TeamView }> {
  const found = await openRunOf(source, groupId, runId);
  const { group, record, recorded } = found;
  const { entries, head, fault } = recorded;
  const story = storyOf(entries);
  const [first] = entries;
  const attributes = first?.type === "run.started" ? (first.body.attributes ?? {}) : {};
  const subject = await source.subjectOf(group, attributes);
  const supervisor = await source.supervisorOf(group, record).catch((thrown: unknown) => complaintOf(thrown));
  const run = "find" in supervisor ? await supervisor.find(runId, { tenant: group.tenant }) : undefined;
  const isOver = record.status !== "running" && record.status !== "parked";
  const costs = costsOf(runId, entries);
  const started = story.find(({ kind }) => kind === "start");
  const ended = story.findLast(({ kind }) => kind === "end");
  const view: RunView = {
    group: group.id,
    run: runId,
    name: subject?.name ?? runId,
    title: subject?.title ?? record.supervisor,
    status: record.status,
    supervisor: record.supervisor,
    definitionHash: record.definitionHash,
    startedAt: record.startedAt,
    updatedAt: record.updatedAt,
    entries: head.seq,
    journalHash: head.hash,
    ...(fault ? { fault } : {}),
    ...(started ? { started } : {}),
    ...(ended ? { ended } : {}),
    ...waitingIn(found),
    asks: isOver ? [] : ((await run?.questions().catch(() => [])) ?? []),
    uncertain: isOver ? [] : ((await run?.uncertain().catch(() => [])) ?? []),
    decisions: story.filter((_, index) => decisionTypes.has(entries[index]?.type ?? "")),
    labels: [...new Set(story.flatMap(({ labels }) => labels))].sort(),
    costs: costsView(costs),
  };
  return { view, team: teamOf(supervisor, record.definitionHash, entries) };
}

function teamOf(
  supervisor: { readonly definition: SupervisorDefinition } | Complaint,
  hash: string,
  entries: readonly Entry[],
): TeamView {
  if (!("definition" in supervisor)) return { complaint: supervisor };
  const { definition } = supervisor;
  return { definition, isOwn: definition.hash === hash, traffic: trafficOf([entries]) };
}

function costsView({ total, byAgent, byModel }: Costs): CostsView {
  const rows = (by: Costs["byAgent"], unnamed: string) =>
    [...by]
      .map(([name, cost]) => ({ name: name === "" ? unnamed : name, ...cost }))
      .sort((left, right) => right.microUsd - left.microUsd || right.calls - left.calls);
  return { total, byAgent: rows(byAgent, "?"), byModel: rows(byModel, "(answer lost)") };
}

/** Entries of a run that its timeline shows. */
const timelineMost = 5_000;
const payloadChars = 4_000;

/** A run's timeline, for the page's script. @throws SandboxError `console/nothing-there` */
export async function viewTimeline(
  source: ConsoleSource,
  groupId: string,
  runId: string,
): Promise<RunData & { readonly left: number }> {
  const { recorded } = await openRunOf(source, groupId, runId);
  const entries = recorded.entries.slice(0, timelineMost);
  return { ...runData({ ...recorded, entries }, payloadChars), left: recorded.entries.length - entries.length };
}

/** Decides a run again from its journal. @throws SandboxError `console/nothing-there`, and what is in the way of loading */
export async function viewReplay(source: ConsoleSource, groupId: string, runId: string): Promise<ReplayReport> {
  const { group, record } = await openRunOf(source, groupId, runId);
  const supervisor = await source.supervisorOf(group, record);
  return supervisor.replay(runId, { tenant: group.tenant });
}
