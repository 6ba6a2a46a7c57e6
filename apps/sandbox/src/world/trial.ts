import { changesBetween, type WorldChange } from "./changes.ts";
import { type Json, type World, WorldRefusal } from "./world.ts";

/** A world in memory, without a server and a log: for trying out what its tools do. */
export interface Trial<State extends object> {
  readonly state: () => State;
  /**
   * Calls a tool and keeps its changes. Returns the result; `refused: …` for a refusal of the domain.
   * @throws ZodError when the input does not fit the schema
   * @throws RangeError when the world has no such tool
   */
  readonly call: (tool: string, input: object) => Json;
  /** What is different from the start, in the order of tables. */
  readonly changes: () => readonly WorldChange[];
  /** Puts in place what no tool can change, the day for instance. */
  readonly set: (part: Partial<State>) => void;
}

/** @param start of a world that was made before: making one may take longer than a trial does */
export function openTrial<State extends object>(world: World<State>, start: State = world.initial()): Trial<State> {
  let state = world.clone(start);
  return {
    state: () => state,
    call: (name, input) => {
      const tool = world.tools.find((one) => one.name === name);
      if (tool === undefined) throw new RangeError(`the world has no tool "${name}"`);
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
    set: (part) => {
      state = { ...state, ...part };
    },
  };
}
