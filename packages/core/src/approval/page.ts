import type { Journal, RunFilter, RunRecord } from "../port/journal.ts";
import type { ApprovalFilter } from "./service.ts";

const listedMost = 100;

/** Goes through the runs that wait for people's decisions, newest first, until enough of what they wait for is found. */
export async function pagesOf<Case>(
  { journal, supervisor }: { readonly journal: Journal; readonly supervisor?: string },
  { tenant, most = listedMost, ...page }: ApprovalFilter,
  casesOf: (record: RunRecord) => Promise<readonly Case[]>,
): Promise<readonly Case[]> {
  const cases: Case[] = [];
  let edge = page;
  while (cases.length < most) {
    const filter: RunFilter = {
      tenant,
      ...(supervisor === undefined ? {} : { supervisor }),
      status: ["running", "parked"],
      waitingFor: "approval",
      most: listedMost,
      ...edge,
    };
    const records = await journal.listRuns(filter);
    for (const record of records) {
      if (cases.length >= most) break;
      cases.push(...(await casesOf(record)));
    }
    const last = records.at(-1);
    if (!last || records.length < listedMost) break;
    edge = { before: last.startedAt, beforeRunId: last.runId };
  }
  return cases;
}
