import type { Table } from "../../src/world/table.ts";
import type { DiffFile } from "./diffs/diff.ts";
import type { Scalar } from "./sample.ts";

/**
 * The forge of "Hollinbrook", who make software for lending libraries, with its CI and its issue tracker. What is wrong in a
 * diff is not in here: only who made it knows (`generate.ts`). Type aliases rather than interfaces, so that a record is also
 * a JSON value to the compiler.
 */

export type Verdict = "no_findings" | "comment" | "request_changes";
export type CiStatus = "passed" | "failed" | "flaky";

export type Pull = {
  pullId: string;
  repositoryId: string;
  /** Id of the developer whose it is. */
  author: string;
  title: string;
  description: string;
  discussion: { by: string; text: string }[];
  status: "open" | "merged" | "closed";
  /** Newest commit of its branch. */
  head: string;
  files: DiffFile[];
  packages: string[];
  /** Functions of the sample repository that it is about. */
  touches: string[];
  issueId?: string;
  linked: string[];
  ci: { status: CiStatus; reruns: number; failed: string[]; log: string };
  /** A failure that stays when the CI runs again. */
  staysRed: boolean;
  verdicts: Verdict[];
  drafts: string[];
  /** Somebody pushes to it when this many writes about it are done. */
  movesAfterWrites?: number;
  writes: number;
  /** Minutes until a review, of the year before. */
  manualMinutes: number;
};

export type Comment = {
  commentId: string;
  pullId: string;
  anchor: string;
  rule: string;
  severity: string;
  text: string;
};

export type Issue = {
  issueId: string;
  repositoryId: string;
  status: "open" | "closed";
  title: string;
  text: string;
  comments: string[];
};

export type PatchRun = { attempt: number; passed: boolean; failed: number[]; covered: string[] };
export type Patch = {
  patchId: string;
  pullId: string;
  cases: { functionId: string; args: Scalar[]; expect: Scalar }[];
  runs: PatchRun[];
  pushed: boolean;
};

/** Branches of the sample functions that a repository's tests take. */
export type Coverage = { repositoryId: string; covered: string[] };

export type Change = {
  changeId: string;
  releaseId: string;
  pullId: string;
  kind: "added" | "changed" | "fixed" | "security";
  merged: boolean;
  title: string;
};

export type Release = {
  releaseId: string;
  repositoryId: string;
  version: string;
  status: "planned" | "published";
  draft?: { draftId: string; lines: string[]; changeIds: string[] };
};

export type Advisory = { advisoryId: string; package: string; severity: "low" | "high" };

export type CodeState = {
  today: string;
  counters: { comment: number; patch: number; draft: number };
  pulls: Table<Pull>;
  comments: Table<Comment>;
  issues: Table<Issue>;
  patches: Table<Patch>;
  coverage: Table<Coverage>;
  changes: Table<Change>;
  releases: Table<Release>;
  advisories: Table<Advisory>;
  /** Files by repository and path: what an agent can read beside diffs. */
  files: Table<{ text: string }>;
};

/** True when somebody has pushed meanwhile. */
export function hasMoved({ movesAfterWrites, writes }: Readonly<Pick<Pull, "movesAfterWrites" | "writes">>): boolean {
  return movesAfterWrites !== undefined && writes >= movesAfterWrites;
}

/** The newest commit as anybody sees it now. */
export function headOf(pull: Readonly<Pick<Pull, "head" | "movesAfterWrites" | "writes">>): string {
  return hasMoved(pull) ? `${pull.head.slice(0, -1)}${pull.head.endsWith("f") ? "0" : "f"}` : pull.head;
}
