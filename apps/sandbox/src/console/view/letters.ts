import type { DeadLetterRun } from "@remit/core";
import { type Complaint, complaintOf } from "../../cli/complaint.ts";
import type { ConsoleSource } from "../source.ts";

/** Runs that failed and that nobody has dealt with, of all groups. */
export interface LettersView {
  readonly letters: readonly (DeadLetterRun & { readonly group: string })[];
  /** Groups whose letters could not be read, each with why. */
  readonly broken: readonly { readonly group: string; readonly complaint: Complaint }[];
  readonly isCut: boolean;
}

const most = 100;

export async function viewLetters(source: ConsoleSource): Promise<LettersView> {
  const letters: LettersView["letters"][number][] = [];
  const broken: LettersView["broken"][number][] = [];
  let isCut = false;
  for (const group of source.groups()) {
    // Where nothing failed there is nothing to load a team for.
    const failed = await source.journal.listRuns({ tenant: group.tenant, status: ["failed"], most: 1 });
    if (failed.length === 0) continue;
    try {
      const supervisor = await source.supervisorOf(group);
      const found = await supervisor.deadLetters.list({ tenant: group.tenant, most });
      isCut ||= found.length === most;
      for (const letter of found) letters.push({ ...letter, group: group.id });
    } catch (thrown) {
      broken.push({ group: group.id, complaint: complaintOf(thrown) });
    }
  }
  letters.sort((left, right) => right.failedAt - left.failedAt);
  return { letters, broken, isCut };
}
