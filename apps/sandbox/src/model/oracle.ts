import {
  type EffectCase,
  type Json,
  type Model,
  type ModelRequest,
  OrchestrationError,
  type ResponsePart,
} from "@remit/core";
import type { Scenario, Turn } from "@remit/core/testing";
import type { Conduct, Objection } from "./conduct.ts";
import { judgement } from "./judge.ts";

/** Attribute of a run that says which scenario it plays. */
export const scenarioAttribute = "scenario";

/** The turns of the scenarios of a suite, by agent. */
export class ScriptBook {
  readonly #turns = new Map<string, Map<string, readonly Turn[]>>();

  readonly #conduct: Conduct | undefined;

  constructor(scenarios: readonly Scenario[], conduct?: Conduct) {
    this.#conduct = conduct;
    for (const { name, script } of scenarios)
      this.#turns.set(
        name,
        Map.groupBy(script, ({ agent }) => agent),
      );
  }

  /** The turn that an agent takes when it has already been asked `call` times. */
  turn(request: ModelRequest, call: number): Turn | undefined {
    const scenario = request.context.attributes[scenarioAttribute] ?? "";
    return this.#turns.get(scenario)?.get(request.agent)?.[call];
  }

  /** What the domain's judges say against a write. */
  objections(request: ModelRequest, { tool, input }: EffectCase): readonly Objection[] {
    const scenario = request.context.attributes[scenarioAttribute] ?? "";
    return this.#conduct?.({ scenario, tool, input: input as Json }) ?? [];
  }

  /** Values that the other scenarios give for an argument of this name. */
  valuesElsewhere(request: ModelRequest, name: string): readonly string[] {
    const here = request.context.attributes[scenarioAttribute] ?? "";
    const found = new Set<string>();
    for (const [scenario, agents] of this.#turns) {
      if (scenario === here) continue;
      for (const { parts } of [...agents.values()].flat()) {
        for (const part of parts) {
          const value = part.type === "toolCall" && isRecord(part.input) ? part.input[name] : undefined;
          if (typeof value === "string") found.add(value);
        }
      }
    }
    return [...found];
  }

  /** The rules that the scenario's agents name in their verdicts. */
  ruleIds(request: ModelRequest): readonly string[] {
    const agents = this.#turns.get(request.context.attributes[scenarioAttribute] ?? "");
    const named = [...(agents?.values() ?? [])].flat().flatMap(({ parts }) => parts.flatMap(rulesNamed));
    return [...new Set(named)];
  }
}

/** What a judge of single writes says that nobody has scripted. */
export function unscripted(book: ScriptBook, request: ModelRequest): readonly ResponsePart[] | undefined {
  const value = judgement(request, book.ruleIds(request), (asked) => book.objections(request, asked));
  return value === undefined ? undefined : [{ type: "output", value }];
}

/** Plays each scenario's ground truth. Keeps no place of its own, so a run that comes back goes on where it was. */
export function oracleModel(scenarios: readonly Scenario[], conduct?: Conduct): Model {
  const book = new ScriptBook(scenarios, conduct);
  return {
    id: "scripted:oracle",
    cost: "zero",
    generate: (request) => {
      const parts = book.turn(request, request.context.agentCall)?.parts ?? unscripted(book, request);
      if (!parts) throw noTurn(request);
      return { parts: withEvidence(parts, request) };
    },
  };
}

function rulesNamed(part: ResponsePart): readonly string[] {
  if (part.type !== "output" || !isRecord(part.value)) return [];
  const { verdict, ruleIds } = part.value;
  if (typeof verdict !== "string" || !Array.isArray(ruleIds)) return [];
  return ruleIds.filter((id) => typeof id === "string" && id !== "");
}

export function noTurn({ agent, context }: ModelRequest): OrchestrationError {
  return new OrchestrationError("model/script-mismatch", {
    agent,
    call: context.agentCall + 1,
    reason: "the script is at its end",
  });
}

const passageChars = 2_000;

/** A script cannot know what the tools will say: an answer with an empty list of passages gets what was read. */
export function withEvidence(parts: readonly ResponsePart[], request: ModelRequest): readonly ResponsePart[] {
  return parts.map((part) => {
    if (part.type !== "output" || !isRecord(part.value)) return part;
    const { passages } = part.value;
    if (!Array.isArray(passages) || passages.length > 0) return part;
    return { ...part, value: { ...part.value, passages: passagesOf(request) } };
  });
}

function passagesOf({ messages }: ModelRequest): Json[] {
  const found: Json[] = [];
  for (const message of messages) {
    if (message.role !== "tool") continue;
    for (const result of message.results) {
      const text = result.status === "done" ? JSON.stringify(result.output) : result.error.message;
      found.push({ sourceId: `${result.tool}#${found.length + 1}`, text: text.slice(0, passageChars) });
    }
  }
  return found.slice(0, 100);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
