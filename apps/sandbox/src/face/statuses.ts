import type { RunStatus } from "@remit/core";

/** How a run may stand, in the order in which they are shown. */
export const statuses = [
  "running",
  "parked",
  "completed",
  "denied",
  "escalated",
  "failed",
  "cancelled",
] as const satisfies readonly RunStatus[];
