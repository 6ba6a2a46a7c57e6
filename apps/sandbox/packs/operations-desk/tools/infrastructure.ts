import { z } from "zod";
import { edit, put } from "../../../src/world/table.ts";
import type { WorldTool } from "../../../src/world/world.ts";
import { healthOf } from "../health.ts";
import { laterOn, operate, takeBack } from "../infrastructure.ts";
import { factsOf, type Operation, operationNames, type Target } from "../operations.ts";
import { incidentOf, openIncident, refuse } from "../refuse.ts";
import type { OperationsState } from "../state.ts";
import {
  alert,
  certificateId,
  flagId,
  incidentId,
  nodeId,
  operationId,
  operationsTool,
  queueId,
  runbookId,
  serviceId,
} from "./tool.ts";

/**
 * The infrastructure's own API. It does what it is told, as such APIs do: it knows nothing of runbooks and asks nobody. What
 * it refuses is what its change gate refuses, work under an incident that has ended or while planned work goes on.
 */

const targetSchema: Readonly<Record<Target, z.ZodString>> = { serviceId, nodeId, queueId, flagId, certificateId };
const settings = {
  add: z.int().min(-20).max(20).describe("How many more; fewer where it is negative."),
  enabled: z.boolean(),
} as const;

function inputOf(operation: Operation) {
  const { target, setting } = factsOf(operation);
  return z.strictObject({
    incidentId,
    alert,
    runbookId,
    revision: z.int().min(0).max(999).describe("Revision of the runbook that was read."),
    step: z.int().min(1).max(99).describe("Number of the step of the runbook that this is."),
    after: operationId.optional().describe("The operation of the step before; left out for the first one."),
    [target]: targetSchema[target],
    ...(setting === undefined ? {} : { [setting]: settings[setting] }),
  });
}

interface OperationInput {
  readonly incidentId: string;
  readonly runbookId: string;
  readonly revision: number;
  readonly step: number;
  readonly after?: string;
  readonly [argument: string]: string | number | boolean | undefined;
}

function operationTool(operation: Operation): WorldTool<OperationsState> {
  const { does, target: kind, setting } = factsOf(operation);
  return operationsTool({
    name: operation,
    description: `${does} Name the step of the runbook that it is.`,
    input: inputOf(operation),
    effect: "write",
    run: (state, given) => {
      const input = given as unknown as OperationInput;
      const incident = openIncident(state, input.incidentId);
      if (incident.maintenance) return refuse(`Planned work goes on at ${incident.serviceId}: nothing is changed.`);
      if (input.after !== undefined) requireBefore(state, input, input.after);
      const record = operate(state, {
        incident,
        operation,
        target: String(input[kind]),
        setting: setting === undefined ? undefined : (input[setting] as number | boolean),
        runbookId: input.runbookId,
        revision: input.revision,
        step: input.step,
      });
      put(state.operations, record.operationId, record);
      edit(state.incidents, incident.incidentId, (row) => {
        row.writes += 1;
      });
      return {
        operationId: record.operationId,
        state: record.state,
        risk: record.risk,
        worsened: record.worsened,
        health: healthOf(state, incident.serviceId),
      };
    },
  });
}

/** Refuses a step behind one that was not done here, or does not stand any more. */
function requireBefore(state: OperationsState, { incidentId: id, runbookId: by, step }: OperationInput, after: string) {
  const before = state.operations[after];
  if (before?.incidentId !== id || before.runbookId !== by || before.step >= step) {
    refuse(`${after} is no step before step ${step} of ${by} under incident ${id}.`);
  }
  if (before.state === "rolled_back") refuse(`${after} was taken back: nothing follows it.`);
}

const rollBack = operationsTool({
  name: "roll_back",
  description: "Takes one operation of an incident back: what it changed is again as it was before.",
  input: z.strictObject({ incidentId, operationId }),
  effect: "write",
  run: (state, asked) => {
    const incident = incidentOf(state, asked.incidentId);
    const record = state.operations[asked.operationId];
    if (record === undefined || record.incidentId !== asked.incidentId) {
      return refuse(`There is no operation ${asked.operationId} of incident ${asked.incidentId}.`);
    }
    if (record.before.length === 0) return refuse(`${record.operation} cannot be taken back.`);
    if (record.state === "rolled_back") return refuse(`${asked.operationId} was taken back already.`);
    const later = laterOn(state, record);
    if (later) return refuse(`${later.operationId} came after it on ${later.target}: take that back first.`);
    takeBack(state, { operation: record.operation, before: [...record.before] });
    edit(state.operations, asked.operationId, (row) => {
      row.state = "rolled_back";
    });
    edit(state.incidents, asked.incidentId, (row) => {
      row.writes += 1;
    });
    return { operationId: asked.operationId, state: "rolled_back", health: healthOf(state, incident.serviceId) };
  },
});

export const infrastructureTools = [...operationNames.map(operationTool), rollBack];
