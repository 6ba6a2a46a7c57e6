import { openCasesOf, openQuestionsOf, type RunRecord } from "@remit/core";
import { type RecordedRun, readRun } from "../../cli/recorded-run.ts";
import { SandboxError } from "../../errors.ts";
import type { ConsoleSource, RunGroup } from "../source.ts";

/** A run that the console may show, with the group that lets it. */
export interface FoundRun {
  readonly group: RunGroup;
  readonly record: RunRecord;
}

/** @throws SandboxError `console/nothing-there` */
export function findGroup(source: ConsoleSource, id: string): RunGroup {
  const group = source.groups().find((one) => one.id === id);
  if (!group) throw new SandboxError("console/nothing-there", { what: `suite ${id}` });
  return group;
}

/** @throws SandboxError `console/nothing-there` for a run of another tenant, too */
export async function findRunOf(source: ConsoleSource, groupId: string, runId: string): Promise<FoundRun> {
  const group = findGroup(source, groupId);
  const record = await source.journal.findRun(group.tenant, runId);
  if (!record) throw new SandboxError("console/nothing-there", { what: `run ${runId}` });
  return { group, record };
}

/** A run as it stands, and what of it waits. */
export interface OpenedRun extends FoundRun {
  readonly recorded: RecordedRun;
}

export async function openRunOf(source: ConsoleSource, groupId: string, runId: string): Promise<OpenedRun> {
  const found = await findRunOf(source, groupId, runId);
  return { ...found, recorded: await readRun(source.journal, found.record) };
}

/** Writes and questions of tools that wait in a run. */
export function waitingIn({ record, recorded }: OpenedRun) {
  return { cases: openCasesOf(recorded.entries, record), questions: openQuestionsOf(recorded.entries, record) };
}
