import type { AnyAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import type { BudgetAmount } from "../event.ts";
import { leastAmount } from "../grant.ts";
import { assertBound } from "../limits.ts";
import type { SupervisorDefinition } from "./compiled.ts";

/** What a definition says of money and tokens. */

type Given = { readonly run?: BudgetAmount; readonly agents?: object } | undefined;

/** What agents of inner teams may cost holds wherever those teams work; a run's own budget is that of the outermost. */
export function withInnerBudgets(
  own: SupervisorDefinition["budget"],
  agents: ReadonlyMap<string, AnyAgent>,
): SupervisorDefinition["budget"] {
  const bounds = new Map(Object.entries(own?.agents ?? {}));
  for (const { team } of agents.values()) {
    for (const [agent, amount] of Object.entries(team?.budget?.agents ?? {})) {
      bounds.set(agent, leastAmount(bounds.get(agent) ?? {}, amount));
    }
  }
  if (bounds.size === 0) return own;
  return { ...own, agents: Object.fromEntries(bounds) };
}

/** @throws OrchestrationError `limits/not-a-bound` */
export function checkAmounts(supervisor: string, budget: Given): void {
  const agents = Object.values(budget?.agents ?? {}) as (BudgetAmount | undefined)[];
  for (const amount of [budget?.run, ...agents]) {
    if (amount?.microUsd !== undefined) assertBound(`budget.microUsd of ${supervisor}`, amount.microUsd, 0);
    if (amount?.tokens !== undefined) assertBound(`budget.tokens of ${supervisor}`, amount.tokens, 0);
  }
}

/**
 * A name that nobody in the tree of teams has would bound nobody.
 * @throws OrchestrationError `supervisor/agent-unknown`
 */
export function checkBudgeted(budget: Given, names: { readonly has: (name: string) => boolean }): void {
  const agent = Object.keys(budget?.agents ?? {}).find((name) => !names.has(name));
  if (agent !== undefined)
    throw new OrchestrationError("supervisor/agent-unknown", { agent, where: "`budget.agents`" });
}
