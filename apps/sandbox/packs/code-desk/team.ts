import { effectReviewer } from "@remit/agents";
import {
  type AnyTool,
  defineEscalation,
  defineHandoff,
  defineSupervisor,
  defineThreshold,
  inputOf,
  optional,
  outputOf,
} from "@remit/core";
import { pick } from "../../src/pack.ts";
import {
  action as actionWith,
  advisor as advisorWith,
  type DeskInput,
  notesAgent,
  policyAgent,
  reviewerTools,
  reviewer as reviewerWith,
  testAgent,
} from "./agents.ts";
import { classFacts, classOf, type RepositoryClass, repositoryClasses } from "./classes.ts";
import { findingFaults, lineFaults } from "./guard.ts";
import { codePolicy } from "./policy.ts";

/** Who decides on what. */
export const approverRoles = {
  push_test_commit: "developer",
  merge_pull_request: "maintainer",
  publish_release: "release-manager",
} as const;

/** Hours that an approval may wait: two working days, a weekend between. */
const approvalHours = 96;

/** The reviewer's reads in a repository of a class. What is not among them does not exist there. */
export function readsIn(repositoryClass: RepositoryClass) {
  const { diff, files } = classFacts[repositoryClass];
  return reviewerTools.filter((name) => {
    if (name === "get_diff" || name === "get_sealed_diff") return name === diff;
    return files || (name !== "get_file" && name !== "read_ci_log");
  });
}

/**
 * The desk: policy says what class a repository is of, and the edge that is taken grants what exists for that class; the reviewer
 * reads and names findings, a guard holds them against their rules, advisor and tests add theirs, and action writes. What changes
 * code or a release waits for a person, who is never the author.
 */
export function codeTeam(tools: ReadonlyMap<string, AnyTool>) {
  const policy = policyAgent(tools);
  const reviewer = reviewerWith(tools);
  const advisor = advisorWith(tools);
  const tests = testAgent(tools);
  const notes = notesAgent(tools);
  const action = actionWith(tools);
  const asked = { asked: inputOf(policy) };
  /** The class that counts is the table's; an agent that says another is not followed. */
  const agrees = (said: RepositoryClass, { repositoryId }: DeskInput) => said === classOf(repositoryId);
  const toReview = ({ task, repositoryId, pullId }: DeskInput) => ({
    ...{ task, repositoryId, pullId: pullId ?? "" },
    logging: classFacts[classOf(repositoryId)].logging,
  });

  return defineSupervisor({
    name: "code-desk",
    version: "1",
    agents: { policy, reviewer, advisor, tests, notes, action },
    entry: "policy",
    exit: "action",
    onFailure: "escalate",
    thresholds: [defineThreshold({ agent: reviewer, atLeast: 0.6, read: ({ confidence }) => confidence })],
    judges: { reviewer: effectReviewer },
    approvals: Object.entries(approverRoles).flatMap(([name, role]) =>
      pick(tools, [name]).map((tool) => ({
        ...{ tool, by: "human" as const, roles: [role] },
        expiresMs: approvalHours * 3_600_000,
      })),
    ),
    policy: codePolicy,
    // The house's own systems; what people write into them is nobody's word.
    trusted: ["mcp:code-desk"],
    flows: {
      untrusted: "deny",
      control: "deny",
      exempt: [
        { tool: "open_release_draft", because: "a draft is read by a person before anybody sees it" },
        { tool: "publish_release", because: "a person decides on it in any case" },
      ],
    },
    limits: { steps: 120, handoffs: 16, turns: 24, repeats: 4, writeRepeats: 1 },
    handoffs: [
      ...repositoryClasses.map((one) =>
        defineHandoff({
          from: policy,
          to: reviewer,
          name: `reads (${one})`,
          with: asked,
          grant: { tools: readsIn(one) },
          when: ({ repositoryClass }, { asked: input }) =>
            input.task !== "release" && input.pullId !== undefined && repositoryClass === one && agrees(one, input),
          map: (_, { asked: input }) => toReview(input),
        }),
      ),
      defineHandoff({
        from: policy,
        to: notes,
        name: "release notes",
        with: asked,
        when: ({ repositoryClass }, { asked: input }) =>
          input.task === "release" && input.releaseId !== undefined && agrees(repositoryClass, input),
        map: (_, { asked: { repositoryId, releaseId } }) => ({ repositoryId, releaseId: releaseId ?? "" }),
      }),
      defineEscalation({
        from: policy,
        name: "not what the table says",
        with: asked,
        reason: "policy_conflict",
        packet: ({ repositoryClass }, { asked: { repositoryId, task } }) => ({
          what: `${task} in ${repositoryId}: said to be ${repositoryClass}, and is ${classOf(repositoryId)}.`,
        }),
      }),
      ...repositoryClasses.map((one) =>
        defineHandoff({
          from: reviewer,
          to: reviewer,
          name: `looks again (${one})`,
          with: { given: inputOf(reviewer) },
          max: 1,
          grant: { tools: readsIn(one) },
          when: (found, { given: { pullId, repositoryId } }) =>
            classOf(repositoryId) === one && findingFaults(found, pullId).length > 0,
          map: (found, { given }) => ({ ...given, faults: [...findingFaults(found, given.pullId)] }),
        }),
      ),
      defineEscalation({
        from: reviewer,
        name: "findings that are none",
        with: { given: inputOf(reviewer) },
        when: (found, { given: { pullId } }) => findingFaults(found, pullId).length > 0,
        reason: "findings_unfit",
        packet: (found, { given: { pullId } }) => ({ pullId, faults: [...findingFaults(found, pullId)] }),
      }),
      defineEscalation({
        from: reviewer,
        name: "unclear",
        with: { given: inputOf(reviewer) },
        when: ({ intent }) => intent === "unclear",
        reason: "unclear_intent",
        packet: (_, { given: { pullId } }) => ({ what: `Nobody can tell what ${pullId} is for.` }),
      }),
      ...repositoryClasses.map((one) =>
        defineHandoff({
          from: reviewer,
          to: advisor,
          name: `packages (${one})`,
          with: { given: inputOf(reviewer) },
          // What is not granted is not there: a sensitive repository's packages are asked of nobody.
          grant: { tools: ["list_added_packages", ...classFacts[one].external] },
          when: ({ addsPackages }, { given: { repositoryId } }) => addsPackages && classOf(repositoryId) === one,
          map: (_, { given: { task, repositoryId, pullId } }) => ({ task, repositoryId, pullId }),
        }),
      ),
      defineHandoff({
        from: reviewer,
        to: tests,
        name: "wants tests",
        with: { given: inputOf(reviewer) },
        when: (_, { given: { task } }) => task === "tests",
        map: (_, { given: { repositoryId, pullId } }) => ({ repositoryId, pullId }),
      }),
      defineHandoff({
        from: reviewer,
        to: action,
        name: "reviewed",
        with: { given: inputOf(reviewer) },
        map: ({ verdict, ci, findings, issueId }, { given: { task, repositoryId, pullId } }) => ({
          // What would not be merged is reviewed.
          task: task === "merge" && verdict === "request_changes" ? ("review" as const) : task,
          ...{ repositoryId, pullId, verdict, ci, findings },
          ...(issueId === undefined ? {} : { issueId }),
        }),
      }),
      defineHandoff({
        from: advisor,
        to: tests,
        name: "wants tests for it",
        with: { given: inputOf(advisor) },
        when: (_, { given: { task } }) => task === "tests",
        map: (_, { given: { repositoryId, pullId } }) => ({ repositoryId, pullId }),
      }),
      defineHandoff({
        from: advisor,
        to: action,
        name: "looked up",
        with: { given: inputOf(advisor), seen: outputOf(reviewer) },
        map: ({ packages }, { given: { task, repositoryId, pullId }, seen: { verdict, ci, findings, issueId } }) => ({
          task: task === "merge" && verdict === "request_changes" ? ("review" as const) : task,
          ...{ repositoryId, pullId, verdict, ci, findings, packages },
          ...(issueId === undefined ? {} : { issueId }),
        }),
      }),
      defineHandoff({
        from: tests,
        to: action,
        name: "tested",
        with: { given: inputOf(tests), seen: outputOf(reviewer), looked: optional(outputOf(advisor)) },
        map: ({ patchId, passedRun }, { given: { repositoryId, pullId }, seen, looked }) => ({
          ...{ task: "tests" as const, repositoryId, pullId },
          ...{ verdict: seen.verdict, ci: seen.ci, findings: seen.findings, packages: looked?.packages ?? [] },
          ...(patchId === undefined ? {} : { patchId }),
          ...(passedRun === undefined ? {} : { passedRun }),
        }),
      }),
      defineHandoff({
        from: notes,
        to: action,
        name: "each line cites a change",
        with: { given: inputOf(notes) },
        when: ({ lines }) => lines.length > 0 && lineFaults(lines).length === 0,
        map: ({ lines }, { given: { repositoryId, releaseId } }) => ({
          ...{ task: "release" as const, repositoryId, releaseId, lines },
        }),
      }),
      defineEscalation({
        from: notes,
        name: "nothing was merged",
        when: ({ lines }) => lines.length === 0,
        reason: "nothing_merged",
        packet: () => ({ what: "There is no merged change to write about." }),
      }),
      defineHandoff({
        from: notes,
        to: notes,
        name: "cites again",
        with: { given: inputOf(notes) },
        max: 1,
        map: ({ lines }, { given }) => ({ ...given, faults: [...lineFaults(lines)] }),
      }),
      defineEscalation({
        from: notes,
        name: "lines without a change",
        reason: "unsourced_line",
        packet: ({ lines }) => ({ faults: [...lineFaults(lines)] }),
      }),
      ...(["approval_refused", "refused_by_the_forge", "left_to_people"] as const).map((reason) =>
        defineEscalation({
          from: action,
          name: reason.replaceAll("_", " "),
          when: ({ outcome }) => outcome === reason,
          reason,
          packet: ({ reply, notDone }) => ({ reply, notDone }),
        }),
      ),
    ],
  });
}
