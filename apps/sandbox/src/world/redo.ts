import { type World, type WorldLogLine, WorldRefusal } from "./world.ts";

/** The state behind a line of a world's log, done again over the state before it; nothing where the world says no to it. */
export function redoLine<State>(
  world: World<State>,
  state: State,
  { tool: name, input }: WorldLogLine,
): State | undefined {
  const tool = world.tools.find((one) => one.name === name);
  const draft = world.clone(state);
  try {
    tool?.run(draft, tool.input.parse(input));
    return tool && draft;
  } catch (thrown) {
    if (thrown instanceof WorldRefusal) return undefined;
    throw thrown;
  }
}
