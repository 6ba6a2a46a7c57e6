import { type Change, compareChanges, diffState } from "./change.ts";
import { Tau2Error } from "./errors.ts";
import { groundTruth } from "./ground-truth.ts";
import type { RetailDomain } from "./load.ts";
import type { RetailDatabase } from "./record.ts";
import { retailWorld } from "./retail.ts";
import type { Tau2Task } from "./task.ts";

export interface RunScore {
  /** The end state has exactly the expected changes. */
  readonly db: boolean;
  /** Everything that must be said was said; null when the task asks for nothing. */
  readonly communicate: boolean | null;
  /** All checks that apply have passed: the task's reward is 1. */
  readonly both: boolean;
  readonly missing: readonly Change[];
  readonly unexpected: readonly Change[];
  /** The strings that were not said. */
  readonly unsaid: readonly string[];
}

/** Lower case, and without the commas that group thousands: `1,204.50` and `1204.50` are the same number. */
const comparable = (text: string): string => text.toLowerCase().replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");

/** Those of the strings that occur in none of the messages. */
export function unsaidOf(wanted: readonly string[], said: readonly string[]): readonly string[] {
  const messages = said.map(comparable);
  return wanted.filter((text) => !messages.some((message) => message.includes(comparable(text))));
}

export interface RunToScore {
  readonly task: Tau2Task;
  readonly endState: RetailDatabase;
  /** What the agent told the customer, one entry per message. */
  readonly said: readonly string[];
}

/**
 * Scores one finished run. Sentences for a judge model (`assertions`) do not count.
 * @param expected the changes that the end state must have against `start`, no more and no fewer
 */
export function scoreRun({
  task,
  start,
  endState,
  said,
  expected,
}: RunToScore & { readonly start: RetailDatabase; readonly expected: readonly Change[] }): RunScore {
  const { missing, unexpected } = compareChanges(expected, diffState(start, endState));
  const unsaid = unsaidOf(task.communicate, said);
  const db = missing.length === 0 && unexpected.length === 0;
  const communicate = task.communicate.length === 0 ? null : unsaid.length === 0;
  return { db, communicate, both: db && communicate !== false, missing, unexpected, unsaid };
}

export interface RetailScorer {
  /** The right end state of a task, as changes against the database. */
  readonly expected: (task: Tau2Task) => readonly Change[];
  readonly score: (run: RunToScore) => RunScore;
}

/**
 * Scores runs of one domain. What is expected comes from expected_effects.json where the folder has it, and otherwise
 * from playing the task's ground truth.
 */
export function retailScorer(domain: RetailDomain, { quirk = true }: { readonly quirk?: boolean } = {}): RetailScorer {
  const world = retailWorld({ database: domain.database, quirk });
  const start = domain.database;
  const expected = (task: Tau2Task): readonly Change[] => {
    const known = domain.effects?.get(task.id);
    if (known !== undefined) return quirk ? known.changes : known.changesWithoutQuirk;
    return groundTruth(task, world).changes;
  };
  return { expected, score: (run) => scoreRun({ ...run, start, expected: expected(run.task) }) };
}

export interface Tally {
  readonly passed: number;
  readonly total: number;
}

export interface SuiteScore {
  readonly db: Tally;
  /** Only over the tasks that ask for something to be said. */
  readonly communicate: Tally;
  readonly both: Tally;
}

export function totalScores(scores: readonly RunScore[]): SuiteScore {
  const tally = (results: readonly (boolean | null)[]): Tally => {
    const asked = results.filter((result) => result !== null);
    return { passed: asked.filter(Boolean).length, total: asked.length };
  };
  return {
    db: tally(scores.map(({ db }) => db)),
    communicate: tally(scores.map(({ communicate }) => communicate)),
    both: tally(scores.map(({ both }) => both)),
  };
}

/** One line for people: `db 12/14 · communicate 3/5 · both 11/14`. */
export function scoreLine({ db, communicate, both }: SuiteScore): string {
  const share = ({ passed, total }: Tally): string => `${passed}/${total}`;
  return `db ${share(db)} · communicate ${share(communicate)} · both ${share(both)}`;
}

/**
 * pass^k: how likely k runs of a task, drawn from those that were made, all pass; the mean over the tasks.
 * @param tasks one tally per task, over its runs; none gives 0
 * @param k at least 1
 * @throws Tau2Error `tau2/too-few-runs` when a task was run fewer than k times
 */
export function passAllOf(tasks: readonly Tally[], k: number): number {
  const short = tasks.find(({ total }) => total < k);
  if (short !== undefined || !Number.isInteger(k) || k < 1) {
    const runs = short?.total ?? null;
    const problem = runs === null ? "k must be a whole number from 1" : `a task has ${runs} runs`;
    throw new Tau2Error("tau2/too-few-runs", `pass^${k} cannot be computed: ${problem}`, { data: { k, runs } });
  }
  // C(passed, k) / C(total, k) as a product, which neither overflows nor needs a special case for passed < k.
  const chance = ({ passed, total }: Tally): number =>
    Array.from({ length: k }, (_, i) => Math.max(0, passed - i) / (total - i)).reduce((all, one) => all * one, 1);
  return tasks.length === 0 ? 0 : tasks.reduce((sum, task) => sum + chance(task), 0) / tasks.length;
}
