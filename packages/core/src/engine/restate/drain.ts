import { OrchestrationError } from "../../errors.ts";
import type { Clock } from "../../port/clock.ts";
import type { RunKey } from "../../port/engine.ts";
import { listDeployments, quoted, type RestateClient } from "./client.ts";
import { drainText, type Names, runText } from "./wire.ts";

/**
 * Marks that no new run is to begin in a service; what has begun there goes on.
 *
 * N1 A mark is kept in the cluster, so it holds for every process, those that start later included. It is set and lifted
 *    by the admin port alone: an operator needs no worker.
 * N2 What a process knows of a mark is at most `freshMs` old when it begins to start a run. A start that was under way before
 *    counts as soon as the cluster has it; should it come in after a removal, it is told `engine/no-worker` and kept.
 * N3 A mark is about one deployment. A service that has another one by now, after a roll back for instance, is open.
 */
export interface Drains {
  /**
   * Asked before a run begins; one that has begun, under the same idempotency key for instance, is let pass.
   * @throws OrchestrationError `engine/draining` where the definition's service is marked
   */
  readonly assertOpen: (key: RunKey, definition: string) => Promise<void>;
  /** The marked deployment of each of these services that has one. */
  readonly marks: (services: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly mark: (service: string, deployment: string) => Promise<void>;
  readonly unmark: (service: string) => Promise<void>;
}

/** How old what a process knows of a mark may be. */
export const freshMs = 1_000;
/** How long the cluster may take to change a mark. */
const changeMs = 10_000;

export interface DrainsOptions {
  readonly client: RestateClient;
  readonly names: Names;
  readonly clock: Clock;
}

export function drains({ client, names, clock }: DrainsOptions): Drains {
  const known = new Map<string, { readonly at: number; readonly open: Promise<boolean> }>();

  const isOpen = async (service: string): Promise<boolean> => {
    const to = { service: names.cell, key: drainText(service), handler: "get" };
    const marked = await client.call<string | null>(to);
    if (marked === null) return true;
    const all = await listDeployments(client);
    return all.some(({ id, services }) => id !== marked && services.some(({ name }) => name === service));
  };
  const marks: Drains["marks"] = async (services) => {
    if (services.length === 0) return new Map();
    const keys = services.map((service) => quoted(drainText(service))).join(", ");
    const rows = await client.query<{ readonly key: string; readonly value: string }>(
      "SELECT service_key AS key, value_utf8 AS value FROM state " +
        `WHERE service_name = ${quoted(names.cell)} AND key = 'value' AND service_key IN (${keys})`,
    );
    const byKey = new Map(rows.map(({ key, value }) => [key, JSON.parse(value) as string]));
    const found = services.map((service) => [service, byKey.get(drainText(service))] as const);
    return new Map(found.filter((one): one is [string, string] => one[1] !== undefined));
  };
  /** Changes a mark and waits until it is there for everybody; no worker is needed for it. */
  const change = async (service: string, deployment: string | undefined): Promise<void> => {
    const state = deployment === undefined ? {} : { value: [...Buffer.from(JSON.stringify(deployment))] };
    await client.admin("POST", `services/${names.cell}/state`, { object_key: drainText(service), new_state: state });
    const until = clock.now() + changeMs;
    while ((await marks([service])).get(service) !== deployment) {
      if (clock.now() > until) {
        const reason = `it has not taken the mark of ${service} within ${changeMs} ms`;
        throw new OrchestrationError("engine/admin-unreachable", { addresses: [], reason });
      }
      await new Promise<void>((resolve) => void clock.at(clock.now() + 50, resolve));
    }
  };
  return {
    assertOpen: async (key, definition) => {
      const service = names.driveOf(definition);
      let seen = known.get(service);
      if (!seen || clock.now() - seen.at >= freshMs) {
        seen = { at: clock.now(), open: isOpen(service) };
        known.set(service, seen);
        seen.open.catch(() => known.delete(service)); // It may be there the next time.
      }
      if (await seen.open) return;
      const home = await client.call<string | null>({ service: names.front, key: runText(key), handler: "home" });
      if (home === null) throw new OrchestrationError("engine/draining", { service });
    },
    marks,
    mark: change,
    unmark: (service) => change(service, undefined),
  };
}
