import { edit } from "../../src/world/table.ts";
import { healthTable, worsenedBetween } from "./health.ts";
import { factsOf, type Operation, riskOf, type Target } from "./operations.ts";
import { refuse } from "./refuse.ts";
import type { Before, Incident, InfraTable, OperationRecord, OperationsState } from "./state.ts";

/** What an operation does to the records. What becomes of the services follows from them. */

const tableOf: Readonly<Record<Target, InfraTable>> = {
  serviceId: "services",
  nodeId: "nodes",
  queueId: "queues",
  flagId: "flags",
  certificateId: "certificates",
};

type Setting = number | boolean | undefined;

const effects: Readonly<Record<Operation, (state: OperationsState, target: string, setting: Setting) => void>> = {
  restart_service: (state, target) =>
    edit(state.services, target, (service) => {
      service.stuck = 0;
      // Too few for the load: while each is replaced the others give way, and none gets warm.
      if (service.instances < service.neededInstances) service.cold = true;
    }),
  scale_service: (state, target, setting) =>
    edit(state.services, target, (service) => {
      service.instances = Math.max(0, service.instances + Number(setting));
    }),
  set_feature_flag: (state, target, setting) =>
    edit(state.flags, target, (flag) => {
      flag.enabled = setting === true;
    }),
  set_queue_consumers: (state, target, setting) =>
    edit(state.queues, target, (queue) => {
      queue.consumers = Math.max(0, queue.consumers + Number(setting));
      if (!queue.poisoned && queue.consumers >= queue.neededConsumers) queue.waiting = 0;
    }),
  rotate_logs: (state, target) =>
    edit(state.nodes, target, (node) => {
      node.diskPercent -= node.oldLogsPercent;
      node.oldLogsPercent = 0;
    }),
  cordon_node: (state, target) =>
    edit(state.nodes, target, (node) => {
      node.cordoned = true;
    }),
  drain_node: (state, target) =>
    edit(state.nodes, target, (node) => {
      node.drained = true;
    }),
  roll_back_deployment: (state, target) =>
    edit(state.services, target, (service) => {
      // Without a faulty release the tables have moved on, and the old one does not fit them.
      service.faultyVersion = !service.faultyVersion;
      [service.version, service.previousVersion] = [service.previousVersion, service.version];
    }),
  renew_certificate: (state, target) =>
    edit(state.certificates, target, (certificate) => {
      certificate.expired = false;
    }),
  fail_over_database: (state, target) =>
    edit(state.services, target, ({ database }) => {
      database.primary = database.primary === "a" ? "b" : "a";
    }),
  purge_queue: (state, target) =>
    edit(state.queues, target, (queue) => {
      if (!queue.poisoned) queue.lost += queue.waiting;
      queue.poisoned = false;
      queue.waiting = 0;
    }),
  expand_volume: (state, target) =>
    edit(state.nodes, target, (node) => {
      node.diskPercent = Math.round(node.diskPercent * 0.6);
    }),
};

export interface Asked {
  readonly incident: Pick<Incident, "incidentId">;
  readonly operation: Operation;
  readonly target: string;
  readonly setting: Setting;
  readonly runbookId: string;
  readonly revision: number;
  readonly step: number;
}

/**
 * Does an operation and writes down what was before, and which services are worse now. One of low risk that made a service
 * worse is taken back at once, by the way back that was known before; one of high risk stays, for whoever approved it.
 */
export function operate(state: OperationsState, asked: Asked): OperationRecord {
  const { operation, target } = asked;
  const { target: kind, reversible, minutes } = factsOf(operation);
  const table = tableOf[kind];
  const row = state[table][target];
  if (row === undefined) return refuse(`There is no ${kind.replace("Id", "")} ${target}.`);
  const healthBefore = healthTable(state);
  effects[operation](state, target, asked.setting);
  const worsened = worsenedBetween(healthBefore, healthTable(state));
  state.minutes += minutes;
  const number = state.counters.operation;
  state.counters.operation = number + 1;
  const record: OperationRecord = {
    operationId: `OP-${number}`,
    incidentId: asked.incident.incidentId,
    operation,
    target,
    risk: riskOf(operation, target),
    runbookId: asked.runbookId,
    revision: asked.revision,
    step: asked.step,
    atMinute: state.minutes,
    worsened,
    state: "done",
    before: reversible ? [{ table, id: target, row }] : [],
  };
  if (worsened.length > 0 && record.risk === "low" && reversible) {
    takeBack(state, record);
    record.state = "rolled_back";
  }
  return record;
}

/** Puts the records back as they were. The newest operation on a record comes first: see `laterOn`. */
export function takeBack(
  state: OperationsState,
  { before, operation }: Pick<OperationRecord, "before" | "operation">,
): void {
  for (const { table, id, row } of before) {
    // A table holds rows of its own kind: they came from there.
    (state[table] as Record<string, Before["row"]>)[id] = row;
  }
  state.minutes += Math.ceil(factsOf(operation).minutes / 2);
}

/** An operation that came later on the same record and still stands: it would be taken back as well. */
export function laterOn(state: OperationsState, record: Pick<OperationRecord, "operationId" | "target">) {
  return Object.values(state.operations).find(
    (one) =>
      one.target === record.target &&
      one.state === "done" &&
      Number(one.operationId.slice(3)) > Number(record.operationId.slice(3)),
  );
}
