import { fileURLToPath } from "node:url";
import type { Scenario } from "@remit/core/testing";
import type { Pack, PackTool, WorldPack } from "../../src/pack.ts";
import { uniqueScenarios } from "../../src/scenario/yaml.ts";
import type { World } from "../../src/world/world.ts";
import { codeStories } from "./scenarios/index.ts";
import { type Aim, closingLines, openScoring, type Satisfaction } from "./score.ts";
import { codeTeam } from "./team.ts";
import { answers } from "./tools/tool.ts";
import { codeDeskSeed, codeDeskWorld } from "./world.ts";

const read = { effect: "read", labels: [] } as const;
const says = { effect: "write", risk: "low", idempotency: "key", labels: [] } as const;
const gated = { effect: "write", risk: "high", idempotency: "key", labels: [], reversible: false } as const;
const own = ["repositoryId", "pullId"] as const;

/** What each tool is to us. What people write is nobody's word; all else is what the house's own systems assign. */
const tools: Readonly<Record<string, PackTool>> = {
  get_repository: read,
  get_pull_request: { ...read, answer: answers.pull },
  read_discussion: { ...read, labels: ["pull"] },
  get_diff: { ...read, labels: ["pull"] },
  get_sealed_diff: { ...read, labels: ["pull"], answer: answers.sealedDiff },
  get_file: { ...read, labels: ["pull"] },
  list_added_packages: { ...read, answer: answers.packages },
  get_ci_run: read,
  read_ci_log: { ...read, labels: ["ci-log"] },
  run_checks: { ...read, answer: answers.checks },
  list_untested: read,
  find_issue: { ...read, answer: answers.issue },
  read_issue: { ...read, labels: ["issue"] },
  list_merged_changes: { ...read, answer: answers.changes },
  read_change: { ...read, labels: ["pull"] },
  // What is asked there leaves the house, so a package is one that the forge has named.
  search_advisories: { ...read, protect: ["package"] },
  look_up_license: { ...read, protect: ["package"] },
  comment_on_line: { ...says, protect: [...own, "anchor"] },
  post_review: { ...says, protect: own },
  link_issue: { ...says, protect: [...own, "issueId"] },
  comment_issue: { ...says, protect: ["issueId"] },
  rerun_ci: { ...says, protect: own },
  open_draft: { ...says, protect: [...own, "patchId"] },
  propose_test_patch: { ...says, protect: own, answer: answers.patch },
  run_test_patch: { ...says, protect: [...own, "patchId"], answer: answers.patchRun },
  open_release_draft: { ...says, protect: ["repositoryId", "releaseId", "changeIds"], answer: answers.draft },
  push_test_commit: { ...gated, protect: [...own, "patchId", "passedRun"] },
  merge_pull_request: { ...gated, protect: [...own, "head", "author"] },
  publish_release: { ...gated, protect: ["repositoryId", "releaseId", "draftId"] },
};

export interface CodeDeskOptions {
  /** What developers say of reviews, where somebody asks them; figures say that nobody did when absent. */
  readonly satisfaction?: Satisfaction;
}

/** The code desk of "Hollinbrook", who make software for lending libraries. */
export function codeDeskPack({ satisfaction }: CodeDeskOptions = {}): WorldPack {
  let told: { readonly scenarios: readonly Scenario[]; readonly aims: ReadonlyMap<string, Aim> } | undefined;
  const stories = () => {
    if (told) return told;
    const all = codeStories();
    const scenarios = uniqueScenarios(all.map(({ scenario }) => scenario));
    told = { scenarios, aims: new Map(all.map(({ scenario, aim }) => [scenario.name, aim])) };
    return told;
  };
  const score = openScoring(() => stories().aims, satisfaction);
  return {
    name: "code-desk",
    title: "Code desk",
    description:
      "Pull requests, tests and releases: findings by rule, tests that run before they are seen, notes that cite.",
    server: {
      module: fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js", import.meta.url)),
      export: "codeDeskWorld",
      options: { seed: codeDeskSeed },
    },
    openWorld: () => codeDeskWorld() as unknown as World,
    tools,
    team: (all) => codeTeam(all) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => stories().scenarios,
    // What a run is about is said where it is started, and the policy holds every call to it.
    attributes: ({ input }) => attributesOf(input as Readonly<Record<string, unknown>>),
    reasons: {
      policy_conflict: "policy-conflict",
      unclear_intent: "missing-data",
      findings_unfit: "contract-broken",
      unsourced_line: "contract-broken",
      nothing_merged: "missing-data",
      approval_refused: "approval-required",
      refused_by_the_forge: "tool-failure",
      left_to_people: "critical-case",
    },
    score: (outcome, _, log) => score(outcome, log),
    closing: closingLines,
  };
}

/** What a run's policy goes by, of its input. */
export function attributesOf(input: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ["task", "repositoryId", "pullId", "releaseId"].flatMap((name) =>
      typeof input[name] === "string" ? [[name, input[name]] as const] : [],
    ),
  );
}
