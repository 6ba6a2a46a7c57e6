import { beforeEach, describe, expect, test } from "vitest";
import { openTrial, type Trial } from "../../src/world/trial.ts";
import { pullIdOf, releaseIdOf } from "./generate.ts";
import { plannedPulls } from "./plan.ts";
import { type CodeState, headOf } from "./state.ts";
import { codeDeskWorld } from "./world.ts";

const world = codeDeskWorld();
const start = world.initial();
let forge: Trial<CodeState>;
beforeEach(() => {
  forge = openTrial(world, start);
});

const of = (key: string) => {
  const pull = forge.state().pulls[pullIdOf(key)];
  if (pull === undefined) throw new RangeError(key);
  return { pull, which: { repositoryId: pull.repositoryId, pullId: pull.pullId } };
};
const merge = (key: string, more: object = {}) => {
  const { pull, which } = of(key);
  return forge.call("merge_pull_request", { ...which, head: headOf(pull), author: pull.author, ...more });
};
const posts = (key: string) => forge.call("post_review", { ...of(key).which, verdict: "comment", text: "Done." });

describe("branch protection", () => {
  test("merges the newest commit that the CI has passed, of whose it is", () => {
    expect(merge("merge", { author: "dev-zoe" })).toMatch(/^refused: .* is not dev-zoe's/);
    expect(merge("merge", { head: "c00000" })).toMatch(/^refused: .* has moved on from c00000/);
    expect(merge("mergeRed")).toMatch(/^refused: The CI of .* has failed/);
    expect(merge("merge")).toMatchObject({ status: "merged" });
    expect(merge("merge")).toMatch(/^refused: .* is merged/);
    expect(posts("merge")).toMatch(/^refused: .* is merged/);
  });

  test("a commit is no longer the newest when somebody has pushed", () => {
    const before = headOf(of("mergeMoved").pull);
    posts("mergeMoved");
    expect(headOf(of("mergeMoved").pull)).not.toBe(before);
    expect(merge("mergeMoved", { head: before })).toMatch(/^refused: .* has moved on/);
    expect(merge("mergeMoved")).toMatchObject({ status: "merged" });
  });
});

describe("the CI", () => {
  test("runs again what failed by chance, twice at most, and stays red where it is", () => {
    const again = (key: string) => forge.call("rerun_ci", of(key).which);
    expect(again("flaky")).toEqual({ status: "passed" });
    expect(again("staysRed")).toEqual({ status: "flaky" });
    expect(again("staysRed")).toEqual({ status: "flaky" });
    expect(again("staysRed")).toMatch(/^refused: It ran again twice/);
  });

  test("a patch has a number, a run of it passes or not, and coverage moves when it is pushed", () => {
    const { which } = of("testsRejected");
    const propose = (expect_: number) =>
      forge.call("propose_test_patch", {
        ...which,
        cases: [{ functionId: "fn-loan-days", args: ["film"], expect: expect_ }],
      });
    const run = (patchId: string) => forge.call("run_test_patch", { ...which, patchId });
    const coverage = () => (forge.call("get_ci_run", which) as { readonly coveragePercent: number }).coveragePercent;
    expect(propose(8)).toEqual({ patchId: "TP-4001" });
    expect(run("TP-4001")).toMatchObject({ passed: false, failed: [1] });
    expect(run("TP-4001")).not.toHaveProperty("passedRun");
    propose(7);
    const before = coverage();
    expect(run("TP-4002")).toMatchObject({ passed: true, passedRun: "TP-4002@1", coverageBefore: before });
    expect(coverage()).toBe(before);
    const push = { ...which, patchId: "TP-4002", passedRun: "TP-4002@1" };
    expect(forge.call("push_test_commit", push)).toMatchObject({ pushed: true });
    expect(coverage()).toBeGreaterThan(before);
    expect(forge.call("push_test_commit", push)).toMatch(/^refused: .* was pushed already/);
    expect(forge.call("run_test_patch", { ...of("clean").which, patchId: "TP-4002" })).toMatch(/is not of/);
  });

  test("the checks name rows that there are, and no more than the rules know", () => {
    for (const { key } of plannedPulls) {
      const { pull, which } = of(key);
      const { findings } = forge.call("run_checks", which) as { readonly findings: readonly { anchor: string }[] };
      const { files } = forge.call("get_pull_request", which) as { readonly files: readonly { anchors: string[] }[] };
      const anchors = files.flatMap((file) => file.anchors);
      expect([pull.pullId, findings.filter(({ anchor }) => !anchors.includes(anchor))]).toEqual([pull.pullId, []]);
    }
  });
});

test("the tracker links once, and a closed issue takes no comment", () => {
  const { pull, which } = of("issueClosed");
  const link = { ...which, issueId: pull.issueId ?? "" };
  expect(forge.call("link_issue", link)).toMatchObject({ issueId: pull.issueId });
  expect(forge.call("link_issue", link)).toMatch(/^refused: .* already/);
  expect(forge.call("link_issue", { ...which, issueId: "ISS-9999" })).toMatch(/^refused: There is no issue/);
  expect(forge.call("comment_issue", { issueId: pull.issueId ?? "", text: "Hello." })).toMatch(
    /^refused: .* is closed/,
  );
});

test("a release is published once, with the draft that it has", () => {
  const which = { repositoryId: "repo-covers", releaseId: releaseIdOf("published") };
  const publish = () => forge.call("publish_release", { ...which, draftId: "DRAFT-8001" });
  expect(publish()).toMatch(/^refused: DRAFT-8001 is not the draft/);
  forge.call("open_release_draft", { ...which, changeIds: ["CH-6006"], lines: ["Fees (CH-6006)"] });
  expect(publish()).toMatchObject({ status: "published" });
  expect(publish()).toMatch(/^refused: .* is published already/);
  expect(forge.call("list_merged_changes", { ...which, repositoryId: "repo-loans" })).toMatch(
    /^refused: There is no release/,
  );
});

test("what is of another repository is not there", () => {
  const { which } = of("clean");
  for (const tool of ["get_pull_request", "get_diff", "read_ci_log", "run_checks"]) {
    expect(forge.call(tool, { ...which, repositoryId: "repo-loans" })).toMatch(/^refused: There is no pull request/);
  }
});
