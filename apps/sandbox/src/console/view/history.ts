import type { Entry } from "@remit/core";
import { errorText } from "../../face/beat.ts";
import { nameOf } from "../../face/gates.ts";

/** What people said on one write or one question, and what came of it, from the run's entries. */

export interface HistoryLine {
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  /** What happened, as a sentence without a subject of its own. */
  readonly text: string;
  readonly reason: string;
  readonly tone: "good" | "warn" | "plain";
  /** What somebody said; what that came to; what followed from it. */
  readonly kind: "asked" | "word" | "outcome" | "after";
  /** Key of the word, where it is one. */
  readonly key?: string;
  /** Address of the proposal that took its place. */
  readonly next?: string;
}

/** @param effect path of the write */
export function historyOf(run: string, effect: string, entries: readonly Entry[]): readonly HistoryLine[] {
  return entries.flatMap((entry): readonly HistoryLine[] => {
    const told = lineOf(run, effect, entry);
    return told ? [{ seq: entry.seq, at: entry.at, reason: "", tone: "plain", kind: "outcome", ...told }] : [];
  });
}

function lineOf(
  run: string,
  effect: string,
  entry: Entry,
): (Pick<HistoryLine, "text"> & Partial<HistoryLine>) | undefined {
  switch (entry.type) {
    case "approval.requested":
      return entry.body.effect === effect
        ? { text: `${entry.body.agent} asked for an approval`, kind: "asked" }
        : undefined;
    case "approval.decided": {
      const { decision, principal, reason, key } = entry.body;
      if (entry.body.effect !== effect) return undefined;
      const text = { approve: "approved it", reject: "rejected it", edit: "changed its arguments" }[decision];
      return {
        text: `${nameOf(principal)} ${text}`,
        reason,
        key,
        kind: "word",
        tone: decision === "approve" ? "good" : "warn",
      };
    }
    case "approval.recorded": {
      const { approvals, quorum } = entry.body;
      return entry.body.effect === effect && quorum > 1
        ? { text: `${approvals} of ${quorum} approvals`, kind: "after" }
        : undefined;
    }
    case "approval.granted":
      return entry.body.effect === effect
        ? { text: "It is approved, once, for these arguments", tone: "good" }
        : undefined;
    case "approval.rejected":
      return entry.body.effect === effect ? { text: "It is rejected: it does not happen", tone: "warn" } : undefined;
    case "approval.edited":
      return entry.body.effect === effect
        ? {
            text: "This proposal is void; another one takes its place",
            tone: "warn",
            next: `${run}/${entry.body.next}`,
          }
        : undefined;
    case "approval.expired":
      return entry.body.effect === effect
        ? { text: "Nobody decided in time: it does not happen", tone: "warn" }
        : undefined;
    case "approval.refused":
      return entry.body.effect === effect
        ? {
            text: `A decision of ${entry.body.by} did not count`,
            kind: "after",
            reason: errorText(entry.body.error),
            tone: "warn",
          }
        : undefined;
    case "effect.settled":
      return entry.body.effect === effect
        ? { text: `It was carried out: ${entry.body.outcome}`, tone: "good", kind: "after" }
        : undefined;
    case "tool.denied":
      return entry.path === effect
        ? { text: "The call was denied", kind: "after", reason: errorText(entry.body.error), tone: "warn" }
        : undefined;
    case "question.answered":
      return entry.body.question === effect
        ? {
            text: `${nameOf(entry.body.principal)} answered: ${entry.body.answer.action}`,
            reason: entry.body.reason,
            key: entry.body.key,
            kind: "word",
            tone: "good",
          }
        : undefined;
    case "question.closed":
      return entry.body.question === effect ? { text: `The question is closed: ${entry.body.outcome}` } : undefined;
    case "run.completed":
    case "run.denied":
    case "run.escalated":
    case "run.failed":
    case "run.cancelled":
      return { text: `The run has ended: ${entry.type.slice("run.".length)}`, kind: "after" };
    default:
      return undefined;
  }
}
