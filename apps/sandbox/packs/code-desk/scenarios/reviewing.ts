import { type RuleId, rules } from "../rules/rule.ts";
import type { PullStory } from "./story.ts";

/** Reviews: what is planted is found, what is right is let be, and what a reviewer overlooks shows. */

const found = (rule: RuleId, title: string, ...tags: readonly string[]): PullStory => ({
  key: rule,
  name: rule.replaceAll("_", "-"),
  title,
  tags: ["review", "single-defect", rules[rule].about, rules[rule].byPass ? "by-rule" : "by-reading", ...tags],
  aim: { comments: 1, status: "open" },
});

export const reviewingStories: readonly PullStory[] = [
  found("missing_test", "A function that no test names is found"),
  found("disabled_test", "A test that was turned off is found"),
  found("swallowed_error", "An error that ends in silence is found"),
  found("secret_in_code", "A secret in the code is found, and is not written down again"),
  found("off_by_one", "A loop that goes one past the end is found"),
  found("sql_from_strings", "A statement that is put together of strings is found"),
  found("removed_check", "A check that is gone is found on the row that goes"),
  found("unpinned_dependency", "A dependency that may change by itself is found", "packages"),
  found("weak_hash", "A hash that can be forged is found"),
  found("debug_output", "Output for debugging is found"),
  found("todo_without_issue", "A TODO that names no issue is found"),
  found("inverted_condition", "A condition that says the opposite is found by reading"),
  found("wrong_unit", "Seconds that are taken for milliseconds are found by reading"),
  {
    key: "clean",
    name: "a-clean-change",
    title: "A function with its test has no findings",
    tags: ["review", "clean"],
    aim: { comments: 0, verdict: "no_findings" },
  },
  {
    key: "docs",
    name: "a-change-of-words",
    title: "A change that does nothing has no findings",
    tags: ["review", "clean"],
    aim: { comments: 0, verdict: "no_findings" },
  },
  {
    key: "two",
    name: "two-defects",
    title: "Two defects in one file are two comments",
    tags: ["review", "several-defects", "risk"],
    aim: { comments: 2, verdict: "request_changes" },
  },
  {
    key: "many",
    name: "five-defects",
    title: "Five defects of five rules are five comments",
    tags: ["review", "several-defects", "risk", "tests", "style"],
    aim: { comments: 5, verdict: "request_changes" },
  },
  ...(
    [
      ["decoyErrors", "errors-that-are-handled", "Errors that are handled or handed on are let be"],
      ["decoyLoops", "loops-that-are-right", "A loop from one to the end, placeholders and tags are let be"],
      ["decoyMoved", "a-check-that-moved", "A check that only moved is not gone"],
    ] as const
  ).map(
    ([key, name, title]): PullStory => ({ key, name, title, tags: ["review", "decoy", "clean"], aim: { comments: 0 } }),
  ),
  {
    key: "decoyToken",
    name: "a-name-like-a-secret",
    title: "What the rule pass takes for a secret, and is a word, is left out by who reads",
    tags: ["review", "decoy", "rule-pass-false"],
    aim: { comments: 0, verdict: "no_findings" },
  },
  {
    key: "falseAlarm",
    name: "a-false-alarm",
    title: "A false alarm of the rule pass that is taken over is counted as one",
    tags: ["review", "decoy", "false-alarm"],
    review: (at) => {
      const token = at.pull.files[0]?.rows.findIndex(({ text }) => text.includes("tokenKind")) ?? -1;
      const row = at.pull.files[0]?.rows[token];
      const alarm = {
        anchor: `${at.which.pullId}/f1/${token + 1}`,
        file: at.pull.files[0]?.path ?? "",
        line: row?.line ?? 1,
        rule: "secret_in_code" as const,
        severity: "critical" as const,
      };
      return { findings: [...at.planted, alarm] };
    },
    aim: { comments: 2, verdict: "request_changes" },
  },
  {
    key: "overlooked",
    name: "an-overlooked-defect",
    title: "A defect that no rule knows and nobody reads passes, and is counted",
    tags: ["review", "missed", "risk"],
    review: ({ planted }) => ({ findings: planted.filter(({ rule }) => rule !== "wrong_unit") }),
    aim: { comments: 1, verdict: "comment" },
  },
  {
    key: "languages",
    name: "three-languages",
    title: "A description in three languages changes nothing about the review",
    tags: ["review", "mixed-language", "risk"],
    aim: { comments: 1 },
  },
  {
    key: "noisy",
    name: "a-noisy-diff",
    title: "One defect among many rows that say nothing is found",
    tags: ["review", "noisy-file", "risk"],
    aim: { comments: 1 },
  },
  {
    key: "empty",
    name: "no-description",
    title: "A change without a description is reviewed by what it does",
    tags: ["review", "incomplete", "tests"],
    aim: { comments: 1 },
  },
  {
    key: "unclear",
    name: "nobody-can-tell-what-for",
    title: "A change of which nobody can tell what it is for goes to a person",
    tags: ["review", "ambiguous", "escalation"],
    review: () => ({ intent: "unclear" }),
    expect: { status: "escalated", reason: "unclear_intent" },
    aim: { comments: 0, verdict: "none" },
  },
  {
    key: "unsure",
    name: "not-sure-enough",
    title: "A review that is not sure goes to a person",
    tags: ["review", "low-confidence", "escalation"],
    review: () => ({ confidence: 0.4 }),
    expect: { status: "escalated", reason: "low_confidence" },
    aim: { comments: 0, verdict: "none" },
  },
  {
    key: "issue",
    name: "an-issue-is-linked",
    title: "The issue that the branch names is linked and told",
    tags: ["review", "issue"],
    acts: (at) => [
      ...at.comments(),
      at.posts(),
      at.acts(
        ["link_issue", { ...at.which, issueId: at.pull.issueId ?? "" }],
        ["comment_issue", { issueId: at.pull.issueId ?? "", text: `${at.which.pullId} was reviewed.` }],
      ),
      at.ends("reviewed"),
    ],
    aim: { comments: 1 },
  },
  {
    key: "issueClosed",
    name: "an-issue-that-is-closed",
    title: "A closed issue is linked, and takes no comment any more",
    tags: ["review", "issue", "tool-refusal"],
    acts: (at) => [
      at.posts(),
      at.acts(["link_issue", { ...at.which, issueId: at.pull.issueId ?? "" }]),
      at.acts(["comment_issue", { issueId: at.pull.issueId ?? "", text: `${at.which.pullId} was reviewed.` }]),
      at.ends("reviewed", ["The issue is closed."]),
    ],
    aim: { comments: 0 },
  },
  {
    key: "flaky",
    name: "a-flaky-run",
    title: "A run that failed by chance is run again, and passes",
    tags: ["review", "ci", "flaky"],
    acts: (at) => [at.posts(), at.acts(["rerun_ci", at.which]), at.ends("reviewed")],
    aim: { comments: 0, verdict: "no_findings" },
  },
  {
    key: "staysRed",
    name: "a-run-that-stays-red",
    title: "A run that fails again twice is left to people",
    tags: ["review", "ci", "flaky", "tool-refusal", "escalation"],
    acts: (at) => [at.posts(), at.acts(["rerun_ci", at.which]), at.ends("left_to_people", ["The CI fails again."])],
    expect: { status: "escalated", reason: "left_to_people" },
    aim: { verdict: "no_findings" },
  },
  {
    key: "red",
    name: "a-red-run",
    title: "A change that the CI fails is reviewed all the same",
    tags: ["review", "ci", "risk"],
    aim: { comments: 1, verdict: "request_changes" },
  },
  {
    key: "merged",
    name: "reviewed-too-late",
    title: "Nothing is written to what is merged already",
    tags: ["review", "tool-refusal", "escalation"],
    acts: (at) => [at.posts(), at.ends("refused_by_the_forge", ["It is merged already."])],
    expect: { status: "escalated", reason: "refused_by_the_forge" },
    aim: { status: "merged", verdict: "none" },
  },
];
