import type { Run } from "@remit/core";
import { cancelRun } from "../console/acting.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { wentOnLines } from "./go-on.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { readRun } from "./recorded-run.ts";

export interface CancelOptions extends PersonOptions, WhoseRuns {
  readonly reason: string;
  readonly subtree?: string;
  readonly json?: boolean;
}

/** Cancels a run, or one agent of it with all that works for it; what is left goes on here. */
export async function cancel(wanted: string, options: CancelOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  const { reason, subtree } = options;
  const principal = personOf(options);
  await using books = await openBooks(options, context);
  const { place } = books;
  const record = await books.find(wanted);
  const { scenario } = await readRun(books.engine.journal, record);
  await using work = await books.work(record);
  const acting = { supervisor: work.supervisor, goOn: (run: Run) => work.goOn(run, scenario) };
  const where = { tenant: record.tenant, run: record.runId };
  const went = await (await cancelRun(acting, where, { reason, subtree, principal })).went;
  if (options.json === true) {
    context.json({ command: "cancel", ok: true, exitCode: 0, by: principal, subtree: subtree ?? null, run: went });
    return 0;
  }
  out.print(`${subtree ?? "The run"} is cancelled ${out.paint.quiet(`· by ${principal.id}`)}`, developmentLine(out));
  if (subtree !== undefined || went.status !== "cancelled") out.print("", ...wentOnLines(went, context, place));
  else out.print("", `  ${place.command(`show ${went.run}`)}`);
  return 0;
}
