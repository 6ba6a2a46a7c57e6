import type { AnyTool, Json } from "@remit/core";
import { z } from "zod";
import { type World, type WorldLogLine, WorldRefusal } from "../src/world/world.ts";

/** What the tests of packs have in common. */

export type Call = readonly [tool: string, input: { readonly [name: string]: Json }];

/** What a world would have logged of these calls, one after the other; each write under a key of its own: k1, k2 … */
export function logOfCalls<State>(world: World<State>, start: State, calls: readonly Call[]): WorldLogLine[] {
  let state = world.clone(start);
  return calls.map(([name, input], index) => {
    const tool = world.tools.find((one) => one.name === name);
    if (tool === undefined) throw new RangeError(name);
    const { effect } = tool;
    const about = { n: index + 1, tool: name, input, effect, ...(effect === "write" ? { key: `k${index + 1}` } : {}) };
    const draft = world.clone(state);
    try {
      tool.run(draft, tool.input.parse(input));
      state = draft;
      return { ...about, outcome: "done" };
    } catch (thrown) {
      if (thrown instanceof WorldRefusal) return { ...about, outcome: "refused" };
      throw thrown;
    }
  });
}

/** A world that has lost one of its guards: this tool does whatever it is told, in whatever form. Misdeeds are counted there all the same. */
export function careless<State>(
  world: World<State>,
  name: string,
  run: (state: State, input: Readonly<Record<string, string>>) => void,
): World<State> {
  if (world.tools.every((one) => one.name !== name)) throw new RangeError(name);
  const tools = world.tools.map((one) => {
    if (one.name !== name) return one;
    return {
      ...one,
      input: z.unknown(),
      run: (state: State, input: unknown) => {
        run(state, input as Readonly<Record<string, string>>);
        return {};
      },
    };
  });
  return { ...world, tools };
}

/** Arguments of writes that have a domain, so that who says them is traced, and that nothing protects. */
export function unprotectedIn(tools: ReadonlyMap<string, AnyTool>): readonly string[] {
  return [...tools.values()]
    .filter(({ effect }) => effect === "write")
    .flatMap(({ name, inputSchema, protect }) =>
      Object.entries((inputSchema.properties ?? {}) as Readonly<Record<string, Traced>>)
        .filter(([argument, of]) => (of.domain ?? of.items?.domain) !== undefined && !protect.includes(argument))
        .map(([argument]) => `${name}.${argument}`),
    );
}

interface Traced {
  readonly domain?: string;
  readonly items?: { readonly domain?: string };
}

/** The same tools, whose first try of each call fails: before it reaches its system, or when its answer is on the way. */
export function flaky(
  tools: ReadonlyMap<string, AnyTool>,
  when: "before" | "after",
  more: { readonly settlesWithinMs?: number } = {},
): ReadonlyMap<string, AnyTool> {
  return new Map(
    [...tools].map(([name, tool]): [string, AnyTool] => [
      name,
      {
        ...tool,
        ...more,
        retry: { attempts: 3, backoffMs: 1, backoffMsMax: 1 } as AnyTool["retry"],
        execute: (input, context) => {
          if (context.attempt > 1) return tool.execute(input, context);
          if (when === "after") tool.execute(input, context);
          throw new Error("the connection was reset");
        },
      },
    ]),
  );
}
