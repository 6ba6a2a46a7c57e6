import type { RunRecord } from "../port/journal.ts";

/** True for a run whose cases stand in an inbox: its supervisor's own, and those of specialists that work for it. */
export function isServed(
  inbox: { readonly supervisor?: string; readonly specialists?: ReadonlySet<string> },
  { supervisor }: Pick<RunRecord, "supervisor">,
): boolean {
  if (inbox.supervisor === undefined || inbox.supervisor === supervisor) return true;
  return inbox.specialists?.has(supervisor) === true;
}
