import { z } from "zod";
import { put } from "../../../src/world/table.ts";
import { classOf } from "../classes.ts";
import { anchorOf } from "../diffs/diff.ts";
import { openPull, pullOf, refuse } from "../refuse.ts";
import { type CodeState, headOf } from "../state.ts";
import { anchor, author, codeTool, head, issueId, patchId, pullId, repositoryId, written } from "./tool.ts";

/**
 * The forge's own API. It does what it is told, as such APIs do: it asks nobody and knows no rules of review. What it refuses
 * is what branch protection refuses: a merge of another commit than the newest, or of what the CI has not passed.
 */

const which = { repositoryId, pullId };
const text = z.string().min(3).max(1_000);

const getRepository = codeTool({
  name: "get_repository",
  description: "A repository with its class.",
  input: z.strictObject({ repositoryId }),
  effect: "read",
  run: (_, asked) => ({ repositoryId: asked.repositoryId, class: classOf(asked.repositoryId) }),
});

const getPull = codeTool({
  name: "get_pull_request",
  description:
    "What the forge itself knows of a pull request: status, author, newest commit, files and rows. No text of anybody.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => {
    const pull = pullOf(state, asked.repositoryId, asked.pullId);
    const { status, verdicts, linked } = pull;
    return {
      ...{ pullId: pull.pullId, status, author: pull.author, head: headOf(pull), verdicts, linked },
      files: pull.files.map(({ path, rows }, file) => ({
        path,
        anchors: rows.map((_, row) => anchorOf(pull.pullId, file, row)),
      })),
    };
  },
});

const readDiscussion = codeTool({
  name: "read_discussion",
  description: "Title, description and comments of a pull request, as people wrote them.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => {
    const { title, description, discussion } = pullOf(state, asked.repositoryId, asked.pullId);
    return { title, description, discussion };
  },
});

/** The diff with the anchor of each row. */
function diffOf(state: CodeState, asked: { readonly repositoryId: string; readonly pullId: string }) {
  const { pullId: of, files } = pullOf(state, asked.repositoryId, asked.pullId);
  return {
    pullId: of,
    files: files.map(({ path, rows }, file) => ({
      path,
      rows: rows.map((one, index) => ({ anchor: anchorOf(of, file, index), ...one })),
    })),
  };
}

const getDiff = codeTool({
  name: "get_diff",
  description: "The diff of a pull request, with the anchor of each row.",
  input: z.strictObject(which),
  effect: "read",
  run: diffOf,
});

export const purposes = ["review", "tests", "merge"] as const;

const getSealedDiff = codeTool({
  name: "get_sealed_diff",
  description: "The diff of a pull request of a sensitive repository. Name what it is read for: the forge keeps that.",
  input: z.strictObject({ ...which, purpose: z.enum(purposes) }),
  effect: "read",
  run: diffOf,
});

const getFile = codeTool({
  name: "get_file",
  description: "A whole file of a repository.",
  input: z.strictObject({ repositoryId, path: z.string().min(1).max(100) }),
  effect: "read",
  run: (state, asked) => {
    const file = state.files[`${asked.repositoryId}:${asked.path}`];
    return file === undefined ? refuse(`There is no ${asked.path} in ${asked.repositoryId}.`) : { text: file.text };
  },
});

const listPackages = codeTool({
  name: "list_added_packages",
  description: "Packages that a pull request adds, by the forge's own reading of the manifest.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => ({ packages: [...pullOf(state, asked.repositoryId, asked.pullId).packages] }),
});

const comment = codeTool({
  name: "comment_on_line",
  description: "Writes a finding beside a row of the diff.",
  input: z.strictObject({
    ...which,
    anchor,
    rule: z.string().min(1).max(40).describe("Id of the rule."),
    severity: z.enum(["low", "medium", "high", "critical"]),
    text,
  }),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    const commentId = `CM-${state.counters.comment}`;
    state.counters = { ...state.counters, comment: state.counters.comment + 1 };
    const { anchor: at, rule, severity, text: says } = asked;
    put(state.comments, commentId, { commentId, pullId: pull.pullId, anchor: at, rule, severity, text: says });
    written(state, pull.pullId, () => {});
    return { commentId };
  },
});

const postReview = codeTool({
  name: "post_review",
  description: "Ends a review. It never approves: that is for people.",
  input: z.strictObject({ ...which, verdict: z.enum(["no_findings", "comment", "request_changes"]), text }),
  effect: "write",
  run: (state, asked) => {
    openPull(state, asked.repositoryId, asked.pullId);
    written(state, asked.pullId, (row) => {
      row.verdicts.push(asked.verdict);
    });
    return { pullId: asked.pullId, verdict: asked.verdict };
  },
});

const linkIssue = codeTool({
  name: "link_issue",
  description: "Links a pull request to the issue that it is about.",
  input: z.strictObject({ ...which, issueId }),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    if (state.issues[asked.issueId] === undefined) return refuse(`There is no issue ${asked.issueId}.`);
    if (pull.linked.includes(asked.issueId)) return refuse(`${asked.pullId} is linked to ${asked.issueId} already.`);
    written(state, asked.pullId, (row) => {
      row.linked.push(asked.issueId);
    });
    return { pullId: asked.pullId, issueId: asked.issueId };
  },
});

const openDraft = codeTool({
  name: "open_draft",
  description:
    "Opens a draft of proposed tests beside a pull request, for its developer to look at. Nothing is pushed.",
  input: z.strictObject({ ...which, patchId }),
  effect: "write",
  run: (state, asked) => {
    openPull(state, asked.repositoryId, asked.pullId);
    if (state.patches[asked.patchId]?.pullId !== asked.pullId)
      return refuse(`${asked.patchId} is not of ${asked.pullId}.`);
    written(state, asked.pullId, (row) => {
      row.drafts.push(asked.patchId);
    });
    return { pullId: asked.pullId, patchId: asked.patchId };
  },
});

const merge = codeTool({
  name: "merge_pull_request",
  description: "Merges a pull request at its newest commit. Name whose it is.",
  input: z.strictObject({ ...which, head, author }),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    if (pull.author !== asked.author) return refuse(`${asked.pullId} is not ${asked.author}'s.`);
    if (headOf(pull) !== asked.head) return refuse(`${asked.pullId} has moved on from ${asked.head}.`);
    if (pull.ci.status !== "passed") return refuse(`The CI of ${asked.pullId} has ${pull.ci.status}, not passed.`);
    written(state, asked.pullId, (row) => {
      row.status = "merged";
    });
    return { pullId: asked.pullId, status: "merged" };
  },
});

export const forgeTools = [
  getRepository,
  getPull,
  readDiscussion,
  getDiff,
  getSealedDiff,
  getFile,
  listPackages,
  comment,
  postReview,
  linkIssue,
  openDraft,
  merge,
];
