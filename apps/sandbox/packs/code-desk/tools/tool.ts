import { z } from "zod";
import { edit } from "../../../src/world/table.ts";
import { type WorldTool, worldTool } from "../../../src/world/world.ts";
import { sourceClass } from "../classes.ts";
import type { CodeState, Pull } from "../state.ts";

/** A tool of this forge: infers the input, and fixes the state. */
export function codeTool<Input extends z.ZodType>(tool: WorldTool<CodeState, Input>) {
  return worldTool<CodeState, Input>(tool) as WorldTool<CodeState>;
}

const id = (domain: string, form: RegExp, about: string) =>
  z.string().max(40).regex(form).meta({ domain }).describe(about);

/**
 * Arguments that many tools take. Each says its domain: where a value came from is traced by it. The schemas are strict: an
 * argument that a tool does not know is refused.
 */
export const repositoryId = id("repository", /^repo-[a-z]{2,20}$/, "Repository, like repo-loans.");
export const pullId = id("pull", /^PR-\d{4}$/, "Pull request, like PR-1001.");
export const anchor = id("anchor", /^PR-\d{4}\/f\d{1,2}\/\d{1,3}$/, "Row of the diff, like PR-1001/f1/12.");
export const author = id("author", /^dev-[a-z]{2,20}$/, "Whose pull request it is, like dev-dana.");
export const head = id("head", /^c[0-9a-f]{5,12}$/, "Newest commit of the branch.");
export const issueId = id("issue", /^ISS-\d{4}$/, "Issue, like ISS-2001.");
export const patchId = id("patch", /^TP-\d{4}$/, "Proposed tests, like TP-4001.");
export const passedRun = id(
  "passed-run",
  /^TP-\d{4}@\d{1,2}$/,
  "A run of the proposed tests that passed, like TP-4001@1.",
);
export const releaseId = id("release", /^REL-\d{2}$/, "Release, like REL-51.");
export const changeId = id("merged-change", /^CH-\d{4}$/, "A merged change, like CH-6001.");
export const draftId = id("draft", /^DRAFT-\d{4}$/, "Draft of a release, like DRAFT-8001.");
export const packageName = id("package", /^[a-z]{2,20}-[a-z]{2,20}$/, "Package, like left-shelf.");

/** What trusted answers are looked through for, by domain. Everything else in them is there as well. */
const row = z.looseObject({ anchor });
export const answers = {
  pull: z.looseObject({ author, head, files: z.array(z.looseObject({ anchors: z.array(anchor) })) }),
  checks: z.looseObject({ findings: z.array(row) }),
  issue: z.looseObject({ issueId: issueId.optional() }),
  packages: z.looseObject({ packages: z.array(packageName) }),
  patch: z.looseObject({ patchId }),
  patchRun: z.looseObject({ passedRun: passedRun.optional() }),
  changes: z.looseObject({ changes: z.array(z.looseObject({ changeId })) }),
  draft: z.looseObject({ draftId }),
  /** Every line of code is of a class of its own: a vault seals it, and the journal holds tokens. */
  sealedDiff: z.looseObject({
    files: z.array(
      z.looseObject({
        rows: z.array(z.looseObject({ text: z.string().meta({ dataClass: sourceClass }) })),
      }),
    ),
  }),
};

/** Notes a write about a pull request. */
export function written(state: CodeState, id: string, change: (row: Pull) => void): void {
  edit(state.pulls, id, (row) => {
    row.writes += 1;
    change(row);
  });
}
