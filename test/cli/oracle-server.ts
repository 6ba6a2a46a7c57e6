import type { DecodedCall, ServedAnswer } from "@remit/agents/testing";
import type { Json, Message, ModelRequest } from "@remit/core";
import { oracleModel, scenarioAttribute } from "@remit/sandbox";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { offlineTeam } from "../../apps/sandbox/src/cli/offline-team.ts";

/**
 * The order desk's ground truth as a vendor's server says it. A wire carries no name of a scenario: the entry agent's
 * input is the scenario's own and begins it, so scenarios have to be played one after the other.
 */
export function oracleAnswers(): (call: DecodedCall) => Promise<ServedAnswer> {
  const pack = orderDeskPack();
  const scenarios = pack.scenarios();
  const { agents, judges, entry } = offlineTeam(pack);
  const all = [...agents.values(), judges.compliance, judges.reviewer].flatMap((agent) => agent ?? []);
  const oracle = oracleModel(scenarios);
  let scenario = "";
  let asked = new Map<string, number>();
  return async (call) => {
    const agent = all.find(({ instructions }) => call.system.startsWith(instructions));
    if (!agent) throw new TypeError("no agent of the order desk has these instructions");
    const input = inputOf(call);
    const begun = scenarios.find((one) => holds(input, one.input));
    if (agent.name === entry && begun && call.turns.length === 1) {
      scenario = begun.name;
      asked = new Map();
    }
    const agentCall = asked.get(agent.name) ?? 0;
    asked.set(agent.name, agentCall + 1);
    const request: ModelRequest = {
      agent: agent.name,
      instructions: agent.instructions,
      input,
      messages: call.turns.slice(1).flatMap(messageOf),
      tools: call.tools,
      asks: agent.asks,
      outputSchema: agent.outputSchema,
      labels: [],
      context: {
        tenant: "",
        runId: "",
        path: "",
        turn: agentCall + 1,
        attempt: 1,
        agentCall,
        attributes: { [scenarioAttribute]: scenario },
      },
    };
    return oracle.generate(request, { signal: new AbortController().signal });
  };
}

/** True for the input with what its schema may have added. */
function holds(input: Json, given: unknown): boolean {
  const members = Object.entries(given as { readonly [name: string]: Json });
  return members.every(
    ([name, value]) => JSON.stringify((input as { readonly [name: string]: Json })[name]) === JSON.stringify(value),
  );
}

function inputOf({ turns: [first] }: DecodedCall): Json {
  const json = /<input>\n([\s\S]*)\n<\/input>/.exec(first?.text ?? "")?.[1];
  if (json === undefined) throw new TypeError("the first turn holds no input");
  return JSON.parse(json);
}

/** A result that a person has changed the call of begins with a text that says so. */
function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf({ role, text, calls, callId = "" }: DecodedCall["turns"][number]): Message[] {
  if (role === "assistant") return [{ role, parts: calls.map((one) => ({ type: "toolCall", ...one })) }];
  if (role === "user") return [];
  return [{ role, results: [{ callId, tool: "", status: "done", output: jsonOf(text) }] }];
}
