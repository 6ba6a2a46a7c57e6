import type { AnyAgent } from "../agent.ts";
import type { BudgetAmount } from "../event.ts";
import { isSensitive } from "../label/label.ts";
import { isCleared, isRoute, modelsOf, type Route } from "../model/route.ts";
import type { Model, ModelRequest } from "../port/model.ts";
import { type Ground, reachedFrom, wayTo } from "./ground.ts";
import type { CheckOptions, Note, Rule } from "./rule.ts";

/** Whether the models that an agent may be answered by can be asked: by what they may see, by what they cost. */
export const checkModels: Rule = (ground, note, options) => {
  const { models } = options;
  if (!models) return;
  const own = (alias: string) => (Object.hasOwn(models, alias) ? models[alias] : undefined);
  checkClearance(ground, own, note);
  for (const [alias, source] of Object.entries(models)) {
    const { cost, provider } = isRoute(source) ? (source.candidates[0] as Model) : source;
    if (modelsOf(source).length > 1 || cost !== "paid" || provider === undefined) continue;
    note("check/alias-single", [ground.root.name, alias], { alias, provider });
  }
  checkBudgets(ground, own, options, note);
};

type ModelsOf = (alias: string) => Model | Route | undefined;

/** What a run has read of a class may be in every request behind it: also in those of judges, who see what is proposed. */
function checkClearance(ground: Ground, own: ModelsOf, note: Note): void {
  const { agents, root } = ground;
  const holders = new Map<string, Map<string, string>>();
  for (const { agent } of agents.values()) {
    for (const { name, labels } of agent.tools) {
      for (const label of labels.filter(isSensitive)) {
        const known = holders.get(label) ?? new Map<string, string>();
        holders.set(label, known.set(agent.name, known.get(agent.name) ?? name));
      }
    }
  }
  for (const [label, sources] of holders) {
    const reached = reachedFrom(ground, sources.keys());
    const tell = (agent: string, alias: string, way: readonly string[]) => {
      const source = own(alias);
      if (!source) return;
      const all = modelsOf(source);
      const cleared = all.filter((model) => isCleared(model, [label]));
      const from = sources.get(way[0] as string) ?? "";
      const path = [from, ...way, alias];
      if (cleared.length === 0) note("check/route-not-cleared", path, { agent, alias, labels: label, source: from });
      else if (cleared.length === 1 && all.length > 1) {
        const [{ id: model }] = cleared as [Model];
        note("check/fallback-not-cleared", path, { agent, alias, labels: label, model });
      }
    };
    for (const { agent, team } of agents.values()) {
      if (agent.team || agent.remote || !reached.has(agent.name)) continue;
      const way = wayTo(reached, agent.name);
      tell(agent.name, agent.model, way);
      const stronger = team.definition.thresholds.get(agent.name)?.stronger;
      if (stronger !== undefined) tell(agent.name, stronger, way);
    }
    const writer = [...agents.values()].find(
      ({ agent }) => reached.has(agent.name) && agent.tools.some(({ name }) => root.approvals.has(name)),
    );
    if (!writer) continue;
    for (const judge of [root.judges.compliance, root.judges.reviewer]) {
      if (judge) tell(judge.name, judge.model, [...wayTo(reached, writer.agent.name), judge.name]);
    }
  }
}

/** The least that an agent's request can be: its instructions and tools, and nothing said yet. */
function leastRequest({ name, instructions, tools, asks, outputSchema }: AnyAgent): ModelRequest {
  return {
    agent: name,
    instructions,
    input: null,
    messages: [],
    tools: tools.map((tool) => ({ name: tool.name, description: tool.description, inputSchema: tool.inputSchema })),
    asks,
    outputSchema,
    labels: [],
    context: { tenant: "check", runId: "run_check", path: name, turn: 1, attempt: 1, agentCall: 0, attributes: {} },
  };
}

function checkBudgets({ agents, root, visited }: Ground, own: ModelsOf, { budgets }: CheckOptions, note: Note): void {
  const shared: (readonly [whose: string, amount: BudgetAmount])[] = Object.entries(budgets ?? {}).map(
    ([tenant, amount]) => [`the tenant ${tenant}`, amount],
  );
  if (root.budget?.run) shared.push(["a run", root.budget.run]);
  if (shared.length === 0 && root.budget?.agents === undefined) return;
  for (const { agent, path } of agents.values()) {
    const source = agent.team || agent.remote ? undefined : own(agent.model);
    if (!source) continue;
    const amounts = [...shared];
    const ownAmount = root.budget?.agents?.[agent.name];
    if (ownAmount) amounts.push(["this agent", ownAmount]);
    const request = leastRequest(agent);
    visited.tools += agent.tools.length;
    const quotes = modelsOf(source).map((model) => quoteOf(model, request));
    for (const [whose, amount] of amounts) {
      for (const unit of ["microUsd", "tokens"] as const) {
        const bound = amount[unit];
        const least = Math.min(...quotes.map((quote) => quote?.[unit] ?? 0));
        if (bound === undefined || least <= bound) continue;
        note("check/budget-too-small", [...path, unit], { agent: agent.name, quoted: least, unit, whose, bound });
      }
    }
  }
}

/** Nothing where a model says nothing of its cost: that is looked at where it is run. */
function quoteOf(
  model: Model,
  request: ModelRequest,
): { readonly microUsd: number; readonly tokens: number } | undefined {
  try {
    return model.cost === "zero" ? undefined : model.quote?.(request);
  } catch {
    return undefined; // It wants a request as a run makes it; a call will say what is wrong.
  }
}
