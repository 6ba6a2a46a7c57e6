import { type AnyTool, defineTool, type ToolContext, ToolRefusal } from "@remit/core";
import type { JsonObject } from "@remit/tools";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import type { WorldPack } from "../pack.ts";
import { openWorldStore, type WorldStore } from "./store.ts";
import type { Json, WorldTool } from "./world.ts";

/** A pack's tools without a server process, and the store that they work on. */
export interface InProcessWorld {
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly store: WorldStore;
  /** Leaves the folder's lock. */
  readonly close: () => void;
}

/** Which members there are follows from the effect, which the pack has said in one object with them. */
const define = defineTool as unknown as (options: object) => AnyTool;

/** Our JSON type has read-only lists, zod's has not. */
const json = z.json() as unknown as z.ZodType<Json, Json>;

/**
 * The same tools as behind the pack's server, for tests that want no child process, and nothing that outlasts the machine. A pack that says of no tool whose word it
 * is has tools without labels here.
 */
export function inProcessTools(pack: Pick<WorldPack, "name" | "openWorld" | "tools">, dir: string): InProcessWorld {
  const world = pack.openWorld();
  const store = openWorldStore({ world, dir, lasting: false });
  const byName = new Map(world.tools.map((tool) => [tool.name, tool]));
  const labelled = Object.values(pack.tools).some(({ labels }) => labels !== undefined);
  const made = new Map<string, AnyTool>();
  const make = (name: string): AnyTool => {
    const known = made.get(name);
    if (known) return known;
    const about = pack.tools[name];
    const tool = byName.get(name);
    if (about === undefined || tool === undefined) {
      throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: name });
    }
    const { answer, ...said } = about;
    const common = { name, description: tool.description, input: tool.input, output: answer ?? json };
    const labels = labelled ? { labels: [`mcp:${pack.name}`, ...(about.labels ?? [])] } : {};
    const execute = (input: unknown, context: ToolContext) => callWorld(store, tool, input, context);
    const ours = (): AnyTool => {
      if (said.effect === "read") return define({ ...common, ...said, ...labels, execute });
      const { lookup, undo, ...write } = said;
      const look = (input: unknown, context: ToolContext) =>
        typeof lookup === "function" &&
        lookup(input as JsonObject, context, async (asked, arguments_) => {
          const read = byName.get(asked);
          if (read === undefined) throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: asked });
          return callWorld(store, read, arguments_, context);
        });
      return define({
        ...common,
        ...write,
        ...labels,
        ...(typeof lookup === "function" ? { lookup: look } : {}),
        ...(undo === undefined ? {} : { undo: { ...undo, tool: make(undo.tool) } }),
        execute,
      });
    };
    const defined = ours();
    made.set(name, defined);
    return defined;
  };
  const tools = Object.keys(pack.tools).map((name): [string, AnyTool] => [name, make(name)]);
  return { tools: new Map(tools), store, close: store.close };
}

/** The run's attribute `worldId` names its world, as `_meta` does for a server. @throws ToolRefusal when the tool says no */
function callWorld(
  store: WorldStore,
  { name, effect }: WorldTool,
  input: unknown,
  { attributes, idempotencyKey }: ToolContext,
): Json {
  const { worldId } = attributes;
  if (worldId === undefined) throw new SandboxError("usage/wrong", { reason: "the run has no attribute worldId" });
  const answer = store.call(worldId, name, input, effect === "write" ? { key: idempotencyKey } : {});
  if (answer.status === "refused") throw new ToolRefusal(answer.message);
  return answer.result;
}
