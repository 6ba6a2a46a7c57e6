import type { Run } from "@remit/core";
import type { ScenarioOutcome } from "@remit/core/testing";
import type { WentOn } from "../console/acting.ts";
import { printable } from "../face/text.ts";
import type { Pack } from "../pack.ts";
import { reasonText } from "../suite/report.ts";
import type { Stage } from "../suite/stage.ts";
import type { Context } from "./context.ts";
import type { Place } from "./place.ts";

/**
 * Lets a run go on in this process until it ends or waits for somebody: its scenario's customers answer, nobody
 * approves. A run without a scenario, such as one that undoes another, has nobody who answers.
 */
export async function goOn(stage: Stage, pack: Pack, run: Run, scenarioName: string | undefined): Promise<WentOn> {
  const scenario = pack.scenarios().find(({ name }) => name === scenarioName);
  if (scenario) return toldOf(run, (await stage.play(scenario, { run, unattended: "leave" })).result);
  return settled(run);
}

/** What a run comes to that nobody plays a part in. */
export async function settled(run: Run): Promise<WentOn> {
  const status = await run.settled();
  if (status !== "parked") return toldOf(run, await run.result());
  const [approvals, questions] = [await run.approvals(), await run.questions()];
  return toldOf(run, { status, runId: run.id, approvals, questions });
}

function toldOf({ id: run }: Run, result: ScenarioOutcome["result"]): WentOn {
  const { status } = result;
  const waits = status === "parked" ? result : undefined;
  return {
    run,
    status,
    reason: reasonText({ result }),
    waiting: waits?.approvals.map(({ address }) => address) ?? [],
    questions: waits?.questions.map(({ question }) => question) ?? [],
  };
}

/** Says what came of it. */
export function wentOnLines(
  { run, status, reason, waiting, questions }: WentOn,
  { out, place: here }: Context,
  place: Place = here,
): string[] {
  const { paint } = out;
  const why = printable(reason);
  if (status === "parked") {
    return [
      `The run went on and waits again${why === "" ? "" : `: ${why}`}.`,
      ...waiting.map((address) => `  ${place.command(`approvals show ${address}`)}`),
      ...questions.map((question) => `  “${printable(question)}”`),
    ];
  }
  const tint = status === "completed" ? paint.good : status === "failed" ? paint.bad : paint.warn;
  return [
    `The run went on and has ended: ${tint(status)}${why === "" ? "" : ` · ${why}`}`,
    `  ${place.command(`show ${run}`)}`,
  ];
}
