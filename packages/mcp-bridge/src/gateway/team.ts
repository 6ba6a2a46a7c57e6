import {
  type AnyTool,
  defineAgent,
  defineSupervisor,
  type Json,
  type Model,
  type ModelRequest,
  type ResponsePart,
  type SupervisorDefinition,
} from "@remit/core";
import { z } from "zod";

/**
 * A call that goes through the gateway is a run: a team of one, whose model asks for the call that the client made and
 * hands on what came of it. So everything that holds for an agent's call holds for a client's: allowlists, approvals,
 * budgets, breakers, one effect for one intent, and a journal that can be replayed.
 */

const call = z.object({ tool: z.string(), input: z.json() });
/** A result of `tools/call`, as the protocol has it. */
const outcome = z.object({ result: z.json() });

export const aliasOfCalls = "call";

export function gatewayTeam(tools: readonly AnyTool[]): SupervisorDefinition {
  const client = defineAgent({
    name: "client",
    description: "Makes the one call that a client asks for.",
    model: aliasOfCalls,
    tools: [...tools],
    input: call,
    output: outcome,
    instructions: "Make the call, and hand on what came of it.",
  });
  return defineSupervisor({
    name: "mcp-gateway",
    agents: { client },
    entry: "client",
    exit: "client",
    handoffs: [],
    // A client may say the same thing as often as it likes; how often it may is in its budget.
    limits: { repeats: 1_000_000, writeRepeats: 1_000_000 },
  }) as unknown as SupervisorDefinition;
}

/** No model at all: what is to be called is what the run was given. */
export function callModel(): Model {
  return { id: "gateway:call", cost: "zero", generate: async (request) => ({ parts: [next(request)] }) };
}

function next({ input, messages }: ModelRequest): ResponsePart {
  const { tool, input: args } = input as z.output<typeof call>;
  const last = messages.findLast(({ role }) => role === "tool");
  const [said] = last?.role === "tool" ? last.results : [];
  if (!said) return { type: "toolCall", callId: "call", tool, input: args as Json };
  return {
    type: "output",
    value: { result: said.status === "done" ? said.output : refusal(said.error.message) },
  };
}

function refusal(text: string): Json {
  return { content: [{ type: "text", text }], isError: true };
}
