import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { SandboxError } from "../errors.ts";

/** Listens on this machine alone, with bounds on what one connection may take. */
export interface Door {
  readonly port: number;
  readonly origin: string;
  /** Takes nothing more, and ends all connections. Idempotent. */
  readonly close: () => Promise<void>;
}

export const host = "127.0.0.1";

const bounds = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
};
const connectionsMost = 256;

/**
 * @param ports tried in this order; 0 takes a free one
 * @throws SandboxError `console/listen-failed`
 */
export async function openDoor(
  fetch: (request: Request) => Response | Promise<Response>,
  ports: readonly number[],
): Promise<Door> {
  const server = createServer(bounds, getRequestListener(fetch, { overrideGlobalObjects: false }));
  server.maxConnections = connectionsMost;
  server.maxHeadersCount = 100;
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      const failed = (cause: Error) => {
        reject(new SandboxError("console/listen-failed", { host, port, reason: cause.message }, { cause }));
      };
      server.once("error", failed);
      server.listen({ port, host, exclusive: true }, () => {
        server.off("error", failed);
        resolve();
      });
    });
  for (const [index, port] of ports.entries()) {
    try {
      await listen(port);
      break;
    } catch (thrown) {
      if (index === ports.length - 1) throw thrown;
    }
  }
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    port,
    origin: `http://${host}:${port}`,
    close: () => {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
