import type { Compensation } from "@remit/core";
import { errorText } from "../face/beat.ts";
import { printable } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { wentOnLines } from "./go-on.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { readRun } from "./recorded-run.ts";

export interface CompensateOptions extends PersonOptions, WhoseRuns {
  readonly effect?: readonly string[];
  readonly json?: boolean;
}

/** Undoes what an ended run did, as a run of its own, and lets that go on here until it ends or waits for a person. */
export async function compensate(wanted: string, options: CompensateOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  await using books = await openBooks(options, context);
  const record = await books.find(wanted);
  const [start] = (await readRun(books.engine.journal, record)).entries;
  // The undo works on the world of the run that it undoes, and plays no scenario.
  const worldId = start?.type === "run.started" ? start.body.attributes?.worldId : undefined;
  await using work = await books.work(record);
  const run = await work.supervisor.compensate(record.runId, {
    tenant: record.tenant,
    principal,
    ...(options.effect === undefined ? {} : { effects: options.effect }),
    ...(worldId === undefined ? {} : { attributes: { worldId } }),
  });
  const went = await work.goOn(run, undefined);
  const result = went.status === "parked" ? undefined : await run.result();
  const came: Compensation | undefined = result?.status === "completed" ? result.output : undefined;
  const exitCode = came === undefined || came.failed.length === 0 ? 0 : 1;
  if (options.json === true) {
    context.json({ command: "compensate", ok: exitCode === 0, exitCode, by: principal, came: came ?? null, run: went });
    return exitCode;
  }
  out.print(
    `${run.id} undoes what ${record.runId} did ${out.paint.quiet(`· for ${principal.id}`)}`,
    developmentLine(out),
    "",
  );
  for (const { effect, tool } of came?.undone ?? []) out.print(`  ${out.paint.good("✓")} ${effect}, by ${tool}`);
  for (const { effect, tool, error } of came?.failed ?? []) {
    out.print(`  ${out.paint.bad("✗")} ${effect}, by ${tool}: ${printable(errorText(error))}`);
  }
  out.print(...wentOnLines(went, context, books.place));
  return exitCode;
}
