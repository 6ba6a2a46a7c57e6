import { OrchestrationError } from "../../errors.ts";
import { definitionOf, isUnfinished } from "../../journal/listing.ts";
import type { Clock } from "../../port/clock.ts";
import type { RunRecord } from "../../port/journal.ts";
import { moveCall, strandedCalls } from "./bound.ts";
import {
  addressesOf,
  type Deployment,
  listDeployments,
  quoted,
  type RestateClient,
  restateClient,
  waitingClock,
} from "./client.ts";
import { type Drains, drains, freshMs } from "./drain.ts";
import { type Names, namesOf, openText, runPrefix } from "./wire.ts";

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
  /** Calls of the cluster that have not ended and can go on nowhere else; a run that has just begun or ended has some. */
  readonly underWay: number;
  /** True when no new run begins there. */
  readonly draining: boolean;
}

export interface DrainOptions {
  /** How long to wait until nothing needs the deployment; 0 when absent: it looks once. */
  readonly deadlineMs?: number;
  /** Told what still needs it, each time that is looked at. A throw of its own ends the wait. */
  readonly onLook?: (view: DeploymentView) => void;
  /** Ends the wait; its reason is thrown. The deployment stays drained. */
  readonly signal?: AbortSignal;
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
   * Has no new run begin at a deployment, in whatever process it would be started, and waits until nothing needs it: then
   * it can be removed. What has begun there goes on under its own rules. A second time goes on waiting.
   * @throws OrchestrationError `engine/still-needed` when something needs it at the deadline; it stays drained.
   *   `engine/refused` when there is no such deployment
   */
  readonly drain: (deployment: string, options?: DrainOptions) => Promise<DeploymentView>;
  /** Has runs begin there again. @throws OrchestrationError `engine/refused` when there is no such deployment */
  readonly undrain: (deployment: string) => Promise<void>;
  /**
   * Takes a deployment away. What has ended can still be read.
   * @throws OrchestrationError `engine/still-needed` while unfinished runs or calls under way have no other place.
   *   `engine/refused` when there is no such deployment
   */
  readonly remove: (deployment: string) => Promise<void>;
  /** Runs that do not come forward. @throws OrchestrationError `engine/admin-unreachable` */
  readonly stuck: () => Promise<readonly StuckRun[]>;
  /**
   * Has paused runs tried again, all or one of them, and calls that are bound to a deployment which was taken away by force
   * go on where their service is by now; resolves with how many.
   */
  readonly resumePaused: (run?: string) => Promise<number>;
}

/** How often a drain looks: at first, and in the end, for each look reads all unfinished runs. */
const lookMs = 500;
const lookMsMax = 10_000;
/** How long a removal waits for the last calls of runs that have ended. */
const settleMs = 5_000;

export interface OperatorOptions {
  /** Addresses of the cluster's admin port; nothing else is asked, so no worker has to be there. */
  readonly admin: string | readonly string[];
  /** That of the installation; `remit` when absent. */
  readonly namespace?: string;
}

/** What is done with a cluster from outside, without an engine. @throws OrchestrationError `run/id-invalid` for a namespace that is no name */
export function restateOperator({ admin, namespace = "remit" }: OperatorOptions): RestateOperator {
  const names = namesOf(namespace);
  const client = restateClient({
    ingress: [],
    admin: addressesOf(admin),
    clock: waitingClock,
    deadlineMs: 0,
    closed: new AbortController().signal,
  });
  const drainsOfIt = drains({ client, names, clock: waitingClock });
  return operatorOf({ client, names, namespace, drains: drainsOfIt, clock: waitingClock });
}

export interface OperatorParts {
  readonly client: RestateClient;
  readonly names: Names;
  readonly namespace: string;
  readonly drains: Drains;
  /** The machine's clock. */
  readonly clock: Clock;
}

export function operatorOf({ client, names, namespace, drains, clock }: OperatorParts): RestateOperator {
  const isOurs = (service: string) => service.startsWith(`${namespace}.`);
  const listed = async () =>
    (await listDeployments(client)).filter(({ services }) => services.some(({ name }) => isOurs(name)));
  /** Unfinished runs of all tenants, by the service that drives them; as the cluster's tables show the index. */
  const needs = async () => {
    const rows = await client.query<{ readonly run: string }>(
      `SELECT value_utf8 AS run FROM state WHERE service_name = ${quoted(names.index)} ` +
        `AND service_key LIKE ${quoted(`%${openText("")}`)} AND key LIKE ${quoted(`${runPrefix}%`)}`,
    );
    const byService = new Map<string, RunRecord[]>();
    for (const { run } of rows) {
      const record = JSON.parse(run) as RunRecord;
      if (!isUnfinished(record.status)) continue;
      const service = names.driveOf(definitionOf(record));
      const known = byService.get(service);
      if (known) known.push(record);
      else byService.set(service, [record]);
    }
    return byService;
  };
  /** Calls that have not ended: those which a deployment has taken, and those to services that it alone has. */
  const callsTo = async (deployment: string, own: readonly string[]): Promise<number> => {
    const theirs = own.length === 0 ? "" : ` OR target_service_name IN (${own.map(quoted).join(", ")})`;
    const [row] = await client.query<{ readonly calls: number }>(
      "SELECT COUNT(*) AS calls FROM sys_invocation WHERE status <> 'completed' AND status <> 'scheduled' AND " +
        `(pinned_deployment_id = ${quoted(deployment)}${theirs})`,
    );
    return Number(row?.calls ?? 0);
  };
  const ownOf = ({ id, services }: Deployment, all: readonly Deployment[]): readonly string[] => {
    const elsewhere = new Set(
      all.filter((one) => one.id !== id).flatMap((one) => one.services.map(({ name }) => name)),
    );
    return services.map(({ name }) => name).filter((name) => isOurs(name) && !elsewhere.has(name));
  };
  const viewOf = async (
    one: Deployment,
    all: readonly Deployment[],
    needed: ReadonlyMap<string, readonly RunRecord[]>,
  ): Promise<DeploymentView> => {
    const { id, uri = "" } = one;
    const services = ownOf(one, all);
    const runs = services.flatMap((service) => needed.get(service) ?? []);
    const some = runs.slice(0, 20).map(({ tenant, runId }) => `${tenant}/${runId}`);
    const drives = services.filter((service) => service.startsWith(names.drives));
    const marks = await drains.marks(drives);
    const draining = drives.length > 0 && drives.every((service) => marks.get(service) === id);
    return { id, uri, services, runs: runs.length, some, underWay: await callsTo(id, services), draining };
  };
  const deployments = async (): Promise<DeploymentView[]> => {
    const all = await listed();
    const needed = await needs();
    const views: DeploymentView[] = [];
    for (const one of all) views.push(await viewOf(one, all, needed));
    return views;
  };
  const find = async (deployment: string) => {
    const all = await listed();
    const found = all.find(({ id }) => id === deployment);
    if (found) return { all, found };
    throw new OrchestrationError("engine/refused", { service: "admin", reason: `no deployment ${deployment}` });
  };
  const look = async (deployment: string): Promise<DeploymentView> => {
    const { all, found } = await find(deployment);
    return viewOf(found, all, await needs());
  };
  const pause = (delayMs: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = clock.at(clock.now() + delayMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      const onAbort = () => {
        timer.cancel();
        resolve();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  const stillNeeded = ({ id, runs, some, underWay }: DeploymentView) =>
    new OrchestrationError("engine/still-needed", { deployment: id, runs, underWay, some: [...some] });
  const isFree = ({ runs, underWay }: DeploymentView) => runs === 0 && underWay === 0;

  const drain: RestateOperator["drain"] = async (deployment, { deadlineMs = 0, onLook, signal } = {}) => {
    const { all, found } = await find(deployment);
    for (const service of ownOf(found, all)) {
      if (service.startsWith(names.drives)) await drains.mark(service, deployment);
    }
    const marked = clock.now();
    for (let waitMs = lookMs; ; waitMs = Math.min(waitMs * 2, lookMsMax)) {
      signal?.throwIfAborted();
      const began = clock.now();
      const view = await look(deployment);
      onLook?.(view);
      // Until then a process may start a run that has not heard of the mark (N2).
      const isHeard = began >= marked + 2 * freshMs;
      if (isHeard && isFree(view)) return view;
      const late = clock.now() >= marked + deadlineMs;
      if (late && !isFree(view)) throw stillNeeded(view);
      const leftMs = marked + deadlineMs - clock.now();
      await pause(isHeard ? Math.min(waitMs, Math.max(lookMs, leftMs)) : freshMs, signal);
    }
  };
  const remove: RestateOperator["remove"] = async (deployment) => {
    const until = clock.now() + settleMs;
    let view = await look(deployment);
    // The last calls of a run come behind its end; what runs need is needed for longer.
    while (view.runs === 0 && view.underWay > 0 && clock.now() < until) {
      await pause(lookMs);
      view = await look(deployment);
    }
    if (!isFree(view)) throw stillNeeded(view);
    await client.admin("DELETE", `deployments/${deployment}?force=true`);
    // Whoever deploys this version again, at whatever address, begins anew.
    const marks = await drains.marks(view.services.filter((service) => service.startsWith(names.drives)));
    for (const [service, marked] of marks) if (marked === deployment) await drains.unmark(service);
  };
  const undrain: RestateOperator["undrain"] = async (deployment) => {
    const { found } = await find(deployment);
    const drives = found.services.map(({ name }) => name).filter((name) => name.startsWith(names.drives));
    for (const [service, marked] of await drains.marks(drives)) {
      if (marked === deployment) await drains.unmark(service);
    }
  };

  const stuck = async (): Promise<StuckRun[]> => {
    const rows = await client.query<StuckRun & { readonly reason: string | null }>(
      "SELECT target_service_key AS run, target_service_name AS service, id AS invocation, status, " +
        "COALESCE(retry_count, 0) AS tries, last_failure AS reason FROM sys_invocation " +
        `WHERE status IN ('paused', 'backing-off') AND target_service_name LIKE ${quoted(`${namespace}.%`)}`,
    );
    // An underscore in the namespace stands for any letter there.
    const own = rows.filter(({ service }) => isOurs(service));
    return own.map((row) => ({ ...row, tries: Number(row.tries), reason: row.reason ?? "" }));
  };
  const servedNow = async () => new Set((await listed()).flatMap(({ services }) => services.map(({ name }) => name)));
  return {
    served: servedNow,
    deployments,
    drain,
    undrain,
    remove,
    stuck,
    resumePaused: async (run) => {
      const isWanted = (key: string) => (run ?? key) === key;
      const lost = await strandedCalls({ client, names }, namespace);
      const gone = new Set(lost.map(({ invocation }) => invocation));
      const paused = (await stuck()).filter((one) => one.status === "paused" && !gone.has(one.invocation));
      const resumed = paused.filter((one) => isWanted(one.run));
      for (const { invocation } of resumed) await client.admin("PATCH", `invocations/${invocation}/resume`);
      const served = await servedNow();
      const moved = lost.filter(({ key, service }) => isWanted(key) && served.has(service));
      for (const { invocation } of moved) await moveCall(client, clock, invocation);
      return resumed.length + moved.length;
    },
  };
}
