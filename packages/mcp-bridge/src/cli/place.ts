import { dirname, join, resolve } from "node:path";
import { type McpConfig, readMcpConfig } from "../config.ts";
import { pinFile } from "../pin-file.ts";
import type { PinStore } from "../pin-store.ts";
import type { Context } from "./context.ts";

/** The configuration that a command is about, and the pins that belong to it. */
export interface Place {
  readonly config: McpConfig;
  readonly pins: PinStore;
}

/** @param pinsPath beside what the configuration names; without both, `mcp-pins.json` in its folder */
export async function openPlace(file: string, pinsPath: string | undefined, { env, clock }: Context): Promise<Place> {
  const config = await readMcpConfig(file, { env });
  const path = pinsPath === undefined ? config.pins : resolve(pinsPath);
  return { config, pins: pinFile(path ?? join(dirname(resolve(file)), "mcp-pins.json"), { clock }) };
}
