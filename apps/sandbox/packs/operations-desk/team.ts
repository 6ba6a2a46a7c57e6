import { effectReviewer } from "@remit/agents";
import {
  type AnyTool,
  defineEscalation,
  defineHandoff,
  defineSupervisor,
  defineThreshold,
  inputOf,
  optional,
  outputOf,
} from "@remit/core";
import { pick } from "../../src/pack.ts";
import { action as actionWith, reporter, runbooks as runbooksWith, summarizer as summarizerWith } from "./agents.ts";
import { planFaults } from "./guard.ts";
import type { Library } from "./library.ts";
import { approvalHours, operationNames, operations } from "./operations.ts";
import { operationsPolicy } from "./policy.ts";

export interface TeamOptions {
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly library: Library;
  /** Names of the tools that write tickets. */
  readonly ticketWrites: readonly string[];
}

/**
 * The operations desk: the summarizer looks, the runbook agent finds what is to be done, a guard compares that with the
 * runbook itself, action does it, and the reporter tells. Operations of high risk wait for somebody who approves changes.
 */
export function operationsTeam({ tools, library, ticketWrites }: TeamOptions) {
  const summarizer = summarizerWith(tools);
  const runbooks = runbooksWith(tools);
  const action = actionWith(tools, [...ticketWrites, ...operationNames, "roll_back"]);
  const policy = operationsPolicy(library, ticketWrites);
  // What the guard says follows from the runbooks as well.
  const { version } = policy;
  const highRisk = operationNames.filter((name) => operations[name].risk === "high");

  return defineSupervisor({
    name: "operations-desk",
    version: "1",
    agents: { summarizer, runbooks, action, reporter },
    entry: "summarizer",
    exit: "reporter",
    onFailure: "escalate",
    thresholds: [defineThreshold({ agent: summarizer, atLeast: 0.6, read: ({ confidence }) => confidence })],
    judges: { reviewer: effectReviewer },
    approvals: pick(tools, highRisk).map((tool) => ({
      tool,
      by: "human" as const,
      roles: ["change-approver"],
      expiresMs: approvalHours * 3_600_000,
    })),
    policy,
    // The infrastructure's own systems; what people and programs write into logs and tickets is nobody's word.
    trusted: ["mcp:operations-desk"],
    flows: { untrusted: "deny", control: "deny" },
    limits: { steps: 80, handoffs: 16, turns: 24, repeats: 4, writeRepeats: 1 },
    handoffs: [
      defineHandoff({
        from: summarizer,
        to: action,
        name: "a second page",
        when: ({ state, duplicateOf }) => state === "duplicate" && duplicateOf !== undefined,
        map: ({ incidentId, alert, serviceId, severity, duplicateOf }) => ({
          ...{ incidentId, alert, serviceId, severity, task: "merge" as const },
          ...(duplicateOf === undefined ? {} : { duplicateOf }),
          because: "It repeats an incident that came before.",
        }),
      }),
      defineHandoff({
        from: summarizer,
        to: reporter,
        name: "nothing to do",
        when: ({ state }) => state === "ended" || state === "planned_work",
        map: ({ incidentId, alert, serviceId, severity, state, timeline }) => ({
          ...{ incidentId, alert, serviceId, severity, state, timeline },
        }),
      }),
      defineHandoff({
        from: summarizer,
        to: runbooks,
        name: "needs a runbook",
        map: ({ incidentId, alert, serviceId, severity, cause }) => ({ incidentId, alert, serviceId, severity, cause }),
      }),
      defineHandoff({
        from: runbooks,
        to: action,
        name: "follows the runbook",
        version,
        with: { asked: inputOf(runbooks) },
        when: (found, { asked }) => planFaults(library, found, asked).length === 0,
        map: ({ runbookId, revision, steps, because }, { asked: { incidentId, alert, serviceId, severity } }) => ({
          ...{ incidentId, alert, serviceId, severity, task: "remedy" as const, runbookId, revision, steps, because },
        }),
      }),
      defineHandoff({
        from: runbooks,
        to: action,
        name: "no runbook fits",
        with: { asked: inputOf(runbooks) },
        when: ({ outcome }) => outcome === "none",
        map: ({ because }, { asked: { incidentId, alert, serviceId, severity } }) => ({
          ...{ incidentId, alert, serviceId, severity, task: "page" as const, because },
        }),
      }),
      defineHandoff({
        from: runbooks,
        to: runbooks,
        name: "look again",
        version,
        with: { asked: inputOf(runbooks) },
        max: 1,
        map: (found, { asked }) => ({ ...asked, faults: [...planFaults(library, found, asked)] }),
      }),
      defineEscalation({
        from: runbooks,
        name: "not the runbook's steps",
        version,
        with: { asked: inputOf(runbooks) },
        reason: "invented_steps",
        packet: (found, { asked }) => ({
          what: `A plan for ${asked.incidentId} that is not its runbook's.`,
          faults: [...planFaults(library, found, asked)],
        }),
      }),
      defineHandoff({
        from: action,
        to: reporter,
        name: "acted",
        with: { seen: outputOf(summarizer), found: optional(outputOf(runbooks)) },
        map: ({ outcome, done, notDone }, { seen, found }) => {
          const { incidentId, alert, serviceId, severity, state, timeline } = seen;
          return {
            ...{ incidentId, alert, serviceId, severity, state, timeline, outcome, done, notDone },
            runbook: found?.outcome === "plan" ? `${found.runbookId}@${found.revision}` : "",
          };
        },
      }),
      defineEscalation({
        from: reporter,
        name: "to the person on call",
        when: ({ disposition }) => disposition === "handed_over",
        reason: "handed_over",
        packet: ({ reply }) => ({ reply }),
      }),
      defineEscalation({
        from: reporter,
        name: "says more than was done",
        with: { told: inputOf(reporter) },
        when: ({ disposition }, { told: { outcome = "ended", state } }) =>
          disposition !== outcome &&
          !(disposition === state) &&
          !(disposition === "ended" && outcome === "ended_meanwhile"),
        reason: "contradiction",
        packet: ({ reply }) => ({ reply }),
      }),
    ],
  });
}
