import { z } from "zod";
import { type WorldTool, worldTool } from "../../../src/world/world.ts";
import { alerts } from "../causes.ts";
import type { OperationsState } from "../state.ts";

/** A tool of this infrastructure: infers the input, and fixes the state. */
export function operationsTool<Input extends z.ZodType>(tool: WorldTool<OperationsState, Input>) {
  return worldTool<OperationsState, Input>(tool) as WorldTool<OperationsState>;
}

const id = (domain: string, form: RegExp, about: string) =>
  z.string().max(40).regex(form).meta({ domain }).describe(about);

/**
 * Arguments that many tools take. Each says its domain: where a value came from is traced by it. The schemas are strict: an
 * argument that a tool does not know is refused.
 */
export const incidentId = id("incident", /^INC-\d{4}$/, "Incident number, like INC-1001.");
export const serviceId = id("service", /^svc-[a-z-]{2,30}$/, "Service, like svc-fares.");
export const nodeId = id("node", /^node-\d{2}$/, "Node, like node-07.");
export const queueId = id("queue", /^q-[a-z-]{2,30}$/, "Queue, like q-mailer.");
export const flagId = id("flag", /^flg-[a-z-]{2,30}$/, "Feature flag, like flg-offers.");
export const certificateId = id("certificate", /^crt-[a-z-]{2,30}$/, "Certificate, like crt-partners.");
export const runbookId = id("runbook", /^RB-\d{3}$/, "Runbook, like RB-101.");
export const operationId = id("operation", /^OP-\d{4}$/, "Operation that was done, like OP-1001.");

/** The incident that came before a second page: monitoring alone says which one that is. */
export const earlierIncidentId = id("earlier-incident", /^INC-\d{4}$/, "The incident that came before it.");
export const alert = z.enum(alerts).meta({ domain: "alert" }).describe("Name of the incident's alert.");

/** What trusted answers are looked through for, by domain. Everything else in them is there as well. */
export const answers = {
  incident: z.looseObject({ duplicateOf: earlierIncidentId.optional() }),
  service: z.looseObject({ serviceId, nodeId, queueId, flagId, certificateId }),
  runbook: z.looseObject({ runbookId }),
  operation: z.looseObject({ operationId }),
};
