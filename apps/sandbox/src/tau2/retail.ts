import type { z } from "zod";
import type { World, WorldTool } from "../world/world.ts";
import { addressTools } from "./address-tools.ts";
import { deliveredTools } from "./delivered-tools.ts";
import { readRetailDatabase } from "./load.ts";
import { lookupTools } from "./lookup-tools.ts";
import { pendingTools } from "./pending-tools.ts";
import type { RetailDatabase } from "./record.ts";
import { cloneState, type RetailState } from "./state.ts";

export interface RetailToolOptions {
  /**
   * Keep a fault of the published tools that their end states depend on: when one call modifies several items of a
   * pending order, all of them get price and options of the last new variant. Default true.
   */
  readonly quirk?: boolean;
}

/** The 16 tools of the domain; they need no data to be listed. */
export function retailTools({ quirk = true }: RetailToolOptions = {}): readonly WorldTool<RetailState, z.ZodType>[] {
  return [...lookupTools, ...pendingTools({ quirk }), ...addressTools, ...deliveredTools];
}

export type RetailWorldOptions = RetailToolOptions &
  (
    | { /** Holds db.json; nothing else is read. */ readonly folder: string }
    | { /** Already loaded; never changed. */ readonly database: RetailDatabase }
  );

/**
 * The retail shop as a world. The database is read here, once, and shared by all states; a state costs what its run
 * has changed.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken`
 */
export function retailWorld(options: RetailWorldOptions): World<RetailState> {
  const database = "database" in options ? options.database : readRetailDatabase(options.folder);
  return {
    name: "tau2-retail",
    initial: () => cloneState(database),
    clone: cloneState,
    tools: retailTools(options),
  };
}
