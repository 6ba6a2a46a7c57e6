import { addDays } from "../../src/world/calendar.ts";

/** Today at Tarnbeck, always. A Monday. */
export const today = "2026-09-14";

/**
 * Why something goes to the review queue: a closed set, with the working days until somebody has to have looked at it. Policy
 * data, and the only place.
 */
export const reviews = {
  /** Two services say different things. */
  sources_disagree: { days: 3, human: "low-confidence" },
  /** What a service says does not go with what the record says. */
  contradicts_record: { days: 3, human: "policy-conflict" },
  /** No source is as sure as the field needs. */
  low_confidence: { days: 5, human: "low-confidence" },
  /** What there is was true years ago. */
  stale_source: { days: 5, human: "low-confidence" },
  /** A value that has not the form of its field. */
  malformed_value: { days: 2, human: "untrusted-data" },
  /** Nobody says anything. */
  no_source: { days: 10, human: "missing-data" },
  /** A service is down, or has answered enough for today. */
  source_unavailable: { days: 2, human: "tool-failure" },
  /** Nobody can tell whether two records are one. */
  unsure_match: { days: 5, human: "low-confidence" },
  /** Somebody noted that two records are not one. */
  noted_as_different: { days: 3, human: "policy-conflict" },
  /** Who is written to has not agreed, or has said no. */
  no_consent: { days: 1, human: "policy-conflict" },
  /** There is no address that may be written to. */
  no_address: { days: 2, human: "missing-data" },
  /** Somebody said no, or nobody said anything. */
  approval_refused: { days: 2, human: "approval-required" },
  /** The CRM said no: the record has moved on. */
  record_changed: { days: 1, human: "policy-conflict" },
} as const satisfies Readonly<Record<string, { readonly days: number; readonly human: string }>>;

export type ReviewReason = keyof typeof reviews;
export const reviewReasons = Object.keys(reviews) as [ReviewReason, ...ReviewReason[]];

/** The words that runs end with: why somebody has to look, as figures of all teams have it. */
export const humanWords = [...new Set(reviewReasons.map((reason) => wordOf(reason)))];

export function wordOf(reason: ReviewReason): string {
  return reviews[reason].human.replaceAll("-", "_");
}

/** The day by which somebody has to have looked: so many working days from today. */
export function deadlineOf(reason: ReviewReason, today: string): string {
  let day = today;
  for (let left: number = reviews[reason].days; left > 0; ) {
    day = addDays(day, 1);
    const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
    if (weekday !== 0 && weekday !== 6) left--;
  }
  return day;
}
