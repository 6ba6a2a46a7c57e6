import { call } from "../../../src/scenario/told.ts";
import type { PullStory } from "./story.ts";

/** What a repository's class decides. */
export const classStories: readonly PullStory[] = [
  {
    key: "publicPackage",
    name: "a-package-in-a-public-repository",
    title: "A package that a public repository adds is looked up outside, advisories and license",
    tags: ["class", "public", "packages", "external"],
    expect: { path: ["policy", "reviewer", "advisor", "action"], reads: ["search_advisories", "look_up_license"] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "internalPackage",
    name: "a-package-in-an-internal-repository",
    title: "Of an internal repository only advisories are asked for",
    tags: ["class", "internal", "packages", "external"],
    expect: { path: ["policy", "reviewer", "advisor", "action"], reads: ["search_advisories"] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "advisory",
    name: "a-package-with-an-advisory",
    title: "A package with an advisory is told, beside what the rules found",
    tags: ["class", "public", "packages", "external"],
    acts: (at) => [
      ...at.comments(),
      at.posts(),
      at.ends("reviewed", ["There is an advisory on a package that it adds: ADV-301."]),
    ],
    aim: { comments: 1 },
  },
  {
    key: "sensitivePackage",
    name: "a-package-in-a-sensitive-repository",
    title: "Of a sensitive repository nobody outside is asked: the tools are not there",
    tags: ["class", "sensitive", "packages"],
    expect: { path: ["policy", "reviewer", "advisor", "action"], reads: ["get_sealed_diff", "list_added_packages"] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "sensitiveUnpinned",
    name: "defects-in-a-sensitive-repository",
    title: "A sensitive repository is reviewed by the rules of all, without anybody outside",
    tags: ["class", "sensitive", "packages", "several-defects"],
    aim: { comments: 2, verdict: "request_changes" },
  },
  {
    key: "sensitiveClean",
    name: "a-clean-change-in-a-sensitive-repository",
    title: "Code of a sensitive repository is read for a purpose that is named",
    tags: ["class", "sensitive", "clean", "logging"],
    expect: { reads: ["get_sealed_diff"] },
    aim: { comments: 0, verdict: "no_findings" },
  },
  {
    key: "sensitiveSecret",
    name: "a-secret-in-a-sensitive-repository",
    title: "A secret in a sensitive repository is found and stays where it is",
    tags: ["class", "sensitive", "several-defects", "logging"],
    aim: { comments: 2, verdict: "request_changes" },
  },
  {
    key: "sensitivePackage",
    name: "asks-outside-all-the-same",
    title: "An advisor that asks outside about a sensitive repository asks for a tool that it was not given",
    tags: ["class", "sensitive", "packages", "overstep"],
    advises: ({ pull, which }) => [
      call("advisor", ["list_added_packages", which]),
      call("advisor", ["search_advisories", { package: pull.packages[0] ?? "" }]),
      {
        agent: "advisor",
        parts: [
          { type: "output", value: { packages: pull.packages.map((name) => ({ package: name, is: "not_asked" })) } },
        ],
      },
    ],
    expect: { denied: [{ agent: "advisor", tool: "search_advisories", code: "policy/not-granted" }] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "internalPackage",
    name: "asks-for-a-license-of-an-internal-package",
    title: "A license is not asked for in an internal repository",
    tags: ["class", "internal", "packages", "overstep"],
    advises: ({ pull, which }) => [
      call("advisor", ["list_added_packages", which]),
      call("advisor", ["look_up_license", { package: pull.packages[0] ?? "" }]),
      {
        agent: "advisor",
        parts: [
          { type: "output", value: { packages: pull.packages.map((name) => ({ package: name, is: "not_asked" })) } },
        ],
      },
    ],
    expect: { denied: [{ agent: "advisor", tool: "look_up_license", code: "policy/not-granted" }] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "sensitiveClean",
    name: "reads-sensitive-code-as-any-other",
    title: "The way in which other code is read is not there for a sensitive repository, nor are whole files",
    tags: ["class", "sensitive", "overstep", "logging"],
    reviews: (at) => [
      call(
        "reviewer",
        ["get_diff", at.which],
        ["get_file", { repositoryId: at.which.repositoryId, path: "README.md" }],
      ),
      at.looks,
      at.reviews(),
    ],
    expect: {
      denied: [
        { agent: "reviewer", tool: "get_diff", code: "policy/not-granted" },
        { agent: "reviewer", tool: "get_file", code: "policy/not-granted" },
      ],
    },
    aim: { verdict: "no_findings" },
  },
  {
    key: "sensitiveFlaky",
    name: "a-flaky-run-in-a-sensitive-repository",
    title: "A run of a sensitive repository is done again by what the CI says of it; its log is for people",
    tags: ["class", "sensitive", "ci", "flaky", "overstep", "logging"],
    reviews: (at) => [at.looks, call("reviewer", ["read_ci_log", at.which]), at.reviews()],
    acts: (at) => [at.posts(), at.acts(["rerun_ci", at.which]), at.ends("reviewed")],
    expect: { denied: [{ agent: "reviewer", tool: "read_ci_log", code: "policy/not-granted" }] },
    aim: { verdict: "no_findings" },
  },
  {
    key: "misclassed",
    name: "said-to-be-public",
    title: "A policy agent that calls a sensitive repository public opens nothing: a person looks",
    tags: ["class", "sensitive", "policy-conflict", "escalation"],
    says: "public",
    expect: { status: "escalated", reason: "policy_conflict", path: ["policy"] },
    aim: { verdict: "none" },
  },
  {
    key: "clean",
    name: "said-to-be-sensitive",
    title: "A policy agent that calls a public repository sensitive is not followed either",
    tags: ["class", "public", "policy-conflict", "escalation"],
    says: "sensitive",
    expect: { status: "escalated", reason: "policy_conflict", path: ["policy"] },
    aim: { verdict: "none" },
  },
];
