import type { Operation } from "./operations.ts";

/**
 * What goes wrong here, by its cause: which alert tells of it, what the logs say, and which operations mend it, in order.
 * The runbooks are written of this table; what an operation really does stands in `infrastructure.ts` alone.
 */

export const causes = [
  "stuck",
  "load",
  "release",
  "flag",
  "backlog",
  "poison",
  "disk",
  "volume",
  "node",
  "certificate",
  "database",
  "cold_start",
  "resolver",
  "unknown",
] as const;
export type Cause = (typeof causes)[number];

export const alerts = [
  "InstancesHang",
  "CapacityShort",
  "ErrorsAfterRelease",
  "FeatureErrors",
  "QueueBacklog",
  "PoisonMessage",
  "DiskFilling",
  "VolumeTooSmall",
  "NodeUnhealthy",
  "CertificateExpired",
  "DatabaseSick",
  "PartialOutage",
  "ResolverSlow",
  "GhostTraffic",
] as const;
export type Alert = (typeof alerts)[number];

/** One step of a runbook that changes something. */
export interface Remedy {
  readonly operation: Operation;
  readonly setting?: number | boolean;
  readonly why: string;
  readonly precondition: string;
}

export interface CauseFacts {
  readonly alert: Alert;
  /** The current runbook; absent where there is none that may be gone by. */
  readonly runbookId?: string;
  readonly remedies: readonly Remedy[];
  readonly symptom: string;
  /** What runbooks warn of. */
  readonly never: string;
  readonly log: string;
}

export const causeFacts: Readonly<Record<Cause, CauseFacts>> = {
  stuck: {
    alert: "InstancesHang",
    runbookId: "RB-101",
    remedies: [
      { operation: "restart_service", why: "Hung instances do not come back.", precondition: "At least one hangs." },
    ],
    symptom: "Some instances of a service answer no health probe any more, while the others carry on.",
    never: "restart a service that is short of instances: none gets warm under the load",
    log: "watchdog: worker did not answer for 60 s",
  },
  load: {
    alert: "CapacityShort",
    runbookId: "RB-102",
    remedies: [
      {
        operation: "scale_service",
        setting: 2,
        why: "There is more traffic than instances.",
        precondition: "The database is well: more instances are more connections.",
      },
    ],
    symptom: "Requests wait for a free instance, and the waiting time grows with the traffic.",
    never: "add instances while the database is sick: their connections bring it down",
    log: "pool: no free worker, request queued for 4800 ms",
  },
  release: {
    alert: "ErrorsAfterRelease",
    runbookId: "RB-103",
    remedies: [
      {
        operation: "roll_back_deployment",
        why: "The fault came with the release.",
        precondition: "The errors began within an hour of a release.",
      },
    ],
    symptom: "Errors began within an hour of a release, on all instances at once.",
    never: "roll back where no release came before: the tables have moved on",
    log: "TypeError: cannot read property of undefined (release r2)",
  },
  flag: {
    alert: "FeatureErrors",
    runbookId: "RB-104",
    remedies: [
      {
        operation: "set_feature_flag",
        setting: false,
        why: "The errors come from behind one flag.",
        precondition: "All errors name the same flag.",
      },
    ],
    symptom: "Every error names the same feature flag.",
    never: "turn a flag off that the errors do not name",
    log: "experiment: branch threw, falling through to 500",
  },
  backlog: {
    alert: "QueueBacklog",
    runbookId: "RB-105",
    remedies: [
      {
        operation: "set_queue_consumers",
        setting: 3,
        why: "More comes in than is taken out.",
        precondition: "No consumer has died of a message.",
      },
    ],
    symptom: "Messages wait longer and longer although all consumers work.",
    never: "add consumers while they die of a message: it goes round faster",
    log: "consumer: lag 18400 messages and growing",
  },
  poison: {
    alert: "PoisonMessage",
    runbookId: "RB-106",
    remedies: [
      {
        operation: "purge_queue",
        why: "One message kills every consumer.",
        precondition: "The same message id is in every crash.",
      },
    ],
    symptom: "Consumers die one after the other, of the same message.",
    never: "purge a queue that is only long: what waits there is lost",
    log: "consumer: crashed while decoding message, will retry",
  },
  disk: {
    alert: "DiskFilling",
    runbookId: "RB-107",
    remedies: [
      {
        operation: "rotate_logs",
        why: "Old logs take the room.",
        precondition: "Old logs are more than a tenth of the disk.",
      },
    ],
    symptom: "A node's disk is nearly full, of logs mostly.",
    never: "delete files by hand",
    log: "write failed: no space left on device",
  },
  volume: {
    alert: "VolumeTooSmall",
    runbookId: "RB-108",
    remedies: [
      { operation: "rotate_logs", why: "It buys an hour.", precondition: "There are old logs." },
      {
        operation: "expand_volume",
        why: "The data itself outgrew the disk.",
        precondition: "Rotating logs was not enough.",
      },
    ],
    symptom: "A node's disk is nearly full, and logs are not what fills it.",
    never: "expand a volume before the logs were rotated: it cannot be made smaller again",
    log: "tablespace: 97 percent of the volume is data",
  },
  node: {
    alert: "NodeUnhealthy",
    runbookId: "RB-109",
    remedies: [
      { operation: "cordon_node", why: "Nothing new should land there.", precondition: "The node fails its checks." },
      { operation: "drain_node", why: "What runs there has to go elsewhere.", precondition: "The node is cordoned." },
    ],
    symptom: "One node fails its hardware checks, and what runs there fails with it.",
    never: "drain a node that is well: its services lose instances",
    log: "kernel: machine check, memory error on bank 3",
  },
  certificate: {
    alert: "CertificateExpired",
    runbookId: "RB-110",
    remedies: [
      {
        operation: "renew_certificate",
        why: "Nobody trusts the old one any more.",
        precondition: "It has run out.",
      },
    ],
    symptom: "Every connection to a service is refused since its certificate ran out.",
    never: "turn the verification of certificates off",
    log: "tls: handshake failed, certificate has expired",
  },
  database: {
    alert: "DatabaseSick",
    runbookId: "RB-111",
    remedies: [
      {
        operation: "fail_over_database",
        why: "The standby is well.",
        precondition: "The standby is in step and well.",
      },
    ],
    symptom: "The primary of a database answers slowly or not at all, while its standby is well.",
    never: "fail over to a standby that is sick itself",
    log: "db: primary did not acknowledge a commit within 5 s",
  },
  cold_start: {
    alert: "PartialOutage",
    runbookId: "RB-112",
    remedies: [
      {
        operation: "scale_service",
        setting: 2,
        why: "There have to be enough before any is replaced.",
        precondition: "The database is well.",
      },
      {
        operation: "restart_service",
        why: "The hung ones are still there.",
        precondition: "Enough instances run.",
      },
    ],
    symptom: "Part of the users see errors: some instances hang, and the others are too few.",
    never: "restart before there are enough instances",
    log: "balancer: 3 of 7 backends are out of rotation",
  },
  resolver: {
    alert: "ResolverSlow",
    remedies: [],
    symptom: "Names are resolved slowly, from one zone only.",
    never: "restart the resolvers all at once",
    log: "resolver: lookup took 2900 ms",
  },
  unknown: {
    alert: "GhostTraffic",
    remedies: [],
    symptom: "Requests come in that nobody can explain.",
    never: "block traffic that nobody has explained",
    log: "edge: 12000 requests without a referrer from 40 networks",
  },
};

export function causeOf(alert: Alert): Cause {
  return causes.find((cause) => causeFacts[cause].alert === alert) ?? "unknown";
}
