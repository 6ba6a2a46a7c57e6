import type { RunRecord, RunStatus } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { minuteText } from "../face/case.ts";
import { statuses } from "../face/statuses.ts";
import { type Cell, table } from "../face/table.ts";
import { duration, printable } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { wholeNumber } from "./number.ts";
import { openBooks } from "./open-books.ts";

/** The runs of a person's own application. */

export interface OwnRunsOptions extends WhoseRuns {
  readonly status?: string;
  readonly most: string;
  readonly json?: boolean;
}

/** Lists runs, the newest first. Nothing but the journal is looked at. */
export async function listOwnRuns(options: OwnRunsOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  const status = options.status === undefined ? undefined : statusOf(options.status);
  const most = wholeNumber("--most", options.most, 1, 100_000);
  await using books = await openBooks({ ...options, own: true }, context);
  const { journal } = books.engine;
  const lists = await Promise.all(
    books.all().map((tenant) => journal.listRuns({ tenant, most, ...(status ? { status: [status] } : {}) })),
  );
  const runs = lists
    .flat()
    .sort((left, right) => right.startedAt - left.startedAt)
    .slice(0, most);
  if (options.json === true) {
    context.json({ command: "runs list", tenants: books.all(), runs });
    return 0;
  }
  if (runs.length === 0)
    out.print(`No run ${status === undefined ? "" : `is ${status} `}in ${books.all().join(", ")}.`);
  else out.print(...runLines(runs, context));
  return 0;
}

function runLines(runs: readonly RunRecord[], { out }: Context): string[] {
  const { paint, columns } = out;
  const rows = runs.map(({ runId, tenant, supervisor, status, lastSeq, startedAt, updatedAt }): Cell[] => [
    { text: printable(runId), tint: paint.name },
    { text: printable(tenant) },
    { text: printable(supervisor) },
    { text: status, tint: status === "completed" ? paint.good : status === "failed" ? paint.bad : paint.warn },
    { text: String(lastSeq) },
    { text: minuteText(startedAt), tint: paint.quiet },
    { text: duration(updatedAt - startedAt), tint: paint.quiet },
  ]);
  const titles = [
    { title: "run" },
    { title: "tenant", atLeast: 8 },
    { title: "supervisor", atLeast: 10 },
    { title: "status" },
    { title: "entries", align: "right" as const },
    { title: "began", spare: 2 },
    { title: "time", align: "right" as const, spare: 1 },
  ];
  return table(titles, rows, { columns, head: paint.quiet });
}

function statusOf(text: string): RunStatus {
  const found = statuses.find((one) => one === text);
  if (found) return found;
  throw new SandboxError("usage/wrong", { reason: `--status is one of ${statuses.join(", ")}, not "${text}"` });
}
