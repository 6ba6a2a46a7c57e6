import { randomBytes, randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { type AnyTool, type Clock, type Logger, osPrincipal, silentLogger, systemClock } from "@remit/core";
import { ToolsError } from "@remit/tools";
import { McpError } from "./errors.ts";
import { openHttpDoor } from "./http-server.ts";
import type { HttpServerTransport } from "./http-server-options.ts";
import { defaultMcpLimits } from "./limits.ts";
import type { McpClient } from "./mcp-client.ts";
import { requestStates } from "./request-state.ts";
import { createRounds, type RoundLimits } from "./rounds.ts";
import { createServeApp, type McpAuditEntry } from "./serve-app.ts";
import type { ServedChange, ServedCompletions, ServedPrompts, ServedResources, ServedTool } from "./served.ts";
import { type McpCallContext, type McpCaller, serveTool } from "./served-tool.ts";
import { type Known, strangeIn } from "./strange.ts";
import type { ServedApp } from "./wire/serving.ts";
import { streamsChannel } from "./wire/streams.ts";

/** What is served, and to whom. */
export interface ServeMcpOptions {
  readonly name: string;
  readonly version: string;
  /** The tools that exist for clients: tools of Remit's own, supervisors by `supervisorTool`, and what a gateway hands on. */
  readonly tools: readonly (AnyTool | ServedTool)[];
  readonly resources?: ServedResources;
  readonly prompts?: ServedPrompts;
  readonly completions?: ServedCompletions;
  /** True where tools have log lines for clients; false when absent. */
  readonly logging?: boolean;
  /**
   * `stdio` (the default): our own standard input and output, which nothing else may use then. {@link httpServer}: an address.
   */
  readonly transport?: "stdio" | { readonly input: Readable; readonly output: Writable } | HttpServerTransport;
  /** For the model of a client, in the handshake. */
  readonly instructions?: string;
  /**
   * Who calls where the transport asks nobody: on stdio whoever started us, and the same over HTTP without
   * `authenticate`. The operating system's user with the tenant `local` when absent.
   */
  readonly client?: McpClient;
  /**
   * Called before each call of a tool of Remit's own. What it leaves out comes from the caller's `_meta`, but for the
   * tenant, which is the client's. Throw a `ToolRefusal` to refuse the call.
   */
  readonly context?: (caller: McpCaller) => McpCallContext;
  /** Gets one entry when a call ends, refused ones included; the logger when absent. What it throws is logged. */
  readonly audit?: (entry: McpAuditEntry) => void | Promise<void>;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Bytes of one message on stdio; 10 MiB when absent. */
  readonly messageBytes?: number;
  /** Milliseconds that calls under way may still take once the server is to end; 5,000 when absent. */
  readonly drainMs?: number;
  /**
   * What signs the state of calls that wait for their client (2026-07-28): 32 bytes or more. Give it where a call shall
   * outlive this process, or several processes serve one address; random when absent.
   */
  readonly stateSecret?: Uint8Array;
  readonly rounds?: Partial<RoundLimits>;
}

export const defaultRoundLimits: RoundLimits = { held: 1_000, heldPerCaller: 64, heldMs: 10 * 60_000, rounds: 32 };

export interface McpServing {
  /** Where it listens; `undefined` on stdio. */
  readonly address: { readonly host: string; readonly port: number; readonly url: string } | undefined;
  /** Resolves when the client has gone (stdio) or `close` was called. */
  readonly closed: Promise<void>;
  /** Puts other tools in the place of those served and tells every client. Calls under way go on. */
  readonly setTools: (tools: readonly (AnyTool | ServedTool)[]) => void;
  /** Tells clients what changed, where they want to hear of it. */
  readonly changed: (change: ServedChange) => void;
  /**
   * Takes no more calls, lets those under way end for `drainMs`, aborts what is left, and ends every connection.
   * Idempotent.
   */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Offers tools as an MCP server, over stdio or streamable HTTP, to clients of every protocol version up to 2026-07-28.
 * Every call is parsed by the tool's own schemas and has its deadline; a write whose idempotency is `key` needs one in
 * `_meta["remit/idempotencyKey"]`. Each client has its own allowlist, budget and line of audit.
 * @throws McpError `mcp/tool-not-servable`, `mcp/serving-invalid`, `mcp/listen-failed`
 * @throws ToolsError `registry/duplicate-tool`
 */
export async function serveMcp(options: ServeMcpOptions): Promise<McpServing> {
  checkShape(options);
  const { logger = silentLogger, clock = systemClock(), transport = "stdio", drainMs = 5_000 } = options;
  const { stateSecret = randomBytes(32) } = options;
  if (stateSecret.length < 32) throw new McpError("mcp/serving-invalid", { reason: "stateSecret has under 32 bytes" });
  const limits = { ...defaultRoundLimits, ...options.rounds };
  const newId = () => randomUUID();
  const states = requestStates({ secret: stateSecret, clock, newId, validMs: limits.heldMs });
  const rounds = createRounds({ states, clock, newId, limits });
  const served = (tools: ServeMcpOptions["tools"]): readonly ServedTool[] => {
    const ready = tools.map((tool) =>
      tool.kind === "tool" ? serveTool(tool, { context: options.context, clock, logger }) : tool,
    );
    assertUnique(ready);
    return ready;
  };
  const local = options.client ?? { principal: osPrincipal().current(), tenant: "local" };
  const app = createServeApp({
    name: options.name,
    version: options.version,
    instructions: options.instructions,
    tools: served(options.tools),
    resources: options.resources,
    prompts: options.prompts,
    completions: options.completions,
    logging: options.logging ?? false,
    rounds,
    clock,
    logger,
    audit: options.audit ?? ((entry) => logger.info({ ...entry }, "A served tool was called.")),
    local,
  });
  const under = createUnderWay();
  const counted: ServedApp = { ...app, answer: (...request) => under.during(app.answer(...request)) };
  const drained = async () => {
    const over = Promise.withResolvers<void>();
    const timer = clock.at(clock.now() + drainMs, over.resolve);
    await turn(); // What came in last is only now under way.
    await Promise.race([under.none(), over.promise]);
    timer.cancel();
    await turn(); // Answers are written a little after the calls they answer.
  };
  const common = {
    setTools: (tools: ServeMcpOptions["tools"]) => {
      app.setTools(served(tools));
      app.changed({ kind: "list-changed", of: "tools" });
    },
    changed: app.changed,
  };

  if (typeof transport === "object" && "kind" in transport) {
    const { sessionsPerClient: sessionsPerCaller, ...httpLimits } = transport.limits;
    const { servingHttp } = await import("./wire/serving-http.ts");
    const serving = servingHttp(counted, { limits: { ...httpLimits, sessionsPerCaller }, clock, newId });
    const door = await openHttpDoor({ transport, serving, local, logger, drained });
    const closed = Promise.withResolvers<void>();
    const close = async () => {
      await door.close();
      rounds.close();
      closed.resolve();
    };
    const { host, port, url } = door;
    return { ...common, address: { host, port, url }, closed: closed.promise, close, [Symbol.asyncDispose]: close };
  }

  const { messageBytes = defaultMcpLimits.messageBytes } = options;
  const { input, output } = transport === "stdio" ? { input: process.stdin, output: process.stdout } : transport;
  // The SDKs of servers are loaded by whoever serves.
  const { servingStdio } = await import("./wire/serving-stdio.ts");
  const channel = streamsChannel({ input, output, messageBytes, drained });
  const session = await servingStdio({ caller: local, sessionId: newId() }).serve(channel, counted);
  const closed = session.ended.then(() => rounds.close());
  const close = async () => {
    await session.close();
    await closed;
  };
  return { ...common, address: undefined, closed, close, [Symbol.asyncDispose]: close };
}

/** What no compiler has told to who writes JavaScript. @throws McpError `mcp/serving-invalid` */
function checkShape(options: unknown): void {
  const invalid = (reason: string) => new McpError("mcp/serving-invalid", { reason });
  if (typeof options !== "object" || options === null) throw invalid("there are no options");
  const { name, version, tools } = options as { readonly [member: string]: unknown };
  if (typeof name !== "string" || typeof version !== "string")
    throw invalid("it has no `name` and no `version` as text");
  const known = (tool: unknown) =>
    typeof tool === "object" && tool !== null && ["tool", "served-tool"].includes((tool as ServedTool).kind);
  if (!Array.isArray(tools) || !tools.every(known))
    throw invalid("`tools` is no list of what `defineTool` and `supervisorTool` make");
  const strange = strangeIn(options, knownOptions);
  if (strange !== undefined) throw invalid(`of its options ${strange}`);
}

const knownOptions: Known<ServeMcpOptions> = {
  ...{ name: true, version: true, tools: true, resources: true, prompts: true, completions: true, logging: true },
  ...{ transport: true, instructions: true, client: true, context: true, audit: true, logger: true, clock: true },
  ...{ messageBytes: true, drainMs: true, stateSecret: true, rounds: true },
};

/** @throws ToolsError `registry/duplicate-tool` */
function assertUnique(tools: readonly ServedTool[]): void {
  const names = new Set<string>();
  for (const { definition } of tools) {
    if (names.has(definition.name)) throw new ToolsError("registry/duplicate-tool", { tool: definition.name });
    names.add(definition.name);
  }
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Counts what is under way. */
function createUnderWay(): {
  readonly during: <Value>(work: Promise<Value>) => Promise<Value>;
  /** Resolves when nothing is. */
  readonly none: () => Promise<void>;
} {
  const works = new Set<Promise<unknown>>();
  const during = <Value>(work: Promise<Value>): Promise<Value> => {
    const counted = work.finally(() => works.delete(counted));
    works.add(counted);
    return counted;
  };
  const none = async () => {
    while (works.size > 0) await Promise.allSettled(works);
  };
  return { during, none };
}
