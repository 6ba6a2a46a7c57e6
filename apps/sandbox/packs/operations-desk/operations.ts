/**
 * What can be done to the infrastructure, as policy data: how risky each operation is, what it works on, how long it takes,
 * and whether there is a way back. Rules, tools, runbooks and the scoring read this table and no other.
 */

export type OperationRisk = "low" | "high";

/** What an operation works on, by the name of its argument. */
export const targets = {
  serviceId: "service",
  nodeId: "node",
  queueId: "queue",
  flagId: "flag",
  certificateId: "certificate",
} as const;
export type Target = keyof typeof targets;

interface OperationFacts {
  readonly target: Target;
  readonly risk: OperationRisk;
  /** `roll_back` brings back what was before. */
  readonly reversible: boolean;
  /** Minutes until it has taken effect. */
  readonly minutes: number;
  /** Name of its number or word beside the target, where it has one. */
  readonly setting?: "add" | "enabled";
  readonly does: string;
}

export const operations = {
  restart_service: {
    target: "serviceId",
    risk: "low",
    reversible: true,
    minutes: 3,
    does: "Replaces the instances of a service one by one. The replaced ones are kept warm until the incident ends.",
  },
  scale_service: {
    target: "serviceId",
    risk: "low",
    reversible: true,
    minutes: 4,
    setting: "add",
    does: "Adds instances to a service, or takes some away with a negative number.",
  },
  set_feature_flag: {
    target: "flagId",
    risk: "low",
    reversible: true,
    minutes: 1,
    setting: "enabled",
    does: "Turns a feature flag on or off.",
  },
  set_queue_consumers: {
    target: "queueId",
    risk: "low",
    reversible: true,
    minutes: 5,
    setting: "add",
    does: "Adds consumers to a queue, or takes some away with a negative number.",
  },
  rotate_logs: {
    target: "nodeId",
    risk: "low",
    reversible: true,
    minutes: 2,
    does: "Moves the old logs of a node to the archive, from where they can be brought back.",
  },
  cordon_node: {
    target: "nodeId",
    risk: "low",
    reversible: true,
    minutes: 1,
    does: "Keeps new instances from a node. Those that run there stay.",
  },
  drain_node: {
    target: "nodeId",
    risk: "high",
    reversible: true,
    minutes: 8,
    does: "Moves all instances away from a node.",
  },
  roll_back_deployment: {
    target: "serviceId",
    risk: "high",
    reversible: true,
    minutes: 6,
    does: "Brings a service back to the release before.",
  },
  renew_certificate: {
    target: "certificateId",
    risk: "high",
    reversible: true,
    minutes: 4,
    does: "Issues a new certificate and puts it in place of the old one.",
  },
  fail_over_database: {
    target: "serviceId",
    risk: "high",
    reversible: true,
    minutes: 7,
    does: "Makes the standby of a service's database the primary.",
  },
  purge_queue: {
    target: "queueId",
    risk: "high",
    reversible: false,
    minutes: 2,
    does: "Throws away what waits in a queue. It cannot be brought back.",
  },
  expand_volume: {
    target: "nodeId",
    risk: "high",
    reversible: false,
    minutes: 9,
    does: "Makes the disk of a node larger. It cannot be made smaller again.",
  },
} as const satisfies Readonly<Record<string, OperationFacts>>;

export type Operation = keyof typeof operations;
export const operationNames = Object.keys(operations) as readonly Operation[];

export function factsOf(operation: Operation): OperationFacts {
  return operations[operation];
}

export function isOperation(name: string): name is Operation {
  return Object.hasOwn(operations, name);
}

/** Services that every sale goes through: whatever is done to one of them is of high risk. */
export const tierZero: readonly string[] = ["svc-gateway", "svc-payments", "svc-booking"];

/** The name of an operation's target among its arguments, its value, and its setting. */
export function askedOf(operation: Operation, input: Readonly<Record<string, unknown>>) {
  const { target, setting } = factsOf(operation);
  return { target: String(input[target]), setting: setting === undefined ? undefined : input[setting] };
}

/** The class of one operation on one target. */
export function riskOf(operation: Operation, target: string): OperationRisk {
  return tierZero.includes(target) ? "high" : operations[operation].risk;
}

/** Days after its last review behind which a runbook is not gone by any more. */
export const runbookDaysMax = 365;

/** Hours that a change may wait for its approval: nobody handles one incident for longer. */
export const approvalHours = 4;
