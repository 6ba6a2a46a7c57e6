import { type World, type WorldLogLine, WorldRefusal } from "./world.ts";

/** The state behind a line of a world's log, done again over the state before it; nothing where the world says no to it. */
export function redoLine<State>(
  world: World<State>,
  state: State,
  { tool: name, input }: WorldLogLine,
): State | undefined {
  const tool = world.tools.find((one) => one.name === name);
  const parsed = tool?.input.safeParse(input);
  // Of another form than the world's: no world of this kind has done it.
  if (!tool || !parsed?.success) return undefined;
  const draft = world.clone(state);
  try {
    tool.run(draft, parsed.data);
    return draft;
  } catch (thrown) {
    if (thrown instanceof WorldRefusal) return undefined;
    throw thrown;
  }
}
