import { type AnyTool, defineTool, type ToolContext, ToolRefusal } from "@remit/core";
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

/** Our JSON type has read-only lists, zod's has not. */
const json = z.json() as unknown as z.ZodType<Json, Json>;

/** Labels and `_meta` apart, the same tools as behind the pack's server: for tests that want no child process. */
export function inProcessTools(pack: Pick<WorldPack, "name" | "openWorld" | "tools">, dir: string): InProcessWorld {
  const world = pack.openWorld();
  const store = openWorldStore({ world, dir });
  const byName = new Map(world.tools.map((tool) => [tool.name, tool]));
  const tools = Object.entries(pack.tools).map(([name, about]): [string, AnyTool] => {
    const tool = byName.get(name);
    if (tool === undefined) throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: name });
    const common = { name, description: tool.description, input: tool.input, output: json };
    const execute = (input: unknown, context: ToolContext) => callWorld(store, tool, input, context);
    return [
      name,
      about.effect === "read"
        ? defineTool({ ...common, effect: "read", execute })
        : defineTool({ ...common, effect: "write", risk: about.risk, idempotency: about.idempotency, execute }),
    ];
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
