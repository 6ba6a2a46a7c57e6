import { type Clock, type Json, type Logger, reasonOf } from "@remit/core";
import { type ClientBudgets, clientBudgets } from "./client-budget.ts";
import { clientKey, type McpClient, mayCall, mayPrompt, mayRead, mayReadOf } from "./mcp-client.ts";
import { readMeta } from "./meta.ts";
import { isNotGood, type StateBinding } from "./request-state.ts";
import { argumentsOf, type InputRequired, type Result, type RoundContext, type Rounds } from "./rounds.ts";
import type {
  ServedCallContext,
  ServedChange,
  ServedCompletions,
  ServedPrompts,
  ServedRequestContext,
  ServedResources,
  ServedResult,
  ServedTool,
} from "./served.ts";
import { visible } from "./text.ts";
import { createWatches } from "./watches.ts";
import {
  rpcCodes,
  type ServedApp,
  type ServedContext,
  ServedError,
  type ServedMethod,
  type ServedPeer,
} from "./wire/serving.ts";

/**
 * What clients of a server of ours may do, said once for every transport and both eras:
 *
 *  A1  A tool that is not on a client's list does not exist for it: neither listed nor called.
 *  A2  A call begins only within its client's budget.
 *  A3  Every call leaves one line of audit when it ends, refused ones included.
 *  A4  Why a tool failed stays here; the client hears that it did.
 */

/** One call of one client, as an auditor wants it. Arguments and results stay out. */
export interface McpAuditEntry {
  /** Epoch milliseconds of its end. */
  readonly at: number;
  readonly principal: string;
  readonly kind: "user" | "operator" | "service";
  readonly authenticated: boolean;
  readonly tenant: string;
  /** What the client calls itself; untrusted. */
  readonly peer: string;
  readonly protocolVersion: string;
  readonly tool: string;
  /** `returned`, `failed`, `refused`, `denied`, `over-budget`, `input-required`, `cancelled` … */
  readonly status: string;
  readonly durationMs: number;
  /** The run that did it, where one did. */
  readonly runId?: string;
}

export interface ServeAppOptions {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | undefined;
  readonly tools: readonly ServedTool[];
  readonly resources: ServedResources | undefined;
  readonly prompts: ServedPrompts | undefined;
  readonly completions: ServedCompletions | undefined;
  readonly logging: boolean;
  readonly rounds: Rounds;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: (entry: McpAuditEntry) => void | Promise<void>;
  /** Whoever calls where the transport does not say. */
  readonly local: McpClient;
}

export interface ServeApp extends ServedApp {
  readonly setTools: (tools: readonly ServedTool[]) => void;
  readonly changed: (change: ServedChange) => void;
}

export function createServeApp(options: ServeAppOptions): ServeApp {
  const { name, version, instructions, resources, prompts, completions, rounds, clock, logger } = options;
  const budgets: ClientBudgets = clientBudgets(clock);
  const listeners = new Set<(change: ServedChange) => void>();
  let tools = new Map(options.tools.map((tool) => [tool.definition.name, tool]));

  const note = (entry: McpAuditEntry): void => {
    const failed = (thrown: unknown) =>
      logger.error({ tool: entry.tool, reason: reasonOf(thrown) }, "An MCP call could not be audited.");
    try {
      Promise.resolve(options.audit(entry)).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  };

  const fault = (reason: string) => logger.debug({ reason: visible(reason.slice(0, 2_000)) }, "MCP protocol fault.");

  const callTool = (client: McpClient, params: Result, context: ServedContext): Promise<Result> => {
    const called = String(params.name);
    const startedAt = clock.now();
    const ended = (status: string, runId?: string) =>
      note({
        at: clock.now(),
        principal: client.principal.id,
        kind: client.principal.kind,
        authenticated: client.principal.authenticated,
        tenant: client.tenant,
        peer: visible(context.peer.name.slice(0, 200)),
        protocolVersion: context.peer.protocolVersion,
        tool: visible(called.slice(0, 128)),
        status,
        durationMs: clock.now() - startedAt,
        ...(runId === undefined ? {} : { runId }),
      });
    const tool = mayCall(client, called) ? tools.get(called) : undefined;
    if (!tool) {
      ended("denied");
      throw new ServedError(rpcCodes.invalidParams, `Unknown tool: ${visible(called.slice(0, 128))}`);
    }
    const input = params.arguments ?? {};
    const refuse = (thrown: unknown): never => {
      ended("refused");
      throw thrown;
    };
    let bound: StateBinding;
    try {
      bound = boundTo(client, "tools/call", called, input);
    } catch {
      const deepOrLarge = "nested too deeply, or a number is too large";
      return refuse(new ServedError(rpcCodes.invalidParams, `The arguments of ${called} are no JSON: ${deepOrLarge}`));
    }
    const answered = rounds.answer(bound, context, async (round) => {
      const begun = budgets.begin(client);
      if (typeof begun !== "function") {
        ended("over-budget");
        return toolResult(overBudget(begun.limit, begun.bound, begun.retryAfterMs));
      }
      try {
        const result = await tool.call(input, callContext(client, context, round));
        if (isInputRequired(result)) {
          ended("input-required");
          return result;
        }
        ended(result.outcome ?? (result.isError ? "failed" : "returned"), result.runId);
        return toolResult(result);
      } catch (thrown) {
        if (
          thrown instanceof ServedError &&
          (context.ask === undefined || thrown.code !== rpcCodes.missingCapability)
        ) {
          ended("refused");
          throw thrown;
        }
        if (round.signal.aborted) {
          ended("cancelled");
          return toolResult({ content: [{ type: "text", text: `${called} was cancelled.` }], isError: true });
        }
        const isRefusal = thrown instanceof ServedError || (thrown instanceof Error && thrown.name === "ToolRefusal");
        ended(isRefusal ? "refused" : "failed");
        if (!isRefusal) logger.error({ tool: called, reason: reasonOf(thrown) }, "A served tool failed.");
        const text = isRefusal ? reasonOf(thrown) : `${called} failed.`; // A4
        return toolResult({ content: [{ type: "text", text }], isError: true });
      } finally {
        begun();
      }
    });
    return answered.catch((thrown) => (isNotGood(thrown) ? refuse(thrown) : Promise.reject(thrown)));
  };

  const readResource = (client: McpClient, params: Result, context: ServedContext): Promise<Result> => {
    const uri = String(params.uri);
    const none = () => notFound(context.peer, uri);
    if (!resources || !mayRead(client, uri)) throw none();
    return rounds.answer(boundTo(client, "resources/read", uri, {}), context, async (round) => {
      const found = await resources.read(uri, requestContext(client, context, round));
      if (!found) throw none();
      return isInputRequired(found) ? found : { contents: found.contents };
    });
  };

  const getPrompt = (client: McpClient, params: Result, context: ServedContext): Promise<Result> => {
    const wanted = String(params.name);
    const args = textsOf(params.arguments);
    const unknown = () => new ServedError(rpcCodes.invalidParams, `Unknown prompt: ${visible(wanted.slice(0, 128))}`);
    if (!prompts || !mayPrompt(client, wanted)) throw unknown();
    return rounds.answer(boundTo(client, "prompts/get", wanted, args), context, async (round) => {
      const found = await prompts.get(wanted, args, requestContext(client, context, round));
      if (!found) throw unknown();
      return isInputRequired(found) ? found : { ...found };
    });
  };

  const answer = async (method: ServedMethod, params: Result, context: ServedContext): Promise<Result> => {
    const client = (context.caller as McpClient | undefined) ?? options.local;
    /** For what asks nobody and waits for nothing. */
    const plain = <Value>(ask: (context: ServedRequestContext) => Promise<Value>): Promise<Value> =>
      ask(requestContext(client, context, noRound(context)));
    switch (method) {
      case "tools/list":
        return {
          tools: [...tools.values()].map((tool) => tool.definition).filter((one) => mayCall(client, one.name)), // A1
        };
      case "tools/call":
        return callTool(client, params, context);
      case "resources/list": {
        const all = (await plain(async (one) => resources?.list(one))) ?? [];
        return { resources: all.filter(({ uri }) => mayRead(client, uri)) };
      }
      case "resources/templates/list": {
        const all = (await plain(async (one) => resources?.templates?.(one))) ?? [];
        return { resourceTemplates: all.filter(({ uriTemplate }) => mayReadOf(client, uriTemplate)) };
      }
      case "resources/read":
        return readResource(client, params, context);
      case "resources/subscribe":
      case "resources/unsubscribe":
        if (!mayRead(client, String(params.uri))) throw notFound(context.peer, String(params.uri));
        if (method === "resources/subscribe") await watch([String(params.uri)], client);
        return {};
      case "prompts/list": {
        const all = (await plain(async (one) => prompts?.list(one))) ?? [];
        return { prompts: all.filter((one) => mayPrompt(client, one.name)) };
      }
      case "prompts/get":
        return getPrompt(client, params, context);
      case "completion/complete":
        return { completion: await completed(client, params, plain) };
    }
  };

  const watches = createWatches({
    begins: async (uri) => resources?.watch?.(uri),
    ends: (uri) => {
      (async () => resources?.unwatch?.(uri))().catch((thrown: unknown) => fault(reasonOf(thrown)));
    },
  });
  const clientOf = (caller: unknown) => (caller as McpClient | undefined) ?? options.local;
  const watch: ServedApp["watch"] = (uris, caller) => watches.watch(clientKey(clientOf(caller)), uris);
  const unwatch: ServedApp["unwatch"] = (uris, caller) => watches.unwatch(clientKey(clientOf(caller)), uris);

  const completed = async (
    client: McpClient,
    params: Result,
    plain: <Value>(ask: (context: ServedRequestContext) => Promise<Value>) => Promise<Value>,
  ): Promise<Result> => {
    const {
      type,
      name: prompt,
      uri,
    } = params.ref as { type: "ref/prompt" | "ref/resource"; name?: string; uri?: string };
    const { name: argument, value } = params.argument as { name: string; value: string };
    const of = (type === "ref/prompt" ? prompt : uri) ?? "";
    const known = type === "ref/prompt" ? mayPrompt(client, of) : client.resources === undefined || mayRead(client, of);
    if (!known || !completions) return { values: [] };
    const filled = textsOf((params.context as { arguments?: unknown } | undefined)?.arguments);
    const found = await plain((one) =>
      completions({ ref: { type, name: of }, argument: { name: argument, value }, filled }, one),
    );
    const { values, total = values.length, hasMore } = found;
    // The protocol allows a hundred.
    return { values: values.slice(0, 100), total, hasMore: hasMore ?? values.length > 100 };
  };

  return {
    name,
    version,
    instructions,
    capabilities: {
      resources: resources !== undefined,
      subscriptions: resources?.watch !== undefined,
      prompts: prompts !== undefined,
      completions: completions !== undefined,
      logging: options.logging,
    },
    answer,
    watch,
    unwatch,
    mayWatch: (uri, caller) => mayRead(clientOf(caller), uri),
    changes: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    fault,
    setTools: (next) => {
      tools = new Map(next.map((tool) => [tool.definition.name, tool]));
    },
    changed: (change) => {
      for (const listener of listeners) listener(change);
    },
  };
}

function boundTo(client: McpClient, method: string, target: string, input: unknown): StateBinding {
  return { callerKey: clientKey(client), method, target, arguments: argumentsOf(input) as Json };
}

function isInputRequired<Value extends object>(value: Value | InputRequired): value is InputRequired {
  return "kind" in value && value.kind === "input-required";
}

function toolResult({ content, structuredContent, isError, _meta }: ServedResult): Result {
  return {
    content,
    ...(structuredContent === undefined ? {} : { structuredContent }),
    ...(isError ? { isError } : {}),
    ...(_meta ? { _meta } : {}),
  };
}

function overBudget(limit: string, bound: number, retryAfterMs: number | undefined): ServedResult {
  const when = retryAfterMs === undefined ? "" : ` Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
  const text = `Your budget is used up: ${limit} is ${bound}. Nothing was done.${when}`;
  const meta = {
    "remit/outcome": "over-budget",
    ...(retryAfterMs === undefined ? {} : { "remit/retryAfterMs": retryAfterMs }),
  };
  return { content: [{ type: "text", text }], isError: true, _meta: meta };
}

function notFound({ protocolVersion }: ServedPeer, uri: string): ServedError {
  const code = protocolVersion < "2026" ? rpcCodes.resourceNotFound : rpcCodes.invalidParams;
  return new ServedError(code, "Resource not found", { uri: uri.slice(0, 2_000) });
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(members.filter((member): member is [string, string] => typeof member[1] === "string"));
}

/** A request that cannot ask its client anything. */
function noRound(context: ServedContext): RoundContext {
  const never = () => Promise.reject(new ServedError(rpcCodes.invalidRequest, "This request cannot ask its client"));
  return {
    can: { form: false, url: false, sample: false, roots: false },
    elicit: never,
    sample: never,
    roots: never,
    signal: context.signal,
    resumed: undefined,
    current: () => context,
  };
}

function requestContext(client: McpClient, { peer, meta }: ServedContext, round: RoundContext): ServedRequestContext {
  let last = Number.NEGATIVE_INFINITY;
  return {
    can: round.can,
    elicit: round.elicit,
    sample: round.sample,
    roots: round.roots,
    client,
    peer,
    signal: round.signal,
    rawMeta: meta,
    resumed: round.resumed,
    progress: ({ progress, total, message }) => {
      const current = round.current();
      const { progressToken } = current.meta;
      // The protocol wants it to grow.
      if ((typeof progressToken !== "string" && typeof progressToken !== "number") || progress <= last) return;
      last = progress;
      current.notify("notifications/progress", {
        progressToken,
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      });
    },
    log: (level, data, logger) => round.current().log(level, data, logger),
  };
}

function callContext(client: McpClient, context: ServedContext, round: RoundContext): ServedCallContext {
  return {
    ...requestContext(client, context, round),
    meta: readMeta(context.meta),
    requestKey: context.sessionId === undefined ? undefined : `${context.sessionId}/${context.requestId}`,
  };
}
