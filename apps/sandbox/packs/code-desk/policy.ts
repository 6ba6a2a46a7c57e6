import { definePolicy, type Json } from "@remit/core";
import { sayingTools } from "./agents.ts";
import { externalTools, factsOfClass, isSecretPath } from "./classes.ts";
import { lineFaults } from "./guard.ts";
import { isRule, rules } from "./rules/rule.ts";

/** What of a call the rules look at. */
interface Arguments {
  readonly repositoryId?: string;
  readonly pullId?: string;
  readonly releaseId?: string;
  readonly path?: string;
  readonly anchor?: string;
  readonly rule?: string;
  readonly severity?: string;
  readonly patchId?: string;
  readonly passedRun?: string;
  readonly author?: string;
  readonly changeIds?: readonly string[];
  readonly lines?: readonly string[];
}
const of = (given: Json) => given as Arguments;

/** True for a comment that a finding can be: at a row of its own pull request, by a rule, as severe as the rule is. */
function isFinding({ pullId, anchor = "", rule = "", severity }: Arguments): boolean {
  return anchor.startsWith(`${pullId}/`) && isRule(rule) && rules[rule].severity === severity;
}

/** True for notes of which each line cites its change, and no other, as who wrote them was held to. */
function cites({ changeIds = [], lines = [] }: Arguments): boolean {
  if (changeIds.length !== lines.length) return false;
  return lineFaults(lines.map((text, index) => ({ changeId: changeIds[index] ?? "", text }))).length === 0;
}

const same = (given: string | undefined, own: string | undefined) => given === undefined || given === own;

/** What holds whatever the models say, asked where a call is proposed and again where it is made. */
export const codePolicy = definePolicy({
  name: "code-desk",
  version: "1",
  rules: [
    { id: "team", on: ["handoff", "model", "egress"], effect: "allow", because: "the desk works together" },
    {
      id: "look",
      on: "tool",
      effect: "allow",
      when: ({ effect }) => effect === "read",
      because: "looking changes nothing",
    },
    {
      id: "own-work",
      on: "tool",
      effect: "deny",
      when: ({ arguments: given, attributes: { repositoryId, pullId, releaseId } }) =>
        !same(of(given).repositoryId, repositoryId) ||
        !same(of(given).pullId, pullId) ||
        !same(of(given).releaseId, releaseId),
      because: "a run works on what it was started for (attributes repositoryId, pullId, releaseId)",
    },
    {
      id: "stays-inside",
      on: "tool",
      tools: [...externalTools],
      effect: "deny",
      when: ({ tool, attributes }) => !factsOfClass(attributes.repositoryId).external.some((one) => one === tool),
      because: "nobody outside is asked about a repository of this class",
    },
    {
      id: "sealed-code",
      on: "tool",
      tools: ["get_diff", "get_sealed_diff"],
      effect: "deny",
      when: ({ tool, attributes }) => factsOfClass(attributes.repositoryId).diff !== tool,
      because: "the class of a repository says how its code is read",
    },
    {
      id: "no-whole-files",
      on: "tool",
      tools: ["get_file", "read_ci_log"],
      effect: "deny",
      when: ({ arguments: given, attributes }) =>
        !factsOfClass(attributes.repositoryId).files || isSecretPath(of(given).path ?? ""),
      because: "nobody reads files that hold secrets, or whole files and logs of a sensitive repository",
    },
    {
      id: "looked-first",
      on: "tool",
      effect: "deny",
      // Who has read what others wrote is held to what trusted systems say; who has read nothing is held to nothing.
      when: ({ effect, flow, agent }) => effect === "write" && agent !== "tests" && flow?.clean !== false,
      because: "nobody has looked at what this is about",
    },
    {
      id: "says-a-finding",
      on: "tool",
      tools: ["comment_on_line"],
      effect: "allow",
      when: ({ arguments: given }) => isFinding(of(given)),
      because: "a finding by a rule, at a row of its own pull request",
    },
    {
      id: "says",
      on: "tool",
      tools: sayingTools.filter((name) => name !== "comment_on_line"),
      effect: "allow",
      because: "it changes no code",
    },
    {
      id: "tries-tests",
      on: "tool",
      tools: ["propose_test_patch", "run_test_patch"],
      effect: "allow",
      because: "the sandbox is the CI's own",
    },
    {
      id: "drafts",
      on: "tool",
      tools: ["open_release_draft"],
      effect: "allow",
      when: ({ arguments: given }) => cites(of(given)),
      because: "a draft of which each line cites its change",
    },
    {
      id: "pushes-tests",
      on: "tool",
      tools: ["push_test_commit"],
      effect: "approve",
      when: ({ arguments: given, attributes: { task } }) =>
        task === "tests" && of(given).passedRun?.startsWith(`${of(given).patchId}@`) === true,
      because: "a developer decides on tests that have passed in the sandbox",
    },
    {
      id: "merges",
      on: "tool",
      tools: ["merge_pull_request"],
      effect: "approve",
      // Whoever asked for it cannot approve it: so the author never can.
      when: ({ arguments: given, principal, attributes: { task } }) =>
        task === "merge" && of(given).author === principal.id,
      because: "a maintainer decides on a merge that its author has asked for",
    },
    {
      id: "publishes",
      on: "tool",
      tools: ["publish_release"],
      effect: "approve",
      when: ({ attributes: { task } }) => task === "release",
      because: "a release manager decides",
    },
  ],
});
