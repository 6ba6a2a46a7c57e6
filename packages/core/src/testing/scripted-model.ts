import type { AnyAgent, OutputOf } from "../agent.ts";
import type { Audience } from "../audience.ts";
import { OrchestrationError } from "../errors.ts";
import type { Cost, ResponsePart, Usage } from "../event.ts";
import type { Json } from "../json.ts";
import type { Model, ModelCallOptions, ModelRequest, ModelResponse } from "../port/model.ts";
import type { ToolInput } from "../tool.ts";

/** One turn of a script: what one agent's model says when it is asked the next time. */
export interface Turn {
  readonly agent: string;
  readonly parts: readonly ResponsePart[];
  readonly usage?: Usage;
  readonly cost?: Cost;
  /** Thrown when the parts have been told of, in place of an answer. */
  readonly fails?: { readonly error: unknown };
  /** No answer comes: the call stays open until it is stopped. */
  readonly hangs?: boolean;
}

type ToolOf<Owner extends AnyAgent, Name extends string> = Extract<Owner["tools"][number], { readonly name: Name }>;

/** The agent gives this output. */
export function answers<Owner extends AnyAgent>(agent: Owner, output: OutputOf<Owner>): Turn {
  return { agent: agent.name, parts: [{ type: "output", value: output as Json }] };
}

/** The agent asks for one of its tools. */
export function calls<Owner extends AnyAgent, const Name extends Owner["tools"][number]["name"]>(
  agent: Owner,
  tool: Name,
  input: ToolInput<ToolOf<Owner, Name>>,
): Turn {
  return { agent: agent.name, parts: [callPart(tool, input as Json, 0)] };
}

/** The agent asks for several calls at once; any tool name goes, so that a script can overstep. */
export function callsAll(agent: AnyAgent, wanted: readonly (readonly [tool: string, input: Json])[]): Turn {
  return { agent: agent.name, parts: wanted.map(([tool, input], index) => callPart(tool, input, index)) };
}

/** The agent puts a question to somebody. */
export function asks(agent: AnyAgent, of: Audience, question: string): Turn {
  return { agent: agent.name, parts: [{ type: "ask", of, question }] };
}

/** The model refuses. */
export function refuses(agent: AnyAgent, reason: string): Turn {
  return { agent: agent.name, parts: [{ type: "refusal", reason }] };
}

/** The agent says anything at all: for answers outside the contract. */
export function says(agent: AnyAgent, ...parts: readonly ResponsePart[]): Turn {
  return { agent: agent.name, parts };
}

/**
 * The call fails: with an error as a vendor's client throws it (`status`, `headers`, `type`, `code`; `usage` and `cost` for
 * what it has cost all the same), or with one of ours.
 */
export function fails(agent: AnyAgent, error: unknown): Turn {
  return { agent: agent.name, parts: [], fails: { error } };
}

/** No answer comes. The call ends when it is stopped, or late. */
export function hangs(agent: AnyAgent): Turn {
  return { agent: agent.name, parts: [], hangs: true };
}

function callPart(tool: string, input: Json, index: number): ResponsePart {
  return { type: "toolCall", callId: `call_${index + 1}`, tool, input };
}

/** A scripted model, with a look at what it was asked. */
export interface ScriptedModel extends Model {
  /** Requests in the order they came; the same request after a crash comes again. */
  readonly requests: readonly ModelRequest[];
  /** @throws OrchestrationError `model/script-unused` when a turn was never asked for */
  readonly assertUsed: () => void;
}

/**
 * A model that plays a script, by agent and in order. It keeps no place of its own: which turn is next is read from the
 * request (how often the agent was asked in this run), so that a run that comes back after a crash goes on at its turn.
 * A request without a turn fails the call with `model/script-mismatch`.
 */
export function scriptedModel(
  turns: readonly Turn[],
  options: {
    readonly id?: string;
    /** Tells of an answer piece by piece, word by word, whoever listens. Absent: answers come whole. */
    readonly streams?: boolean;
  } = {},
): ScriptedModel {
  const { id = "scripted", streams = false } = options;
  const byAgent = Map.groupBy(turns, ({ agent }) => agent);
  const requests: ModelRequest[] = [];
  const used = new Set<Turn>();
  return {
    id,
    cost: "zero",
    requests,
    generate: (request, call) => {
      if (call.signal.aborted) throw stopped(id);
      requests.push(request);
      const { agent } = request;
      const index = request.context.agentCall;
      const turn = byAgent.get(agent)?.[index];
      if (!turn) {
        const reason = `it has ${byAgent.get(agent)?.length ?? 0} for this agent`;
        throw new OrchestrationError("model/script-mismatch", { agent, call: index + 1, reason });
      }
      used.add(turn);
      if (turn.hangs) return untilStopped(id, call);
      return streams && call.onDelta ? told(turn, id, call) : answerOf(turn);
    },
    assertUsed: () => {
      const unused = turns
        .filter((turn) => !used.has(turn))
        .map(({ agent, parts }) => `${agent}: ${JSON.stringify(parts)}`);
      if (unused.length > 0) throw new OrchestrationError("model/script-unused", { turns: unused });
    },
  };
}

function answerOf({ parts, usage, cost, fails: failure }: Turn): ModelResponse {
  if (failure) throw failure.error;
  return { parts, ...(usage ? { usage } : {}), ...(cost ? { cost } : {}) };
}

/** The answer, told of before it is given; each piece in a turn of the event loop of its own. */
async function told(turn: Turn, id: string, { signal, onDelta }: ModelCallOptions): Promise<ModelResponse> {
  for (const part of turn.parts) {
    for (const text of wordsOf(part)) {
      onDelta?.({ type: "text", text });
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) throw stopped(id);
    }
    if (part.type === "toolCall") onDelta?.({ type: "toolCall", tool: part.tool });
  }
  return answerOf(turn);
}

/** An output is told of as models write it: as JSON. */
function wordsOf(part: ResponsePart): readonly string[] {
  const text = part.type === "text" ? part.text : part.type === "output" ? JSON.stringify(part.value) : "";
  return text.match(/\s*\S+\s*$|\s*\S+|\s+$/g) ?? [];
}

function untilStopped(id: string, { signal }: ModelCallOptions): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(stopped(id)), { once: true }));
}

function stopped(id: string): OrchestrationError {
  return new OrchestrationError("model/failed", { model: id, reason: "it was stopped" });
}

/** A model made of one function, for tests that need more than a script. */
export function functionModel(
  id: string,
  generate: (request: ModelRequest) => readonly ResponsePart[] | Promise<readonly ResponsePart[]>,
  options: { readonly cost?: "zero" | "paid" } = {},
): Model {
  return {
    id,
    cost: options.cost ?? "zero",
    generate: async (request) => ({ parts: await generate(request) }),
  };
}
