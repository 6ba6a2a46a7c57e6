import { generateCrm } from "../generate.ts";
import { crmDeskSeed, crmDeskWorld } from "../world.ts";
import { dedupeStories } from "./dedupe.ts";
import { enrichStories } from "./enrich.ts";
import { followUpStories } from "./follow-up.ts";
import { oversteppingStories } from "./overstep.ts";
import { type Told, tell } from "./story.ts";

export type { Told } from "./story.ts";

/** All scenarios of the desk, with what must be true of its CRM at their ends. */
export function crmStories(): readonly Told[] {
  const { state, recordsOf } = generateCrm(crmDeskSeed);
  const stage = { world: crmDeskWorld(), start: state, recordsOf };
  return [...enrichStories, ...dedupeStories, ...followUpStories, ...oversteppingStories].map((story) =>
    tell(stage, story),
  );
}
