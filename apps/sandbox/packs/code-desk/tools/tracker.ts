import { z } from "zod";
import { edit } from "../../../src/world/table.ts";
import { pullOf, refuse, releaseOf } from "../refuse.ts";
import { changeId, codeTool, draftId, issueId, packageName, pullId, releaseId, repositoryId } from "./tool.ts";

/** The issue tracker, releases, and two registries outside of the house. */

const findIssue = codeTool({
  name: "find_issue",
  description: "The issue that the branch of a pull request names, and its status.",
  input: z.strictObject({ repositoryId, pullId }),
  effect: "read",
  run: (state, asked) => {
    const { issueId: id } = pullOf(state, asked.repositoryId, asked.pullId);
    const issue = state.issues[id ?? ""];
    return issue === undefined ? {} : { issueId: issue.issueId, status: issue.status };
  },
});

const readIssue = codeTool({
  name: "read_issue",
  description: "Title and text of an issue, as people wrote them.",
  input: z.strictObject({ issueId }),
  effect: "read",
  run: (state, asked) => {
    const issue = state.issues[asked.issueId];
    return issue === undefined
      ? refuse(`There is no issue ${asked.issueId}.`)
      : { title: issue.title, text: issue.text, comments: [...issue.comments] };
  },
});

const commentIssue = codeTool({
  name: "comment_issue",
  description: "Writes a comment into an issue.",
  input: z.strictObject({ issueId, text: z.string().min(3).max(1_000) }),
  effect: "write",
  run: (state, asked) => {
    const issue = state.issues[asked.issueId];
    if (issue === undefined) return refuse(`There is no issue ${asked.issueId}.`);
    if (issue.status === "closed") return refuse(`${asked.issueId} is closed.`);
    edit(state.issues, asked.issueId, (row) => {
      row.comments.push(asked.text);
    });
    return { issueId: asked.issueId };
  },
});

const release = { repositoryId, releaseId };

const listMerged = codeTool({
  name: "list_merged_changes",
  description: "Changes that were merged for a release: their ids and kinds, as the forge keeps them.",
  input: z.strictObject(release),
  effect: "read",
  run: (state, asked) => {
    releaseOf(state, asked.repositoryId, asked.releaseId);
    const changes = Object.values(state.changes).filter((one) => one.releaseId === asked.releaseId && one.merged);
    return { changes: changes.map((one) => ({ changeId: one.changeId, kind: one.kind, pullId: one.pullId })) };
  },
});

const readChange = codeTool({
  name: "read_change",
  description: "Title of a change, as its author wrote it.",
  input: z.strictObject({ changeId }),
  effect: "read",
  run: (state, asked) => {
    const change = state.changes[asked.changeId];
    return change === undefined ? refuse(`There is no change ${asked.changeId}.`) : { title: change.title };
  },
});

const openReleaseDraft = codeTool({
  name: "open_release_draft",
  description: "Keeps the notes of a release as a draft: a line for each change, in the order of changeIds.",
  input: z.strictObject({
    ...release,
    changeIds: z.array(changeId).min(1).max(60),
    lines: z.array(z.string().min(5).max(200)).min(1).max(60),
  }),
  effect: "write",
  run: (state, asked) => {
    const of = releaseOf(state, asked.repositoryId, asked.releaseId);
    if (of.status === "published") return refuse(`${asked.releaseId} is published.`);
    const id = `DRAFT-${state.counters.draft}`;
    state.counters = { ...state.counters, draft: state.counters.draft + 1 };
    edit(state.releases, asked.releaseId, (row) => {
      row.draft = { draftId: id, lines: [...asked.lines], changeIds: [...asked.changeIds] };
    });
    return { draftId: id };
  },
});

const publish = codeTool({
  name: "publish_release",
  description: "Publishes a release with its draft.",
  input: z.strictObject({ ...release, draftId }),
  effect: "write",
  run: (state, asked) => {
    const of = releaseOf(state, asked.repositoryId, asked.releaseId);
    if (of.status === "published") return refuse(`${asked.releaseId} is published already.`);
    if (of.draft?.draftId !== asked.draftId) return refuse(`${asked.draftId} is not the draft of ${asked.releaseId}.`);
    edit(state.releases, asked.releaseId, (row) => {
      row.status = "published";
    });
    return { releaseId: asked.releaseId, version: of.version, status: "published" };
  },
});

const searchAdvisories = codeTool({
  name: "search_advisories",
  description: "Asks a public database for advisories on a package. What is asked leaves the house.",
  input: z.strictObject({ package: packageName }),
  effect: "read",
  run: (state, asked) => ({
    advisories: Object.values(state.advisories)
      .filter((one) => one.package === asked.package)
      .map(({ advisoryId, severity }) => ({ advisoryId, severity })),
  }),
});

const lookUpLicense = codeTool({
  name: "look_up_license",
  description: "Asks a public registry for the license of a package. What is asked leaves the house.",
  input: z.strictObject({ package: packageName }),
  effect: "read",
  run: (_, asked) => ({ license: licenseOf(asked.package) }),
});

/** The registry's answer: what there is, by the name alone. */
function licenseOf(name: string): string {
  return name.startsWith("page-") ? "GPL-3.0-only" : "MIT";
}

export const trackerTools = [
  findIssue,
  readIssue,
  commentIssue,
  listMerged,
  readChange,
  openReleaseDraft,
  publish,
  searchAdvisories,
  lookUpLicense,
];
