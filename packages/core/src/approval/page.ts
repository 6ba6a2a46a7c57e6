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
  let edge = page;
  while (cases.length < most) {
    const filter: RunFilter = {
      tenant,
      ...only,
      status: ["running", "parked"],
      waitingFor: "approval",
      most: listedMost,
      ...edge,
    };
    const records = await journal.listRuns(filter);
    for (const record of records) {
      if (cases.length >= most) break;
      if (!isServed(options, record)) continue;
      cases.push(...(await casesOf(record)));
    }
    const last = records.at(-1);
    if (!last || records.length < listedMost) break;
    edge = { before: last.startedAt, beforeRunId: last.runId };
  }
  return cases;
}
