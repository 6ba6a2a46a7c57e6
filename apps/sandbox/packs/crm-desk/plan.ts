import { dedupePlans } from "./plans/dedupe.ts";
import { enrichPlans } from "./plans/enrich.ts";
import { followUpPlans } from "./plans/follow-up.ts";
import type { JobPlan } from "./plans/job-plan.ts";

/** Numbers of records follow the order: what is new stands at the end of its list. */
export const plannedJobs: readonly JobPlan[] = [...enrichPlans, ...dedupePlans, ...followUpPlans];
