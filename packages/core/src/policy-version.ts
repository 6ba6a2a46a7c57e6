import type { Rules } from "./run/state.ts";

/**
 * Versions of the built-in policy. A run is pinned to the one it began under, so that a journal of then is decided as it
 * was then. What takes something away at once is no version: restrictions are (D4).
 */

/**
 * What new runs begin under: allowlists, schemas, limits, tiers of risk, tries, flows of foreign data, one voice a person,
 * labels of all branches and of what judges have read, grants of judges, nothing more of an agent that was stopped, no hash of
 * what names alone decide, nothing empty where something is bounded or protected, no medium by its address of a model, no
 * refusal for a person's no that speaks for an earlier try, nothing edited that nobody else has approved,
 * policies of all the teams in which an agent works, budgets of teams.
 */
export const policyVersion = "stops-1";

/**
 * The same, where the rest of an answer was still asked for when its agent had been stopped in the midst of it, and what a
 * policy was asked was hashed on each edge, whatever it was decided by, and where a grant bounds an argument or a tool
 * protects it, an empty list passed; what a model said could have the next one's vendor fetch an address, a person's no to a later try
 * settled a write whose earlier try nobody knew of, and what an edit had made harmless to the rules was made at once; of
 * an agent in several teams the policy of the last one held, and of what undoes writes that of the outermost; the budget of a
 * team among `budget.agents` bounded nothing.
 */
const labelsVersion = "labels-1";

/**
 * That, where labels of one of two branches, and of what a judge had read, could be lost, a judge had no
 * bound but reads, a part of a path was the word of who had said the path, labels of an input counted only in a team that
 * reads foreign data itself, and foreign text could have an item of a memory forgotten.
 */
const voicesVersion = "voices-1";

/** That, where somebody who had approved for another could approve for themselves besides. */
const flowsVersion = "flows-1";

/** That without flows. */
const tiersVersion = "tiers-1";

/** Allowlists, schemas and limits alone: what runs without a version in their first entry began under. */
export const firstPolicyVersion = "allowlist-1";

/** What a version asks for. A version that is not known here asks for everything. */
export function rulesOf(version: string): Rules {
  const tiers = version !== firstPolicyVersion;
  const flows = tiers && version !== tiersVersion;
  const voices = flows && version !== flowsVersion;
  const labels = voices && version !== voicesVersion;
  const stops = labels && version !== labelsVersion;
  return {
    tiers,
    retries: tiers,
    flows,
    voices,
    labels,
    judges: labels,
    words: labels,
    inputs: labels,
    forgets: labels,
    stops,
    names: stops,
    empties: stops,
    media: stops,
    drops: stops,
    refusals: stops,
    edits: stops,
    inner: stops,
    teams: stops,
  };
}
