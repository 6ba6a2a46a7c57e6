import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openBalancer } from "../../../scripts/restate/balancer.mjs";
import { freePorts, type Nodes, post, until } from "../../../scripts/restate/server.mjs";
import type { WorkerSettings } from "./worker.ts";

/** Worker processes behind a load balancer, which can be killed and held. */
export interface Crew {
  readonly uri: string;
  readonly count: number;
  readonly start: (worker: number) => Promise<void>;
  /** `kill -9` when nothing is said; resolves when the process is gone. */
  readonly kill: (worker: number, signal?: NodeJS.Signals) => Promise<void>;
  /** Sends a signal that ends nobody. */
  readonly signal: (worker: number, signal: "SIGSTOP" | "SIGCONT") => void;
  readonly close: () => Promise<void>;
}

export async function openCrew(
  nodes: Nodes,
  options: Pick<WorkerSettings, "ledger" | "version" | "afterMs"> & {
    readonly count: number;
    /** After how long without an answer a worker is taken for away. */
    readonly patienceMs?: number;
  },
): Promise<Crew> {
  const { count, patienceMs, ...settings } = options;
  const patience = patienceMs === undefined ? {} : { patienceMs };
  const ports = await freePorts(count * 2);
  const at = (index: number) => `http://127.0.0.1:${ports[index]}`;
  const indexes = Array.from({ length: count }, (_, index) => index);
  const balancer = await openBalancer(
    indexes.map((index) => at(index)),
    patience,
  );
  const plain = await openBalancer(
    indexes.map((index) => at(count + index)),
    patience,
  );
  const children = new Map<number, ChildProcess>();
  const start = async (index: number) => {
    const given: WorkerSettings = {
      ...settings,
      ingress: nodes.ingress,
      admin: nodes.admin,
      ...(nodes.identityKey === undefined ? {} : { identityKey: nodes.identityKey }),
      uri: balancer.uri,
      port: ports[index] as number,
      plainPort: ports[count + index] as number,
    };
    const args = ["--conditions=@remit/source", `${import.meta.dirname}/worker.ts`, JSON.stringify(given)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    children.set(index, child);
    await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`a worker ended with ${code}`))),
    ]);
  };
  const kill = async (index: number, signal: NodeJS.Signals = "SIGKILL") => {
    const child = children.get(index);
    children.delete(index);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const onExit = () => {
    for (const child of children.values()) child.kill("SIGKILL");
  };
  process.once("exit", onExit);
  await start(0);
  await Promise.all(indexes.slice(1).map(start));
  await until("the plain handler", () =>
    post(`${nodes.admin[0]}/deployments`, { uri: plain.uri, force: true }).catch(() => undefined),
  );
  return {
    uri: balancer.uri,
    count,
    start,
    kill,
    signal: (index, signal) => void children.get(index)?.kill(signal),
    close: async () => {
      process.off("exit", onExit);
      await Promise.all(indexes.map((index) => kill(index)));
      await balancer.close();
      await plain.close();
    },
  };
}
