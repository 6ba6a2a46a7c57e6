import type { InputBodies } from "../event.ts";
import { listed } from "../journal/listed.ts";
import type { Journal, RunRecord } from "../port/journal.ts";

/** Runs that undo what another one did. */

/** They share this conversation, by which they are found. */
export function undoConversation(run: string): string {
  return `undo:${run}`;
}

/** True for the start of a run that undoes this one. Anybody may call a conversation so; what undoes says so itself. */
export function undoes({ compensates }: Partial<InputBodies["run.started"]>, run: string): boolean {
  return compensates?.run === run;
}

/** All runs that may undo this one, however many share the conversation; whether they do, their start says. */
export function undoCandidates(journal: Journal, tenant: string, run: string): AsyncGenerator<RunRecord, void, void> {
  return listed(journal, { tenant, conversationId: undoConversation(run) });
}
