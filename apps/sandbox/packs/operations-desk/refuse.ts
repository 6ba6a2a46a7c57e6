import type { Frozen } from "../../src/world/table.ts";
import { WorldRefusal } from "../../src/world/world.ts";
import { hasEnded, type Incident, type OperationsState, statusOf } from "./state.ts";

/** Says no for a reason of the domain. */
export function refuse(message: string): never {
  throw new WorldRefusal(message);
}

export function incidentOf(state: OperationsState, incidentId: string): Frozen<Incident> {
  return state.incidents[incidentId] ?? refuse(`There is no incident ${incidentId}.`);
}

/** Refuses whatever would be changed under an incident that has ended, or while planned work goes on. */
export function openIncident(state: OperationsState, incidentId: string): Frozen<Incident> {
  const incident = incidentOf(state, incidentId);
  if (hasEnded(incident)) {
    return refuse(`Incident ${incidentId} is ${statusOf(incident)}: nothing is changed under it any more.`);
  }
  return incident;
}
