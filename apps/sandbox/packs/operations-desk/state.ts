import type { Frozen, Table } from "../../src/world/table.ts";
import type { Alert, Cause } from "./causes.ts";
import type { Operation, OperationRisk } from "./operations.ts";

/**
 * The infrastructure of "Ferrywise", who sell tickets for ferries. A service's health is not kept anywhere: it follows from
 * what is kept here (`health.ts`), so whatever an operation does to these records shows. Type aliases rather than
 * interfaces, so that a record is also a JSON value to the compiler.
 */

export type Service = {
  serviceId: string;
  name: string;
  /** 0: every sale goes through it. */
  tier: 0 | 1 | 2;
  version: string;
  previousVersion: string;
  /** The running release has a fault of its own. */
  faultyVersion: boolean;
  instances: number;
  neededInstances: number;
  /** Instances that answer nothing any more. */
  stuck: number;
  /** Started anew under more load than it can bear, so that no instance gets warm. */
  cold: boolean;
  nodeId: string;
  queueId: string;
  flagId: string;
  certificateId: string;
  database: { primary: "a" | "b"; sick: "none" | "a" | "b" };
  dependsOn: string[];
};

export type Node = {
  nodeId: string;
  diskPercent: number;
  /** Percent that the archive can take. */
  oldLogsPercent: number;
  faulty: boolean;
  cordoned: boolean;
  drained: boolean;
};

export type Queue = {
  queueId: string;
  waiting: number;
  consumers: number;
  neededConsumers: number;
  /** A message that every consumer dies of. */
  poisoned: boolean;
  /** Messages that were thrown away though nothing was wrong with them. */
  lost: number;
};

/** `bad`: on, it breaks its service; `needed`: off, it does. */
export type Flag = { flagId: string; enabled: boolean; nature: "bad" | "needed" | "harmless" };

export type Certificate = { certificateId: string; expired: boolean };

export const incidentStatuses = ["open", "mitigated", "resolved", "handed_over", "merged"] as const;
export type IncidentStatus = (typeof incidentStatuses)[number];

export type Incident = {
  incidentId: string;
  alert: Alert;
  serviceId: string;
  severity: "minor" | "major" | "critical";
  status: IncidentStatus;
  openedAt: string;
  acknowledged: boolean;
  /** Planned work that explains the alerts. */
  maintenance: boolean;
  /** Another incident of the same cause that came before. */
  duplicateOf?: string;
  /** Somebody else ends it when this many writes about it are done. */
  endsAfterWrites?: number;
  writes: number;
  notes: { status: IncidentStatus; text: string; operations: string[] }[];
  paged: string[];
  /** What the same took people by hand, on average of the year before. */
  manual: { minutes: number; touches: number };
};

export type AlertRecord = {
  alertId: string;
  incidentId: string;
  alert: Alert;
  serviceId: string;
  at: string;
  value: number;
  threshold: number;
};

export type LogLine = {
  logId: string;
  incidentId: string;
  serviceId: string;
  at: string;
  level: "info" | "warn" | "error";
  text: string;
};

export type TicketMessage = { ticketId: string; incidentId: string; at: string; by: string; text: string };

export type PastIncident = {
  pastId: string;
  alert: Alert;
  cause: Cause;
  runbookId: string;
  endedOn: string;
  minutes: number;
  outcome: "resolved" | "made_worse";
};

/** A record as it was before an operation: table, id, row. */
export type Before = { table: InfraTable; id: string; row: Frozen<Service | Node | Queue | Flag | Certificate> };
export type InfraTable = "services" | "nodes" | "queues" | "flags" | "certificates";

export type OperationRecord = {
  operationId: string;
  incidentId: string;
  operation: Operation;
  target: string;
  risk: OperationRisk;
  runbookId: string;
  revision: number;
  step: number;
  atMinute: number;
  /** Services that were worse afterwards, such as `svc-fares: ok → down`. */
  worsened: string[];
  state: "done" | "rolled_back";
  before: Before[];
};

export type OperationsState = {
  today: string;
  /** Minutes that operations have taken. */
  minutes: number;
  counters: { operation: number };
  services: Table<Service>;
  nodes: Table<Node>;
  queues: Table<Queue>;
  flags: Table<Flag>;
  certificates: Table<Certificate>;
  incidents: Table<Incident>;
  alerts: Table<AlertRecord>;
  logs: Table<LogLine>;
  tickets: Table<TicketMessage>;
  past: Table<PastIncident>;
  operations: Table<OperationRecord>;
};

/** True when nothing may be changed under it any more. Somebody else may have ended it. */
export function hasEnded({ status, writes, endsAfterWrites }: Frozen<Incident>): boolean {
  if (endsAfterWrites !== undefined && writes >= endsAfterWrites) return true;
  return status === "resolved" || status === "merged" || status === "handed_over";
}

/** The status as anybody sees it now. */
export function statusOf(incident: Frozen<Incident>): IncidentStatus {
  const { status } = incident;
  return hasEnded(incident) && (status === "open" || status === "mitigated") ? "resolved" : status;
}
