import { createServer, type Http2Server, type Http2ServerResponse, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type * as Sdk from "@restatedev/restate-sdk";
import { OrchestrationError, reasonOf } from "../../errors.ts";
import type { Logger } from "../../port/logger.ts";
import { listDeployments, type RestateClient } from "./client.ts";

/** The port at which the cluster calls this process. */
export interface WorkerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to listen on; `127.0.0.1` when absent. */
  readonly host?: string;
  /** Where the cluster finds this port, or the load balancer before it; made from host and port when absent. */
  readonly uri?: string;
  /**
   * Public keys of the clusters that may call (`publickeyv1_…`, which each node logs at its start). Without them whoever
   * reaches the port may call it, so it must be reached by the cluster alone.
   */
  readonly identityKeys?: readonly string[];
  /** False: somebody else registers the deployment, a deploy script for instance. True when absent. */
  readonly register?: boolean;
}

/** An HTTP/2 server whose services can change while it listens. */
export interface WorkerPort {
  readonly uri: () => string;
  /** Serves exactly these from now on. */
  readonly serve: (services: readonly Sdk.ServiceDefinition<string, unknown>[]) => void;
  /** Takes no more calls at such paths: they go to another worker, or wait for one. What is under way goes on. */
  readonly refuse: (isRefused: (path: string) => boolean) => void;
  /** Resolves when no call at such a path is under way here. */
  readonly rests: (isMeant: (path: string) => boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Loads the SDK when it is first needed.
 * @throws OrchestrationError `engine/sdk-missing` when the package is not installed
 */
export async function loadSdk(load = () => import("@restatedev/restate-sdk")): Promise<typeof Sdk> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    const name = "@restatedev/restate-sdk";
    if (code !== "ERR_MODULE_NOT_FOUND" || !String(message).includes(`'${name}'`)) throw cause;
    throw new OrchestrationError("engine/sdk-missing", { package: name }, { cause });
  }
}

export async function openPort(sdk: typeof Sdk, options: WorkerOptions, logger: Logger): Promise<WorkerPort> {
  const { port, host = "127.0.0.1", identityKeys } = options;
  let handle: ReturnType<typeof sdk.createEndpointHandler> | undefined;
  const sessions = new Set<ServerHttp2Session>();
  let isRefused = (_path: string) => false;
  /** Paths of what is under way. */
  const open = new Map<Http2ServerResponse, string>();
  const looks = new Set<() => void>();
  const server: Http2Server = createServer((request, response) => {
    // Turned away before it is answered, so the cluster has not bound it to this deployment yet.
    if (!handle || isRefused(request.url)) {
      response.writeHead(503).end();
      return;
    }
    open.set(response, request.url);
    response.on("close", () => {
      open.delete(response);
      for (const look of looks) look();
    });
    handle(request, response);
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", (error) => logger.debug({ reason: reasonOf(error) }, "a connection of the cluster broke"));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    uri: () => options.uri ?? `http://${host}:${bound}`,
    serve: (services) => {
      handle = sdk.createEndpointHandler({
        services: [...services],
        ...(identityKeys === undefined ? {} : { identityKeys: [...identityKeys] }),
        // The SDK's own lines may show what runs hold (R12): only that something happened is passed on.
        logger: ({ level, invocationId }: Sdk.LogMetadata & { readonly invocationId?: string }) => {
          if (level === "warn" || level === "error") {
            logger.debug({ level, invocation: invocationId }, "a call of the cluster went wrong and comes again");
          }
        },
      });
    },
    refuse: (isMeant) => {
      isRefused = isMeant;
    },
    rests: (isMeant) =>
      new Promise((resolve) => {
        const look = () => {
          if ([...open.values()].some(isMeant)) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** Has the cluster know what is served at an address; asks it to look again when it does not know all of it. */
export async function registerAt(client: RestateClient, uri: string, services: readonly string[]): Promise<void> {
  const deployments = await listDeployments(client);
  const same = (left: string | undefined) => left?.replace(/\/$/, "") === uri.replace(/\/$/, "");
  const known = deployments.find((one) => same(one.uri))?.services.map(({ name }) => name);
  if (known && services.every((name) => known.includes(name))) return;
  await client.admin("POST", "deployments", { uri, force: known !== undefined });
}
