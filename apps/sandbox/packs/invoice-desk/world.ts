import { fileURLToPath } from "node:url";
import { worldServerCommand } from "../../src/world/launch.ts";
import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateDesk } from "./generate.ts";
import { takeIn } from "./intake.ts";
import type { DeskState } from "./state.ts";
import { deskTools } from "./tools.ts";

/** The seed that scenarios use unless they say otherwise. */
export const invoiceDeskSeed = 1;

/** The accounts payable of the group "Fernhollow" as a world: document store, vendors, orders and books made from `seed`. */
export function invoiceDeskWorld({ seed = invoiceDeskSeed }: { readonly seed?: number } = {}): World<DeskState> {
  let made: DeskState | undefined;
  return {
    name: "invoice-desk",
    initial: () => {
      if (!made) {
        made = generateDesk(seed).state;
        takeIn(made.documents);
      }
      return copyTables(made);
    },
    clone: copyTables,
    tools: deskTools,
  };
}

/** The command line of the desk's server process, which keeps its logs in `dir`. */
export function invoiceDeskServer({ dir, seed = invoiceDeskSeed }: { readonly dir: string; readonly seed?: number }) {
  const module = fileURLToPath(import.meta.url);
  return worldServerCommand({ module, export: "invoiceDeskWorld", options: { seed }, dir });
}
