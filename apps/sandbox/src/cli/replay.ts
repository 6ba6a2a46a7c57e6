import type { ReplayReport } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { printable } from "../face/text.ts";
import type { Books, WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { openBooks } from "./open-books.ts";

export interface ReplayOptions extends WhoseRuns {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Decides runs again from their journals, without server, model or network. Exit code 1 when one does not hold. */
export async function replay(wanted: string | undefined, options: ReplayOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  if (options.all !== true && wanted === undefined) {
    throw new SandboxError("usage/wrong", {
      reason: "replay needs a run, or --all for every ended run of a suite or a tenant",
    });
  }
  await using books = await openBooks(options, context);
  const reports = options.all === true ? await replayAll(books, wanted) : [await replayOne(books, wanted ?? "")];
  const broken = reports.filter(({ ok }) => !ok);
  const exitCode = broken.length > 0 ? 1 : 0;
  if (options.json === true) {
    context.json({ command: "replay", ok: exitCode === 0, exitCode, runs: reports });
    return exitCode;
  }
  if (options.all === true && reports.length === 0) {
    out.print(`No run of ${printable(books.named(wanted))} has ended, so there is nothing to decide again.`);
    return exitCode;
  }
  if (options.all !== true) for (const report of reports) out.print(...reportLines(report, context));
  else for (const report of broken) out.print(...reportLines(report, context), "");
  if (options.all === true) {
    const sum = (of: (report: ReplayReport) => number) =>
      reports.reduce((total, report) => total + of(report), 0).toLocaleString("en");
    const held = `${reports.length - broken.length} of ${reports.length} runs hold`;
    const numbers = `${sum(({ entries }) => entries)} entries, ${sum(({ decisions }) => decisions)} decisions made again from ${sum(({ inputs }) => inputs)} inputs`;
    out.print(
      `${broken.length === 0 ? out.paint.good(`✓ ${held}`) : out.paint.bad(`✗ ${held}`)} ${out.paint.quiet(`· ${numbers}`)}`,
    );
  }
  return exitCode;
}

async function replayOne(books: Books, wanted: string): Promise<ReplayReport> {
  const record = await books.find(wanted);
  const supervisor = await books.offline(record);
  return supervisor.replay(record.runId, { tenant: record.tenant });
}

const everyRun = 1_000_000;

async function replayAll(books: Books, wanted: string | undefined): Promise<ReplayReport[]> {
  const reports: ReplayReport[] = [];
  const named = books.named(wanted);
  // Who can decide nothing says so, also where nothing has ended.
  await books.supervisors(named);
  for (const record of await books.engine.journal.listRuns({ tenant: named, most: everyRun })) {
    const { runId, tenant, status } = record;
    if (status === "running" || status === "parked") continue;
    reports.push(await (await books.offline(record)).replay(runId, { tenant }));
  }
  return reports;
}

function reportLines(report: ReplayReport, { out }: Context): string[] {
  const { paint } = out;
  if (report.fault) {
    const { kind, seq, reason } = report.fault;
    const what = {
      chain: `entry ${seq} is not what was written`,
      decision: `entry ${seq} comes out differently`,
      definition: `entry ${seq} names another definition`,
      erased: `the body of entry ${seq} was erased`,
    }[kind];
    return [
      `${paint.bad("✗")} ${paint.strong(report.run)} ${paint.bad(what)}`,
      `  ${printable(reason)}`,
      paint.quiet(`  ${report.entries} entries before it hold, hash ${report.journalHash}`),
    ];
  }
  return [
    `${paint.good("✓")} ${paint.strong(report.run)} ${report.status}: decided again, and every decision is the same`,
    `  ${report.entries} entries: the hash chain holds, nothing was changed, dropped or put in`,
    `  ${report.inputs} inputs (start, models' answers, tools' results, replies) were applied again`,
    `  ${report.decisions} decisions (edges, payloads, allowed and denied calls, keys, the end) came out as recorded`,
    paint.quiet(`  no server, no model, no network; journal hash ${report.journalHash}`),
  ];
}
