import type { Json, Message, Model, ModelRequest, ResponsePart } from "@remit/core";
import type { DescribedFunction } from "@remit/tools";
import { callWithout, madeUp } from "./guess.ts";
import type { FunctionCall, IrrelevantRequest } from "./load.ts";
import type { PlannedTurn, RunPlan } from "./plan.ts";

/**
 * Scripted models of a desk that has other people's functions. What one says follows from the request alone, so that the
 * same request gets the same answer after any crash.
 *
 * `oracle` plays ground truth: it asks where something is left out, hands over where a tool is not offered, and calls
 * nothing where nothing fits. `eager` first does the opposite: it calls what is withheld, guesses in place of asking, and
 * calls whatever is offered; refused, it goes on as the oracle does.
 */
export const bfclModels = ["oracle", "eager"] as const;
export type BfclModel = (typeof bfclModels)[number];

/** The attribute of a run that says what is played in it. */
export const playAttribute = "play";

export type Play =
  | { readonly kind: "conversation"; readonly plan: RunPlan; readonly functions: readonly DescribedFunction[] }
  | { readonly kind: "request"; readonly request: IrrelevantRequest };

export interface BfclModelOptions {
  readonly model: BfclModel;
  readonly plays: (key: string) => Play | undefined;
}

type Said = readonly ResponsePart[];

export function bfclModel({ model, plays }: BfclModelOptions): Model {
  const eager = model === "eager";
  return {
    id: `scripted:bfcl-${model}`,
    cost: "zero",
    generate: (request) => {
      const play = plays(request.context.attributes[playAttribute] ?? "");
      if (!play) throw new Error("nothing is played in this run");
      return { parts: says(request, play, eager) };
    },
  };
}

function says(request: ModelRequest, play: Play, eager: boolean): Said {
  switch (request.agent) {
    case "triage":
      return play.kind === "request"
        ? triageOfRequest(request, play.request, eager)
        : triageOfTurn(request, play.plan, eager);
    case "retrieval":
      return output({ passages: [], summary: "Nothing had to be looked up before.", missing: [] });
    case "compliance":
      return output({ verdict: "allow", ruleIds: ["no-rule"], reasons: [] });
    case "action":
      return play.kind === "request" ? actOnRequest(request, play.request) : act(request, play, eager);
    default:
      return close(request, play);
  }
}

function triageOfTurn(request: ModelRequest, plan: RunPlan, eager: boolean): Said {
  const turn = plan.turns[Math.min(request.context.agentCall, plan.turns.length - 1)] as PlannedTurn;
  // Whoever guesses is sure that nothing is left out.
  const asks = turn.kind === "ask" && !(eager && request.context.agentCall === 0);
  return classified(turn.text, asks ? "unclear" : "change", question(turn));
}

function triageOfRequest(request: ModelRequest, { text, functions }: IrrelevantRequest, eager: boolean): Said {
  if (!eager) return classified(text, "question");
  const [first] = functions;
  const refused = resultsIn(request).length > 0;
  return refused || !first
    ? classified(text, "change")
    : [call(request, { tool: first.tool.name, args: madeUp(first) })];
}

function act(
  request: ModelRequest,
  { plan, functions }: Extract<Play, { kind: "conversation" }>,
  eager: boolean,
): Said {
  // Whoever guesses comes here at once and asks from here; otherwise triage has asked before.
  const answers = request.messages.filter(({ role }) => role === "answer").length;
  const turn = plan.turns[eager ? Math.min(answers, plan.turns.length - 1) : plan.turns.length - 1] as PlannedTurn;
  const results = resultsSinceAnswer(request);
  const offered = new Set(request.tools.map(({ name }) => name));
  const missing = [...new Set(turn.wanted.map(({ tool }) => tool))].filter((name) => !offered.has(name));
  if (turn.kind === "ask") {
    const guess = guessOf(turn, functions);
    if (guess && results.length === 0) return [call(request, guess)];
    return [{ type: "ask", of: "customer", question: question(turn) }];
  }
  if (turn.kind === "missing" || missing.length > 0) {
    const withheld = turn.wanted.find(({ tool }) => missing.includes(tool));
    if (eager && withheld && results.length === 0) return [call(request, withheld)];
    const notDone = (missing.length > 0 ? missing : ["what this needs"]).map((name) => `There is no tool ${name}.`);
    return output({ done: [], notDone, next: "review", handedOver: true });
  }
  const next = turn.calls[results.length];
  if (next) return [call(request, next)];
  const outcome = (isDone: boolean) =>
    turn.calls.flatMap(({ tool }, index) =>
      (results[index]?.status === "done") === isDone ? [tool.slice(0, 200)] : [],
    );
  return output({ done: outcome(true).slice(0, 50), notDone: outcome(false).slice(0, 50), next: "review" });
}

/** Tries in vain: without what is required, and with what is made up. */
function actOnRequest(request: ModelRequest, { functions }: IrrelevantRequest): Said {
  const tries = functions.flatMap((one): FunctionCall[] => [
    ...callWithout(one, madeUp(one)),
    { tool: one.tool.name, args: madeUp(one) },
  ]);
  const next = tries[resultsIn(request).length];
  if (next) return [call(request, next)];
  return output({ done: [], notDone: ["No tool does this."], next: "review", handedOver: true });
}

function close({ input }: ModelRequest, play: Play): Said {
  const { handOver, done = [] } = input as { readonly handOver?: object; readonly done?: readonly string[] };
  if (handOver === undefined && play.kind === "conversation") {
    return output({ disposition: "answered", reply: `Done: ${done.join(", ") || "nothing"}.`.slice(0, 10_000) });
  }
  return output({
    disposition: "handed_over",
    reply: "Nothing that is here does this; somebody will look at it.",
    packet: { what: "A matter for which there is no tool.", why: "", evidence: [], diff: [], risk: "low" },
  });
}

/** A call of what is wanted, with something left out that it needs; nothing where nothing can be left out. */
function guessOf({ wanted }: PlannedTurn, functions: readonly DescribedFunction[]): FunctionCall | undefined {
  for (const { tool, args } of wanted) {
    const described = functions.find((one) => one.tool.name === tool);
    const [guess] = described ? callWithout(described, args) : [];
    if (guess) return guess;
  }
  return undefined;
}

const textMax = 4_000;

function question({ wanted }: PlannedTurn): string {
  const names = wanted.map(({ tool }) => tool.replaceAll("_", " ")).join(", ");
  return `I need to know more${names === "" ? "" : ` for: ${names}`}. What exactly shall I use?`.slice(0, 1_000);
}

function classified(text: string, kind: "question" | "change" | "unclear", asked = ""): Said {
  return output({
    intent: kind === "question" ? "unknown" : "use_functions",
    kind,
    severity: "low",
    sensitivity: "none",
    confidence: 0.95,
    summary: text.slice(0, textMax) || "Nothing was said.",
    language: "en",
    ...(kind === "unclear" ? { question: asked } : {}),
  });
}

function output(value: Json): Said {
  return [{ type: "output", value }];
}

function call({ messages }: ModelRequest, { tool, args }: FunctionCall): ResponsePart {
  return { type: "toolCall", callId: `c${messages.length}`, tool, input: args };
}

type Result = Extract<Message, { readonly role: "tool" }>["results"][number];

function resultsIn({ messages }: ModelRequest): readonly Result[] {
  return messages.flatMap((message) => (message.role === "tool" ? message.results : []));
}

function resultsSinceAnswer({ messages }: ModelRequest): readonly Result[] {
  const last = messages.findLastIndex(({ role }) => role === "answer");
  return messages.slice(last + 1).flatMap((message) => (message.role === "tool" ? message.results : []));
}
