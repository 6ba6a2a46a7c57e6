import type { KpiRun, RunFacts } from "./facts.ts";

/** The values that a run has in one dimension; none, one or several. */
export type SegmentBy = (facts: RunFacts, run: KpiRun) => string | readonly string[] | undefined;

/** What runs without a value count under. */
export const noSegment = "(none)";
const charsMax = 200;

export function segmentsOf(segmentBy: SegmentBy, facts: RunFacts, run: KpiRun): readonly string[] {
  const given = segmentBy(facts, run);
  const values = given === undefined ? [] : typeof given === "string" ? [given] : given;
  const named = [
    ...new Set(values.filter((value) => value !== "").map((value) => value.slice(0, charsMax).toWellFormed())),
  ];
  return named.length > 0 ? named : [noSegment];
}

/** By the words that the caller gave with the run. */
export function byTag(): SegmentBy {
  return ({ tags }) => tags;
}

export function byTenant(): SegmentBy {
  return ({ tenant }) => tenant;
}

export function bySupervisor(): SegmentBy {
  return ({ supervisor }) => supervisor;
}

/** `supervisor@hash` of the definition that the run is under: one version of a team beside another. */
export function byDefinition(): SegmentBy {
  return ({ supervisor, definitionNow }) => (definitionNow === "" ? undefined : `${supervisor}@${definitionNow}`);
}

export function byStatus(): SegmentBy {
  return ({ status }) => status;
}

/** By the models that answered in the run. */
export function byModel(): SegmentBy {
  return ({ calls }) => [...calls.models.keys()];
}

/** By one of the attributes that the run was started with. */
export function byAttribute(name: string): SegmentBy {
  return ({ attributes }) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
}

/** By a text in what an agent has returned, such as the intent that triage has found; the last one where it returned often. */
export function byOutput(agent: string, field: string): SegmentBy {
  return (_, { entries }) => {
    for (const entry of entries.toReversed()) {
      if (entry.type !== "handoff.returned" || entry.body.agent !== agent) continue;
      const { output } = entry.body;
      if (typeof output !== "object" || output === null || Array.isArray(output) || !Object.hasOwn(output, field))
        continue;
      const value = (output as { readonly [key: string]: unknown })[field];
      return typeof value === "string"
        ? value
        : typeof value === "number" || typeof value === "boolean"
          ? String(value)
          : undefined;
    }
    return undefined;
  };
}
