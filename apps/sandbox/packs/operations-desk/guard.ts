import type { z } from "zod";
import type { Plan, runbooksInput } from "./agents.ts";
import type { Library } from "./library.ts";
import { today } from "./library.ts";
import { factsOf, isOperation } from "./operations.ts";
import { sourceIdOf, standingOf } from "./runbooks/index.ts";

/**
 * Whether a plan is the runbook's own: the contract between who finds steps and who does them. It looks at the runbook, not
 * at what was said of it, so an invented step, another setting or an old revision gets no further. Pure.
 * @returns what is wrong, a line each; nothing where the plan may be carried out
 */
export function planFaults(
  library: Library,
  { outcome, runbookId, revision, steps, passages }: Plan,
  asked: Pick<z.output<typeof runbooksInput>, "alert" | "serviceId">,
): readonly string[] {
  if (outcome === "none") return ["there is no plan"];
  const runbook = library.get(runbookId);
  if (runbook === undefined) return [`there is no runbook ${runbookId}`];
  const found: string[] = [];
  const standing = standingOf(runbook, today);
  if (standing !== "current") found.push(`${runbookId} is ${standing}`);
  if (runbook.revision !== revision) found.push(`${sourceIdOf(runbook)} is not revision ${revision}`);
  if (!runbook.alerts.includes(asked.alert)) found.push(`${runbookId} is not about ${asked.alert}`);
  const wasRead = passages.some(
    ({ sourceId, text }) => sourceId.includes(runbookId) || text.includes(`"${runbookId}"`),
  );
  if (!wasRead) found.push(`no passage is of ${runbookId}: it was not read`);
  if (steps.length === 0) found.push("the plan has no step");
  const own = runbook.steps.filter((one) => one.operation !== undefined);
  steps.forEach(({ step, operation, target, setting }, index) => {
    const wanted = own[index];
    if (wanted?.operation === undefined || wanted.step !== step) {
      found.push(`step ${step} is not the next one of ${runbookId} that changes something`);
    } else if (wanted.operation.operation !== operation || wanted.operation.setting !== setting) {
      found.push(`step ${step} of ${runbookId} is ${wanted.operation.operation}, not ${operation} so`);
    }
    if (isOperation(operation) && factsOf(operation).target === "serviceId" && target !== asked.serviceId) {
      found.push(`step ${step} is about ${target}, and the incident about ${asked.serviceId}`);
    }
  });
  return found.slice(0, 20);
}
