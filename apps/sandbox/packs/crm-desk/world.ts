import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateCrm } from "./generate.ts";
import type { CrmState } from "./state.ts";
import { enrichmentTools } from "./tools/enrichment.ts";
import { mailTools } from "./tools/mail.ts";
import { recordTools } from "./tools/records.ts";
import { reviewTools } from "./tools/review.ts";

/** The seed that scenarios and their records use unless they say otherwise. */
export const crmDeskSeed = 1;

/** The CRM of "Tarnbeck" as a world: records, services that know more, mail, calendar and the review queue. */
export function crmDeskWorld({ seed = crmDeskSeed }: { readonly seed?: number } = {}): World<CrmState> {
  return {
    name: "crm-desk",
    initial: () => generateCrm(seed).state,
    clone: copyTables,
    tools: [...recordTools, ...enrichmentTools, ...mailTools, ...reviewTools],
  };
}
