import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateOperations } from "./generate.ts";
import { openLibrary } from "./library.ts";
import type { OperationsState } from "./state.ts";
import { documentTools } from "./tools/documents.ts";
import { infrastructureTools } from "./tools/infrastructure.ts";
import { monitoringTools } from "./tools/monitoring.ts";
import { ticketingTools } from "./tools/ticketing.ts";

/** The seed that scenarios and their incidents use unless they say otherwise. */
export const operationsDeskSeed = 1;

/** The infrastructure of "Ferrywise" as a world: what its operations desk reads, writes and does. */
export function operationsDeskWorld({
  seed = operationsDeskSeed,
}: {
  readonly seed?: number;
} = {}): World<OperationsState> {
  return {
    name: "operations-desk",
    initial: () => generateOperations(seed),
    clone: copyTables,
    tools: [...monitoringTools, ...documentTools(openLibrary(seed)), ...ticketingTools, ...infrastructureTools],
  };
}
