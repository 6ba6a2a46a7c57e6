import { type AnyTool, defineAgent, type Json } from "@remit/core";
import { z } from "zod";
import type { DojoPolicy, FlowPolicy, ToolPolicy } from "./policy.ts";

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
export function supervisorOptions({ flows }: DojoPolicy): { readonly flows: FlowPolicy } {
  const given = Object.entries(flows).filter(([, value]) => value !== undefined);
  return { flows: Object.fromEntries(given) as FlowPolicy };
}

/** What a governed agent has beside its own: it may fix its steps before it reads. */
export const agentOptions = { plans: true } as const;

/** The tool by which a model announces its steps, where it is offered. */
export const planTool = "plan_steps";

export type HoleType = "number" | "integer" | "boolean" | "date" | "string";
/** A value that is not known yet, with what may fill it. */
export interface Hole {
  readonly $hole: {
    readonly type: HoleType;
    readonly from?: readonly string[];
    readonly pattern?: string;
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

/** True when the kernel governs where values come from; without that, a governed run is one whose tools wait for nobody. */
export function governsFlows(): boolean {
  const agent = defineAgent({
    name: "planner",
    description: "",
    model: "any",
    tools: [] as readonly AnyTool[],
    input: z.object({}),
    output: z.object({}),
    instructions: "",
    ...agentOptions,
  });
  return "plans" in agent;
}

/** Texts of an answer that come from foreign text alone, as the run's result marks them. */
export function marksOf(result: object): readonly string[] {
  const { marks } = result as { readonly marks?: unknown };
  return typeof marks === "object" && marks !== null ? [...textsOf(marks)] : [];
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) yield* textsOf(one);
}
