import type { PolicyEdge } from "./request.ts";
import { type AnyPolicyRule, aftersOf } from "./rule.ts";

/** What rules come to before anything is asked: by their names alone, whatever their functions say. */

/** A rule that wants calls to have come before. */
export interface LateRule {
  readonly id: string;
  readonly on: readonly PolicyEdge[];
  /** All, when absent; so with `tools`. */
  readonly agents?: readonly string[];
  readonly tools?: readonly string[];
  /** Of each of these lists one tool has to have returned. */
  readonly after: readonly (readonly string[])[];
}

export function lateRulesOf(rules: readonly AnyPolicyRule[]): readonly LateRule[] {
  return rules.flatMap((rule) => {
    const after = aftersOf(rule).map(({ tools }) => [...tools]);
    if (after.length === 0) return [];
    const { id, agents, tools } = rule;
    return { id, on: edgesOf(rule), after, ...(agents ? { agents } : {}), ...(tools ? { tools } : {}) };
  });
}

/** True where no rule lets an agent call a tool, or one without a condition denies it. */
export function neverAllows(rules: readonly AnyPolicyRule[], agent: string, tool: string): boolean {
  const about = rules.filter(
    (rule) =>
      edgesOf(rule).includes("tool") && (rule.agents?.includes(agent) ?? true) && (rule.tools?.includes(tool) ?? true),
  );
  if (about.some(({ effect, when }) => effect === "deny" && when === undefined)) return true;
  return about.every(({ effect }) => effect === "deny");
}

function edgesOf({ on }: Pick<AnyPolicyRule, "on">): readonly PolicyEdge[] {
  return typeof on === "string" ? [on] : on;
}
