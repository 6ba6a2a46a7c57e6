import type { AnyTool, Json } from "@remit/core";
import { connectMcp, type McpToolConfig, stdio } from "@remit/mcp-bridge";
import { z } from "zod";
import type { Pack, PackTool, Place, PlaceOptions } from "../pack.ts";
import { worldServerCommand } from "../world/launch.ts";
import { openWorldReader, openWorldStore } from "../world/store.ts";

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
    tools: Object.fromEntries(Object.entries(pack.tools).map(([name, about]) => [name, remote(about)])),
    ...(logger ? { logger } : {}),
  });
  const world = pack.openWorld();
  const store = pack.customer === undefined ? undefined : openWorldStore({ world, dir });
  return {
    tools: new Map(Object.entries(connection.tools as Readonly<Record<string, AnyTool>>)),
    reader: store ?? openWorldReader({ world, dir }),
    ...(store === undefined ? {} : { store }),
    [Symbol.asyncDispose]: async () => {
      store?.close();
      await connection[Symbol.asyncDispose]();
    },
  };
}

/** A tool of a world's server: there an answer stands under `result`. */
function remote({ answer, ...about }: PackTool): McpToolConfig {
  const typed = answer === undefined ? {} : { output: z.object({ result: answer }) };
  if (about.effect === "read") return { ...about, ...typed };
  const { undo, ...write } = about;
  if (undo === undefined) return { ...write, ...typed };
  const { tool, input } = undo;
  const ofResult = (asked: Parameters<typeof input>[0], output: Json) =>
    input(asked, (output as { readonly result?: Json }).result ?? null);
  return { ...write, ...typed, undo: { tool, input: ofResult } };
}
