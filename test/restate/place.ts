import { type RestateEngine, restateEngine } from "@remit/core/restate";
import type { FakeClock } from "@remit/core/testing";
import { type Nodes, startNodes } from "../../scripts/restate/server.mjs";
import type { EngineUnderTest } from "../contract/engine-kit.ts";

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

/** A namespace of its own on the node. */
export function openPlace(nodes: Nodes): Place {
  const namespace = `place${places++}`;
  return {
    survives: true,
    takesOver: true,
    engine: ({ clock } = {}) =>
      restateEngine({
        ingress: nodes.ingress,
        admin: nodes.admin,
        namespace,
        worker: { port: 0, ...(nodes.identityKey === undefined ? {} : { identityKeys: [nodes.identityKey] }) },
        ...(clock === undefined ? {} : { clock }),
      }),
    clear: async () => {
      const left = await nodes.query(`SELECT id FROM sys_invocation WHERE target_service_name LIKE '${namespace}.%'`);
      for (const { id } of left) await fetch(`${nodes.admin[0]}/invocations/${id}/kill`, { method: "PATCH" });
      const { deployments } = (await (await fetch(`${nodes.admin[0]}/deployments`)).json()) as {
        readonly deployments: readonly {
          readonly id: string;
          readonly services: readonly { readonly name: string }[];
        }[];
      };
      for (const { id, services } of deployments) {
        if (!services.some(({ name }) => name.startsWith(`${namespace}.`))) continue;
        await fetch(`${nodes.admin[0]}/deployments/${id}?force=true`, { method: "DELETE" });
      }
    },
  };
}
