import {
  type AnyTool,
  type Clock,
  type FormSchema,
  type Logger,
  reasonOf,
  silentLogger,
  systemClock,
  type Tool,
} from "@remit/core";
import { createSchemaValidator } from "@remit/tools";
import { type Answering, type Answers, answersOf } from "./answering.ts";
import { type ArtifactStore, keeperOf } from "./artifacts.ts";
import { type McpDefinition, pinOf } from "./definition.ts";
import { McpError, type McpErrorRecord } from "./errors.ts";
import { type McpLimits, resolveMcpLimits } from "./limits.ts";
import { createLink, type Link, type LinkStatus } from "./link.ts";
import { maskedLink, maskedLogger } from "./masked.ts";
import type { PinStore } from "./pin-store.ts";
import { createPinBoard, remoteNameOf } from "./pins.ts";
import {
  type McpPrompts,
  type McpReads,
  type McpReadsConfig,
  type McpResources,
  promptsOf,
  readsOf,
  resourcesOf,
} from "./resources.ts";
import { identityOf } from "./server-identity.ts";
import { type Known, strangeIn } from "./strange.ts";
import { createMask, type Mask, unmasked } from "./text.ts";
import { checkArguments, remoteTool } from "./tool.ts";
import { knownOfTool, type McpToolConfig, type McpToolConfigs, type McpTools } from "./tool-config.ts";
import { type McpTransport, maskOf, targetOf } from "./transport.ts";
import { mappedArguments, wayComplaint } from "./ways.ts";
import { openWire } from "./wire/open-wire.ts";
import type { WireAsks } from "./wire/port.ts";

export interface ConnectMcpOptions<Tools extends McpToolConfigs> extends McpReadsConfig {
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
  /** What people have accepted, such as `pinFile(path)`. What is not in it is refused until they have. */
  readonly pins?: PinStore;
  /** Accepts what `pins` has never seen, in the name of nobody. Never what has changed. */
  readonly trustOnFirstUse?: boolean;
  /** Values that are masked in logs, errors and pins, by the name that is shown instead; `env` of a transport is, anyway. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where answers are kept whole that are too long for a model; nowhere when absent. */
  readonly artifacts?: ArtifactStore;
  /**
   * What the server may ask in the course of a call beside its questions to people, which come to the inbox of the call's
   * run (`supervisor.approvals.questions`). What is absent is not declared to it, and asking it is refused.
   */
  readonly answers?: Pick<Answering, "sample" | "roots">;
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
  /** Tools that read the resources and prompts that are named, where some are. */
  readonly reads: McpReads;
  readonly resources: McpResources;
  readonly prompts: McpPrompts;
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

/**
 * Starts an MCP server and makes ordinary tools of the ones that are named. All of them are there, as pinned, or nothing
 * is connected. After a loss the next call connects again; a write that may have been carried out is never repeated here.
 *
 * With `pins` it is the store that says what is accepted: a tool, or a server, that is new or not as it was accepted is
 * there and refuses its calls, until a person accepts what was found; the others go on. Without, a tool that has no pin
 * in the configuration must look as it did on the first connection of this process.
 * @throws McpError `mcp/config-invalid`, `mcp/spawn-failed`, `mcp/exited-at-start`, `mcp/connect-timeout`,
 *   `mcp/connect-cancelled`, `mcp/handshake-failed`, `mcp/version-unsupported`, `mcp/listing-failed`,
 *   `mcp/tool-missing`, `mcp/tool-invalid`, `mcp/tool-changed`, `mcp/name-refused`
 * @throws OrchestrationError `tool/name-invalid`, `tool/schema-not-representable`, `tool/lookup-missing`
 */
export async function connectMcp<const Tools extends McpToolConfigs>(
  options: ConnectMcpOptions<Tools>,
): Promise<McpConnection<Tools>> {
  const host = openHost(options);
  const strange = strangeIn(options, knownOptions);
  if (strange !== undefined)
    throw new McpError("mcp/config-invalid", { server: options.name, reason: `of its options ${strange}` });
  const { refused } = await host.link.connect(options.signal);
  try {
    for (const refusal of refused.values()) if (!(options.pins && waits(refusal))) throw refusal;
    return await host.connection();
  } catch (thrown) {
    await host.link.close();
    throw thrown;
  }
}

/** True where a person can still accept; the tool is there and refuses until then. */
export function waits({ code }: McpError): boolean {
  return ["mcp/tool-quarantined", "mcp/tool-changed", "mcp/server-changed", "mcp/pins-unreadable"].includes(code);
}

/** One server with what is said of it, not yet connected. */
export interface Host<Tools extends McpToolConfigs> {
  readonly link: Link;
  readonly status: () => McpStatus;
  /**
   * Makes the tools, of what is accepted and known of each by now. May be asked again, when something else has been
   * accepted: tools that were made of another definition refuse their calls from then on.
   * @throws McpError `mcp/tool-invalid`, `mcp/config-invalid`
   */
  readonly connection: () => Promise<McpConnection<Tools>>;
  /** What the tool of the last connection was made of, by the server's name. */
  readonly madeOf: (remoteName: string) => McpDefinition | undefined;
  /** The definition that is accepted of a tool, by the server's name; `undefined` where none is. */
  readonly acceptedOf: (remoteName: string) => Promise<McpDefinition | undefined>;
  /** The calls under way. */
  readonly underWay: Answers["calls"];
}

export interface HostOptions<Tools extends McpToolConfigs> extends ConnectMcpOptions<Tools> {
  /** The name of a tool for models, by its key; the key when absent. */
  readonly nameOf?: (key: string) => string;
  /** A tool that the server defines in a way that cannot be used is there and refuses its calls. */
  readonly lenient?: boolean;
  /** The tools give the results as the protocol has them; for whoever hands them on. */
  readonly raw?: boolean;
  /** Who answers what the server asks in the course of a call; what is absent is not declared to it. */
  readonly answering?: Answering;
}

/** @throws McpError `mcp/config-invalid` */
export function openHost<const Tools extends McpToolConfigs>(options: HostOptions<Tools>): Host<Tools> {
  checkShape(options);
  const { name, transport, tools: configs, pins, trustOnFirstUse = false } = options;
  const { nameOf = (key: string) => key, lenient = false, raw = false } = options;
  const answering = options.answering ?? { ...byInbox, ...options.answers };
  const { clock = systemClock(), secrets = {} } = options;
  const limits = resolveMcpLimits(name, options.limits);
  checkConfig(name, configs);
  const mask = maskFor(transport, secrets);
  const logger = maskedLogger(options.logger ?? silentLogger, mask);
  const artifacts =
    options.artifacts &&
    keeperOf(options.artifacts, (thrown) =>
      logger.warn({ server: name, reason: reasonOf(thrown) }, "A long answer of an MCP server could not be kept."),
    );
  const identity = identityOf(transport, mask);
  const board = createPinBoard({
    server: name,
    tools: configs,
    identity,
    store: pins,
    trustOnFirstUse,
    clock,
    logger,
    mask,
  });
  const validator = createSchemaValidator({ clock, budgetMs: limits.checkMs });
  const answers = answersOf(answering);
  const opened = openLink({ name, transport, logger, clock, asks: answers.asks }, limits, board.inspect);
  const shown = createMask(tellingOf(transport, secrets));
  const server = maskedLink(opened, mask, shown);
  const close = async () => {
    await Promise.all([server.close(), validator.close()]);
  };
  const link = { ...server, close };
  const status = () => statusOf(name, link.status());
  const made = new Map<string, McpDefinition>();
  const connection = async (): Promise<McpConnection<Tools>> => {
    const tools = new Map<string, Tool>();
    const toolOf = (key: string): AnyTool | undefined => tools.get(key);
    const reading = { server: name, link, board, limits, artifacts, answers, mask: shown };
    const ports = { ...reading, validator, toolOf };
    for (const [key, config] of undosFirst(configs)) {
      const remoteName = remoteNameOf(key, config);
      const definition = await board.known(remoteName);
      if (definition) made.set(remoteName, definition);
      else made.delete(remoteName);
      const make = (known: typeof definition, broken?: McpError) =>
        remoteTool({ server: name, name: nameOf(key), remoteName, config, definition: known, broken, raw }, ports);
      try {
        tools.set(key, make(definition));
      } catch (thrown) {
        if (!lenient || !McpError.is(thrown, "mcp/tool-invalid")) throw thrown;
        tools.set(key, make(undefined, thrown));
      }
      // It was refused as long as it was not what the one before it was made of.
      await board.again(remoteName);
    }
    for (const [key, config] of Object.entries(configs)) {
      for (const mapped of mappedArguments(key, config)) {
        // A misspelt argument would ask for something else, and a look-up would believe the answer.
        const tool = tools.get(mapped.tool);
        if (tool) checkArguments(name, tool, mapped.names, `what ${key} says of ${mapped.tool}`);
      }
    }
    return {
      name,
      tools: Object.fromEntries(Object.keys(configs).map((key) => [key, tools.get(key)])) as unknown as McpTools<Tools>,
      reads: readsOf(options, reading),
      resources: resourcesOf(reading),
      prompts: promptsOf(reading),
      status,
      close: link.close,
      [Symbol.asyncDispose]: link.close,
    };
  };
  return {
    link,
    status,
    connection,
    madeOf: (remoteName) => made.get(remoteName),
    acceptedOf: (remoteName) => board.known(remoteName),
    underWay: answers.calls,
  };
}

/** A question of a server comes to the inbox of the run whose call it is; a call of no run has nobody to ask. */
const byInbox: Answering = {
  elicit: async (ask, call) => {
    if (!call.elicit) return { action: "decline" };
    const { message } = ask;
    return call.elicit(
      ask.mode === "url"
        ? { mode: "url", message, url: ask.url }
        : { mode: "form", message, schema: ask.schema as unknown as FormSchema },
    );
  },
};

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
  options: Pick<ConnectMcpOptions<McpToolConfigs>, "name" | "transport" | "logger" | "clock"> & {
    readonly asks?: WireAsks;
  },
  limits: McpLimits,
  inspect: Parameters<typeof createLink>[0]["inspect"],
): Link {
  const { name: server, transport, logger = silentLogger, clock = systemClock(), asks } = options;
  return createLink({
    server,
    target: targetOf(transport),
    wire: openWire({ server, transport, limits, clock, logger }),
    limits,
    clock,
    logger,
    inspect,
    ...(asks === undefined ? {} : { asks }),
  });
}

const knownOptions: Known<ConnectMcpOptions<McpToolConfigs>> = {
  ...{ name: true, transport: true, tools: true, limits: true, logger: true, clock: true, signal: true, pins: true },
  ...{ trustOnFirstUse: true, secrets: true, artifacts: true, answers: true, resources: true, prompts: true },
};

const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** What no compiler has told to who writes JavaScript. @throws McpError `mcp/config-invalid` */
function checkShape(options: unknown): void {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const given = (isObject(options) ? options : {}) as { readonly [member: string]: unknown };
  const { name, transport, tools } = given;
  const reason = !isObject(options)
    ? "there are no options"
    : typeof name !== "string"
      ? "it has no `name`, which is a text"
      : !isObject(transport) || !["stdio", "http", "sse"].includes((transport as McpTransport).kind)
        ? "it has no `transport`, as `stdio(…)`, `http(…)` or `sse(…)` makes one"
        : !isObject(tools) || !Object.values(tools as object).every(isObject)
          ? "it has no `tools`: an object that says of each what it does, and is empty where there is none"
          : undefined;
  const server = typeof name === "string" ? name : undefined;
  if (reason !== undefined) throw new McpError("mcp/config-invalid", { server, reason });
}

function checkConfig(server: string, tools: McpToolConfigs): void {
  const invalid = (reason: string) => new McpError("mcp/config-invalid", { server, reason });
  if (!nameForm.test(server)) throw invalid("a name has a letter first, then at most 63 letters, digits, `_` or `-`");
  const owners = new Map<string, string>();
  for (const [name, config] of Object.entries(tools)) {
    const strange = strangeIn(config, knownOfTool);
    if (strange !== undefined) throw invalid(`of what is said of the tool ${name}, ${strange}`);
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
  const wrong = wayComplaint(tools);
  if (wrong) throw invalid(`${wrong.at.join(".")} of ${wrong.tool}: ${wrong.reason}`);
}

/** Takes out every secret of a connection. */
export function maskFor(transport: McpTransport, secrets: Readonly<Record<string, string>>): Mask {
  const [own, others] = [maskOf(transport), createMask(secrets)];
  if (own === unmasked && others === unmasked) return unmasked;
  return (text) => own(others(text));
}

const telling = /token|secret|passw|key|auth|credential|cookie|session|dsn|private/i;

/** Of what is masked elsewhere, what an answer may not hold either: a path or a host that came by a variable it may. */
function tellingOf(
  transport: McpTransport,
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const all = { ...(transport.kind === "stdio" ? transport.env : transport.headers), ...secrets };
  return Object.fromEntries(Object.entries(all).filter(([name]) => telling.test(name)));
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
