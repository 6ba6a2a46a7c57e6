import { listed } from "../journal/listed.ts";
import type { RunFilter, RunRecord } from "../port/journal.ts";
import { isServed } from "./served.ts";
import type { ApprovalFilter, ApprovalServiceOptions } from "./service.ts";

const listedMost = 100;

/** Goes through the runs that wait for people's decisions, newest first, until enough of what they wait for is found. */
export async function pagesOf<Case>(
  options: Pick<ApprovalServiceOptions, "journal" | "supervisor" | "specialists">,
  { tenant, most = listedMost, ...page }: ApprovalFilter,
  casesOf: (record: RunRecord) => Promise<readonly Case[]>,
): Promise<readonly Case[]> {
  const { journal, supervisor, specialists } = options;
  // Where specialists are listed too, those of others are passed over here.
  const only = supervisor === undefined || (specialists && specialists.size > 0) ? {} : { supervisor };
  const cases: Case[] = [];
  const filter: RunFilter = { tenant, ...only, status: ["running", "parked"], waitingFor: "approval", ...page };
  if (!(most > 0)) return cases;
  for await (const record of listed(journal, filter)) {
    if (isServed(options, record)) cases.push(...(await casesOf(record)));
    if (cases.length >= most) break;
  }
  return cases;
}
