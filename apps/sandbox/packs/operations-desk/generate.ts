import { addDays } from "../../src/world/calendar.ts";
import { type Random, seededRandom } from "../../src/world/random.ts";
import { edit, put, type Table } from "../../src/world/table.ts";
import { causeFacts, causes } from "./causes.ts";
import { today } from "./library.ts";
import { tierZero } from "./operations.ts";
import { type IncidentPlan, plannedIncidents } from "./plan.ts";
import type { Incident, OperationsState, Service } from "./state.ts";

/** Services of which nothing is wrong. */
const quiet = ["tracking", "audit", "translations", "search-ads", "newsletter", "prices-feed"] as const;

/** Names of all services, in the order in which they are made. */
export const serviceIds: readonly string[] = [
  ...new Set([...plannedIncidents.map(({ service }) => `svc-${service}`), ...quiet.map((name) => `svc-${name}`)]),
];

/** Makes the infrastructure and its incidents. The same seed makes the same ones on every machine. */
export function generateOperations(seed: number): OperationsState {
  const random = seededRandom(seed);
  const state: OperationsState = {
    today,
    minutes: 0,
    counters: { operation: 1001 },
    services: {},
    nodes: {},
    queues: {},
    flags: {},
    certificates: {},
    incidents: {},
    alerts: {},
    logs: {},
    tickets: {},
    past: {},
    operations: {},
  };
  serviceIds.forEach((serviceId, index) => {
    addService(state, serviceId, index, random);
  });
  plannedIncidents.forEach((plan, index) => {
    addIncident(state, plan, index, random);
  });
  addPast(state, random);
  return state;
}

/** The number of an incident by the key of its plan. */
export function incidentIdOf(key: string): string {
  return `INC-${1001 + plannedIncidents.findIndex((one) => one.key === key)}`;
}

function addService(state: OperationsState, serviceId: string, index: number, random: Random): void {
  const name = serviceId.slice(4);
  const nodeId = `node-${String(index + 1).padStart(2, "0")}`;
  const instances = random.between(3, 8);
  const release = random.between(2, 40);
  put(state.services, serviceId, {
    serviceId,
    name,
    tier: tierZero.includes(serviceId) ? 0 : random.pick([1, 2]),
    version: `r${release + 1}`,
    previousVersion: `r${release}`,
    faultyVersion: false,
    instances,
    neededInstances: instances - 1,
    stuck: 0,
    cold: false,
    nodeId,
    queueId: `q-${name}`,
    flagId: `flg-${name}`,
    certificateId: `crt-${name}`,
    database: { primary: "a", sick: "none" },
    // Nobody depends on what scenarios break: what one incident does must not show in another one.
    dependsOn: [`svc-${random.pick(quiet)}`].filter((one) => one !== serviceId),
  });
  put(state.nodes, nodeId, {
    nodeId,
    diskPercent: random.between(20, 70),
    oldLogsPercent: random.between(5, 15),
    faulty: false,
    cordoned: false,
    drained: false,
  });
  const consumers = random.between(3, 9);
  put(state.queues, `q-${name}`, {
    queueId: `q-${name}`,
    waiting: random.between(0, 40),
    consumers,
    neededConsumers: consumers - 1,
    poisoned: false,
    lost: 0,
  });
  put(state.flags, `flg-${name}`, {
    flagId: `flg-${name}`,
    enabled: true,
    nature: random.pick(["needed", "needed", "harmless"] as const),
  });
  put(state.certificates, `crt-${name}`, { certificateId: `crt-${name}`, expired: false });
}

/** Changes members of a row. */
function change<Row extends object>(table: Table<Row>, id: string, members: Partial<Row>): void {
  edit(table, id, (row) => {
    Object.assign(row, members);
  });
}

function breakIt(state: OperationsState, { cause, also }: IncidentPlan, service: Service): void {
  const { serviceId, nodeId, queueId, flagId, certificateId, neededInstances } = service;
  switch (cause) {
    case "stuck":
      change(state.services, serviceId, { stuck: 2 });
      break;
    case "load":
      change(state.services, serviceId, { instances: neededInstances - 1 });
      break;
    case "release":
      change(state.services, serviceId, { faultyVersion: true });
      break;
    case "flag":
      change(state.flags, flagId, { nature: "bad" });
      break;
    case "backlog":
      change(state.queues, queueId, { consumers: 1, neededConsumers: 3, waiting: 18_400 });
      break;
    case "poison":
      change(state.queues, queueId, { poisoned: true, waiting: 320, consumers: 3, neededConsumers: 3 });
      break;
    case "disk":
      change(state.nodes, nodeId, { diskPercent: 95, oldLogsPercent: also === "no_old_logs" ? 1 : 40 });
      break;
    case "volume":
      change(state.nodes, nodeId, { diskPercent: 97, oldLogsPercent: 4 });
      break;
    case "node":
      change(state.nodes, nodeId, { faulty: true });
      break;
    case "certificate":
      change(state.certificates, certificateId, { expired: true });
      break;
    case "database":
      change(state.services, serviceId, { database: { primary: "a", sick: "a" } });
      break;
    case "cold_start":
      change(state.services, serviceId, { instances: neededInstances - 1, stuck: 1 });
      break;
    default:
  }
  // The alert says load, and the database that more instances would bring down is sick, too.
  if (also === "sick_database") {
    change(state.services, serviceId, { database: { primary: "a", sick: "a" } });
  }
  // The database only looks sick from here: what is sick is the standby.
  if (also === "standby_sick") change(state.services, serviceId, { database: { primary: "a", sick: "b" }, stuck: 1 });
}

function addIncident(state: OperationsState, plan: IncidentPlan, index: number, random: Random): void {
  const incidentId = `INC-${1001 + index}`;
  const serviceId = `svc-${plan.service}`;
  const { alert, log } = causeFacts[plan.cause];
  const opened = random.between(0, 50);
  const at = (minute: number) => new Date(Date.parse(`${today}T08:00:00Z`) + (opened + minute) * 60_000).toISOString();
  if (plan.duplicateOf === undefined && plan.ended === undefined) {
    breakIt(state, plan, state.services[serviceId] as Service);
  }
  const incident: Incident = {
    incidentId,
    alert,
    serviceId,
    severity: plan.severity ?? "minor",
    status: plan.ended ? "resolved" : "open",
    openedAt: at(3),
    acknowledged: false,
    maintenance: plan.maintenance ?? false,
    ...(plan.duplicateOf === undefined ? {} : { duplicateOf: incidentIdOf(plan.duplicateOf) }),
    ...(plan.endsAfterWrites === undefined ? {} : { endsAfterWrites: plan.endsAfterWrites }),
    writes: 0,
    notes: [],
    paged: [],
    manual: plan.manual ?? { minutes: random.between(25, 95), touches: random.between(3, 7) },
  };
  put(state.incidents, incidentId, incident);
  const number = (kind: string, base: number, table: object) => `${kind}-${base + Object.keys(table).length}`;
  for (let count = 0; count < (plan.alerts ?? 1); count++) {
    const alertId = number("ALR", 20_001, state.alerts);
    // Of a storm the first is about the cause; the others are what follows from it.
    put(state.alerts, alertId, {
      alertId,
      incidentId,
      alert,
      serviceId,
      at: at(count),
      value: random.between(60, 99),
      threshold: 50,
    });
  }
  const lines = [log, "request served", log, ...(plan.logs ?? [])];
  lines.forEach((text, minute) => {
    const logId = number("LOG", 30_001, state.logs);
    const level = text === "request served" ? "info" : "error";
    put(state.logs, logId, { logId, incidentId, serviceId, at: at(minute), level, text });
  });
  (plan.tickets ?? []).forEach((text, minute) => {
    const ticketId = number("TKT", 40_001, state.tickets);
    put(state.tickets, ticketId, { ticketId, incidentId, at: at(minute + 1), by: "a customer", text });
  });
}

function addPast(state: OperationsState, random: Random): void {
  for (let index = 0; index < 60; index++) {
    const cause = random.pick(causes);
    const { alert, runbookId } = causeFacts[cause];
    if (runbookId === undefined) continue;
    const pastId = `PST-${501 + index}`;
    put(state.past, pastId, {
      pastId,
      alert,
      cause,
      runbookId,
      endedOn: addDays(today, -random.between(5, 500)),
      minutes: random.between(12, 140),
      outcome: random.chance(0.15) ? "made_worse" : "resolved",
    });
  }
}
