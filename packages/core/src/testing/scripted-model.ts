import type { AnyAgent, Audience, OutputOf } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import type { ResponsePart } from "../event.ts";
import type { Json } from "../json.ts";
import type { Model, ModelRequest } from "../port/model.ts";
import type { ToolInput } from "../tool.ts";

/** One turn of a script: what one agent's model says when it is asked the next time. */
export interface Turn {
  readonly agent: string;
  readonly parts: readonly ResponsePart[];
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
export function scriptedModel(turns: readonly Turn[], options: { readonly id?: string } = {}): ScriptedModel {
  const byAgent = Map.groupBy(turns, ({ agent }) => agent);
  const requests: ModelRequest[] = [];
  const used = new Set<Turn>();
  return {
    id: options.id ?? "scripted",
    cost: "zero",
    requests,
    generate: (request) => {
      requests.push(request);
      const { agent } = request;
      const call = request.context.agentCall;
      const turn = byAgent.get(agent)?.[call];
      if (!turn) {
        const reason = `it has ${byAgent.get(agent)?.length ?? 0} for this agent`;
        throw new OrchestrationError("model/script-mismatch", { agent, call: call + 1, reason });
      }
      used.add(turn);
      return { parts: turn.parts };
    },
    assertUsed: () => {
      const unused = turns
        .filter((turn) => !used.has(turn))
        .map(({ agent, parts }) => `${agent}: ${JSON.stringify(parts)}`);
      if (unused.length > 0) throw new OrchestrationError("model/script-unused", { turns: unused });
    },
  };
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
