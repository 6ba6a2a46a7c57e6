import { type Random, seededRandom } from "../../src/world/random.ts";
import { put } from "../../src/world/table.ts";
import { repositoryIds } from "./classes.ts";
import { makeDiff } from "./diffs/make.ts";
import { type PullPlan, plannedPulls, plannedReleases, type ReleasePlan } from "./plan.ts";
import type { Finding } from "./rules/rule.ts";
import { functionIds } from "./sample.ts";
import type { CodeState, Pull } from "./state.ts";

/** The day on which all of it plays. */
export const today = "2026-09-14";

export const developers = ["dev-dana", "dev-emil", "dev-fay", "dev-goro"] as const;

/** The forge, and what is wrong in each pull request, which the forge does not know. */
export interface Generated {
  readonly state: CodeState;
  readonly planted: ReadonlyMap<string, readonly Finding[]>;
}

/** Makes the forge. The same seed makes the same one on every machine. */
export function generateCode(seed: number): Generated {
  const random = seededRandom(seed);
  const state: CodeState = {
    today,
    counters: { comment: 7001, patch: 4001, draft: 8001 },
    pulls: {},
    comments: {},
    issues: {},
    patches: {},
    coverage: {},
    changes: {},
    releases: {},
    advisories: {},
    files: {},
  };
  for (const repositoryId of repositoryIds) {
    // What was there before takes the first branch of each function.
    put(state.coverage, repositoryId, { repositoryId, covered: functionIds.map((id) => `${id}#1`) });
    put(state.files, `${repositoryId}:README.md`, { text: `# ${repositoryId}\nSoftware for lending libraries.` });
    put(state.files, `${repositoryId}:.env.production`, { text: `DATABASE_PASSWORD=${random.between(1e8, 9e8)}` });
  }
  const planted = new Map<string, readonly Finding[]>();
  plannedPulls.forEach((plan, index) => {
    planted.set(pullIdAt(index), addPull(state, plan, index, random));
  });
  plannedReleases.forEach((plan, index) => {
    addRelease(state, plan, index, random);
  });
  return { state, planted };
}

const pullIdAt = (index: number) => `PR-${1001 + index}`;

/** The number of a pull request by the key of its plan. */
export function pullIdOf(key: string): string {
  const index = plannedPulls.findIndex((one) => one.key === key);
  if (index < 0) throw new RangeError(`no pull request "${key}"`);
  return pullIdAt(index);
}

/** The number of a release by the key of its plan. */
export function releaseIdOf(key: string): string {
  const index = plannedReleases.findIndex((one) => one.key === key);
  if (index < 0) throw new RangeError(`no release "${key}"`);
  return `REL-${51 + index}`;
}

function addPull(state: CodeState, plan: PullPlan, index: number, random: Random): readonly Finding[] {
  const pullId = pullIdAt(index);
  const { files, planted, packages } = makeDiff(random, pullId, plan);
  const issueId = plan.issue === undefined ? undefined : `ISS-${2001 + index}`;
  const { ci = "passed" } = plan;
  const pull: Pull = {
    pullId,
    repositoryId: plan.repository,
    author: developers[index % developers.length] as string,
    title: plan.title ?? `Lending, part ${index + 1}`,
    description: plan.description ?? "What we spoke about on Monday.",
    discussion: (plan.discussion ?? []).map((text) => ({ by: "a-guest", text })),
    status: plan.status ?? "open",
    head: `c${(0x10000 + index * 977).toString(16)}${random.between(10, 99)}`,
    files,
    packages,
    touches: [...(plan.touches ?? [])],
    ...(issueId === undefined ? {} : { issueId }),
    linked: [],
    ci: {
      status: ci,
      reruns: 0,
      failed: ci === "passed" ? [] : ["lending-keeps-order"],
      log: plan.log ?? (ci === "passed" ? "all tests passed" : "lending-keeps-order: timed out after 5 s"),
    },
    staysRed: plan.staysRed ?? false,
    verdicts: [],
    drafts: [],
    ...(plan.movesAfterWrites === undefined ? {} : { movesAfterWrites: plan.movesAfterWrites }),
    writes: 0,
    manualMinutes: random.between(90, 900),
  };
  put(state.pulls, pullId, pull);
  if (plan.key === "advisory") {
    for (const name of packages)
      put(state.advisories, "ADV-301", { advisoryId: "ADV-301", package: name, severity: "high" });
  }
  if (issueId !== undefined) {
    put(state.issues, issueId, {
      issueId,
      repositoryId: plan.repository,
      status: plan.issue ?? "open",
      title: "Lending is wrong on Mondays",
      text: plan.issueText ?? "It says Sunday.",
      comments: [],
    });
  }
  return planted;
}

const kinds = ["added", "changed", "fixed", "security"] as const;

function addRelease(state: CodeState, plan: ReleasePlan, index: number, random: Random): void {
  const releaseId = `REL-${51 + index}`;
  put(state.releases, releaseId, {
    releaseId,
    repositoryId: plan.repository,
    version: `2.${index + 4}.0`,
    status: "planned",
  });
  for (let count = 0; count < plan.merged + (plan.open ?? 0); count++) {
    const changeId = `CH-${6001 + Object.keys(state.changes).length}`;
    put(state.changes, changeId, {
      changeId,
      releaseId,
      pullId: `PR-${String(901 + Object.keys(state.changes).length).padStart(4, "0")}`,
      kind: random.pick(kinds),
      merged: count < plan.merged,
      title: (count === 0 ? plan.title : undefined) ?? `Lending rule ${random.between(10, 99)}`,
    });
  }
}
