import { type AnyTool, type FlowRules, type Json, type Mark, planSteps } from "@remit/core";
import type { DojoPolicy, ToolPolicy } from "./policy.ts";

/** The one place where a suite's policy becomes options of the kernel. */

/** What a governed tool has beside its own. */
export function toolOptions({ labels, protect, trusts, cleared }: ToolPolicy): {
  readonly labels: readonly string[];
  readonly protect: readonly string[];
  readonly trusts: readonly string[];
  readonly cleared?: readonly string[];
} {
  return { labels, protect, trusts, ...(cleared === undefined ? {} : { cleared }) };
}

/** What a governed supervisor has beside its own. */
export function supervisorOptions({ flows }: DojoPolicy): { readonly flows: FlowRules } {
  const given = Object.entries(flows).filter(([, value]) => value !== undefined);
  return { flows: Object.fromEntries(given) as FlowRules };
}

/** The tools of a governed agent: it may announce its writes before it reads. */
export function governedTools(tools: readonly AnyTool[]): readonly AnyTool[] {
  return [planSteps, ...tools];
}

/** The tool by which a model announces its steps, where it is offered. */
export const planTool = planSteps.name;

export type HoleType = "number" | "integer" | "boolean" | "date" | "string";
/** A value that is not known yet, with what may fill it. */
export interface Hole {
  readonly $hole: {
    readonly type: HoleType;
    readonly from?: readonly string[];
    readonly pattern?: string;
    readonly formula?: string;
    readonly template?: string;
    readonly parts?: readonly Hole[];
  };
}
export interface PlannedStep {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, Json | Hole>>;
}

export function isHole(value: unknown): value is Hole {
  return typeof value === "object" && value !== null && "$hole" in value;
}

/** Texts of an answer that are marked: they come from foreign text alone, or from nobody. */
export function marksOf(result: object): readonly string[] {
  const { marks = [] } = result as { readonly marks?: readonly Mark[] };
  return marks.map(({ value }) => String(value));
}
