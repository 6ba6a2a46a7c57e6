import {
  type AnyTool,
  type Clock,
  type Engine,
  type Logger,
  memoryEngine,
  operator,
  runSupervisor,
  type Supervisor,
  silentLogger,
  systemClock,
} from "@remit/core";
import { type BearerToken, bearerTokens } from "../auth/bearer.ts";
import { clientInfo } from "../client-info.ts";
import type { McpConfig } from "../config.ts";
import type { Host, McpConnection } from "../connect.ts";
import { type McpDefinition, pinOf } from "../definition.ts";
import { McpError } from "../errors.ts";
import { httpServer } from "../http-server-options.ts";
import { clientKey, type McpClient } from "../mcp-client.ts";
import type { PinStore } from "../pin-store.ts";
import { remoteNameOf } from "../pins.ts";
import type { InputRequired } from "../rounds.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "../serve.ts";
import type { McpAuditEntry } from "../serve-app.ts";
import type { ServedCallContext, ServedDefinition, ServedResult, ServedTool } from "../served.ts";
import { type StartedHosts, startHosts } from "../servers.ts";
import { supervisorTool } from "../supervisor-tool.ts";
import type { McpToolConfigs } from "../tool-config.ts";
import { WireError } from "../wire/port.ts";
import { rpcCodes, ServedError } from "../wire/serving.ts";
import { type GatewayCalls, gatewayCalls } from "./calls.ts";
import { doubtsOf } from "./doubts.ts";
import { operatorToolNames, operatorTools } from "./operator-tools.ts";
import { passOn } from "./pass-on.ts";
import type { GatewayClient, GatewaySettings } from "./settings.ts";
import { aliasOfCalls, callModel, gatewayTeam } from "./team.ts";
import { watchPins } from "./watch-pins.ts";

export interface GatewayOptions {
  /** The servers, as `readMcpConfig` reads them. */
  readonly config: McpConfig;
  readonly settings: GatewaySettings;
  /** What people have accepted. A tool that nobody has is neither listed nor called. */
  readonly pins: PinStore;
  /** Accepts what has never been seen, in the name of nobody. */
  readonly trustOnFirstUse?: boolean;
  /** Keeps the calls; memory when absent. It is closed with the gateway. */
  readonly engine?: Engine;
  /** Where clients come from; as the settings say when absent. */
  readonly transport?: ServeMcpOptions["transport"];
  readonly audit?: (entry: McpAuditEntry) => void | Promise<void>;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface McpGateway {
  readonly serving: McpServing;
  /** How each server is. */
  readonly status: () => Readonly<Record<string, ReturnType<Host<McpToolConfigs>["status"]>>>;
  /** Takes no more calls, lets those under way end, ends the servers. Idempotent. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

type Upstream = StartedHosts["hosts"][number];

/** A tool that clients see, the server's own name of it, and what was accepted of it. */
interface Offered {
  readonly upstream: Upstream;
  readonly remoteName: string;
  readonly tool: AnyTool;
  readonly accepted: McpDefinition | undefined;
  /** What the tool was made of. */
  readonly made: McpDefinition | undefined;
}

/** What answers the calls of clients, with the tools that it was made with. */
interface Team {
  readonly supervisor: Supervisor;
  readonly desk: ServedTool;
  readonly deciding: readonly ServedTool[];
}

/**
 * Stands between clients and servers of MCP:
 *
 *  G1  What the configuration does not name does not exist: no tool, no resource, no prompt. Of a server that nobody has
 *      accepted nothing does.
 *  G2  A tool is listed while its definition is the one that a person accepted, and no longer; soon after that person has.
 *      A call that began with another definition goes on with that one, which its server does not have any more: it fails.
 *  G3  A call is a run: within its client's allowlist and budget, with approvals, one effect for one intent, and a journal.
 *  G4  What a server asks in the course of a call comes to the client of that call, where the configuration allows it.
 *  G5  No token of a client is handed on; servers get what their own configuration says.
 *
 * @throws McpError as `connectMcp` for a server that is `required`, and as `serveMcp`
 */
export async function openGateway(options: GatewayOptions): Promise<McpGateway> {
  const { config, settings, pins, logger = silentLogger, clock = systemClock() } = options;
  const engine = options.engine ?? memoryEngine();
  const calls = gatewayCalls(settings.allow);
  const closing: (() => Promise<void>)[] = [() => engine.close()];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const { servers, names: policy } = config;
    const { trustOnFirstUse = false } = options;
    const started = { servers, names: policy, pins, trustOnFirstUse, logger, clock };
    const { hosts: upstreams, close: closeServers } = await startHosts(started, {
      raw: true,
      answering: calls.answering,
    });
    closing.push(closeServers);
    const operators = new Set(
      settings.clients.flatMap(({ client, isOperator }) => (isOperator ? [clientKey(client)] : [])),
    );
    const { approvals } = settings;
    /** A team with these tools, at work beside those that were before it: a run goes on with what it began with. */
    const teamOf = (offered: readonly Offered[]): Team => {
      const supervisor = runSupervisor(gatewayTeam(offered.map(({ tool }) => heard(tool, calls))), {
        engine,
        models: { [aliasOfCalls]: callModel() },
        // A call whose tool is no longer what it was waits for somebody who looks at it.
        waitingRuns: "leave",
        logger,
      });
      const desk = supervisorTool(supervisor, {
        name: "call",
        description: "One call.",
        answers: [],
        progress: () => undefined,
        attributes: (_, context) => calls.attributes(context),
        ...(approvals.by === "client" ? { approver: () => operator(approvals.as) } : {}),
      });
      const deciding =
        operators.size > 0 ? operatorTools(supervisor, (client) => operators.has(clientKey(client))) : [];
      return { supervisor, desk, deciding };
    };
    const connections = await connectionsOf(upstreams);
    let offered = await offeredBy(connections, config);
    let team = teamOf(offered);
    const served = () => [...offered.filter(isOpen).map((one) => servedTool(one, team.desk, calls)), ...team.deciding];
    const names = offered.map(({ tool }) => tool.name);
    const clients = settings.clients.map((one) => ({ ...one, client: withTools(one, names) }));
    const made = offered.map(({ tool }) => tool);
    for (const { fields, sentence } of doubtsOf(settings, made)) logger.warn(fields, sentence);
    const transport = options.transport ?? transportOf(settings, clients);
    if (!(typeof transport === "object" && "kind" in transport) && clients.length > 1)
      throw invalid(`there is one client on a pipe, and ${clients.length} are named: keep the one that it is`);
    const passed = passOn(
      connections.map(({ upstream: { name, host }, connection: { resources, prompts } }) => {
        const uris = servers[name]?.resources?.uris ?? [];
        return { name, link: host.link, resources, prompts, uris, promptNames: servers[name]?.prompts?.names ?? [] };
      }),
      calls,
      logger,
    );
    const serving = await serveMcp({
      name: "remit-mcp-gateway",
      version: clientInfo.version,
      tools: served(),
      ...(passed.resources ? { resources: passed.resources } : {}),
      ...(passed.prompts ? { prompts: passed.prompts } : {}),
      ...(passed.completions ? { completions: passed.completions } : {}),
      logging: settings.allow.includes("logging"),
      transport,
      ...(settings.instructions === undefined ? {} : { instructions: settings.instructions }),
      ...localOf(clients),
      ...(options.audit ? { audit: options.audit } : {}),
      logger,
      clock,
    });
    closing.push(serving.close);
    let isClosing = false;
    let listing = Promise.resolve();
    closing.push(async () => {
      isClosing = true;
      await listing;
    });
    const listOnce = async () => {
      if (isClosing) return;
      try {
        offered = await Promise.all(
          offered.map(async (one) => ({ ...one, accepted: await one.upstream.host.acceptedOf(one.remoteName) })),
        );
        if (!offered.every((one) => one.accepted === undefined || isAsAccepted(one))) {
          const next = await offeredBy(await connectionsOf(upstreams), config);
          if (isClosing) return;
          team = teamOf(next);
          offered = next;
          await team.supervisor.resume();
        }
      } catch (thrown) {
        logger.warn(
          { reason: thrown },
          "What is accepted could not be taken over; what is not as accepted is not listed.",
        );
      }
      if (!isClosing) serving.setTools(served());
    };
    /** One at a time, in order: what is said last counts. */
    const listAgain = () => {
      listing = listing.then(listOnce);
    };
    const unwatch = watchPins(pins, clock, () => {
      for (const { host } of upstreams) host.link.refresh();
    });
    closing.push(async () => unwatch());
    for (const { host } of upstreams) {
      host.link.onListingChange(listAgain);
      host.link.onNotice((notice) => {
        if (notice.kind === "resource-updated") serving.changed({ kind: "resource-updated", uri: notice.uri });
        if (notice.kind === "list-changed" && notice.of !== "tools")
          serving.changed({ kind: "list-changed", of: notice.of });
        if (notice.kind === "log") tell(host, calls, notice.level, notice.data, notice.logger);
      });
    }
    await team.supervisor.resume();
    return {
      serving,
      status: () => Object.fromEntries(upstreams.map(({ name, host }) => [name, host.status()])),
      close: closeAll,
      [Symbol.asyncDispose]: closeAll,
    };
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

interface Connected {
  readonly upstream: Upstream;
  readonly connection: McpConnection;
}

function connectionsOf(upstreams: readonly Upstream[]): Promise<readonly Connected[]> {
  return Promise.all(upstreams.map(async (upstream) => ({ upstream, connection: await upstream.host.connection() })));
}

async function offeredBy(connections: readonly Connected[], { servers }: McpConfig): Promise<readonly Offered[]> {
  const offered = connections.map(({ upstream, connection: { tools } }) => {
    const { host, name } = upstream;
    const configs = servers[name]?.tools ?? {};
    return Promise.all(
      Object.entries(tools as Readonly<Record<string, AnyTool>>).map(async ([key, tool]) => {
        const remoteName = remoteNameOf(key, configs[key] ?? {});
        const made = host.madeOf(remoteName);
        return { upstream, tool, remoteName, made, accepted: await host.acceptedOf(remoteName) };
      }),
    );
  });
  return (await Promise.all(offered)).flat();
}

/** Whether the tool is made of what is accepted of it. */
function isAsAccepted({ made, accepted }: Offered): boolean {
  return made !== undefined && accepted !== undefined && pinOf(made) === pinOf(accepted);
}

/** G2: a tool of a server that is away stays, and its calls say so; one that is refused is gone. */
function isOpen(one: Offered): boolean {
  return isAsAccepted(one) && one.upstream.host.status().refused[one.remoteName] === undefined;
}

function servedTool({ tool, accepted }: Offered, desk: ServedTool, calls: GatewayCalls): ServedTool {
  return {
    kind: "served-tool",
    definition: definitionOf(tool, accepted),
    call: async (input, context) => {
      const outcome = await calls.during(context, () => desk.call({ tool: tool.name, input }, context));
      const failure = calls.failureOf(context);
      // What the server would have to ask and its client cannot be asked, that client has to hear in so many words.
      if (McpError.is(failure, "mcp/call-rejected") && failure.data.rpcCode === rpcCodes.missingCapability)
        throw new ServedError(rpcCodes.missingCapability, String(failure.data.reason), requiredBy(failure));
      return handedOn(outcome);
    },
  };
}

/** The same tool; what it fails with is kept for the client of the call. */
function heard(tool: AnyTool, calls: GatewayCalls): AnyTool {
  return {
    ...tool,
    execute: async (input, context) => {
      try {
        return await tool.execute(input, context);
      } catch (thrown) {
        calls.failed(context, thrown);
        throw thrown;
      }
    },
  };
}

/** What a server says that a client would have to be able to; nothing where it says something else. */
function requiredBy({ cause }: McpError): { readonly [key: string]: unknown } | undefined {
  const fault = cause instanceof WireError ? cause.fault : undefined;
  const { requiredCapabilities } = (fault?.kind === "rejected" ? (fault.data ?? {}) : {}) as {
    readonly requiredCapabilities?: unknown;
  };
  return typeof requiredCapabilities === "object" && requiredCapabilities !== null
    ? { requiredCapabilities }
    : undefined;
}

function definitionOf(
  tool: AnyTool,
  { title, annotations, outputSchema }: Partial<McpDefinition> = {},
): ServedDefinition {
  return {
    name: tool.name,
    ...(title === undefined ? {} : { title }),
    description: tool.description,
    inputSchema: tool.inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    // The hints are ours: they follow from what the configuration says of the tool.
    annotations: {
      ...(typeof annotations?.title === "string" ? { title: annotations.title } : {}),
      readOnlyHint: tool.effect === "read",
      destructiveHint: tool.effect === "write" && !tool.reversible,
      idempotentHint: tool.effect === "read" || tool.idempotency === "key",
    },
  };
}

/** The server's own result out of the run's output; where there is none, what the run itself says. */
function handedOn(outcome: ServedResult | InputRequired): ServedResult | InputRequired {
  if (!("structuredContent" in outcome)) return outcome;
  const { structuredContent, _meta, outcome: status, runId } = outcome as ServedResult;
  const { result } = structuredContent as { readonly result: ServedResult };
  const isError = result.isError === true;
  return {
    ...result,
    _meta: { ...result._meta, ..._meta },
    ...(runId === undefined ? {} : { runId }),
    outcome: isError ? "failed" : (status ?? "returned"),
  };
}

/** A line of a server's log comes to the client of its only call; with several under way nobody knows whose it is. */
function tell(
  host: Host<McpToolConfigs>,
  calls: GatewayCalls,
  level: string,
  data: unknown,
  logger: string | undefined,
): void {
  const [only, ...others] = host.underWay();
  if (only && others.length === 0)
    calls.clientOf(only)?.log(level as Parameters<ServedCallContext["log"]>[0], data, logger);
}

/** An operator has what decides, and of the rest what is named; everybody else all that there is, unless some is named. */
function withTools({ client, isOperator }: GatewayClient, names: readonly string[]): McpClient {
  if (isOperator) return { ...client, tools: [...(client.tools ?? []), ...operatorToolNames] };
  return { ...client, tools: client.tools ?? names };
}

function transportOf(
  { listen }: GatewaySettings,
  clients: readonly GatewayClient[],
): NonNullable<ServeMcpOptions["transport"]> {
  if (listen === "stdio") return "stdio";
  const tokens = clients.flatMap(({ client, token, sha256 }): BearerToken[] => {
    const whose = `of the client ${client.principal.id}`;
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) throw invalid(`the \`sha256\` ${whose} is none`);
    if (sha256 !== undefined) return [{ client, sha256 }];
    if (token !== undefined && token.length < 16) throw invalid(`the token ${whose} has fewer than 16 characters`);
    return token === undefined ? [] : [{ client, token }];
  });
  return httpServer({ ...listen, ...(tokens.length > 0 ? { authenticate: bearerTokens(tokens) } : {}) });
}

function invalid(reason: string): McpError {
  return new McpError("mcp/serving-invalid", { reason });
}

/** On a pipe, or where nobody is asked, whoever comes is the one client of the configuration. */
function localOf(clients: readonly GatewayClient[]): { readonly client?: McpClient } {
  const [only, ...others] = clients;
  return only && others.length === 0 ? { client: only.client } : {};
}
