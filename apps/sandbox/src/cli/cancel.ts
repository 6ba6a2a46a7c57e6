import type { Run } from "@remit/core";
import { cancelRun } from "../console/acting.ts";
import type { Context, ExitCode } from "./context.ts";
import { findRun } from "./find.ts";
import { goOn, wentOnLines } from "./go-on.ts";
import { openPack } from "./packs.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { readRun } from "./recorded-run.ts";
import { openExistingStore } from "./store.ts";

export interface CancelOptions extends PersonOptions {
  readonly reason: string;
  readonly subtree?: string;
  readonly json?: boolean;
}

/** Cancels a run, or one agent of it with all that works for it; what is left goes on here. */
export async function cancel(wanted: string, options: CancelOptions, context: Context): Promise<ExitCode> {
  const { place, out } = context;
  const { reason, subtree } = options;
  const principal = personOf(options);
  await using store = openExistingStore(place);
  const { suite, record } = await findRun(store.workspace, store.engine.journal, wanted);
  const { scenario } = await readRun(store.engine.journal, record);
  const pack = await openPack(suite.pack);
  const { openStage } = await import("../suite/stage.ts");
  await using stage = await openStage({ suite, pack, ...store, approver: "none" });
  const acting = { supervisor: stage.supervisor, goOn: (run: Run) => goOn(stage, pack, run, scenario) };
  const where = { tenant: record.tenant, run: record.runId };
  const went = await (await cancelRun(acting, where, { reason, subtree, principal })).went;
  if (options.json === true) {
    context.json({ command: "cancel", ok: true, exitCode: 0, by: principal, subtree: subtree ?? null, run: went });
    return 0;
  }
  out.print(`${subtree ?? "The run"} is cancelled ${out.paint.quiet(`· by ${principal.id}`)}`, developmentLine(out));
  if (subtree !== undefined || went.status !== "cancelled") out.print("", ...wentOnLines(went, context));
  else out.print("", `  ${place.command(`show ${went.run}`)}`);
  return 0;
}
