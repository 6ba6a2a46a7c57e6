import { type AnyTool, type Clock, type Logger, reasonOf, silentLogger, systemClock, type Tool } from "@remit/core";
import { createSchemaReader } from "@remit/tools";
import { pinOf } from "./definition.ts";
import { McpError, type McpErrorRecord } from "./errors.ts";
import { type McpLimits, resolveMcpLimits } from "./limits.ts";
import { createLink, type Link, type LinkStatus } from "./link.ts";
import { createPinBoard, remoteNameOf } from "./pins.ts";
import { remoteTool } from "./tool.ts";
import type { McpToolConfig, McpToolConfigs, McpTools } from "./tool-config.ts";
import { type McpTransport, targetOf } from "./transport.ts";
import { openWire } from "./wire/open-wire.ts";

export interface ConnectMcpOptions<Tools extends McpToolConfigs> {
  /** Ours for the server, in labels, logs and errors; what it calls itself counts for nothing. */
  readonly name: string;
  readonly transport: McpTransport;
  /** The tools that exist for us, by our name for each. */
  readonly tools: Tools;
  readonly limits?: Partial<McpLimits>;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Gives up connecting. Without effect on a connection that is made. */
  readonly signal?: AbortSignal;
}

/** Any connection, whatever its tools. Holds a process; close it. */
export interface AnyMcpConnection {
  readonly name: string;
  readonly status: () => McpStatus;
  /** Ends the server and every process it started. Calls under way fail. Idempotent. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A server that was connected to. */
export interface McpConnection<Tools extends McpToolConfigs = McpToolConfigs> extends AnyMcpConnection {
  /** Ordinary tools, by the keys of the configuration. */
  readonly tools: McpTools<Tools>;
}

export interface McpStatus {
  readonly name: string;
  /** `down`: the next call connects again, not before `retryAt`. */
  readonly state: LinkStatus["state"];
  /** What the server says about itself; untrusted. */
  readonly server: { readonly name: string; readonly version: string; readonly protocolVersion: string } | undefined;
  readonly processId: number | undefined;
  /** Connections made so far. */
  readonly connects: number;
  /** Losses and failed attempts since a call was last answered. */
  readonly failures: number;
  /** Epoch ms. */
  readonly retryAt: number | undefined;
  readonly lastError: McpErrorRecord | undefined;
  /** Tools that may not be called on this connection, by the server's names, with the reason. */
  readonly refused: Readonly<Record<string, McpErrorRecord>>;
  /** Lines on standard output that were no messages. */
  readonly noiseLines: number;
}

const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * Starts an MCP server and makes ordinary tools of the ones that are named. All of them are there, as pinned, or nothing
 * is connected. After a loss the next call connects again; a call that may have been carried out is never repeated here.
 * @throws McpError `mcp/config-invalid`, `mcp/spawn-failed`, `mcp/exited-at-start`, `mcp/connect-timeout`,
 *   `mcp/connect-cancelled`, `mcp/handshake-failed`, `mcp/version-unsupported`, `mcp/listing-failed`,
 *   `mcp/tool-missing`, `mcp/tool-invalid`, `mcp/tool-changed`
 * @throws OrchestrationError `tool/name-invalid`, `tool/schema-not-representable`, `tool/lookup-missing`
 */
export async function connectMcp<const Tools extends McpToolConfigs>(
  options: ConnectMcpOptions<Tools>,
): Promise<McpConnection<Tools>> {
  const { name, tools: configs, signal } = options;
  const limits = resolveMcpLimits(name, options.limits);
  checkConfig(name, configs);
  const board = createPinBoard(name, configs);
  const link = openLink(options, limits, board.inspect);
  const { listing, refused } = await link.connect(signal);
  const tools = new Map<string, Tool>();
  try {
    for (const refusal of refused.values()) throw refusal;
    const reader = createSchemaReader();
    const toolOf = (key: string): AnyTool | undefined => tools.get(key);
    for (const [key, config] of undosFirst(configs)) {
      const definition = listing.definitions.get(remoteNameOf(key, config))!;
      const ports = { link, reader, resultBytes: limits.resultBytes, toolOf };
      tools.set(key, remoteTool({ server: name, name: key, config, definition }, ports));
    }
  } catch (thrown) {
    await link.close();
    throw thrown;
  }
  return {
    name,
    tools: Object.fromEntries(Object.keys(configs).map((key) => [key, tools.get(key)])) as unknown as McpTools<Tools>,
    status: () => statusOf(name, link.status()),
    close: link.close,
    [Symbol.asyncDispose]: link.close,
  };
}

/** A tool that undoes another one comes before it; two that undo each other cannot both. */
function undosFirst(configs: McpToolConfigs): readonly (readonly [string, McpToolConfig])[] {
  const ordered = new Map<string, McpToolConfig>();
  const add = (key: string, above: readonly string[]) => {
    const config = configs[key];
    if (!config || ordered.has(key) || above.includes(key)) return;
    if (config.effect === "write" && config.undo) add(config.undo.tool, [...above, key]);
    ordered.set(key, config);
  };
  for (const key of Object.keys(configs)) add(key, []);
  return [...ordered];
}

/** The link to a server, not yet connected. */
export function openLink(
  options: Pick<ConnectMcpOptions<McpToolConfigs>, "name" | "transport" | "logger" | "clock">,
  limits: McpLimits,
  inspect: Parameters<typeof createLink>[0]["inspect"],
): Link {
  const { name: server, transport, logger = silentLogger, clock = systemClock() } = options;
  return createLink({
    server,
    target: targetOf(transport),
    wire: openWire({ server, transport, limits, clock, logger }),
    limits,
    clock,
    logger,
    inspect,
  });
}

function checkConfig(server: string, tools: McpToolConfigs): void {
  const invalid = (reason: string) => new McpError("mcp/config-invalid", { server, reason });
  if (!nameForm.test(server)) throw invalid("a name has a letter first, then at most 63 letters, digits, `_` or `-`");
  const owners = new Map<string, string>();
  for (const [name, config] of Object.entries(tools)) {
    if (config.effect !== "read" && config.effect !== "write") {
      throw invalid(
        `tool ${name} has the effect ${reasonOf((config as { effect: unknown }).effect)}; say "read" or "write"`,
      );
    }
    if (config.effect === "write" && (config.risk === undefined || config.idempotency === undefined)) {
      throw invalid(`tool ${name} writes, so it needs a \`risk\` and an \`idempotency\``);
    }
    if (typeof config.pin === "object" && pinOf(config.pin.definition) !== config.pin.pin) {
      throw invalid(`the pin of ${name} is not the one of the definition beside it`);
    }
    const remoteName = remoteNameOf(name, config);
    const owner = owners.get(remoteName);
    if (owner !== undefined) throw invalid(`the tools ${owner} and ${name} are both "${remoteName}" of the server`);
    owners.set(remoteName, name);
  }
}

function statusOf(name: string, status: LinkStatus): McpStatus {
  const { state, peer, processId, connects, failures, retryAt, lastError, refused, noiseLines } = status;
  return {
    name,
    state,
    server: peer && { name: peer.name, version: peer.version, protocolVersion: peer.protocolVersion },
    processId,
    connects,
    failures,
    retryAt,
    lastError: lastError?.toRecord(),
    refused: Object.fromEntries([...refused].map(([tool, error]) => [tool, error.toRecord()])),
    noiseLines,
  };
}
