import { changesBetween, type WorldChange } from "../../src/world/changes.ts";
import { type Json, WorldRefusal } from "../../src/world/world.ts";
import { type OrderDeskFixtures, orderDeskFixtures } from "./fixtures.ts";
import type { ShopState } from "./state.ts";
import { orderDeskSeed, orderDeskWorld } from "./world.ts";

/** One desk in memory, without a log: for trying out what tools do to a shop. */
export interface Trial {
  readonly fixtures: OrderDeskFixtures;
  readonly state: () => ShopState;
  /**
   * Calls a tool and keeps its changes. Returns the result; `refused: …` for a refusal of the domain.
   * @throws ZodError when the input does not fit the schema
   */
  readonly call: (tool: string, input: object) => Json;
  readonly changes: () => readonly WorldChange[];
  /** Moves the shop's today. */
  readonly setToday: (day: string) => void;
}

export function openTrial(seed: number = orderDeskSeed): Trial {
  const world = orderDeskWorld({ seed });
  const start = world.initial();
  let state = world.clone(start);
  return {
    fixtures: orderDeskFixtures(start),
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
    setToday: (day) => {
      state = { ...state, today: day };
    },
  };
}
