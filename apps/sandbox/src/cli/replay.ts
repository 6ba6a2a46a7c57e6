import type { ReplayReport } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { printable } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";
import { findRun, findSuite, stateOf } from "./find.ts";
import { offlineSupervisor } from "./offline.ts";
import { openExistingStore, type Store } from "./store.ts";

export interface ReplayOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Decides runs again from their journals, without server, model or network. Exit code 1 when one does not hold. */
export async function replay(wanted: string | undefined, options: ReplayOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  if (options.all !== true && wanted === undefined) {
    throw new SandboxError("usage/wrong", { reason: "replay needs a run, or --all for every ended run of a suite" });
  }
  await using store = openExistingStore(context.place);
  const reports = options.all === true ? await replaySuite(store, wanted) : [await replayOne(store, wanted ?? "")];
  const broken = reports.filter(({ ok }) => !ok);
  const exitCode = broken.length > 0 ? 1 : 0;
  if (options.json === true) {
    context.json({ command: "replay", ok: exitCode === 0, exitCode, runs: reports });
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

async function replayOne(store: Store, wanted: string): Promise<ReplayReport> {
  const { suite, record } = await findRun(store.workspace, store.engine.journal, wanted);
  const supervisor = await offlineSupervisor(store, suite);
  return supervisor.replay(record.runId, { tenant: record.tenant });
}

async function replaySuite(store: Store, wanted: string | undefined): Promise<ReplayReport[]> {
  const suite = findSuite(store.workspace, wanted);
  const supervisor = await offlineSupervisor(store, suite);
  const reports: ReplayReport[] = [];
  for (const { runId, tenant, status } of (await stateOf(store.engine.journal, suite)).runs) {
    if (status === "running" || status === "parked") continue;
    reports.push(await supervisor.replay(runId, { tenant }));
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
