import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { InputEvent, RunStatus } from "../../packages/core/src/event.ts";
import type { Batch } from "../../packages/core/src/port/journal.ts";

/** One Restate node and one worker as processes of ours, on loopback, with their files in a temporary folder. */

/** How a run is driven: see worker.mjs. */
export interface Mode {
  readonly whileParked?: "end" | "open";
  readonly salts?: "seeded" | "random";
  /** The toy core of this proof, or a supervisor with the kernel's own driver. */
  readonly team?: "toy" | "desk";
}

export interface RestateNode extends AsyncDisposable {
  /** Puts an event into a run's inbox; resolves when it is durable. */
  readonly put: (run: string, event: InputEvent, mode?: Mode) => Promise<{ readonly known: boolean }>;
  readonly read: (run: string) => Promise<readonly Batch[]>;
  /** `null` before the run's first entry. */
  readonly status: (run: string) => Promise<RunStatus | null>;
  /** Calls any handler. @throws Error with the server's answer when that is not a success */
  readonly call: <T>(path: string, body?: unknown) => Promise<T>;
  /** Rows of Restate's own tables. */
  readonly query: <Row>(sql: string) => Promise<readonly Row[]>;
  readonly startWorker: () => Promise<void>;
  /** `kill -9`; resolves when the process is gone. */
  readonly killWorker: () => Promise<void>;
  readonly killServer: () => Promise<void>;
  readonly startServer: () => Promise<void>;
  readonly workerLog: () => Promise<string>;
}

/** Asks until the answer is there, at most `mostMs`. @throws Error that names what was waited for */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, mostMs = 20_000): Promise<T> {
  const deadline = Date.now() + mostMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${mostMs} ms for ${what}`);
    await pause(20);
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Starts server and worker and registers the one with the other. */
export async function startNode(worldAddress: string): Promise<RestateNode> {
  const folder = await mkdtemp(join(tmpdir(), "remit-restate-"));
  const [nodePort, ingressPort, adminPort, workerPort] = await freePorts(4);
  const ingress = `http://127.0.0.1:${ingressPort}`;
  const admin = `http://127.0.0.1:${adminPort}`;
  const binary = createRequire(import.meta.url).resolve(
    `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
  );
  const children = new Map<"server" | "worker", ChildProcess>();

  const start = (name: "server" | "worker", command: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess => {
    const log = openSync(join(folder, `${name}.log`), "a");
    const child = spawn(command, args, { cwd: import.meta.dirname, env, stdio: ["ignore", log, log] });
    closeSync(log);
    children.set(name, child);
    return child;
  };
  const kill = async (name: "server" | "worker"): Promise<void> => {
    const child = children.get(name);
    children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };

  // A run that is stopped from outside leaves nothing behind either.
  const onSignal = (): void => {
    close().finally(() => process.exit(130));
  };
  for (const signal of signals) process.once(signal, onSignal);

  const startServer = async (): Promise<void> => {
    const child = start("server", binary, [], {
      PATH: process.env.PATH,
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_BASE_DIR: join(folder, "data"),
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_ADVERTISED_HOST: "127.0.0.1",
      RESTATE_BIND_PORT: String(nodePort),
      RESTATE_INGRESS__BIND_PORT: String(ingressPort),
      RESTATE_ADMIN__BIND_PORT: String(adminPort),
      RESTATE_DEFAULT_NUM_PARTITIONS: "2",
    });
    await until("the server", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
      return (await reachable(`${admin}/health`)) && (await reachable(`${ingress}/restate/health`)) ? true : undefined;
    });
  };
  const startWorker = async (): Promise<void> => {
    const args = ["--conditions=@remit/source", "worker.mjs", String(workerPort), worldAddress];
    const child = start("worker", process.execPath, args, { PATH: process.env.PATH, RESTATE_LOGGING: "WARN" });
    await until("the worker", async () => {
      if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`);
      return (await listening(workerPort!)) ? true : undefined;
    });
  };
  const request = async <T>(url: string, body: unknown): Promise<T> => {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  };
  const call = <T>(path: string, body?: unknown): Promise<T> => request(`${ingress}/${path}`, body);
  const close = async (): Promise<void> => {
    await kill("worker");
    await kill("server");
    for (const signal of signals) process.off(signal, onSignal);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    await startServer();
    await startWorker();
    await request(`${admin}/deployments`, { uri: `http://127.0.0.1:${workerPort}` });
  } catch (cause) {
    const log = await readFile(join(folder, "server.log"), "utf8");
    await close();
    throw new Error(`the node did not start:\n${log.slice(-2000)}`, { cause });
  }
  return {
    put: (run, event, { whileParked = "end", salts = "seeded", team = "toy" } = {}) =>
      call(`Inbox/${encodeURIComponent(run)}/put`, { event, mode: { whileParked, salts, team } }),
    read: (run) => call(`Run/${encodeURIComponent(run)}/read`),
    status: (run) => call(`Run/${encodeURIComponent(run)}/status`),
    call,
    query: async <Row>(sql: string) => (await request<{ rows: Row[] }>(`${admin}/query`, { query: sql })).rows,
    startWorker,
    killWorker: () => kill("worker"),
    killServer: () => kill("server"),
    startServer,
    workerLog: () => readFile(join(folder, "worker.log"), "utf8"),
    [Symbol.asyncDispose]: close,
  };
}

async function reachable(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function listening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Ports that are free now; all are held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
