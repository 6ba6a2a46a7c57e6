import type { Readable, Writable } from "node:stream";
import {
  type AnyTool,
  type Clock,
  type Logger,
  reasonOf,
  silentLogger,
  systemClock,
  type ToolContext,
} from "@remit/core";
import { createRegistry, type Invocation, invokeTool } from "@remit/tools";
import { defaultMcpLimits } from "./limits.ts";
import { type CallMeta, readMeta } from "./meta.ts";
import { keyIsMissing, missingKey, servedDefinition, servedResult } from "./served-tool.ts";
import type { ServedCall, ServedResult } from "./wire/serving.ts";
import { servingV1 } from "./wire/serving-v1.ts";
import { streamsChannel } from "./wire/streams.ts";

/** Who calls, as far as it said so. */
export interface McpCaller {
  readonly tool: string;
  /** What the client calls itself. */
  readonly client: string;
  readonly meta: CallMeta;
}

/** What a tool is told about a call that comes from outside. */
export type McpCallContext = Partial<Pick<ToolContext, "tenant" | "runId" | "agent" | "path" | "attributes">>;

export interface ServeMcpOptions {
  readonly name: string;
  readonly version: string;
  /** The tools that exist for clients. */
  readonly tools: readonly AnyTool[];
  /** `stdio` (the default): our own standard input and output, which nothing else may use then. */
  readonly transport?: "stdio" | { readonly input: Readable; readonly output: Writable };
  /** For the model of a client, in the handshake. */
  readonly instructions?: string;
  /**
   * Called before each call. What it leaves out comes from the caller's `_meta`, but for the tenant, which is `local`:
   * on stdio whoever started us is the caller. Throw a `ToolRefusal` to refuse the call.
   */
  readonly context?: (caller: McpCaller) => McpCallContext;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Bytes of one message; 10 MiB when absent. */
  readonly messageBytes?: number;
  /** Milliseconds that calls under way may still take once the client has ended its side; 5,000 when absent. */
  readonly drainMs?: number;
}

export interface McpServing {
  /** Resolves when the client has gone or `close` was called. */
  readonly closed: Promise<void>;
  /** Stops listening and aborts calls under way. Idempotent. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Offers tools as an MCP server. Every call is parsed by the tool's own schemas and has its deadline; a write whose
 * idempotency is `key` needs one in `_meta["remit/idempotencyKey"]`.
 * @throws McpError `mcp/tool-not-servable`
 * @throws ToolsError `registry/duplicate-tool`
 */
export async function serveMcp(options: ServeMcpOptions): Promise<McpServing> {
  const { name, version, instructions, logger = silentLogger, clock = systemClock() } = options;
  const { messageBytes = defaultMcpLimits.messageBytes, drainMs = 5_000 } = options;
  const registry = createRegistry(options.tools);
  const definitions = registry.tools.map(servedDefinition);
  const under = createUnderWay();
  const { input, output } = streamsOf(options.transport);

  const answer = async (call: ServedCall): Promise<ServedResult | undefined> => {
    const tool = registry.find(call.tool);
    if (!tool) return undefined;
    const meta = readMeta(call.meta);
    if (keyIsMissing(tool, meta.idempotencyKey)) return missingKey(tool);
    const startedAt = clock.now();
    const invocation = await invoked(tool, call, meta);
    const { status } = invocation;
    const fields = { tool: tool.name, status, durationMs: clock.now() - startedAt, client: call.client };
    if (invocation.status === "failed")
      logger.error({ ...fields, reason: reasonOf(invocation.cause) }, "A served tool failed.");
    else logger.info(fields, "A served tool was called.");
    return servedResult(tool, invocation);
  };

  const invoked = async (
    tool: AnyTool,
    { input: value, client, signal }: ServedCall,
    meta: CallMeta,
  ): Promise<Invocation> => {
    let given: McpCallContext;
    try {
      given = options.context?.({ tool: tool.name, client, meta }) ?? {};
    } catch (cause) {
      if (cause instanceof Error && cause.name === "ToolRefusal") return { status: "refused", message: cause.message };
      return { status: "failed", message: reasonOf(cause), mayHaveExecuted: false, cause };
    }
    const context: ToolContext = {
      signal,
      idempotencyKey: tool.effect === "write" ? meta.idempotencyKey : "",
      tenant: given.tenant ?? "local",
      runId: given.runId ?? (meta.runId || "mcp"),
      agent: given.agent ?? (meta.agent || client || "mcp"),
      path: given.path ?? (meta.path || "mcp"),
      attempt: 1,
      attributes: given.attributes ?? meta.attributes,
    };
    return invokeTool(tool, value, context, { clock });
  };

  const drained = async () => {
    const over = Promise.withResolvers<void>();
    const timer = clock.at(clock.now() + drainMs, over.resolve);
    await turn(); // What came in last is only now under way.
    await Promise.race([under.none(), over.promise]);
    timer.cancel();
    await turn(); // Answers are written a little after the calls they answer.
  };

  const session = await servingV1().serve(streamsChannel({ input, output, messageBytes, drained }), {
    name,
    version,
    instructions,
    list: () => definitions,
    call: (call) => under.during(answer(call)),
    fault: (reason) => logger.debug({ reason: reason.slice(0, 2_000) }, "MCP protocol fault."),
  });
  return {
    closed: session.ended.then(() => {}),
    close: session.close,
    [Symbol.asyncDispose]: session.close,
  };
}

function streamsOf(transport: ServeMcpOptions["transport"] = "stdio"): {
  readonly input: Readable;
  readonly output: Writable;
} {
  return transport === "stdio" ? { input: process.stdin, output: process.stdout } : transport;
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
