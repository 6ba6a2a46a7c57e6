import { definePolicy } from "@remit/core";
import { z } from "zod";
import { editionOf, type Library } from "./library.ts";
import { askedOf, isOperation, type Operation, operationNames, riskOf } from "./operations.ts";

/** What of a call the rules look at. */
const stepCall = z.looseObject({
  alert: z.string(),
  runbookId: z.string(),
  revision: z.number(),
  step: z.number(),
  after: z.string().optional(),
});

interface Call {
  readonly tool: string;
  readonly arguments: unknown;
}

/** True for a call that is the step of a current runbook that it says it is, for an alert that the runbook is about. */
export function isStepOf(library: Library, { tool, arguments: args }: Call): boolean {
  const read = stepCall.safeParse(args);
  if (!read.success || !isOperation(tool)) return false;
  const { alert, runbookId, revision, step, after } = read.data;
  const wanted = library.step(runbookId, revision, step)?.operation;
  const runbook = library.get(runbookId);
  if (wanted?.operation !== tool || !runbook?.alerts.includes(alert)) return false;
  // The first one follows nothing, and each other one an operation that was done: the infrastructure has given its number.
  const isFirst = runbook.steps.find(({ operation }) => operation !== undefined)?.step === step;
  if (isFirst !== (after === undefined)) return false;
  return askedOf(tool, read.data).setting === wanted.setting;
}

/** The class of a call, by the table of operations and its target. */
export function riskOfCall({ tool, arguments: args }: Call): "low" | "high" {
  return riskOf(tool as Operation, askedOf(tool as Operation, args as Readonly<Record<string, unknown>>).target);
}

/**
 * The rules of the desk. What changes the infrastructure is a step of a runbook or is not done; what is of high risk is done
 * when a person said so.
 */
export function operationsPolicy(library: Library, ticketWrites: readonly string[]) {
  return definePolicy({
    name: "operations",
    // Another edition of the runbooks is another policy.
    version: `1.${edition(library)}`,
    rules: [
      { id: "team", on: ["handoff", "model", "egress"], effect: "allow", because: "the desk works together" },
      {
        id: "look",
        on: "tool",
        effect: "allow",
        when: ({ effect }) => effect === "read",
        because: "looking changes nothing",
      },
      {
        id: "looked-first",
        on: "tool",
        effect: "deny",
        // Who has read what others wrote is held to what trusted systems say; who has read nothing is held to nothing.
        when: ({ effect, flow, agent }) => effect === "write" && agent !== "compensation" && flow?.clean !== false,
        because: "nobody has looked at the logs and tickets of the incident",
      },
      { id: "ticket", on: "tool", tools: [...ticketWrites], effect: "allow", because: "the ticket is the desk's own" },
      {
        id: "way-back",
        on: "tool",
        tools: ["roll_back"],
        effect: "allow",
        because: "what was there before was well enough to be there",
      },
      {
        id: "low-risk-step",
        on: "tool",
        tools: [...operationNames],
        effect: "allow",
        when: (call) => isStepOf(library, call) && riskOfCall(call) === "low",
        because: "a step of low risk of a current runbook",
      },
      {
        id: "high-risk-step",
        on: "tool",
        tools: [...operationNames],
        effect: "approve",
        when: (call) => isStepOf(library, call) && riskOfCall(call) === "high",
        because: "a step of high risk, or on what every sale goes through",
      },
    ],
  });
}

function edition(library: Library): string {
  let sum = 0;
  for (const character of editionOf(library)) sum = (Math.imul(sum, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum.toString(36);
}
