import { OrchestrationError } from "../../errors.ts";
import { definitionOf } from "../../journal/listing.ts";
import type { Journal, RunRecord } from "../../port/journal.ts";
import { quoted, type RestateClient } from "./client.ts";
import type { Names } from "./wire.ts";

/** A place at which workers of one version are called. */
export interface DeploymentView {
  readonly id: string;
  readonly uri: string;
  /** Definitions whose runs go there and nowhere else, by their services. */
  readonly services: readonly string[];
  /** Unfinished runs that need it. */
  readonly runs: number;
  /** Some of them, at most 20, each `tenant/runId`. */
  readonly some: readonly string[];
}

/** A run that the cluster has given up trying, or is failing to drive just now. */
export interface StuckRun {
  readonly run: string;
  readonly service: string;
  readonly invocation: string;
  readonly status: "paused" | "backing-off";
  readonly tries: number;
  readonly reason: string;
}

/** What is done with a cluster from outside; for whoever runs it. */
export interface RestateOperator {
  /** The services of this installation that some deployment has. @throws OrchestrationError `engine/admin-unreachable` */
  readonly served: () => Promise<ReadonlySet<string>>;
  readonly deployments: () => Promise<readonly DeploymentView[]>;
  /**
   * Takes a deployment away. What has ended can still be read.
   * @throws OrchestrationError `engine/still-needed` while unfinished runs have no other place
   */
  readonly remove: (deployment: string) => Promise<void>;
  /** Runs that do not come forward. @throws OrchestrationError `engine/admin-unreachable` */
  readonly stuck: () => Promise<readonly StuckRun[]>;
  /** Has paused runs tried again, all or one of them; resolves with how many. */
  readonly resumePaused: (run?: string) => Promise<number>;
}

interface Listed {
  readonly id: string;
  readonly uri?: string;
  readonly services: readonly { readonly name: string }[];
}

export function restateOperator({
  client,
  names,
  journal,
  namespace,
}: {
  readonly client: RestateClient;
  readonly names: Names;
  readonly journal: Journal;
  readonly namespace: string;
}): RestateOperator {
  const isOurs = (service: string) => service.startsWith(`${namespace}.`);
  const listed = async () =>
    (await client.admin<{ readonly deployments: readonly Listed[] }>("GET", "deployments")).deployments.filter(
      ({ services }) => services.some(({ name }) => isOurs(name)),
    );
  /** Unfinished runs of all tenants, by the service that drives them. */
  const needs = async () => {
    const byService = new Map<string, RunRecord[]>();
    let after: RunRecord | undefined;
    do {
      const page = await journal.unfinishedRuns({ most: 1_000, ...(after === undefined ? {} : { after }) });
      for (const run of page) {
        const service = names.driveOf(definitionOf(run));
        byService.set(service, [...(byService.get(service) ?? []), run]);
      }
      after = page.at(-1);
    } while (after);
    return byService;
  };
  const deployments = async (): Promise<DeploymentView[]> => {
    const all = await listed();
    const needed = await needs();
    return all.map(({ id, uri = "", services }) => {
      const elsewhere = new Set(
        all.filter((one) => one.id !== id).flatMap((one) => one.services.map(({ name }) => name)),
      );
      const own = services.map(({ name }) => name).filter((name) => isOurs(name) && !elsewhere.has(name));
      const runs = own.flatMap((service) => needed.get(service) ?? []);
      const some = runs.slice(0, 20).map(({ tenant, runId }) => `${tenant}/${runId}`);
      return { id, uri, services: own, runs: runs.length, some };
    });
  };
  const stuck = async (): Promise<StuckRun[]> => {
    const rows = await client.query<StuckRun & { readonly reason: string | null }>(
      "SELECT target_service_key AS run, target_service_name AS service, id AS invocation, status, " +
        "COALESCE(retry_count, 0) AS tries, last_failure AS reason FROM sys_invocation " +
        `WHERE status IN ('paused', 'backing-off') AND target_service_name LIKE ${quoted(`${namespace}.%`)}`,
    );
    return rows.map((row) => ({ ...row, tries: Number(row.tries), reason: row.reason ?? "" }));
  };
  return {
    served: async () => new Set((await listed()).flatMap(({ services }) => services.map(({ name }) => name))),
    deployments,
    remove: async (deployment) => {
      const view = (await deployments()).find(({ id }) => id === deployment);
      if (!view)
        throw new OrchestrationError("engine/refused", { service: "admin", reason: `no deployment ${deployment}` });
      if (view.runs > 0) {
        const { runs, some } = view;
        throw new OrchestrationError("engine/still-needed", { deployment, runs, some: [...some] });
      }
      await client.admin("DELETE", `deployments/${deployment}?force=true`);
    },
    stuck,
    resumePaused: async (run) => {
      const paused = (await stuck()).filter((one) => one.status === "paused" && (run ?? one.run) === one.run);
      for (const { invocation } of paused) await client.admin("PATCH", `invocations/${invocation}/resume`);
      return paused.length;
    },
  };
}
