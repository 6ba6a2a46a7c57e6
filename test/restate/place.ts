import { connect } from "node:net";
import { type RestateEngine, restateEngine } from "@remit/core/restate";
import type { FakeClock } from "@remit/core/testing";
import { type Nodes, startNodes } from "../../scripts/restate/server.mjs";
import type { EngineUnderTest } from "../contract/engine-kit.ts";

/** True where everything is played, by `npm run soak -- --only restate`; `npm test` plays a part of it. */
export const isAll = process.env.REMIT_RESTATE_THEMES === "all";
/** Why a test is left to the soak. */
export const long = "it takes long: npm run soak -- --only restate";

/** One node for all that runs in this process; started by whoever asks first, stopped with `closeNode`. */
let starting: Promise<Nodes> | undefined;
let places = 0;

export function theNode(): Promise<Nodes> {
  starting ??= startNodes({ sign: true });
  return starting;
}

export async function closeNode(): Promise<void> {
  const nodes = await starting;
  starting = undefined;
  await nodes?.close();
}

export interface Place extends EngineUnderTest {
  readonly engine: (options?: { readonly clock?: FakeClock }) => RestateEngine;
  /** Ends what a test has left under way in the cluster. */
  readonly clear: () => Promise<void>;
}

interface Deployment {
  readonly id: string;
  readonly uri: string;
  readonly services: readonly { readonly name: string }[];
}

function listens(uri: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(uri);
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** What stands for processes of one installation: workers at ports, each a deployment of its own, and such as drive nothing. */
export function openEngine(
  { ingress, admin, identityKey }: Nodes,
  namespace: string,
  options: { readonly port?: number; readonly deadlineMs?: number; readonly worker?: boolean } = {},
): RestateEngine {
  const { port = 0, deadlineMs = 60_000, worker = true } = options;
  const identityKeys = identityKey === undefined ? [] : [identityKey];
  return restateEngine({
    ingress,
    admin,
    namespace,
    deadlineMs,
    ...(worker ? { worker: { port, identityKeys } } : {}),
  });
}

/** A namespace of its own on the node. */
export function openPlace(nodes: Nodes): Place {
  const namespace = `place${places++}`;
  const remove = async (isGone: (deployment: Deployment) => Promise<boolean>) => {
    const listed = await fetch(`${nodes.admin[0]}/deployments`);
    const { deployments } = (await listed.json()) as { readonly deployments: readonly Deployment[] };
    for (const deployment of deployments) {
      if (!deployment.services.some(({ name }) => name.startsWith(`${namespace}.`))) continue;
      if (!(await isGone(deployment))) continue;
      await fetch(`${nodes.admin[0]}/deployments/${deployment.id}?force=true`, { method: "DELETE" });
    }
  };
  return {
    survives: true,
    takesOver: true,
    engine: ({ clock } = {}) => {
      const engine = restateEngine({
        ingress: nodes.ingress,
        admin: nodes.admin,
        namespace,
        // However busy the machine is, a test that goes on passes.
        deadlineMs: 60_000,
        worker: { port: 0, ...(nodes.identityKey === undefined ? {} : { identityKeys: [nodes.identityKey] }) },
        ...(clock === undefined ? {} : { clock }),
      });
      const close = engine.close.bind(engine);
      // Its process is gone for good, so its deployment is taken away, as its owner would: when no call is bound to it.
      const gone = async () => {
        await close();
        await remove(async ({ id, uri }) => {
          if (await listens(uri)) return false;
          const left = await nodes.query(
            "SELECT target, status, last_failure FROM sys_invocation " +
              `WHERE status <> 'completed' AND pinned_deployment_id = '${id}'`,
          );
          if (left.length === 0) return true;
          throw new Error(`a closed worker has left calls that are bound to it: ${JSON.stringify(left)}`);
        });
      };
      return Object.assign(engine, { close: gone });
    },
    clear: async () => {
      const left = await nodes.query(`SELECT id FROM sys_invocation WHERE target_service_name LIKE '${namespace}.%'`);
      for (const { id } of left) await fetch(`${nodes.admin[0]}/invocations/${id}/kill`, { method: "PATCH" });
      await remove(async () => true);
    },
  };
}
