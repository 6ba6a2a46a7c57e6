import { fileURLToPath } from "node:url";
import { worldServerCommand } from "../../src/world/launch.ts";
import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateShop } from "./generate.ts";
import type { ShopState } from "./state.ts";
import { changeTools } from "./tools/change.ts";
import { contactTools } from "./tools/contact.ts";
import { lookupTools } from "./tools/lookup.ts";
import { refundOrder } from "./tools/refund.ts";

/** The seed that scenarios and their fixtures use unless they say otherwise. */
export const orderDeskSeed = 1;

/** The shop "Fernhollow" as a world: eighteen tools of its service desk over a shop made from `seed`. */
export function orderDeskWorld({ seed = orderDeskSeed }: { readonly seed?: number } = {}): World<ShopState> {
  return {
    name: "order-desk",
    initial: () => generateShop(seed),
    clone: copyTables,
    tools: [...lookupTools, ...changeTools, refundOrder, ...contactTools],
  };
}

/** The command line of the shop's server process, which keeps its logs in `dir`. */
export function orderDeskServer({ dir, seed = orderDeskSeed }: { readonly dir: string; readonly seed?: number }) {
  return worldServerCommand({
    module: fileURLToPath(import.meta.url),
    export: "orderDeskWorld",
    options: { seed },
    dir,
  });
}
