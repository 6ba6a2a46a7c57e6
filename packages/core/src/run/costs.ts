import type { Cost, Entry, Usage } from "../event.ts";

/**
 * What model calls have cost, from the entries of one run or of many. Pure.
 *
 * C1 A call counts once: by what was settled for it where a budget was in force, else by what was told of it.
 * C2 Each grouping holds the same calls, so that each adds up to the total.
 */
export interface Costs {
  readonly total: CostTotal;
  readonly byAgent: ReadonlyMap<string, CostTotal>;
  /** By the name that the provider gave with the answer; `""` for calls that were lost with their process. */
  readonly byModel: ReadonlyMap<string, CostTotal>;
  /** By the path of the step. */
  readonly byStep: ReadonlyMap<string, CostTotal>;
  readonly byRun: ReadonlyMap<string, CostTotal>;
  /** By the hash of the definition that the run had at that call. */
  readonly byDefinition: ReadonlyMap<string, CostTotal>;
}

export interface CostTotal {
  readonly calls: number;
  /** Millionths of a US dollar. */
  readonly microUsd: number;
  readonly tokens: number;
  /** `microUsd` by what it rests on (D12). */
  readonly byBasis: Readonly<Record<Cost["basis"], number>>;
  /** Calls of which nobody knows what they have cost; nothing of them is in `microUsd`. */
  readonly unknown: number;
}

export const noCosts: Costs = {
  total: nothing(),
  byAgent: new Map(),
  byModel: new Map(),
  byStep: new Map(),
  byRun: new Map(),
  byDefinition: new Map(),
};

/** @param runId the run whose entries these are */
export function costsOf(runId: string, entries: readonly Entry[]): Costs {
  const agents = new Map<string, string>();
  const calls = new Map<string, Call>();
  let definition = "";
  for (const entry of entries) {
    switch (entry.type) {
      case "run.started":
        definition = entry.body.definitionHash;
        break;
      case "run.migrated":
        definition = entry.body.to;
        break;
      case "model.called":
        agents.set(entry.body.command, entry.body.agent);
        break;
      case "model.responded":
      case "model.failed": {
        const { command, model, cost, usage } = entry.body;
        const agent = agents.get(command) ?? "";
        calls.set(command, { agent, model, step: entry.path, definition, told: { cost, usage } });
        break;
      }
      case "budget.settled": {
        const { command, agent, amount, basis } = entry.body;
        const call = calls.get(command) ?? { model: "", step: entry.path, definition, told: {} };
        const cost: Cost = { microUsd: amount.microUsd, basis };
        const usage = { inputTokens: amount.tokens, outputTokens: 0 };
        calls.set(command, { ...call, agent, told: { cost, usage } });
      }
    }
  }
  let costs = noCosts;
  for (const { agent, model, step, definition: hash, told } of calls.values()) {
    const total = totalOf(told);
    costs = addCosts(costs, {
      total,
      byAgent: new Map([[agent, total]]),
      byModel: new Map([[model, total]]),
      byStep: new Map([[step, total]]),
      byRun: new Map([[runId, total]]),
      byDefinition: new Map([[hash, total]]),
    });
  }
  return costs;
}

export function addCosts(left: Costs, right: Costs): Costs {
  return {
    total: addTotal(left.total, right.total),
    byAgent: addMaps(left.byAgent, right.byAgent),
    byModel: addMaps(left.byModel, right.byModel),
    byStep: addMaps(left.byStep, right.byStep),
    byRun: addMaps(left.byRun, right.byRun),
    byDefinition: addMaps(left.byDefinition, right.byDefinition),
  };
}

interface Call {
  readonly agent: string;
  readonly model: string;
  readonly step: string;
  readonly definition: string;
  readonly told: { readonly cost?: Cost | undefined; readonly usage?: Usage | undefined };
}

function nothing(): CostTotal {
  return { calls: 0, microUsd: 0, tokens: 0, byBasis: { reported: 0, estimated: 0, reserved: 0 }, unknown: 0 };
}

function totalOf({ cost, usage }: Call["told"]): CostTotal {
  const none = nothing();
  return {
    calls: 1,
    microUsd: cost?.microUsd ?? 0,
    tokens: usage ? usage.inputTokens + usage.outputTokens : 0,
    byBasis: cost ? { ...none.byBasis, [cost.basis]: cost.microUsd } : none.byBasis,
    unknown: cost ? 0 : 1,
  };
}

function addTotal(left: CostTotal, right: CostTotal): CostTotal {
  return {
    calls: left.calls + right.calls,
    microUsd: left.microUsd + right.microUsd,
    tokens: left.tokens + right.tokens,
    byBasis: {
      reported: left.byBasis.reported + right.byBasis.reported,
      estimated: left.byBasis.estimated + right.byBasis.estimated,
      reserved: left.byBasis.reserved + right.byBasis.reserved,
    },
    unknown: left.unknown + right.unknown,
  };
}

function addMaps(left: Costs["byRun"], right: Costs["byRun"]): Costs["byRun"] {
  const sum = new Map(left);
  for (const [key, total] of right) sum.set(key, addTotal(sum.get(key) ?? nothing(), total));
  return sum;
}
