import { storyOf } from "../face/story.ts";
import { Telling } from "../face/telling.ts";
import { printable } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { openBooks } from "./open-books.ts";
import { readRun } from "./recorded-run.ts";

export interface ShowOptions extends WhoseRuns {
  readonly payloads?: boolean;
  readonly brief?: boolean;
  readonly json?: boolean;
}

/** Tells a run from its journal. Exit code 1 when an entry is not what was written. */
export async function show(wanted: string, options: ShowOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  await using books = await openBooks(options, context);
  const { engine, place, kind } = books;
  const record = await books.find(wanted);
  const run = await readRun(engine.journal, record);
  if (options.json === true) {
    context.json({
      command: "show",
      run: run.runId,
      [kind]: record.tenant,
      scenario: run.scenario ?? null,
      record,
      seq: run.head.seq,
      journalHash: run.head.hash,
      fault: run.fault ?? null,
      entries: run.entries,
    });
    return run.fault ? 1 : 0;
  }
  const { strong, quiet, bad, good } = out.paint;
  out.print(
    `${strong(run.runId)} ${quiet("·")} ${printable(run.scenario ?? "no scenario")} ${quiet(`· ${record.status} · ${record.tenant}`)}`,
    quiet(
      `${record.supervisor}, definition ${record.definitionHash}, begun ${new Date(record.startedAt).toISOString()}`,
    ),
    "",
  );
  const telling = new Telling(out, { numbered: true });
  for (const beat of storyOf(run.entries)) {
    if (options.brief === true && !beat.main) continue;
    out.print(...telling.lines(beat), ...(options.payloads === true ? telling.payload(beat) : []));
  }
  out.print("");
  if (run.fault) {
    out.print(
      bad(`Entry ${run.fault.seq} is not what was written: ${run.fault.reason}. Nothing behind it can be trusted.`),
    );
    return 1;
  }
  out.print(`${good("✓")} the chain of ${run.head.seq} entries holds, journal hash ${run.head.hash}`);
  if (kind === "suite" && (record.status === "running" || record.status === "parked")) {
    out.print(`This run has not ended. To go on: ${place.command(`resume ${record.tenant}`)}`);
  }
  return 0;
}
