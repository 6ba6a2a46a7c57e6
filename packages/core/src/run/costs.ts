import type { Cost, Entry, EntryType } from "../event.ts";
import { type Settlement, settlementsOf } from "./settlements.ts";

/**
 * What model calls have cost, from the entries of one run or of many. Pure.
 *
 * C1 A call counts once: by what it was settled at where a budget was in force, else by what was told of it. One that was
 *    lost and made again is two calls.
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
  let costs = noCosts;
  for (const { agent, model, step, definition: hash, told } of callsIn(entries)) {
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

/** What alone has to be read for what a run's calls have cost in all. */
export const costTypes: ReadonlySet<string> = new Set<EntryType>([
  "budget.reserved",
  "model.responded",
  "model.failed",
  "budget.settled",
]);

/**
 * What the calls of one run have cost in all, as far as that is known, in millionths of a US dollar.
 * @param entries in their order, those of `costTypes` among them
 */
export function microUsdOf(entries: readonly Entry[]): number {
  return callsIn(entries).reduce((sum, { told }) => sum + (told.cost?.microUsd ?? 0), 0);
}

interface Call {
  readonly agent: string;
  readonly model: string;
  readonly step: string;
  readonly definition: string;
  readonly told: { readonly cost?: Cost | undefined; readonly tokens: number };
}

/** The calls of a run in the order in which they were settled, or told of. */
function callsIn(entries: readonly Entry[]): readonly Call[] {
  const settled = new Map(settlementsOf(entries).map((one) => [one.seq, one]));
  const agents = new Map<string, string>();
  const calls: Call[] = [];
  let definition = "";
  for (const entry of entries) {
    const { seq, path: step } = entry;
    const settlement = settled.get(seq);
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
        const tokens = usage ? usage.inputTokens + usage.outputTokens : 0;
        const told = settlement ? toldBy(settlement) : { cost, tokens };
        calls.push({ agent: agents.get(command) ?? "", model, step, definition, told });
        break;
      }
      case "budget.settled":
        if (settlement) calls.push({ agent: settlement.agent, model: "", step, definition, told: toldBy(settlement) });
    }
  }
  return calls;
}

function toldBy({ amount: { microUsd, tokens }, basis }: Settlement): Call["told"] {
  return { cost: { microUsd, basis }, tokens };
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

function nothing(): CostTotal {
  return { calls: 0, microUsd: 0, tokens: 0, byBasis: { reported: 0, estimated: 0, reserved: 0 }, unknown: 0 };
}

function totalOf({ cost, tokens }: Call["told"]): CostTotal {
  const none = nothing();
  return {
    calls: 1,
    microUsd: cost?.microUsd ?? 0,
    tokens,
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
