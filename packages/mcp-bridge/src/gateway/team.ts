import {
  type AnyTool,
  defineAgent,
  defineSupervisor,
  type ErrorRecord,
  type Issue,
  type Json,
  type Model,
  type ModelRequest,
  type ResponsePart,
  type SupervisorDefinition,
} from "@remit/core";
import { z } from "zod";
import { cut } from "../text.ts";

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
    value: { result: said.status === "done" ? said.output : refusal(reasonFor(said.error)) },
  };
}

/**
 * Why a call came to nothing, as its client hears it: with what it can mend of its arguments, and without what a server says
 * to its operator (its standard error, how it is started), which is in the journal.
 */
function reasonFor({ code, message, data }: ErrorRecord): string {
  const issues = (Array.isArray(data?.issues) ? data.issues : []) as unknown as readonly Issue[];
  if (issues.length > 0) {
    const told = issues.map(({ pointer, message: reason }) => `${pointer || "/"}: ${reason}`).join("; ");
    return `${message}. ${cut(told, 2_000)}`;
  }
  const cause = /\bmcp\/[a-z-]+/.exec(message)?.[0];
  if (code === "tool/unreachable" && cause !== undefined) return `${code}: its server cannot be reached (${cause})`;
  return message.replace(/; it said: .*/s, "");
}

function refusal(text: string): Json {
  return { content: [{ type: "text", text }], isError: true };
}
