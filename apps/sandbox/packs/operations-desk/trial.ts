import { changesBetween, type WorldChange } from "../../src/world/changes.ts";
import { type Json, type World, WorldRefusal } from "../../src/world/world.ts";
import type { OperationsState } from "./state.ts";
import { operationsDeskSeed, operationsDeskWorld } from "./world.ts";

/** One infrastructure in memory, without a log: for trying out what tools do to it. */
export interface Trial {
  readonly state: () => OperationsState;
  /**
   * Calls a tool and keeps its changes. Returns the result; `refused: …` for a refusal of the domain.
   * @throws ZodError when the input does not fit the schema
   */
  readonly call: (tool: string, input: object) => Json;
  readonly changes: () => readonly WorldChange[];
}

/** @param start of a world that was made before: making one takes longer than a trial does */
export function openTrial(
  world: World<OperationsState> = operationsDeskWorld({ seed: operationsDeskSeed }),
  start: OperationsState = world.initial(),
): Trial {
  let state = world.clone(start);
  return {
    state: () => state,
    call: (name, input) => {
      const tool = world.tools.find((one) => one.name === name);
      if (tool === undefined) throw new RangeError(`the desk has no tool "${name}"`);
      const parsed = tool.input.parse(input);
      const draft = world.clone(state);
      try {
        const result = tool.run(draft, parsed);
        state = draft;
        return result;
      } catch (error) {
        if (error instanceof WorldRefusal) return `refused: ${error.message}`;
        throw error;
      }
    },
    changes: () => changesBetween(start, state),
  };
}
