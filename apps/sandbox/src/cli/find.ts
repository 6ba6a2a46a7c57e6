import { isUndoConversation, type Journal, type RunRecord } from "@remit/core";
import { SandboxError } from "../errors.ts";
import type { SuiteFile, Workspace } from "../suite/workspace.ts";
import { readRun } from "./recorded-run.ts";

/** A suite with what the journal's index knows of its runs. */
export interface SuiteState {
  readonly suite: SuiteFile;
  readonly runs: readonly RunRecord[];
  readonly ended: number;
}

const everyRun = 1_000_000;
const idsShown = 5;

export async function stateOf(journal: Journal, suite: SuiteFile): Promise<SuiteState> {
  const runs = await journal.listRuns({ tenant: suite.id, most: everyRun });
  // A run that undoes another one's writes plays no scenario.
  const played = runs.filter((run) => !isUndoConversation(run));
  return { suite, runs, ended: played.filter(({ status }) => status !== "running" && status !== "parked").length };
}

/** True while a scenario of the suite has no ended run. */
export function isUnfinished({ suite, ended }: SuiteState): boolean {
  return ended < suite.scenarios.length;
}

/**
 * The suite that a text stands for: its id or a part that no other has; the newest one when absent.
 * @throws SandboxError `suite/unknown`, `suite/ambiguous`; `usage/wrong` for a text without a word
 */
export function findSuite(workspace: Workspace, text: string | undefined): SuiteFile {
  if (text !== undefined) assertNamed("suite", text);
  const { suites } = workspace.suites();
  const fits = text === undefined ? suites.slice(0, 1) : suites.filter(({ id }) => id === text);
  const [found, ...others] = fits.length > 0 ? fits : suites.filter(({ id }) => id.includes(text ?? ""));
  if (!found) throw new SandboxError("suite/unknown", { suite: text ?? "at all", folder: workspace.dir });
  if (others.length > 0) {
    const suites = firstOf([found, ...others].map(({ id }) => id));
    throw new SandboxError("suite/ambiguous", { suite: text ?? "", count: others.length + 1, suites });
  }
  return found;
}

/**
 * The run that a text stands for: its id; the name of a scenario, in the newest suite that has played it; or a part that
 * no other id has. A name that is somewhere in the id of another run as well is still the name.
 * @throws SandboxError `suite/run-unknown`, `suite/run-ambiguous`; `usage/wrong` for a text without a word
 */
export async function findRun(
  workspace: Workspace,
  journal: Journal,
  text: string,
): Promise<{ readonly suite: SuiteFile; readonly record: RunRecord }> {
  assertNamed("run", text);
  const { suites } = workspace.suites();
  const all: { suite: SuiteFile; record: RunRecord }[] = [];
  for (const suite of suites) {
    for (const record of (await stateOf(journal, suite)).runs) all.push({ suite, record });
  }
  const exact = all.find(({ record }) => record.runId === text);
  if (exact) return exact;
  for (const suite of suites) {
    if (!suite.scenarios.includes(text)) continue;
    for (const one of all) {
      if (one.suite === suite && (await readRun(journal, one.record)).scenario === text) return one;
    }
  }
  const fits = all.filter(({ record }) => record.runId.includes(text));
  const one = oneOf(
    fits.map(({ record }) => record),
    text,
    workspace.dir,
  );
  return fits.find(({ record }) => record === one) as (typeof fits)[number];
}

/** The only run that a text fits. @throws SandboxError `suite/run-unknown`, `suite/run-ambiguous` */
export function oneOf(fits: readonly RunRecord[], text: string, folder: string): RunRecord {
  const [found, ...others] = fits;
  if (!found) throw new SandboxError("suite/run-unknown", { run: text, folder });
  if (others.length === 0) return found;
  const runs = firstOf(fits.map(({ runId }) => runId));
  throw new SandboxError("suite/run-ambiguous", { run: text, count: fits.length, runs });
}

/** An empty text is a part of every id, and what a variable is that nobody has set: it must not name the only run there is. */
export function assertNamed(what: string, text: string): void {
  if (text.trim() !== "") return;
  throw new SandboxError("usage/wrong", { reason: `the name of the ${what} is empty` });
}

/** As many of the ids as one looks through, and a sign that there are more. */
function firstOf(ids: readonly string[]): string {
  return [...ids.slice(0, idsShown), ...(ids.length > idsShown ? ["…"] : [])].join(", ");
}
