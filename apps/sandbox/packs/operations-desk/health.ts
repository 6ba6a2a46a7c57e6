import type { OperationsState } from "./state.ts";

/** How well a service is. It follows from the records alone. */
export const healths = ["ok", "degraded", "down"] as const;
export type Health = (typeof healths)[number];

/** What is wrong with one service, as monitoring sees it; nothing when it is well. */
export interface Trouble {
  readonly health: Exclude<Health, "ok">;
  readonly sign: string;
}

/** From this on a disk holds up what writes to it, and from the second on stops it. */
const diskDegraded = 90;
const diskDown = 99;

/** The troubles of a service that are its own: those of what it depends on left out. */
export function troublesOf(state: OperationsState, serviceId: string): readonly Trouble[] {
  const service = state.services[serviceId];
  if (service === undefined) return [];
  const found: Trouble[] = [];
  const sign = (health: Trouble["health"], what: string) => found.push({ health, sign: what });
  if (service.stuck > 0) sign(service.stuck >= service.instances ? "down" : "degraded", "instances_hang");
  if (service.cold) sign("down", "cold_instances");
  if (service.instances < service.neededInstances) sign("degraded", "short_of_instances");
  if (service.faultyVersion) sign("degraded", "errors_after_release");
  const { primary, sick } = service.database;
  if (primary === sick) {
    // More connections than a sick primary bears bring it down; a sick standby that was made the primary bears none.
    const bears = primary === "a" && service.instances <= service.neededInstances;
    sign(bears ? "degraded" : "down", "database_slow");
  }
  const node = state.nodes[service.nodeId];
  if (node !== undefined) {
    if (node.faulty && !node.drained) sign("degraded", "node_errors");
    if (!node.faulty && node.drained) sign("degraded", "instances_lost");
    if (node.diskPercent >= diskDown) sign("down", "disk_full");
    else if (node.diskPercent >= diskDegraded) sign("degraded", "disk_filling");
  }
  const queue = state.queues[service.queueId];
  if (queue !== undefined) {
    if (queue.poisoned) sign(queue.consumers > queue.neededConsumers ? "down" : "degraded", "consumers_crash");
    else if (queue.consumers < queue.neededConsumers) sign("degraded", "backlog_grows");
    if (queue.lost > 0) sign("degraded", "messages_lost");
  }
  const flag = state.flags[service.flagId];
  if (flag?.nature === "bad" && flag.enabled) sign("degraded", "feature_errors");
  if (flag?.nature === "needed" && !flag.enabled) sign("down", "feature_missing");
  if (state.certificates[service.certificateId]?.expired) sign("down", "certificate_expired");
  return found;
}

/** A service is as well as the worst of its own troubles; one that needs another that is down is degraded at best. */
export function healthOf(state: OperationsState, serviceId: string): Health {
  const own = worst(troublesOf(state, serviceId).map(({ health }) => health));
  if (own !== "ok") return own;
  const needs = state.services[serviceId]?.dependsOn ?? [];
  const stopped = needs.some((one) => troublesOf(state, one).some(({ health }) => health === "down"));
  return stopped ? "degraded" : "ok";
}

export type HealthTable = Readonly<Record<string, Health>>;

export function healthTable(state: OperationsState): HealthTable {
  return Object.fromEntries(Object.keys(state.services).map((serviceId) => [serviceId, healthOf(state, serviceId)]));
}

/** Services that are worse than they were, a line each. */
export function worsenedBetween(before: HealthTable, after: HealthTable): string[] {
  return Object.keys(after)
    .sort()
    .flatMap((serviceId) => {
      const [was, is] = [before[serviceId] ?? "ok", after[serviceId] ?? "ok"];
      return healths.indexOf(is) > healths.indexOf(was) ? [`${serviceId}: ${was} → ${is}`] : [];
    });
}

function worst(found: readonly Health[]): Health {
  return found.reduce((one, other) => (healths.indexOf(other) > healths.indexOf(one) ? other : one), "ok");
}
