import { OrchestrationError } from "../../errors.ts";
import type { Clock } from "../../port/clock.ts";
import { listDeployments, quoted, type RestateClient } from "./client.ts";
import type { Names } from "./wire.ts";

/**
 * Calls of the cluster and the deployments that they are bound to: from its first answer on a call goes nowhere else.
 *
 * B1 A deployment that is taken away while calls are bound to it strands them. They fail until they are moved; what comes
 *    behind them at the same object waits.
 * B2 What is not bound yet goes wherever its service is, so it is turned away without loss.
 */
export interface BoundParts {
  readonly client: RestateClient;
  readonly names: Names;
}

/** A call that is bound to a deployment which the cluster does not know any more. */
export interface StrandedCall {
  readonly invocation: string;
  readonly service: string;
  /** The object's key; a run's is `tenant/runId`. */
  readonly key: string;
  readonly deployment: string;
}

/**
 * Calls under way for the deployment at an address: those that are bound to it, and those which would go there next. What is
 * suspended waits for somebody else and is not among them, nor what a closing worker turns away.
 * @throws OrchestrationError `engine/admin-unreachable`
 */
export async function callsUnderWay({ client, names }: BoundParts, uri: string): Promise<number> {
  const plain = (text: string | undefined) => text?.replace(/\/$/, "");
  const here = (await listDeployments(client)).filter((one) => plain(one.uri) === plain(uri));
  if (here.length === 0) return 0;
  const ids = here.map(({ id }) => quoted(id)).join(", ");
  const shared = [names.front, names.stream, names.cell, names.index].map(quoted).join(", ");
  const [row] = await client.query<{ readonly calls: number }>(
    "SELECT COUNT(*) AS calls FROM sys_invocation WHERE " +
      `(pinned_deployment_id IN (${ids}) AND (status IN ('ready', 'running') OR ` +
      "(status = 'backing-off' AND target_handler_name <> 'drive'))) OR " +
      `(pinned_deployment_id IS NULL AND status IN ('pending', 'ready', 'running', 'backing-off') AND ` +
      `target_service_name IN (${shared}) AND target_handler_name <> 'deliver' AND target_service_name IN ` +
      `(SELECT name FROM sys_service WHERE deployment_id IN (${ids})))`,
  );
  return Number(row?.calls ?? 0);
}

/** Calls that nobody will answer unless they are moved. @throws OrchestrationError `engine/admin-unreachable` */
export async function strandedCalls(
  { client, names }: BoundParts,
  namespace: string,
): Promise<readonly StrandedCall[]> {
  const rows = await client.query<StrandedCall>(
    "SELECT id AS invocation, target_service_name AS service, target_service_key AS key, " +
      "pinned_deployment_id AS deployment FROM sys_invocation WHERE status <> 'completed' AND " +
      `pinned_deployment_id IS NOT NULL AND target_service_name LIKE ${quoted(`${namespace}.%`)} AND ` +
      "pinned_deployment_id NOT IN (SELECT id FROM sys_deployment)",
  );
  const shared = [names.front, names.stream, names.cell, names.index];
  // An underscore in the namespace stands for any letter there.
  return rows.filter(({ service }) => shared.includes(service) || service.startsWith(names.drives));
}

const tries = 20;
const pauseMs = 100;

/**
 * Binds a call to the newest deployment of its service, where it goes on from its steps.
 * @throws OrchestrationError `engine/refused` when the cluster will not, for instance because nobody has the service
 */
export async function moveCall(client: RestateClient, clock: Clock, invocation: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await client.admin("PATCH", `invocations/${invocation}/resume?deployment=latest`);
      return;
    } catch (thrown) {
      if (!OrchestrationError.is(thrown, "engine/refused") || tried === tries) throw thrown;
    }
    // One that is between two attempts is held first; one that is being tried just now is held behind that.
    await client.admin("PATCH", `invocations/${invocation}/pause`).catch((thrown: unknown) => {
      if (!OrchestrationError.is(thrown, "engine/refused")) throw thrown;
    });
    await new Promise<void>((resolve) => void clock.at(clock.now() + pauseMs, resolve));
  }
}
