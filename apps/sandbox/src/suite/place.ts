import type { AnyTool } from "@remit/core";
import { connectMcp, stdio } from "@remit/mcp-bridge";
import type { Pack, Place, PlaceOptions } from "../pack.ts";
import { worldServerCommand } from "../world/launch.ts";
import { openWorldReader } from "../world/store.ts";

/** Starts what a pack's scenarios are played on: its world's server, or the servers that it names. */
export async function openPlace(pack: Pack, options: PlaceOptions): Promise<Place> {
  if ("openPlace" in pack) return pack.openPlace(options);
  const { dir, logger } = options;
  const { command, args } = worldServerCommand({ ...pack.server, dir });
  const { NODE_COMPILE_CACHE } = process.env;
  const connection = await connectMcp({
    name: pack.name,
    // Where we start from what Node made of our modules the last time, the server does, too.
    transport: stdio(command, args, NODE_COMPILE_CACHE === undefined ? {} : { env: { NODE_COMPILE_CACHE } }),
    tools: pack.tools as Parameters<typeof connectMcp>[0]["tools"],
    ...(logger ? { logger } : {}),
  });
  return {
    tools: new Map(Object.entries(connection.tools as Readonly<Record<string, AnyTool>>)),
    reader: openWorldReader({ world: pack.openWorld(), dir }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
