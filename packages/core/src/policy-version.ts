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

/** What versions of the built-in policy differ in. */
export interface Rules {
  /** Writes of medium and high risk wait for a verdict and for people. */
  readonly tiers: boolean;
  /** Failed steps are tried again where that is safe. */
  readonly retries: boolean;
  /** What others may have written fills no protected argument and causes no write by itself (R9). */
  readonly flows: boolean;
  /** Who approves for somebody else has no second voice of their own (R8). */
  readonly voices: boolean;
  /** A join carries the labels of all branches, and an agent that shall revise those of what its judge has read (R9). */
  readonly labels: boolean;
  /** A judge may use what its team may (R6). */
  readonly judges: boolean;
  /** A part of a word that a person has said, such as of a path, is not their word (R9). */
  readonly words: boolean;
  /** What a run was handed is labelled as it came, also where its own team reads nothing foreign (R9). */
  readonly inputs: boolean;
  /** No foreign text has an item of a memory forgotten (R9). */
  readonly forgets: boolean;
  /** Of the answer in the midst of which an agent is stopped the rest is asked for no more (R11). */
  readonly stops: boolean;
  /** Where a policy allows by names alone, what it was asked is not hashed. */
  readonly names: boolean;
  /** Nothing is no value that a bound or a person has allowed: not in a bounded argument (R6), nor in a protected one (R9). */
  readonly empties: boolean;
  /** What models say holds no medium by its address: who reads it next would have it fetched (R3). */
  readonly media: boolean;
  /** A read that waited for a person and was dropped is said to be settled: nobody waits for that person any more. */
  readonly drops: boolean;
  /** A refusal for a person's no says nothing of an earlier try whose outcome is unknown (R7). */
  readonly refusals: boolean;
  /** What a person has edited waits for another one, whatever it would have taken without (R8). */
  readonly edits: boolean;
  /** Policies of all the teams in which an agent works hold for it, and those of inner teams for what undoes their writes. */
  readonly inner: boolean;
  /** A budget of a team bounds what is spent inside of it (R10). */
  readonly teams: boolean;
}

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
