import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { RunRecord, UnfinishedFilter, UnfinishedPage, WaitingDefinition } from "../port/journal.ts";
import { mostOf, oldestFirst, someMax, unfinishedStatuses } from "./listing.ts";
import { columns, type Row, recordOf } from "./sqlite-record.ts";

type Condition = readonly [text: string, ...values: SQLInputValue[]];

/** What an SQLite journal reads of runs that have not ended. */
export interface UnfinishedReader {
  readonly unfinished: (page: UnfinishedPage) => RunRecord[];
  readonly unfinishedTenants: (
    page: UnfinishedFilter & { readonly most?: number; readonly after?: string },
  ) => string[];
  readonly nextWakeAt: (after: number) => number | undefined;
  readonly waitingDefinitions: () => WaitingDefinition[];
}

/**
 * What an SQLite journal says of unfinished runs. Each question walks one index from where the page begins and stops
 * where it is full; statements are put together from the conditions that a filter has, and kept.
 */
export function sqliteUnfinished(database: DatabaseSync): UnfinishedReader {
  const statements = new Map<string, StatementSync>();
  const ask = (select: string, conditions: readonly Condition[], rest: string, ...values: SQLInputValue[]): Row[] => {
    const text = `${select} WHERE ${conditions.map(([condition]) => condition).join(" AND ")} ${rest}`;
    const statement = statements.get(text) ?? database.prepare(text);
    statements.set(text, statement);
    return statement.all(...conditions.flatMap(([, ...bound]) => bound), ...values);
  };
  const nextWake = database.prepare(
    `SELECT min(wake_at) AS wakeAt FROM runs INDEXED BY runs_due
     WHERE status = 'parked' AND wake_at IS NOT NULL AND wake_at > ?`,
  );
  const definitions = database.prepare(
    `SELECT supervisor, definition_hash AS definitionHash, count(*) AS runs FROM runs INDEXED BY runs_unfinished
     WHERE status IN ('running', 'parked') GROUP BY supervisor, definition_hash ORDER BY supervisor, definition_hash`,
  );

  /** The index for a filter, the column of its time, and the conditions under which the index may be used. */
  const planOf = (filter: UnfinishedFilter, status: "running" | "parked") => {
    const { dueAt, tenant, runId, definitions: wanted } = filter;
    const conditions: Condition[] = [["r.status IN ('running', 'parked')"], ["r.status = ?", status]];
    if (dueAt !== undefined) {
      conditions.splice(0, 2, ["r.status = 'parked' AND r.wake_at IS NOT NULL"], ["r.wake_at <= ?", dueAt]);
    }
    if (tenant !== undefined) conditions.push(["r.tenant = ?", tenant]);
    if (runId !== undefined) conditions.push(["r.run_id = ?", runId]);
    if (wanted) {
      const text = "r.supervisor || '@' || r.definition_hash IN (SELECT value FROM json_each(?))";
      conditions.push([text, JSON.stringify(wanted)]);
    }
    const [all, own] = dueAt === undefined ? ["runs_unfinished", "runs_by_status"] : ["runs_due", "runs_due_of_tenant"];
    const time = dueAt === undefined ? "r.started_at" : "r.wake_at";
    // Within one tenant the index has no place for its name.
    const order = tenant === undefined ? `${time}, r.tenant, r.run_id` : `${time}, r.run_id`;
    return { index: tenant === undefined ? all : own, conditions, order };
  };

  const unfinished = (page: UnfinishedPage): RunRecord[] => {
    const most = mostOf(page);
    const { after } = page;
    const timeOf = (run: RunRecord) => (page.dueAt === undefined ? run.startedAt : (run.wakeAt ?? 0));
    const rows = unfinishedStatuses(page).flatMap((status) => {
      const { index, conditions, order } = planOf(page, status);
      if (after && page.tenant === undefined) {
        conditions.push([`(${order}) > (?, ?, ?)`, timeOf(after), after.tenant, after.runId]);
      } else if (after) conditions.push([`(${order}) > (?, ?)`, timeOf(after), after.runId]);
      const select = `SELECT ${columns} FROM runs r INDEXED BY ${index}`;
      return ask(select, conditions, `ORDER BY ${order} LIMIT ?`, most);
    });
    return rows.map(recordOf).sort(oldestFirst(timeOf)).slice(0, most);
  };

  return {
    unfinished,
    unfinishedTenants: ({ after = "", most, ...filter }) => {
      const limit = most === undefined ? mostOf({}) : mostOf({ most });
      const names = unfinishedStatuses(filter).flatMap((status) => {
        const { index, conditions } = planOf(filter, status);
        conditions.push(["r.tenant > ?", after]);
        const select = `SELECT DISTINCT r.tenant FROM runs r INDEXED BY ${index}`;
        return ask(select, conditions, "ORDER BY r.tenant LIMIT ?", limit).map((row) => row.tenant as string);
      });
      return [...new Set(names)].sort().slice(0, limit);
    },
    nextWakeAt: (after) => (nextWake.get(after) as { wakeAt: number | null }).wakeAt ?? undefined,
    waitingDefinitions: () =>
      (definitions.all() as unknown as Omit<WaitingDefinition, "some">[]).map((definition) => {
        const wanted = `${definition.supervisor}@${definition.definitionHash}`;
        const some = unfinished({ definitions: [wanted], most: someMax });
        return { ...definition, some: some.map(({ tenant, runId }) => ({ tenant, runId })) };
      }),
  };
}
