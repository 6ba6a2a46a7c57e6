import { type AnyTool, type Clock, type Logger, silentLogger, systemClock, type Tool } from "@remit/core";
import type { z } from "zod";
import type { ArtifactStore } from "./artifacts.ts";
import {
  type ConnectMcpOptions,
  type Host,
  type HostOptions,
  type McpConnection,
  type McpStatus,
  openHost,
} from "./connect.ts";
import { unlessAborted } from "./deadline.ts";
import { McpError } from "./errors.ts";
import { createNameMap, defaultNamePolicy, exposedName, type NameMap, type NamePolicy } from "./names.ts";
import type { PinStore } from "./pin-store.ts";
import { remoteNameOf } from "./pins.ts";
import { type Known, strangeIn } from "./strange.ts";
import type { McpToolConfigs, McpTools } from "./tool-config.ts";

/** One of several servers. As `connectMcp` takes it, and what only matters among others. */
export interface McpServerOptions<Tools extends McpToolConfigs = McpToolConfigs>
  extends Pick<ConnectMcpOptions<Tools>, "transport" | "tools" | "limits" | "secrets" | "resources" | "prompts"> {
  /** When it cannot be reached at the start, the start fails; otherwise it is tried again for as long as it takes. */
  readonly required?: boolean;
  /** The names of its tools begin with its own and `_`. Without, the keys of `tools` are the names. */
  readonly prefix?: boolean;
}

export interface ConnectMcpServersOptions<Servers extends Readonly<Record<string, McpServerOptions>>> {
  /** By our name for each. `readMcpConfig` makes them from a file. */
  readonly servers: Servers;
  /** What people have accepted, such as `pinFile(path)`. */
  readonly pins?: PinStore;
  /**
   * Accepts what has never been seen, in the name of nobody: with `pins` once, without for as long as the process lives.
   * Without `pins` and without this every tool needs a pin of its own.
   */
  readonly trustOnFirstUse?: boolean;
  readonly names?: Partial<NamePolicy>;
  readonly artifacts?: ArtifactStore;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

/** The tools of one of several servers. With a prefix their names are only known when they have been made. */
type ToolsOf<Options extends McpServerOptions> = Options["prefix"] extends true
  ? { readonly [Key in keyof Options["tools"] & string]: Renamed<McpTools<Options["tools"]>[Key]> }
  : McpTools<Options["tools"]>;

type Renamed<Of extends AnyTool> =
  Of extends Tool<string, infer Input extends z.ZodType, infer Output extends z.ZodType, infer Kind>
    ? Tool<string, Input, Output, Kind>
    : never;

/** Several servers, each supervised by itself. */
export interface McpServers<Servers extends Readonly<Record<string, McpServerOptions>>> {
  readonly servers: {
    readonly [Name in keyof Servers]: Omit<McpConnection, "tools"> & { readonly tools: ToolsOf<Servers[Name]> };
  };
  /** All tools of all servers. What an agent gets of them is in its own list. */
  readonly tools: readonly AnyTool[];
  /** Which name stands for which tool of which server. */
  readonly names: NameMap;
  readonly status: () => Readonly<Record<keyof Servers & string, McpStatus>>;
  /** Ends all servers. Idempotent. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Connects to several servers at once. One that cannot be reached fails by itself: it is tried again in the background
 * and its tools refuse their calls until then, made of what is accepted of them. Each call finds the server that is there
 * when it is made.
 * @throws McpError `mcp/config-invalid`, `mcp/name-refused`; for a server that is `required` what `connectMcp` throws, and
 *   nothing is left running then
 * @throws OrchestrationError `tool/name-invalid`, `tool/lookup-missing`
 */
export async function connectMcpServers<const Servers extends Readonly<Record<string, McpServerOptions>>>(
  options: ConnectMcpServersOptions<Servers>,
): Promise<McpServers<Servers>> {
  assertKnown(options);
  const { pins, trustOnFirstUse = false } = options;
  if (!pins && !trustOnFirstUse) {
    for (const [name, { tools }] of Object.entries<McpServerOptions>(options.servers)) checkPinned(name, tools);
  }
  const { hosts, names, close } = await startHosts(options);
  try {
    const connections: [string, McpConnection][] = [];
    for (const { name, host } of hosts) connections.push([name, await host.connection()]);
    return {
      servers: Object.fromEntries(connections) as unknown as McpServers<Servers>["servers"],
      tools: connections.flatMap(([, { tools, reads }]) => [...Object.values(tools), ...Object.values(reads)]),
      names,
      status: () =>
        Object.fromEntries(hosts.map(({ name, host }) => [name, host.status()])) as ReturnType<
          McpServers<Servers>["status"]
        >,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

const knownOptions: Known<ConnectMcpServersOptions<Readonly<Record<string, McpServerOptions>>>> = {
  ...{ servers: true, pins: true, trustOnFirstUse: true, names: true, artifacts: true, logger: true, clock: true },
  ...{ signal: true },
};
const knownOfServer: Known<McpServerOptions> = {
  ...{ transport: true, tools: true, limits: true, secrets: true, resources: true, prompts: true, required: true },
  ...{ prefix: true },
};

/** What no compiler has told to who writes JavaScript. @throws McpError `mcp/config-invalid` */
function assertKnown(options: unknown): void {
  const { servers } = (options ?? {}) as { readonly servers?: unknown };
  if (typeof servers !== "object" || servers === null)
    throw new McpError("mcp/config-invalid", { server: "", reason: "there are no `servers` by their names" });
  const reason = strangeIn(options as object, knownOptions);
  if (reason !== undefined)
    throw new McpError("mcp/config-invalid", { server: "", reason: `of the options ${reason}` });
  for (const [server, said] of Object.entries(servers)) {
    const strange = strangeIn((said ?? {}) as object, knownOfServer);
    if (strange !== undefined)
      throw new McpError("mcp/config-invalid", { server, reason: `of its options ${strange}` });
  }
}

/** Several servers, started. */
export interface StartedHosts {
  readonly hosts: readonly { readonly name: string; readonly host: Host<McpToolConfigs> }[];
  readonly names: NameMap;
  readonly close: () => Promise<void>;
}

/**
 * Starts servers at once, each supervised by itself; nothing is left running where it throws.
 * @throws McpError `mcp/config-invalid`, `mcp/name-refused`; for a server that is `required` what `connectMcp` throws
 */
export async function startHosts(
  options: ConnectMcpServersOptions<Readonly<Record<string, McpServerOptions>>>,
  made: Pick<HostOptions<McpToolConfigs>, "raw" | "answering"> = {},
): Promise<StartedHosts> {
  const { pins, trustOnFirstUse = false, artifacts, logger = silentLogger, clock = systemClock(), signal } = options;
  const listed = Object.entries(options.servers);
  const names = namesOf(listed, options.names);
  for (const { server, name, like } of names.warnings) {
    logger.warn({ server, tool: name, like }, "The name of an MCP tool looks like another one.");
  }
  const hosts = listed.map(([name, server]) => {
    const { prefix = false, required = false, transport, tools, limits, secrets, resources, prompts } = server;
    const host = openHost({
      name,
      transport,
      tools,
      logger,
      clock,
      trustOnFirstUse,
      nameOf: (key) => exposedName({ server: name, tool: key }, { prefix }),
      lenient: true,
      resources,
      prompts,
      ...made,
      ...(limits === undefined ? {} : { limits }),
      ...(secrets === undefined ? {} : { secrets }),
      ...(pins === undefined ? {} : { pins }),
      ...(artifacts === undefined ? {} : { artifacts }),
    });
    return { name, required, host };
  });
  const close = async () => {
    await Promise.all(hosts.map(({ host }) => host.link.close()));
  };
  try {
    const starts = await Promise.allSettled(
      hosts.map(({ host: { link } }) => {
        link.start();
        return signal ? unlessAborted(link.ready(), signal) : link.ready();
      }),
    );
    for (const [index, start] of starts.entries()) {
      const started = hosts[index];
      if (!started || start.status === "fulfilled") continue;
      if (signal?.aborted) throw new McpError("mcp/connect-cancelled", { server: started.name });
      if (started.required || !McpError.is(start.reason)) throw start.reason;
      const { code } = start.reason;
      logger.warn({ server: started.name, code }, "MCP server is not reachable at the start; it is tried again.");
    }
    return { hosts, names, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function namesOf(
  servers: readonly (readonly [string, McpServerOptions])[],
  policy: Partial<NamePolicy> | undefined,
): NameMap {
  const tools = servers.flatMap(([server, { tools: configs, prefix = false, resources, prompts }]) => [
    ...Object.keys(configs).map((tool) => ({ server, tool, prefix })),
    ...(resources ? [{ server, tool: "read_resource", prefix: true }] : []),
    ...(prompts ? [{ server, tool: "get_prompt", prefix: true }] : []),
  ]);
  return createNameMap(tools, { ...defaultNamePolicy, ...policy });
}

function checkPinned(server: string, tools: McpToolConfigs): void {
  const open = Object.entries(tools).find(([, { pin }]) => pin === undefined);
  if (!open) return;
  const reason = `nothing says what ${remoteNameOf(...open)} must look like; give \`pins\`, a pin, or say \`trustOnFirstUse\``;
  throw new McpError("mcp/config-invalid", { server, reason });
}
