import type { AnyAgent } from "../agent.ts";
import type { CallModelCommand } from "../command.ts";
import type { RunKey } from "../port/engine.ts";
import type { ModelRequest } from "../port/model.ts";
import type { FittedContext } from "./context.ts";
import { summaryRequest } from "./summary.ts";

/** How many requests are kept between their quote and their call. */
const quotedMax = 1_000;

/** The requests of one gateway, before a breaker or a context budget takes anything from them. */
export interface Requests {
  /** A call that is quoted first is made with the very same request, for which its client may keep what it wrote. */
  readonly of: (key: RunKey, command: CallModelCommand, agent: AnyAgent) => ModelRequest;
  readonly keep: (command: CallModelCommand, request: ModelRequest) => void;
  readonly drop: (command: CallModelCommand) => void;
}

export function modelRequests(): Requests {
  /** Of calls that were quoted and not made yet; the oldest of too many is written anew. */
  const requests = new Map<CallModelCommand, ModelRequest>();
  return {
    of: (key, command, agent) => {
      const known = requests.get(command);
      const { tenant, runId } = known?.context ?? {};
      const isSame = tenant === key.tenant && runId === key.runId && known?.messages.length === command.messages.length;
      if (known && isSame) return known;
      const own = newRequest(key, command, agent);
      return command.summarises ? summaryRequest(own) : own;
    },
    keep: (command, request) => {
      requests.set(command, request);
      const [oldest] = requests.size > quotedMax ? requests.keys() : [];
      if (oldest) requests.delete(oldest);
    },
    drop: (command) => {
      requests.delete(command);
    },
  };
}

function newRequest({ tenant, runId }: RunKey, command: CallModelCommand, agent: AnyAgent): ModelRequest {
  return {
    agent: agent.name,
    instructions: agent.instructions,
    input: command.input,
    // The run's own list grows on; what this call was asked stays as it is.
    messages: [...command.messages],
    tools: agent.tools
      .filter(({ name }) => command.tools.includes(name))
      .map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    asks: agent.asks,
    outputSchema: agent.outputSchema,
    labels: command.labels,
    context: {
      tenant,
      runId,
      path: command.path,
      turn: command.turn,
      attempt: command.attempt,
      agentCall: command.agentCall,
      attributes: command.attributes,
    },
  };
}

/** A request as its model is shown it: without tools that nobody can call, and as long as it may be. */
export function shown(
  whole: ModelRequest,
  withheld: readonly string[],
  fitted: FittedContext | undefined,
): ModelRequest {
  if (withheld.length === 0 && !fitted) return whole;
  return {
    ...whole,
    messages: fitted?.messages ?? whole.messages,
    tools: whole.tools.filter(({ name }) => !withheld.includes(name)),
  };
}
