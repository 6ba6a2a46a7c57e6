import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateSupply } from "./generate.ts";
import type { SupplyState } from "./state.ts";
import { inventoryTools } from "./tools/inventory.ts";
import { procurementTools } from "./tools/procurement.ts";
import { vendorTools } from "./tools/vendors.ts";

/** The seed that scenarios and their decisions use unless they say otherwise. */
export const supplyDeskSeed = 1;

/** Stock, vendors and purchases of "Tarnbrook" as a world: what its supply desk reads, writes and orders. */
export function supplyDeskWorld({ seed = supplyDeskSeed }: { readonly seed?: number } = {}): World<SupplyState> {
  return {
    name: "supply-desk",
    initial: () => generateSupply(seed),
    clone: copyTables,
    tools: [...inventoryTools, ...vendorTools, ...procurementTools],
  };
}
