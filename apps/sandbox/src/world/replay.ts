import { canonicalText, throughJson } from "./canonical.ts";
import { WorldError } from "./errors.ts";
import { type LogPosition, logStart } from "./log.ts";
import type { Json, World, WorldLogLine, WorldTool } from "./world.ts";

/** What the first call with a key came to. A second call with it gets this again. */
export interface FirstOutcome {
  readonly tool: string;
  /** Canonical text of the input. */
  readonly input: string;
  readonly answer:
    | { readonly status: "done"; readonly result: Json }
    | { readonly status: "refused"; readonly message: string };
}

/** One world in memory: the fold over its log up to `position`. */
export interface Hydrated<State> {
  state: State;
  position: LogPosition;
  readonly keys: Map<string, FirstOutcome>;
}

/** A world, its tools by name, and one start state that nobody changes. */
export interface LoadedWorld<State> {
  readonly world: World<State>;
  readonly tools: ReadonlyMap<string, WorldTool<State>>;
  readonly start: State;
}

/** @throws WorldError `world/definition-invalid` when two tools share a name */
export function loadWorld<State>(world: World<State>): LoadedWorld<State> {
  const tools = new Map(world.tools.map((tool) => [tool.name, tool]));
  if (tools.size !== world.tools.length) {
    const names = world.tools.map((tool) => tool.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index) ?? "";
    throw new WorldError("world/definition-invalid", `world "${world.name}" has two tools named "${twice}"`, {
      world: world.name,
      tool: twice,
    });
  }
  return { world, tools, start: world.initial() };
}

export function emptyWorld<State>(loaded: LoadedWorld<State>, worldId: string): Hydrated<State> {
  return { state: loaded.world.clone(startOf(loaded, worldId)), position: logStart, keys: new Map() };
}

/** Where the world of a run begins. Not to be changed. */
export function startOf<State>({ world, start }: LoadedWorld<State>, worldId: string): State {
  return world.prepared?.(worldId) ?? start;
}

/**
 * Folds log lines into a world in memory: writes that were done run again, everything else only counts.
 * @throws WorldError `world/log-diverged` when a write does not give the logged answer again
 */
export function applyLines<State>(
  loaded: LoadedWorld<State>,
  into: Hydrated<State>,
  lines: readonly WorldLogLine[],
): void {
  for (const line of lines) {
    if (line.effect === "write" && line.outcome === "done") into.state = redo(loaded, into.state, line);
    rememberKey(into.keys, line);
  }
}

/** Keeps what the first call with a key came to. */
export function rememberKey(keys: Map<string, FirstOutcome>, line: WorldLogLine): void {
  if (line.effect !== "write" || line.key === undefined || line.outcome === "duplicate" || keys.has(line.key)) return;
  keys.set(line.key, {
    tool: line.tool,
    input: canonicalText(line.input),
    answer:
      line.outcome === "done"
        ? { status: "done", result: line.result ?? null }
        : { status: "refused", message: line.message ?? "" },
  });
}

function redo<State>({ world, tools }: LoadedWorld<State>, state: State, line: WorldLogLine): State {
  const draft = world.clone(state);
  let result: Json;
  try {
    const tool = tools.get(line.tool);
    if (tool === undefined) throw new Error(`the world has no tool "${line.tool}"`);
    result = throughJson(tool.run(draft, tool.input.parse(line.input)));
  } catch (error) {
    throw diverged(world.name, line, error instanceof Error ? error.message : String(error), error);
  }
  if (canonicalText(result) !== canonicalText(line.result ?? null)) {
    throw diverged(world.name, line, "it gives another answer now");
  }
  return draft;
}

function diverged(world: string, line: WorldLogLine, reason: string, cause?: unknown): WorldError {
  const message = `line ${line.n} (${line.tool}) cannot be replayed: ${reason}`;
  return new WorldError("world/log-diverged", message, { world, line: line.n, tool: line.tool }, cause);
}
