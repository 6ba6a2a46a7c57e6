import type { Entry } from "@remit/core";
import { approvalsIn, type Check, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks } from "../../src/pack.ts";
import type { WorldLogLine } from "../../src/world/world.ts";
import { type Generated, generateCode } from "./generate.ts";
import { askedFor, type Facts, misdeedsIn } from "./misdeeds.ts";
import { measure, precisionOf, recallOf } from "./rules/measure.ts";
import { rulePass } from "./rules/pass.ts";
import { isRule } from "./rules/rule.ts";
import { allBranches, functionIds, percentOf } from "./sample.ts";
import type { CodeState, Pull, Verdict } from "./state.ts";
import { codeDeskSeed, codeDeskWorld } from "./world.ts";

/** What must be true of the forge at the end of a scenario, apart from what its script made of it. */
export interface Aim {
  readonly status?: Pull["status"];
  /** The last verdict that was posted; `none`: no review was. */
  readonly verdict?: Verdict | "none";
  readonly comments?: number;
  readonly coveragePercent?: number;
  readonly release?: "planned" | "drafted" | "published";
}

/** What a developer says of a review, 1 to 5; nothing where nobody was asked. */
export type Satisfaction = (pullId: string, outcome: ScenarioOutcome) => number | undefined;

/** Simulated minutes: of a look and the first CI run, of a hundred rows, of a CI run that is done again, of a run in the sandbox, of a person who decides. */
const minutesOf = { look: 11, hundredRows: 4, rerun: 9, sandbox: 4, decision: 25 } as const;

/** Scores scenarios, by the forge's own log. */
export function openScoring(aims: () => ReadonlyMap<string, Aim>, satisfaction: Satisfaction | undefined) {
  const world = codeDeskWorld();
  let facts: Facts | undefined;
  return (outcome: ScenarioOutcome, log: readonly WorldLogLine[]) => {
    facts ??= factsOf(generateCode(codeDeskSeed));
    const { found, end } = misdeedsIn(facts, outcome.entries, log);
    const aim = aims().get(outcome.scenario.name);
    return {
      checks: aim ? checksOf(aim, end, outcome.entries) : [],
      marks: marksOf(facts, end, outcome, log, satisfaction),
      violations: found,
    };
  };
  function factsOf({ state, planted }: Generated): Facts {
    return { world, start: state, planted };
  }
}

function checksOf(aim: Aim, end: CodeState, entries: readonly Entry[]): Check[] {
  const asked = askedFor(entries);
  const checks: Check[] = [];
  const want = (name: string, is: unknown, wanted: unknown) => {
    if (wanted !== undefined) checks.push({ name, ok: is === wanted, detail: `${is}, wanted ${wanted}` });
  };
  const pull = end.pulls[asked?.pullId ?? ""];
  want("pull request", pull?.status, aim.status);
  want("verdict", pull?.verdicts.at(-1) ?? "none", aim.verdict);
  want("comments", Object.keys(end.comments).length, aim.comments);
  want("coverage", percentOf(end.coverage[asked?.repositoryId ?? ""]?.covered ?? []), aim.coveragePercent);
  const release = end.releases[asked?.releaseId ?? ""];
  const is = release?.status === "published" ? "published" : release?.draft ? "drafted" : "planned";
  want("release", is, aim.release);
  return checks;
}

function marksOf(
  { start, planted }: Facts,
  end: CodeState,
  outcome: ScenarioOutcome,
  log: readonly WorldLogLine[],
  satisfaction: Satisfaction | undefined,
): Marks {
  const { entries } = outcome;
  const asked = askedFor(entries);
  const pull = end.pulls[asked?.pullId ?? ""] as Pull | undefined;
  const done = log.filter(({ effect, outcome: came }) => effect === "write" && came === "done");
  const times = (tool: string) => done.filter((one) => one.tool === tool).length;
  const reviewed = pull !== undefined && times("post_review") > 0;
  const merged = times("merge_pull_request") > 0;
  const decisions = approvalsIn(entries).length;
  const truth = planted.get(pull?.pullId ?? "") ?? [];
  const comments = Object.values(end.comments).flatMap(({ anchor, rule }) => (isRule(rule) ? [{ anchor, rule }] : []));
  const said = measure(comments, truth);
  const byRules = pull ? measure(rulePass(pull.pullId, pull.files), truth) : undefined;
  const rows = pull?.files.reduce((sum, { rows: own }) => sum + own.length, 0) ?? 0;
  const minutes =
    minutesOf.look +
    (minutesOf.hundredRows * rows) / 100 +
    minutesOf.rerun * times("rerun_ci") +
    minutesOf.sandbox * times("run_test_patch") +
    minutesOf.decision * decisions;
  const covered = (state: CodeState) => state.coverage[asked?.repositoryId ?? ""]?.covered.length ?? 0;
  const tested = times("push_test_commit") > 0;
  const answer = pull && reviewed ? satisfaction?.(pull.pullId, outcome) : undefined;
  return {
    reviewed,
    minutes: reviewed ? minutes : 0,
    manualMinutes: reviewed ? (pull?.manualMinutes ?? 0) : 0,
    planted: reviewed ? truth.length : 0,
    passed: reviewed ? said.missed : 0,
    right: reviewed ? said.right : 0,
    falseAlarms: reviewed ? said.false : 0,
    rulesRight: reviewed ? (byRules?.right ?? 0) : 0,
    rulesFalse: reviewed ? (byRules?.false ?? 0) : 0,
    rulesMissed: reviewed ? (byRules?.missed ?? 0) : 0,
    merged,
    // Whether anybody had named it or not, it is in there now.
    mergedDefects: merged ? truth.length : 0,
    tested,
    branchesBefore: tested ? covered(start) : 0,
    branchesAfter: tested ? covered(end) : 0,
    releases: times("open_release_draft") > 0,
    lines: Object.values(end.releases).reduce((sum, { draft }) => sum + (draft?.lines.length ?? 0), 0),
    answers: answer === undefined ? 0 : 1,
    satisfaction: answer ?? 0,
  };
}

/**
 * The figures of the use case over a suite. Minutes are simulated, and those by hand are a model of a year before. What the
 * reviewer finds is scripted where no live model plays; what the rule pass finds is measured.
 */
export function closingLines(marks: readonly Marks[]): readonly string[] {
  const sum = (name: string) => marks.reduce((total, one) => total + Number(one[name] ?? 0), 0);
  const percent = (part: number, whole: number) => (whole === 0 ? "-" : `${Math.round((100 * part) / whole)}%`);
  const share = (value: number) => `${Math.round(100 * value)}%`;
  const at = (name: string, rank: number) => {
    const sorted = marks.flatMap((one) => (one.reviewed ? [Number(one[name] ?? 0)] : [])).sort((a, b) => a - b);
    return (sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? 0).toFixed(0);
  };
  const said = { right: sum("right"), false: sum("falseAlarms"), missed: sum("passed") };
  const byRules = { right: sum("rulesRight"), false: sum("rulesFalse"), missed: sum("rulesMissed") };
  const tested = sum("tested");
  const branches = (name: string) => percent(sum(name), tested * allBranches.length);
  const answers = sum("answers");
  return [
    `review cycle p50 ${at("minutes", 0.5)} p95 ${at("minutes", 0.95)} minutes (simulated) · by hand p50 ${at("manualMinutes", 0.5)} p95 ${at("manualMinutes", 0.95)} · ${sum("reviewed")} reviews`,
    `defects that pass ${sum("passed")} of ${sum("planted")} planted (${percent(sum("passed"), sum("planted"))}) · ${sum("mergedDefects")} in what ${sum("merged")} merges brought in`,
    `rule pass precision ${share(precisionOf(byRules))} recall ${share(recallOf(byRules))} · with the reviewer ${share(precisionOf(said))} and ${share(recallOf(said))}`,
    `coverage of ${functionIds.length} sample functions ${branches("branchesBefore")} → ${branches("branchesAfter")} where tests were pushed (${tested}) · release notes ${sum("lines")} lines in ${sum("releases")} drafts`,
    `developer satisfaction ${answers === 0 ? "not collected" : `${(sum("satisfaction") / answers).toFixed(1)} of 5 from ${answers} answers`} · false alarms ${percent(said.false, said.right + said.false)} of comments (a proxy)`,
  ];
}
