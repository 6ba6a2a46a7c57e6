import { type Json, user } from "@remit/core";
import { defineScenario, type Expectation, type External, type Scenario, type Turn } from "@remit/core/testing";
import { call, says } from "../../../src/scenario/told.ts";
import { tryScript } from "../../../src/world/try-script.ts";
import type { World } from "../../../src/world/world.ts";
import type { Review, Task } from "../agents.ts";
import { classFacts, classOf, type RepositoryClass } from "../classes.ts";
import { pullIdOf, releaseIdOf } from "../generate.ts";
import { plannedPulls } from "../plan.ts";
import { type Finding, rules, verdictOf } from "../rules/rule.ts";
import { allBranches, functionIds, percentOf, type Scalar, type TestCase } from "../sample.ts";
import type { Aim } from "../score.ts";
import { type Change, type CodeState, headOf, type Pull, type Release } from "../state.ts";

/**
 * How a scenario of this desk is told: what is usual follows from the pull request and from what is planted in it, and a story
 * says what is not. What its writes change is tried out on a forge of its own, without any agent.
 */

export interface Told {
  readonly scenario: Scenario;
  readonly aim: Aim;
}

export interface Stage {
  readonly world: World<CodeState>;
  readonly start: CodeState;
  readonly planted: ReadonlyMap<string, readonly Finding[]>;
}

type Call = readonly [tool: string, input: { readonly [name: string]: Json }];

interface Usual {
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  /** What the policy agent says; the class of the table when absent. */
  readonly says?: RepositoryClass;
  readonly people?: readonly External[];
  /** What is wanted beside what follows from the rest. `denied` is `[]` when absent. */
  readonly expect?: Partial<Expectation>;
  readonly aim?: Aim;
}

/** What a story about a pull request can use. */
export interface PullSetting {
  readonly pull: Pull;
  readonly which: { readonly repositoryId: string; readonly pullId: string };
  readonly planted: readonly Finding[];
  readonly cases: readonly TestCase[];
  readonly acts: (...calls: readonly Call[]) => Turn;
  readonly comments: (found?: readonly Finding[]) => readonly Turn[];
  readonly posts: (verdict?: Review["verdict"]) => Turn;
  readonly reviews: (members?: Partial<Review>) => Turn;
  readonly looks: Turn;
  readonly merges: (members?: { readonly [name: string]: Json }) => readonly Turn[];
  readonly proposes: (cases?: readonly TestCase[]) => Turn;
  readonly tries: (patchId?: string) => Turn;
  readonly tested: (members?: { readonly [name: string]: Json }) => Turn;
  readonly pushes: (members?: { readonly [name: string]: Json }) => Turn;
  readonly ends: (outcome: string, notDone?: readonly string[]) => Turn;
}

export interface PullStory extends Usual {
  /** Key of its pull request in `plan.ts`. */
  readonly key: string;
  readonly task?: Exclude<Task, "release">;
  /** Members of the review that are another than usual. */
  readonly review?: (at: PullSetting) => Partial<Review>;
  /** Turns of the reviewer; a look and the review when absent. */
  readonly reviews?: (at: PullSetting) => readonly Turn[];
  /** Turns of the advisor; one for what is there when absent and packages are added. */
  readonly advises?: (at: PullSetting) => readonly Turn[];
  readonly tests?: (at: PullSetting) => readonly Turn[];
  readonly acts?: (at: PullSetting) => readonly Turn[];
}

export interface ReleaseSetting {
  readonly release: Release;
  readonly which: { readonly repositoryId: string; readonly releaseId: string };
  readonly merged: readonly Change[];
  readonly open: readonly Change[];
  readonly lineOf: (change: Change) => { readonly changeId: string; readonly text: string };
  readonly looks: readonly Turn[];
  readonly writes: (lines?: readonly { readonly changeId: string; readonly text: string }[]) => Turn;
  readonly acts: (...calls: readonly Call[]) => Turn;
  readonly drafts: (changes?: readonly Change[]) => Turn;
  readonly publishes: Turn;
  readonly ends: (outcome: string, notDone?: readonly string[]) => Turn;
}

export interface ReleaseStory extends Usual {
  /** Key of its release in `plan.ts`. */
  readonly key: string;
  readonly notes?: (at: ReleaseSetting) => readonly Turn[];
  readonly acts?: (at: ReleaseSetting) => readonly Turn[];
}

const source = import.meta.url.endsWith(".ts")
  ? "packs/code-desk/scenarios/story.ts"
  : "packs/code-desk/scenarios/story.js";

/** Tells a story about a pull request, on the start state of the forge. */
export function tellPull(stage: Stage, story: PullStory): Told {
  const { task = "review" } = story;
  const at = pullSetting(stage, story.key);
  const { which, pull } = at;
  const review = at.reviews(story.review?.(at));
  const said = reviewIn(review);
  const conflict = story.says !== undefined && story.says !== classOf(which.repositoryId);
  const passes = !conflict && said.confidence >= 0.6 && said.intent === "clear";
  const look = story.reviews?.(at) ?? (conflict ? [] : [at.looks, review]);
  const advise = story.advises?.(at) ?? (passes && said.addsPackages ? [...advises(stage, at)] : []);
  const test = story.tests?.(at) ?? (passes && task === "tests" ? [at.proposes(), at.tries(), at.tested()] : []);
  const usual: Readonly<Record<typeof task, () => readonly Turn[]>> = {
    review: () => [...at.comments(said.findings), at.posts(said.verdict), ...links(at), at.ends("reviewed")],
    tests: () => [
      ...at.comments(said.findings),
      at.posts(said.verdict),
      at.acts(["open_draft", { ...which, patchId: "TP-4001" }]),
      at.pushes(),
      at.ends("tests_pushed"),
    ],
    merge: () => [at.posts(said.verdict), ...at.merges(), at.ends("merged")],
  };
  const acts = story.acts?.(at) ?? (passes ? usual[task]() : []);
  const script = [...policySays(story.says, which.repositoryId), ...look, ...advise, ...test, ...acts];
  return told(stage, story, script, {
    principal: pull.author,
    input: { text: `Please see to ${which.pullId}.`, task, ...which },
    about: which.pullId,
    reads: conflict ? ["get_repository"] : ["get_repository", "get_pull_request"],
  });
}

/** Tells a story about a release. */
export function tellRelease(stage: Stage, story: ReleaseStory): Told {
  const at = releaseSetting(stage, story.key);
  const notes = story.notes?.(at) ?? [...at.looks, at.writes()];
  const acts = story.acts?.(at) ?? [at.drafts(), at.ends("release_drafted")];
  const script = [...policySays(story.says, at.which.repositoryId), ...notes, ...acts];
  return told(stage, story, script, {
    principal: "dev-fay",
    input: { text: `Please write the notes of ${at.which.releaseId}.`, task: "release", ...at.which },
    about: at.which.releaseId,
    reads: ["get_repository", "list_merged_changes"],
  });
}

function told(
  stage: Stage,
  story: Usual,
  script: readonly Turn[],
  about: {
    readonly principal: string;
    readonly input: Json;
    readonly about: string;
    readonly reads: readonly string[];
  },
): Told {
  const external = story.people ?? [];
  const { denied = [], ...wanted } = story.expect ?? {};
  const tried = tryScript(stage, script, external, denied);
  const completed = wanted.status === undefined || wanted.status === "completed";
  const scenario = defineScenario({
    name: story.name,
    title: story.title,
    tags: story.tags,
    principal: user(about.principal),
    source,
    input: about.input,
    script,
    external,
    expect: {
      status: "completed",
      reads: about.reads,
      writes: tried.writes,
      denied,
      questions: 0,
      ...(completed ? { says: [about.about] } : {}),
      changes: tried.changes,
      ...wanted,
    },
  });
  return { scenario, aim: story.aim ?? {} };
}

function policySays(said: RepositoryClass | undefined, repositoryId: string): readonly Turn[] {
  const own = classOf(repositoryId);
  return [
    call("policy", ["get_repository", { repositoryId }]),
    says("policy", { repositoryClass: said ?? own, because: `${repositoryId} is ${said ?? own}.` }),
  ];
}

function reviewIn({ parts: [part] }: Turn): Review {
  return (part?.type === "output" ? part.value : {}) as unknown as Review;
}

function links({ acts, pull, which }: PullSetting): readonly Turn[] {
  return pull.issueId === undefined ? [] : [acts(["link_issue", { ...which, issueId: pull.issueId }])];
}

function* advises({ start }: Stage, { pull, which }: PullSetting): Generator<Turn> {
  const { external } = classFacts[classOf(which.repositoryId)];
  yield call("advisor", ["list_added_packages", which]);
  const asks = pull.packages.flatMap((name) => external.map((tool): Call => [tool, { package: name }]));
  if (asks.length > 0) yield call("advisor", ...asks);
  const bad = new Set(Object.values(start.advisories).map((one) => one.package));
  const is = (name: string) => (external.length === 0 ? "not_asked" : bad.has(name) ? "advisory" : "fine");
  yield says("advisor", { packages: pull.packages.map((name) => ({ package: name, is: is(name) })) });
}

/** A test for each branch: arguments that take it, and what is promised then. */
const caseOf: Readonly<Record<string, readonly [args: readonly Scalar[], expect: Scalar]>> = {
  "fn-late-fee#1": [[0, 20], 0],
  "fn-late-fee#2": [[90, 20], 1_000],
  "fn-late-fee#3": [[3, 20], 60],
  "fn-may-renew#1": [[0, true], false],
  "fn-may-renew#2": [[3, false], false],
  "fn-may-renew#3": [[1, false], true],
  "fn-loan-days#1": [["book"], 28],
  "fn-loan-days#2": [["film"], 7],
  "fn-loan-days#3": [["atlas"], 0],
  "fn-shelf-mark#1": [["", "Dune"], "DUN"],
  "fn-shelf-mark#2": [["Lem", "Eden"], "LEM"],
  "fn-queue-place#1": [[1, 3], 0],
  "fn-queue-place#2": [[5, 2], 3],
};

function pullSetting({ start, planted: all }: Stage, key: string): PullSetting {
  const pullId = pullIdOf(key);
  const pull = start.pulls[pullId] as Pull;
  const { repositoryId } = pull;
  const plan = plannedPulls.find((one) => one.key === key);
  const planted = all.get(pullId) ?? [];
  const which = { repositoryId, pullId };
  const before = start.coverage[repositoryId]?.covered ?? [];
  const missing = allBranches.filter(
    (branch) =>
      !before.includes(branch) && functionIds.some((id) => pull.touches.includes(id) && branch.startsWith(`${id}#`)),
  );
  const cases = missing.flatMap((branch): TestCase[] => {
    const [args, expect] = caseOf[branch] ?? [];
    return args === undefined || expect === undefined ? [] : [{ functionId: branch.split("#")[0] ?? "", args, expect }];
  });
  const acts: PullSetting["acts"] = (...calls) => call("action", ...calls);
  const { diff, files } = classFacts[classOf(repositoryId)];
  return {
    ...{ pull, which, planted, cases, acts },
    comments: (found = planted) =>
      found.length === 0
        ? []
        : [
            acts(
              ...found.map(
                ({ anchor, rule, severity }): Call => [
                  "comment_on_line",
                  { ...which, anchor, rule, severity, text: rules[rule].says },
                ],
              ),
            ),
          ],
    posts: (verdict = verdictOf(planted)) =>
      acts(["post_review", { ...which, verdict, text: `The review is done: ${verdict}.` }]),
    reviews: (members = {}) => {
      const findings = members.findings ?? planted;
      return says("reviewer", {
        verdict: verdictOf(findings),
        findings,
        ci: pull.ci.status,
        intent: "clear",
        addsPackages: pull.packages.length > 0,
        instructs: false,
        ...(pull.issueId === undefined ? {} : { issueId: pull.issueId }),
        confidence: 0.9,
        ...members,
      } as unknown as Json);
    },
    looks: call(
      "reviewer",
      ["get_pull_request", which],
      ["read_discussion", which],
      [diff, diff === "get_diff" ? which : { ...which, purpose: "review" }],
      ["run_checks", which],
      ["get_ci_run", which],
      ...(plan?.ci === undefined || !files ? [] : [["read_ci_log", which] as Call]),
      ["find_issue", which],
      ...(pull.issueId === undefined ? [] : [["read_issue", { issueId: pull.issueId }] as Call]),
    ),
    merges: (members = {}) => [
      acts(["merge_pull_request", { ...which, head: headOf(pull), author: pull.author, ...members }]),
    ],
    proposes: (given = cases) =>
      call("tests", ["list_untested", which], ["propose_test_patch", { ...which, cases: given as unknown as Json }]),
    tries: (patchId = "TP-4001") => call("tests", ["run_test_patch", { ...which, patchId }]),
    tested: (members = {}) =>
      says("tests", {
        ...{ outcome: "passed", patchId: "TP-4001", passedRun: "TP-4001@1" },
        coverageBefore: percentOf(before),
        coverageAfter: percentOf([...before, ...missing]),
        ...members,
      }),
    pushes: (members = {}) =>
      acts(["push_test_commit", { ...which, patchId: "TP-4001", passedRun: "TP-4001@1", ...members }]),
    ends: (outcome, notDone = []) =>
      says("action", {
        outcome,
        done: [],
        notDone: [...notDone],
        reply: `${pullId}: ${outcome.replaceAll("_", " ")}.`,
      }),
  };
}

function releaseSetting({ start }: Stage, key: string): ReleaseSetting {
  const releaseId = releaseIdOf(key);
  const release = start.releases[releaseId] as Release;
  const { repositoryId } = release;
  const which = { repositoryId, releaseId };
  const own = (Object.values(start.changes) as Change[]).filter((one) => one.releaseId === releaseId);
  const merged = own.filter((one) => one.merged);
  const lineOf: ReleaseSetting["lineOf"] = ({ changeId, kind }) => ({
    changeId,
    text: `Lending was ${kind === "security" ? "made safer" : kind} (${changeId})`,
  });
  const acts: ReleaseSetting["acts"] = (...calls) => call("action", ...calls);
  return {
    ...{ release, which, merged, lineOf, acts },
    open: own.filter((one) => !one.merged),
    looks: [
      call("notes", ["list_merged_changes", which]),
      ...(merged.length === 0
        ? []
        : [call("notes", ...merged.map(({ changeId }): Call => ["read_change", { changeId }]))]),
    ],
    writes: (lines = merged.map(lineOf)) => says("notes", { lines: lines.map((one) => ({ ...one })) }),
    drafts: (changes = merged) =>
      acts([
        "open_release_draft",
        { ...which, changeIds: changes.map((one) => one.changeId), lines: changes.map((one) => lineOf(one).text) },
      ]),
    publishes: acts(["publish_release", { ...which, draftId: "DRAFT-8001" }]),
    ends: (outcome, notDone = []) =>
      says("action", {
        outcome,
        done: [],
        notDone: [...notDone],
        reply: `${releaseId}: ${outcome.replaceAll("_", " ")}.`,
      }),
  };
}
