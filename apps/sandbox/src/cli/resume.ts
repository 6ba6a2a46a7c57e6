import { printable } from "../face/text.ts";
import { defaultConcurrency, modelText } from "./chosen-model.ts";
import type { Context, ExitCode } from "./context.ts";
import { findSuite, isUnfinished, stateOf } from "./find.ts";
import { onInterrupt } from "./interrupt.ts";
import { wholeNumber } from "./number.ts";
import { assertScenarios } from "./own-pack.ts";
import { openPack } from "./packs.ts";
import { play } from "./play.ts";
import { approverOf, conclude } from "./run.ts";
import { openExistingStore } from "./store.ts";

export interface ResumeOptions {
  readonly concurrency?: string;
  readonly approver?: string;
  readonly json?: boolean;
  readonly report: boolean;
}

/** Goes on with a suite that was cut off: ended runs are looked at, others go on from their journals or begin. */
export async function resume(wanted: string | undefined, options: ResumeOptions, context: Context): Promise<ExitCode> {
  const { place, out, err } = context;
  const json = options.json === true;
  await using store = openExistingStore(place);
  const { workspace, engine } = store;
  const approver = options.approver === undefined ? undefined : approverOf(options.approver);

  let suite = findSuite(workspace, wanted);
  if (wanted === undefined) {
    for (const one of workspace.suites().suites) {
      if (!isUnfinished(await stateOf(engine.journal, one))) continue;
      suite = one;
      break;
    }
  }
  const state = await stateOf(engine.journal, suite);
  const before = {
    ended: state.ended,
    takenUp: state.runs.length - state.ended,
    begun: suite.scenarios.length - state.runs.length,
  };
  if (!isUnfinished(state)) {
    if (json) context.json({ command: "resume", ok: true, exitCode: 0, suite: suite.id, before, suites: [] });
    else out.print(`Nothing to resume: every run of ${suite.id} has ended.`);
    return 0;
  }
  const concurrency = wholeNumber("--concurrency", options.concurrency ?? defaultConcurrency(suite.model), 1, 64);
  const pack = await openPack(suite.pack);
  assertScenarios(suite, pack);
  using interrupt = onInterrupt(() => {
    err.print("", "Stopping: what is under way comes to its end. Ctrl-C again ends at once.");
  });
  if (!json) {
    const { strong, quiet } = out.paint;
    out.print(`${strong(printable(pack.title))} ${quiet(`· ${modelText(suite.model)} · ${suite.id}`)}`);
    out.print(`${before.ended} had ended before, ${before.takenUp} are taken up, ${before.begun} begin now`);
  }
  const screen = json ? (err.live ? err : undefined) : out;
  const played = await play({
    place,
    store,
    pack,
    suites: [approver === undefined ? suite : { ...suite, approver }],
    concurrency,
    screen,
    report: options.report,
    interrupt,
  });
  return conclude(played, { command: "resume", json, more: { before } }, context);
}
