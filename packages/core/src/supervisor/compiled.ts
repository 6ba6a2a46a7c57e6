import type { AnyAgent } from "../agent.ts";
import type { ResolvedRule } from "../approval/rule.ts";
import type { RunBudget } from "../event.ts";
import type { Edge } from "../handoff.ts";
import type { FlowRules } from "../label/flow-rules.ts";
import type { Limits } from "../limits.ts";
import type { LooksBack, Policy } from "../policy/policy.ts";
import type { Threshold } from "../threshold.ts";
import type { AnyTool } from "../tool.ts";

/**
 * What a team comes to when it is compiled, apart from what compiles it: agents, policies and ports speak of it. An agent may
 * be a team, a team is of agents, and a policy is bound to one: these types are a circle, and the files they stand in with them.
 */

/** Agents that judge effects. They may only read; a team without them leaves everything to people. */
export interface Judges {
  readonly compliance?: AnyAgent;
  readonly reviewer?: AnyAgent;
}

/** A compiled supervisor: pure data and a machine, without engine and models. Can be drawn, checked and nested. */
export interface SupervisorDefinition<Input = unknown, Output = unknown, Alias extends string = string> {
  readonly kind: "supervisor";
  readonly name: string;
  readonly version: string;
  readonly agents: ReadonlyMap<string, AnyAgent>;
  readonly entry: string;
  readonly exits: ReadonlySet<string>;
  readonly edges: readonly Edge[];
  readonly edgeByName: ReadonlyMap<string, Edge>;
  readonly thresholds: ReadonlyMap<string, Threshold>;
  readonly onFailure: "fail" | "escalate";
  readonly limits: Limits;
  /** For each write that may not be made at once: what it waits for. */
  readonly approvals: ReadonlyMap<string, ResolvedRule>;
  readonly judges: Judges;
  readonly flows: FlowRules;
  readonly trusted: readonly string[];
  /** What a final answer may hold of sensitive classes, where it is a sink. */
  readonly cleared: readonly string[] | undefined;
  /** Some tool of the team brings data that others may have written, or that is not for everybody. */
  readonly tracks: boolean;
  /** Bound to this definition. */
  readonly policy: Policy | undefined;
  /** The policies that each agent of the whole tree of teams is under, the outermost first. */
  readonly policies: ReadonlyMap<string, readonly Policy[]>;
  /** Those that what undoes writes is under, by its tool. */
  readonly undoPolicies: ReadonlyMap<string, readonly Policy[]>;
  /** Those of the agents as earlier versions of the built-in policy had them. */
  readonly policiesBefore: ReadonlyMap<string, readonly Policy[]>;
  /** Those of whoever is no agent. */
  readonly ownPolicies: readonly Policy[];
  /** Which of its earlier calls a run remembers for all of these. */
  readonly looksBack: readonly LooksBack[];
  readonly budget: Pick<RunBudget, "run" | "agents"> | undefined;
  readonly aliases: readonly string[];
  /** Every tool of the team by name. */
  readonly tools: ReadonlyMap<string, AnyTool>;
  /** Hash of canonical data, JSON Schemas and versions: what a run is pinned to (D4). */
  readonly hash: string;
  /** Hashes of function texts, by what they belong to; they tell when a function changed under an unchanged version. */
  readonly functions: Readonly<Record<string, string>>;
  /** The machine and its step table; their types stay out of the public declarations. */
  readonly machine: unknown;
  readonly steps: unknown;
  /** Type only. */
  readonly types?: { readonly input: Input; readonly output: Output; readonly alias: Alias };
}
