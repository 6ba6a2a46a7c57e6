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
 * The same tools as behind the pack's server, for tests that want no child process; of labels they have those that the
 * pack gives them, and not the server's own.
 */
export function inProcessTools(pack: Pick<WorldPack, "name" | "openWorld" | "tools">, dir: string): InProcessWorld {
  const world = pack.openWorld();
  const store = openWorldStore({ world, dir });
  const byName = new Map(world.tools.map((tool) => [tool.name, tool]));
  const tools = Object.entries(pack.tools).map(([name, about]): [string, AnyTool] => {
    const tool = byName.get(name);
    if (tool === undefined) throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: name });
    const common = { name, description: tool.description, input: tool.input, output: json };
    const execute = (input: unknown, context: ToolContext) => callWorld(store, tool, input, context);
    if (about.effect === "read") return [name, define({ ...common, ...about, execute })];
    const { lookup, ...write } = about;
    if (typeof lookup !== "function") return [name, define({ ...common, ...write, execute })];
    const look = (input: unknown, context: ToolContext) =>
      lookup(input as JsonObject, context, async (asked, arguments_) => {
        const read = byName.get(asked);
        if (read === undefined) throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: asked });
        return callWorld(store, read, arguments_, context);
      });
    return [name, define({ ...common, ...write, lookup: look, execute })];
  });
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
