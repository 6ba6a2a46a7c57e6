import type { z } from "zod";
import { type Agent, type AgentOptions, type AnyAgent, defineAgent } from "./agent.ts";
import type { AnyReadTool, AnyTool } from "./tool.ts";
import { assertKnown, assertOptions, type Known, type Wanted } from "./wanted.ts";

/** What a copy of an agent may change. Tools of a read-only role stay read-only. */
export interface AgentChanges<Base extends AnyAgent> {
  readonly name?: string;
  readonly description?: string;
  readonly model?: string;
  readonly input?: z.ZodType;
  readonly output?: z.ZodType;
  readonly tools?: Base extends { readonly effects: "read" } ? readonly AnyReadTool[] : readonly AnyTool[];
  readonly instructions?: string;
  readonly asks?: Base["asks"];
  readonly streams?: boolean;
  readonly version?: string;
}

type Pick1<Changes, Key extends string, Otherwise> = Changes extends { readonly [K in Key]: infer Value }
  ? Value
  : Otherwise;
type AsName<Value, Otherwise extends string> = Value extends string ? Value : Otherwise;
type AsSchema<Value, Otherwise extends z.ZodType> = Value extends z.ZodType ? Value : Otherwise;
type AsTools<Value, Otherwise extends readonly AnyTool[]> = Value extends readonly AnyTool[] ? Value : Otherwise;

/** The type of an extended agent: the base, with what was changed. */
export type Extended<Base extends AnyAgent, Changes> = Agent<
  AsName<Pick1<Changes, "name", Base["name"]>, Base["name"]>,
  AsSchema<Pick1<Changes, "input", Base["input"]>, Base["input"]>,
  AsSchema<Pick1<Changes, "output", Base["output"]>, Base["output"]>,
  AsTools<Pick1<Changes, "tools", Base["tools"]>, Base["tools"]>,
  AsName<Pick1<Changes, "model", Base["model"]>, Base["model"]>
> &
  (Base extends { readonly effects: "read" } ? { readonly effects: "read" } : unknown);

const known: Known<AgentChanges<AnyAgent>> = {
  ...{ name: true, description: true, model: true, input: true, output: true, tools: true, instructions: true },
  ...{ asks: true, streams: true, version: true },
};

const plain: Wanted = {
  wants:
    "an agent of `defineAgent` (of a team, a specialist elsewhere or an extraction another one is made as the first was)",
  is: (value) => {
    const { kind, team, remote, extracts } = (value ?? {}) as Partial<AnyAgent>;
    return kind === "agent" && team === undefined && remote === undefined && extracts === undefined;
  },
};

/**
 * A copy of an agent with some of its parts replaced. A role that may only read stays one.
 * @throws OrchestrationError as `defineAgent` does; `options/invalid` for an agent that is more than `defineAgent` makes, whose
 *   copy would be less; `options/unknown` for what cannot be changed, of which no compiler tells here
 */
export function extendAgent<const Base extends AnyAgent, const Changes extends AgentChanges<Base>>(
  base: Base,
  changes: Changes,
): Extended<Base, Changes> {
  assertOptions("extendAgent", { base }, { base: plain });
  assertKnown(`extendAgent of ${base.name}`, changes, known);
  const options: AgentOptions<string, z.ZodType, z.ZodType, readonly AnyTool[], string> = {
    name: changes.name ?? base.name,
    description: changes.description ?? base.description,
    model: changes.model ?? base.model,
    input: changes.input ?? (base.input as z.ZodType),
    output: changes.output ?? (base.output as z.ZodType),
    tools: changes.tools ?? base.tools,
    instructions: changes.instructions ?? base.instructions,
    asks: changes.asks ?? base.asks,
    version: changes.version ?? base.version,
    ...((changes.streams ?? base.streams) ? { streams: true } : {}),
    ...(base.toolSearch === undefined ? {} : { toolSearch: base.toolSearch }),
  };
  const made =
    base.effects === "read"
      ? defineAgent({ ...options, tools: options.tools as readonly AnyReadTool[], effects: "read" })
      : defineAgent(options);
  return made as unknown as Extended<Base, Changes>;
}
