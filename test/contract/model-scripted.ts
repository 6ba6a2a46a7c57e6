import { renderRequest, uniqueIds } from "@remit/agents/adapter";
import type {
  DecodedCall,
  ModelFault,
  ModelServer,
  ModelServerOptions,
  ServedAnswer,
  ServedCall,
  ServedTurn,
} from "@remit/agents/testing";
import { type Json, type Model, type ModelRequest, OrchestrationError, type Usage } from "@remit/core";
import { scriptedModel, type Turn } from "@remit/core/testing";
import type { ModelUnderTest } from "./model-kit.ts";

/**
 * The scripted model in the place of an adapter. What would be the vendor's server is a list of what the model was asked;
 * an answer or a fault becomes the turn that says the same.
 */
export function scriptedUnderTest({ streams }: { readonly streams: boolean }): ModelUnderTest {
  const servers = new Map<string, Served>();
  return {
    serve: async (options) => {
      const url = `scripted:${servers.size + 1}`;
      const server = served(url, options);
      servers.set(url, server);
      return server;
    },
    model: (url) => modelOf(servers.get(url) as Served, streams),
    streams,
    seals: false,
    noWire: "a script has no vendor, no protocol and no prices",
  };
}

interface Served extends ModelServer {
  /** The turn of the next call; the call is known from then on. */
  readonly next: (request: ModelRequest) => Promise<{ readonly turn: Turn; readonly ended: (early: boolean) => void }>;
}

const id = "scripted";

function modelOf(server: Served, streams: boolean): Model {
  return {
    id,
    cost: "zero",
    generate: async (request, call) => {
      // A stopped call is none: the script itself says so, before its turn is looked for.
      if (call.signal.aborted) return scriptedModel([], { id }).generate(request, call);
      const { turn, ended } = await server.next(request);
      const earlier = Array.from({ length: request.context.agentCall }, (): Turn => ({ ...turn, hangs: true }));
      const script = scriptedModel([...earlier, turn], { id, streams });
      try {
        return await script.generate(request, call);
      } finally {
        ended(call.signal.aborted);
      }
    },
  };
}

function served(url: string, { answer, faults = [] }: ModelServerOptions): Served {
  const calls: ServedCall[] = [];
  let isOpen = true;
  return {
    url,
    calls: () => calls,
    settled: async () => undefined,
    close: async () => {
      isOpen = false;
    },
    next: async (request) => {
      const { agent } = request;
      const failing = (error: unknown): Turn => ({ agent, parts: [], fails: { error } });
      if (!isOpen) return { turn: failing(errorWith({ code: "ECONNREFUSED" })), ended: () => undefined };
      const call = decoded(request);
      const index = calls.length;
      const fault = typeof faults === "function" ? faults(call, index) : faults[index];
      const nothing = { inputTokens: 10, outputTokens: 0 };
      const known = { path: "", headers: {}, body: {}, closedEarly: false, ...(fault ? { fault } : {}) };
      calls.push({ ...known, billed: nothing });
      const given = fault === "hang" ? { parts: [] } : await answer(call);
      const usage = given.usage ?? { inputTokens: 10, outputTokens: 5 };
      calls[index] = { ...known, billed: usage };
      const { parts, ...turn } = turnUnder(fault, agent, given, usage, request);
      const ended = (closedEarly: boolean) => {
        calls[index] = { ...known, billed: usage, closedEarly };
      };
      const idOf = uniqueIds();
      const told = parts.map((part) => (part.type === "toolCall" ? { ...part, callId: idOf(part.callId) } : part));
      return { turn: { ...turn, parts: told }, ended };
    },
  };
}

/** The turn that comes out as a vendor's fault does. */
function turnUnder(
  fault: ModelFault | undefined,
  agent: string,
  { parts }: ServedAnswer,
  usage: Usage,
  { tools }: ModelRequest,
): Turn {
  const says = (...said: Turn["parts"]): Turn => ({ agent, parts: said, usage });
  const failing = (error: Error): Turn => ({ agent, parts, fails: { error } });
  const call = (callId: string, tool: string, input: Json) => ({ type: "toolCall" as const, callId, tool, input });
  const offered = tools[0]?.name ?? "no_such_tool";
  switch (fault) {
    case "rate-limited":
      return failing(errorWith({ status: 429, headers: { "retry-after": "2" } }));
    case "rate-limited-bare":
      return failing(errorWith({ status: 429 }));
    case "error":
      return failing(errorWith({ status: 500 }));
    case "overloaded":
    case "overloaded-late":
      return failing(errorWith({ error: { type: "overloaded_error" } }));
    case "cut":
      return failing(errorWith({ code: "ECONNRESET" }));
    case "truncated":
      return failing(
        Object.assign(new OrchestrationError("model/truncated", { model: id, maxOutputTokens: 4_096 }), { usage }),
      );
    case "content-filter":
      return failing(
        Object.assign(new OrchestrationError("model/content-filtered", { model: id, reason: "filtered" }), { usage }),
      );
    case "hang":
      return { agent, parts: [], hangs: true };
    case "no-usage":
      return { agent, parts };
    case "wrong-schema":
      return says({ type: "output", value: { no_such_member: true } });
    case "refusal":
      return says({ type: "refusal", reason: "I cannot help with that." });
    case "unknown-tool":
      return says(call("call_unknown", "no_such_tool", {}));
    case "broken-arguments":
      return says(call("call_broken", offered, '{"text":'));
    case "same-id":
      return says(call("call_same", offered, {}), call("call_same", offered, {}));
    default:
      return says(...parts);
  }
}

function errorWith(members: object): Error {
  return Object.assign(new Error("the script fails"), members);
}

/** What the model was asked, in the words in which adapters show it. */
function decoded(request: ModelRequest): DecodedCall {
  const { system, turns, tools } = renderRequest(request);
  return {
    model: id,
    system,
    turns: turns.flatMap((turn): ServedTurn[] => {
      const told = (content: readonly { readonly type: string }[]) => {
        const all = content as readonly ({ type: "text"; text: string } | { type: "media"; media: never })[];
        return {
          text: all.flatMap((one) => (one.type === "text" ? [one.text] : [])).join("\n"),
          media: all.flatMap((one) => (one.type === "media" ? [one.media] : [])),
        };
      };
      if (turn.role === "user") return [{ role: "user", ...told(turn.content), calls: [], reasoning: [] }];
      if (turn.role === "tool") {
        return turn.results.map(({ callId, isError, content }) => ({
          role: "tool",
          ...told(content),
          calls: [],
          callId,
          isError,
          reasoning: [],
        }));
      }
      const calls = turn.parts.flatMap((part) => (part.type === "toolCall" ? [part] : []));
      return [{ role: "assistant", ...told(turn.parts), calls, reasoning: [] }];
    }),
    tools,
    schema: request.outputSchema,
    headers: {},
    attempt: 1,
    stream: false,
  };
}
