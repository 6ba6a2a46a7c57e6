export type EndStatus = "completed" | "denied" | "escalated" | "failed" | "cancelled";
export type RunStatus = "running" | "parked" | EndStatus;

/** Types of the entries that end a run. */
export const endTypes = ["run.completed", "run.denied", "run.escalated", "run.failed", "run.cancelled"] as const;

/** The status that an entry type ends a run with, if it does. */
export function endStatusOf(type: string): EndStatus | undefined {
  switch (type) {
    case "run.completed":
      return "completed";
    case "run.denied":
      return "denied";
    case "run.escalated":
      return "escalated";
    case "run.failed":
      return "failed";
    case "run.cancelled":
      return "cancelled";
    default:
      return undefined;
  }
}
