import type { Json } from "@remit/core";

/** A write that is put before a judge. */
export interface Proposal {
  readonly scenario: string;
  readonly tool: string;
  readonly input: Json;
}

/** Why a write may not be made, and which judge has to see it. */
export interface Objection {
  readonly judge: "compliance" | "reviewer";
  readonly ruleId: string;
  readonly reason: string;
}

/**
 * What scripted judges of a domain go by: its records, and what its people were asked. It stands in for a model that
 * looks such things up; without one, scripted judges allow what they are shown.
 */
export type Conduct = (proposal: Proposal) => readonly Objection[];

/** What an evidence entry of a packet begins with when its reviewer objects: whoever decides by rule rejects that. */
export const objectionMark = "objection: ";
