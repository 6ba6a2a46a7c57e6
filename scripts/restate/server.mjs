// @ts-check
/**
 * Restate nodes on loopback, for tests, measurements and `npm run cluster`. The server is not among the workspace's
 * dependencies, because its package is 226 MB: it is installed beside them when somebody first asks for it.
 */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cache } from "../workspace.mjs";

export const serverVersion = "1.7.12";

/**
 * @typedef {object} Node one server process
 * @property {string} name
 * @property {string} ingress
 * @property {string} admin
 * @property {string} fabric where the nodes speak to each other
 * @property {() => Promise<void>} start
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop `kill -9` when nothing is said; resolves when the process is gone
 * @property {() => number | undefined} pid
 * @property {() => Promise<string>} log
 *
 * @typedef {object} Nodes
 * @property {readonly Node[]} nodes
 * @property {readonly string[]} ingress
 * @property {readonly string[]} admin
 * @property {string | undefined} identityKey public key of what the nodes sign with
 * @property {(sql: string) => Promise<any[]>} query
 * @property {() => Promise<void>} close stops the processes and removes their files
 */

/** The server's program, installed when it is not there yet. @param {(text: string) => void} [tell] */
export function serverBinary(tell = console.error) {
  const folder = join(cache, "restate");
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  const home = join(folder, "node_modules", name);
  const binary = join(home, "bin", "restate-server");
  const version = () =>
    existsSync(join(home, "package.json")) && JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
  if (version() === serverVersion && existsSync(binary)) return binary;
  tell(`installing the Restate server ${serverVersion} (226 MB) …`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  // No scripts: the one in there only reports the installation to a third party.
  const args = [
    "install",
    "--ignore-scripts",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    `${name}@${serverVersion}`,
  ];
  const { status, stderr, error } = spawnSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0 || !existsSync(binary))
    throw new Error(`the Restate server could not be installed:\n${error ?? stderr}`);
  return binary;
}

/**
 * Starts one node or a cluster of three.
 * @param {{ count?: 1 | 3, sign?: boolean, binary?: string, partitions?: number, env?: Record<string, string>,
 *   config?: string }} [options] `config`: a file that says what is not said here, which is addresses, folders and the key
 * @returns {Promise<Nodes>}
 */
export async function startNodes({
  count = 1,
  sign = false,
  binary = serverBinary(),
  partitions,
  env: more = {},
  config,
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), "remit-restate-"));
  const ports = await freePorts(count * 3);
  const identityFile = join(folder, "identity.pem");
  /** @type {string | undefined} */
  let identityKey;
  if (sign) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    identityKey = `publickeyv1_${base58(publicKey.export({ type: "spki", format: "der" }).subarray(-32))}`;
    writeFileSync(identityFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  }
  const at = (/** @type {number} */ port) => `http://127.0.0.1:${port}`;
  const all = Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    ingressPort: /** @type {number} */ (ports[index * 3]),
    adminPort: /** @type {number} */ (ports[index * 3 + 1]),
    fabricPort: /** @type {number} */ (ports[index * 3 + 2]),
  }));
  const nodes = all.map(({ name, ingressPort, adminPort, fabricPort }, index) => {
    /** @type {import("node:child_process").ChildProcess | undefined} */
    let child;
    const logFile = join(folder, `${name}.log`);
    const temporary = join(folder, `${name}-tmp`);
    const env = {
      PATH: process.env.PATH,
      // A server that is killed leaves what it keeps here.
      TMPDIR: temporary,
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_BASE_DIR: join(folder, name),
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_ADVERTISED_HOST: "127.0.0.1",
      RESTATE_BIND_PORT: String(fabricPort),
      RESTATE_INGRESS__BIND_PORT: String(ingressPort),
      RESTATE_ADMIN__BIND_PORT: String(adminPort),
      ...(config === undefined || partitions !== undefined
        ? { RESTATE_DEFAULT_NUM_PARTITIONS: String(partitions ?? (count === 1 ? 4 : 6)) }
        : {}),
      // What a file says of its addresses counts before the shorter forms above.
      ...(config === undefined
        ? {}
        : {
            RESTATE_BIND_ADDRESS: `127.0.0.1:${fabricPort}`,
            RESTATE_ADVERTISED_ADDRESS: at(fabricPort),
            RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
            RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
          }),
      RESTATE_LOG_FILTER: "warn,restate=warn",
      ...(sign ? { RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityFile } : {}),
      ...(count === 1
        ? {}
        : {
            RESTATE_NODE_NAME: name,
            ...(config === undefined ? { RESTATE_CLUSTER_NAME: "remit", RESTATE_DEFAULT_REPLICATION: "2" } : {}),
            RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(all.map((one) => at(one.fabricPort))),
            RESTATE_AUTO_PROVISION: String(index === 0),
          }),
      ...more,
    };
    const start = async () => {
      mkdirSync(temporary, { recursive: true });
      const log = openSync(logFile, "a");
      const started = spawn(binary, config === undefined ? [] : ["--config-file", config], {
        env,
        stdio: ["ignore", log, log],
      });
      closeSync(log);
      child = started;
    };
    const stop = async (/** @type {NodeJS.Signals} */ signal = "SIGKILL") => {
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const gone = once(running, "exit");
      running.kill(signal);
      await gone;
    };
    const log = () => readFile(logFile, "utf8").catch(() => "");
    return {
      name,
      ingress: at(ingressPort),
      admin: at(adminPort),
      fabric: at(fabricPort),
      start,
      stop,
      log,
      pid: () => child?.pid,
    };
  });
  const onExit = () => {
    for (const node of nodes) {
      const pid = node.pid();
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  };
  process.once("exit", onExit);
  const close = async () => {
    process.off("exit", onExit);
    await Promise.all(nodes.map((node) => node.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const query = async (/** @type {string} */ sql) => {
    let cause;
    for (const { admin } of nodes) {
      try {
        return (await post(`${admin}/query`, { query: sql })).rows;
      } catch (thrown) {
        cause = thrown;
      }
    }
    throw new Error(`no admin port answers ${sql}`, { cause });
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    for (const node of nodes) await isUp(node);
    // A cluster is up when it takes calls: all partitions have a leader then.
    await until(
      "the cluster",
      async () => (await post(`${nodes[0]?.admin}/query`, { query: "SELECT 1" }).catch(() => undefined)) !== undefined,
    );
    return {
      nodes,
      ingress: nodes.map(({ ingress }) => ingress),
      admin: nodes.map(({ admin }) => admin),
      identityKey,
      query,
      close,
    };
  } catch (cause) {
    const logs = await Promise.all(nodes.map((node) => node.log()));
    await close();
    throw new Error(`the nodes did not start:\n${logs.map((log) => log.slice(-2000)).join("\n")}`, { cause });
  }
}

/** As the nodes write a public key at their start. @param {Buffer} bytes */
function base58(bytes) {
  const letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let value = BigInt(`0x${bytes.toString("hex")}`); value > 0n; value /= 58n)
    text = letters[Number(value % 58n)] + text;
  return "1".repeat(bytes.findIndex((byte) => byte !== 0)) + text;
}

/** Waits until a node answers at both ports. @param {Node} node */
export async function isUp({ name, ingress, admin }) {
  await until(`node ${name}`, async () => (await isOk(`${admin}/health`)) && (await isOk(`${ingress}/restate/health`)));
}

/** @param {string} url */
async function isOk(url) {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** @param {string} url @param {unknown} body @returns {Promise<any>} */
export async function post(url, body) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/**
 * Asks until there is something, at most `mostMs`.
 * @template T @param {string} what @param {() => Promise<T>} ask @returns {Promise<NonNullable<T>>}
 */
export async function until(what, ask, mostMs = 60_000) {
  const deadline = Date.now() + mostMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${mostMs} ms for ${what}`);
    await pause(50);
  }
}

/** Ports that are free now; all are held until the last is known, so that they differ. @param {number} count */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => /** @type {{ port: number }} */ (server.address()).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
