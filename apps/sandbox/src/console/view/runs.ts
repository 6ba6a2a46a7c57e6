import { type Entry, openBatch, type RunRecord, type RunStatus } from "@remit/core";
import { opened } from "../../cli/recorded-run.ts";
import { textIn } from "../../face/beat.ts";
import { glance } from "../../face/glance.ts";
import { StoryTeller } from "../../face/story.ts";
import type { ConsoleSource, RunGroup } from "../source.ts";
import { findGroup } from "./find.ts";

/** Runs of all groups or of one, newest first, a page at a time. */

export interface RunsQuery {
  readonly group?: string | undefined;
  readonly status?: RunStatus | undefined;
  /** Words that all have to be in what is known of the run at a glance. */
  readonly text?: string | undefined;
  /** Where the page before ended: `startedAt.runId`. */
  readonly before?: string | undefined;
}

export interface RunsView {
  readonly runs: readonly RunLine[];
  /** `before` of the next page; absent on the last one. */
  readonly older?: string;
  /** True when there may be more that fits among the runs that were not looked through. */
  readonly isCut: boolean;
}

/** A run at a glance. */
export interface RunLine {
  readonly group: string;
  readonly run: string;
  readonly supervisor: string;
  readonly status: RunStatus;
  /** What a parked run waits for. */
  readonly waits: readonly string[];
  /** Epoch ms. */
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly entries: number;
  /** What its model calls have cost, where that is known without reading all of it. */
  readonly microUsd?: number;
  readonly name: string;
  readonly title: string;
  /** What came in. */
  readonly asked: string;
  /** How it ended. */
  readonly ended: string;
}

const pageRuns = 25;
/** Runs that are looked through for one page of what fits a text. */
const lookedMost = 2_000;

/** Makes what lists runs; what it has read of ended ones it keeps, up to a bound. */
export function runLister(source: ConsoleSource): (query: RunsQuery) => Promise<RunsView> {
  const glances = new Map<string, RunLine>();
  const glancesMost = 5_000;

  const lineOf = async (group: RunGroup, record: RunRecord): Promise<RunLine> => {
    const key = `${group.id}/${record.runId}@${record.lastSeq}`;
    const known = glances.get(key);
    if (known) return known;
    const line = await readLine(source, group, record);
    if (glances.size >= glancesMost) glances.delete(glances.keys().next().value ?? "");
    glances.set(key, line);
    return line;
  };

  return async ({ group: only, status, text = "", before }) => {
    const groups = only === undefined ? source.groups() : [findGroup(source, only)];
    const words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const runs: RunLine[] = [];
    let looked = 0;
    let place = placeOf(before);
    for (;;) {
      const page = await pageOf(source, groups, status, place);
      for (const [index, { group, record }] of page.entries()) {
        looked++;
        const line = await lineOf(group, record);
        if (words.every((word) => wordsOf(line).includes(word))) runs.push(line);
        const isLast = page.length < pageRuns && index === page.length - 1;
        const isFull = runs.length === pageRuns;
        if (isLast) return { runs, isCut: false };
        if (isFull || looked >= lookedMost) {
          return { runs, isCut: !isFull, older: `${record.startedAt}.${record.runId}` };
        }
      }
      const last = page.at(-1);
      if (!last) return { runs, isCut: false };
      place = { before: last.record.startedAt, beforeRunId: last.record.runId };
    }
  };
}

function wordsOf({ group, run, name, title, asked, ended, waits }: RunLine): string {
  return [group, run, name, title, asked, ended, ...waits].join(" ").toLowerCase();
}

interface Position {
  readonly before?: number;
  readonly beforeRunId?: string;
}

function placeOf(text: string | undefined): Position {
  const [, at, run] = /^(\d{1,16})\.([\w-]{1,200})$/.exec(text ?? "") ?? [];
  return at === undefined || run === undefined ? {} : { before: Number(at), beforeRunId: run };
}

/** The newest runs behind a place, of all these groups. */
async function pageOf(
  { journal }: ConsoleSource,
  groups: readonly RunGroup[],
  status: RunStatus | undefined,
  place: Position,
): Promise<readonly { readonly group: RunGroup; readonly record: RunRecord }[]> {
  const found: { group: RunGroup; record: RunRecord }[] = [];
  for (const group of groups) {
    const { tenant } = group;
    const records = await journal.listRuns({
      tenant,
      most: pageRuns,
      ...(status ? { status: [status] } : {}),
      ...place,
    });
    for (const record of records) found.push({ group, record });
  }
  // As a journal lists them: by start, then by id, the later one first.
  const later = (left: string, right: string) => (left < right ? 1 : left > right ? -1 : 0);
  found.sort(
    ({ record: left }, { record: right }) => right.startedAt - left.startedAt || later(left.runId, right.runId),
  );
  return found.slice(0, pageRuns);
}

/** Reads the first and the last batch of a run, and nothing between. */
async function readLine(source: ConsoleSource, group: RunGroup, record: RunRecord): Promise<RunLine> {
  const { journal } = source;
  const { tenant, runId, supervisor, status, startedAt, updatedAt, lastSeq, waits = [], microUsd } = record;
  const key = { tenant, kind: "run", id: runId } as const;
  const line = {
    group: group.id,
    run: runId,
    supervisor,
    status,
    waits,
    startedAt,
    updatedAt,
    entries: lastSeq,
    ...(microUsd === undefined ? {} : { microUsd }),
    name: supervisor,
    title: supervisor,
    asked: "",
    ended: "",
  };
  try {
    const [first] = await journal.read(key, 1, 1);
    const started = first && openBatch(first, runId)[0];
    const start = started && (await opened(journal, tenant, started));
    if (start?.type !== "run.started") return line;
    const { input, attributes = {} } = start.body;
    const subject = await source.subjectOf(group, attributes);
    const asked = textIn(input) ?? glance(input);
    const last = status === "running" || status === "parked" ? undefined : (await journal.read(key, lastSeq)).at(-1);
    const end = last && openBatch(last, runId).at(-1);
    return {
      ...line,
      ...(subject ?? {
        name: runId,
        title: start.body.compensates ? `undoes ${start.body.compensates.run}` : supervisor,
      }),
      asked,
      ended: end ? endText(await opened(journal, tenant, end)) : "",
    };
  } catch {
    // A journal that was changed or erased: its own page says what is wrong with it.
    return line;
  }
}

/** How a run ended, in its own words where it has some, else by its reason. */
function endText(end: Entry): string {
  const { detail, marks } = new StoryTeller().tell(end);
  const isPacket = end.type === "run.denied" || end.type === "run.escalated";
  return isPacket && textIn(end.body.packet) === undefined ? (marks[0] ?? detail) : detail;
}
