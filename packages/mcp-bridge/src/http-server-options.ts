import { isIP } from "node:net";
import type { McpAuthenticator } from "./auth/authenticator.ts";
import { McpError } from "./errors.ts";
import { type Known, strangeIn } from "./strange.ts";

/** Serving over streamable HTTP. Plain data; made by {@link httpServer}. */
export interface HttpServerTransport {
  readonly kind: "http";
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** Names by which clients may address the server: what may stand in `Host`, without a port. */
  readonly hosts: readonly string[];
  /** Pages that may send requests from a browser: what may stand in `Origin`, such as `https://app.example.com`. */
  readonly origins: readonly string[];
  readonly authenticate: McpAuthenticator | undefined;
  readonly limits: HttpServerLimits;
}

export interface HttpServerOptions {
  /** 0, the default, takes one that is free. */
  readonly port?: number;
  /** 127.0.0.1 when absent. Anything that is not this machine alone needs `authenticate`. */
  readonly host?: string;
  /** `/mcp` when absent. */
  readonly path?: string;
  /** Further names in `Host`; this machine's own are known where it listens on them. */
  readonly hosts?: readonly string[];
  /** Further origins; pages of this machine are known where it listens on it. */
  readonly origins?: readonly string[];
  /** Finds out who calls. Without it everybody who reaches the server is the same client. */
  readonly authenticate?: McpAuthenticator;
  readonly limits?: Partial<HttpServerLimits>;
}

/** Bounds on what clients over HTTP may use. Times in milliseconds, sizes in bytes. */
export interface HttpServerLimits {
  /** One request's body. */
  readonly bodyBytes: number;
  /** All headers of one request together. */
  readonly headerBytes: number;
  /** From the first byte of a request to its last header. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** How often those two are looked at. */
  readonly timeoutCheckMs: number;
  readonly connections: number;
  readonly sessions: number;
  /** Sessions, and as many streams of notices, of one client. */
  readonly sessionsPerClient: number;
  /** After this long without anything happening a session ends. */
  readonly sessionIdleMs: number;
  /** Streams of notices at once (2026-07-28). */
  readonly subscriptions: number;
  /** Messages of one batch (2025-03-26 only). */
  readonly batch: number;
  /** Of one answer, or one stream of notices, what its client has not read yet; beyond it the answer is broken off. */
  readonly unreadBytes: number;
}

export const defaultHttpServerLimits: HttpServerLimits = {
  bodyBytes: 4 * 1024 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  timeoutCheckMs: 5_000,
  connections: 1_024,
  sessions: 1_000,
  sessionsPerClient: 1_000,
  sessionIdleMs: 30 * 60_000,
  subscriptions: 1_000,
  batch: 16,
  unreadBytes: 4 * 1024 * 1024,
};

const knownOptions: Known<HttpServerOptions> = {
  ...{ port: true, host: true, path: true, hosts: true, origins: true, authenticate: true, limits: true },
};

/**
 * Serving over streamable HTTP, sessions and 2026-07-28 on one address. `Host` and `Origin` are checked in any case.
 * @throws McpError `mcp/serving-unguarded` for a host that others can reach, without `authenticate`
 * @throws McpError `mcp/serving-invalid` for a port, a path or a limit that cannot be
 */
export function httpServer(options: HttpServerOptions = {}): HttpServerTransport {
  const { port = 0, host = "127.0.0.1", path = "/mcp", hosts = [], origins = [], authenticate } = options;
  const strange = strangeIn(options, knownOptions);
  if (strange !== undefined) throw invalid(`of its options ${strange}`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalid(`a port cannot be ${port}`);
  if (!/^\/[\w\-./~]*$/.test(path)) throw invalid(`a path cannot be ${path}`);
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(defaultHttpServerLimits, name)) throw invalid(`there is no limit named "${name}"`);
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(`limits.${name} cannot be ${String(value)}`);
  }
  const isLocal = isLoopback(host);
  if (!isLocal && !authenticate) throw new McpError("mcp/serving-unguarded", { host });
  const own = isLocal ? ["localhost", "127.0.0.1", "[::1]"] : isIP(host) === 0 ? [host] : [];
  const pages = isLocal ? own.flatMap((name) => [`http://${name}`, `https://${name}`]) : [];
  return {
    kind: "http",
    port,
    host,
    path,
    hosts: [...own, ...hosts].map((name) => name.toLowerCase()),
    origins: [...pages, ...origins.map((origin) => originOf(origin))],
    authenticate,
    limits: { ...defaultHttpServerLimits, ...options.limits },
  };
}

/** True for names and addresses that only this machine itself can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** True where the header names this server; the port in it does not count. */
export function hostFits(header: string | undefined, { hosts }: HttpServerTransport): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:/@[\]\s]+)(?::\d{1,5})?$/i.exec(header ?? "")?.[1];
  return name !== undefined && hosts.includes(name.toLowerCase());
}

/** True where no page sent it, or one that may. Pages of this machine may have any port. */
export function originFits(header: string | undefined, { origins, host }: HttpServerTransport): boolean {
  if (header === undefined) return true;
  if (!URL.canParse(header)) return false;
  const { origin, protocol, hostname } = new URL(header);
  if (origin !== header.toLowerCase()) return false;
  return origins.includes(origin) || (isLoopback(host) && origins.includes(`${protocol}//${hostname}`));
}

function originOf(text: string): string {
  if (!URL.canParse(text) || new URL(text).origin === "null") throw invalid(`an origin cannot be ${text}`);
  return new URL(text).origin;
}

function invalid(reason: string): McpError {
  return new McpError("mcp/serving-invalid", { reason });
}
