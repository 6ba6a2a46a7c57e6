import type { Json, Model, ModelRequest, ResponsePart } from "@remit/core";
import type { Scenario } from "@remit/core/testing";
import type { Conduct } from "./conduct.ts";
import { draw } from "./draw.ts";
import { noTurn, ScriptBook, unscripted, withEvidence } from "./oracle.ts";
import { smallest } from "./smallest.ts";

/** What a noisy model does wrong. */
export const noiseKinds = [
  "wrong-id",
  "dropped-argument",
  "repeated-call",
  "foreign-tool",
  "unknown-tool",
  "malformed-handoff",
  "invented-result",
] as const;
export type NoiseKind = (typeof noiseKinds)[number];

export interface NoisyOptions {
  readonly scenarios: readonly Scenario[];
  readonly seed: number;
  /** Names of all tools of the team: what an agent may overstep to. */
  readonly tools: readonly string[];
  /** Share of turns that go wrong; 0.3 when absent. */
  readonly rate?: number;
  /** What judges of single writes go by; they allow all when absent. */
  readonly conduct?: Conduct | undefined;
  /** Told of each fault, also when the same request comes again after a crash. */
  readonly onNoise?: (kind: NoiseKind, request: ModelRequest) => void;
}

/**
 * Plays the ground truth with seeded faults. Which turn goes wrong, and how, is drawn from seed, scenario, agent and
 * turn alone, so that the same seed gives the same faults in any order of runs and after any crash.
 */
export function noisyModel(options: NoisyOptions): Model {
  const { scenarios, seed, tools, rate = 0.3, onNoise, conduct } = options;
  const book = new ScriptBook(scenarios, conduct);

  const noiseAt = (request: ModelRequest, call: number): NoiseKind | undefined => {
    const about = [seed, request.context.attributes.scenario ?? "", request.agent, call] as const;
    if (draw("noise", ...about).unit >= rate) return undefined;
    return noiseKinds[draw("kind", ...about).below(noiseKinds.length)];
  };
  /** Faults that are a turn of their own push the script back by one. */
  const isExtra = (kind: NoiseKind | undefined) =>
    kind === "foreign-tool" || kind === "unknown-tool" || kind === "malformed-handoff";

  return {
    id: `scripted:noisy#${seed}`,
    cost: "zero",
    generate: (request) => {
      const call = request.context.agentCall;
      let place = 0;
      for (let before = 0; before < call; before++) if (!isExtra(noiseAt(request, before))) place++;
      const parts = book.turn(request, place)?.parts ?? unscripted(book, request);
      const kind = noiseAt(request, call);
      const wrong = kind && spoil(kind, parts, request, { tools, book }, draw("detail", seed, request.agent, call));
      if (kind && wrong) {
        onNoise?.(kind, request);
        return { parts: wrong };
      }
      if (!parts) throw noTurn(request);
      return { parts: withEvidence(parts, request) };
    },
  };
}

/** The spoilt turn, or nothing where this fault does not apply. */
function spoil(
  kind: NoiseKind,
  parts: readonly ResponsePart[] | undefined,
  request: ModelRequest,
  { tools, book }: { readonly tools: readonly string[]; readonly book: ScriptBook },
  dice: ReturnType<typeof draw>,
): readonly ResponsePart[] | undefined {
  const call = parts?.find((part) => part.type === "toolCall");
  switch (kind) {
    case "foreign-tool": {
      const own = new Set(request.tools.map(({ name }) => name));
      const foreign = tools.filter((name) => !own.has(name));
      const tool = foreign[dice.below(foreign.length)];
      return tool === undefined ? undefined : [{ type: "toolCall", callId: "noise", tool, input: call?.input ?? {} }];
    }
    case "unknown-tool":
      return [{ type: "toolCall", callId: "noise", tool: "run_shell", input: { command: "ls" } }];
    case "malformed-handoff": {
      const value = smallest(request.outputSchema);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ type: "text", text: "done!" }];
      const [first] = Object.keys(value);
      return [{ type: "output", value: { ...value, ...(first === undefined ? {} : { [first]: { broken: true } }) } }];
    }
    case "invented-result":
      return call ? [{ type: "output", value: smallest(request.outputSchema) }] : undefined;
    case "repeated-call":
      return call && parts ? [...parts, { ...call, callId: `${call.callId}_again` }] : undefined;
    case "wrong-id":
      return call && parts
        ? parts.map((part) =>
            part === call
              ? { ...call, input: withWrongId(call.input, (name) => book.valuesElsewhere(request, name), dice) }
              : part,
          )
        : undefined;
    case "dropped-argument":
      return call && parts
        ? parts.map((part) => (part === call ? { ...call, input: withoutOne(call.input, dice) } : part))
        : undefined;
  }
}

/** Half of the wrong ids are nobody's; the others are those of another scenario's records, which there are. */
function withWrongId(input: Json, elsewhere: (name: string) => readonly string[], dice: ReturnType<typeof draw>): Json {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  const record = input as { readonly [key: string]: Json };
  const ids = Object.keys(record).filter((key) => /id$/i.test(key) && typeof record[key] === "string");
  const key = ids[dice.below(ids.length)];
  if (key === undefined) return input;
  const text = String(record[key]);
  const others = elsewhere(key).filter((id) => id !== text);
  const other = others[dice.below(2 * others.length)];
  if (other !== undefined) return { ...record, [key]: other };
  const last = text.at(-1) ?? "0";
  return {
    ...record,
    [key]: `${text.slice(0, -1)}${/\d/.test(last) ? (Number(last) + 1) % 10 : last === "x" ? "y" : "x"}`,
  };
}

function withoutOne(input: Json, dice: ReturnType<typeof draw>): Json {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  const keys = Object.keys(input);
  const dropped = keys[dice.below(keys.length)];
  return Object.fromEntries(Object.entries(input).filter(([key]) => key !== dropped));
}
