import { z } from "zod";
import { edit, type Frozen } from "../../../src/world/table.ts";
import { healthOf } from "../health.ts";
import { incidentOf, openIncident, refuse } from "../refuse.ts";
import { hasEnded, type Incident, type OperationsState, statusOf } from "../state.ts";
import { earlierIncidentId, incidentId, operationsTool } from "./tool.ts";

/** The incident's own record, and the people on call. */

const text = z.string().min(3).max(2_000);

function noted(state: OperationsState, { incidentId: id }: Frozen<Incident>, change: (row: Incident) => void): void {
  edit(state.incidents, id, (row) => {
    row.writes += 1;
    change(row);
  });
}

const acknowledge = operationsTool({
  name: "acknowledge_incident",
  description: "Says that somebody looks at an incident.",
  input: z.strictObject({ incidentId }),
  effect: "write",
  run: (state, asked) => {
    const incident = openIncident(state, asked.incidentId);
    if (incident.acknowledged) return refuse(`Incident ${asked.incidentId} is acknowledged already.`);
    noted(state, incident, (row) => {
      row.acknowledged = true;
    });
    state.minutes += 1;
    return { incidentId: asked.incidentId, acknowledged: true };
  },
});

const update = operationsTool({
  name: "update_ticket",
  description:
    "Writes a note into an incident and sets its status. The operations that were done under it are added by the system. `resolved` is refused while its service is not well.",
  input: z.strictObject({ incidentId, status: z.enum(["open", "mitigated", "resolved", "handed_over"]), text }),
  effect: "write",
  run: (state, asked) => {
    const incident = incidentOf(state, asked.incidentId);
    const ended = hasEnded(incident);
    if (ended && asked.status !== statusOf(incident)) {
      return refuse(`Incident ${asked.incidentId} is ${statusOf(incident)}: a note may be added, its status stays.`);
    }
    const health = healthOf(state, incident.serviceId);
    if (!ended && asked.status === "resolved" && health !== "ok") {
      return refuse(`${incident.serviceId} is ${health}: incident ${asked.incidentId} is not resolved.`);
    }
    if (!ended && asked.status === "mitigated" && health === "down") {
      return refuse(`${incident.serviceId} is down: incident ${asked.incidentId} is not mitigated.`);
    }
    const done = Object.values(state.operations).filter((one) => one.incidentId === asked.incidentId);
    noted(state, incident, (row) => {
      row.notes.push({ status: asked.status, text: asked.text, operations: done.map((one) => one.operationId) });
      if (!ended) row.status = asked.status;
    });
    return { incidentId: asked.incidentId, status: asked.status, operations: done.map((one) => one.operationId) };
  },
});

const merge = operationsTool({
  name: "merge_incident",
  description: "Joins a second page of the same trouble to the incident that came before it.",
  input: z.strictObject({ incidentId, intoIncidentId: earlierIncidentId }),
  effect: "write",
  run: (state, asked) => {
    const incident = openIncident(state, asked.incidentId);
    openIncident(state, asked.intoIncidentId);
    if (incident.duplicateOf !== asked.intoIncidentId) {
      return refuse(`${asked.incidentId} is no second page of ${asked.intoIncidentId}.`);
    }
    noted(state, incident, (row) => {
      row.status = "merged";
    });
    return { incidentId: asked.incidentId, mergedInto: asked.intoIncidentId };
  },
});

const page = operationsTool({
  name: "page_oncall",
  description: "Calls the person on call to an incident, and says why.",
  input: z.strictObject({ incidentId, text }),
  effect: "write",
  run: (state, asked) => {
    const incident = incidentOf(state, asked.incidentId);
    if (incident.paged.length >= 3) return refuse("The person on call was paged three times; they are on their way.");
    noted(state, incident, (row) => {
      row.paged.push(asked.text);
    });
    return { incidentId: asked.incidentId, paged: true };
  },
});

export const ticketingTools = [acknowledge, update, merge, page];
