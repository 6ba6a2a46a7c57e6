import { type Cost, type Entry, settlementsOf } from "@remit/core";

/** What calls of live models came to. Amounts are millionths of a US dollar. */
export interface Spending {
  /** What the suite may spend; absent where nothing bounds it. */
  readonly limitMicroUsd?: number;
  /** Of all calls. Each is as its model's usage and price say, or what was set aside for it where those are unknown. */
  readonly microUsd: number;
  readonly calls: number;
  /** Calls by how well their cost is known; `unknown` only where nothing is bounded, and so nothing was set aside. */
  readonly bases: Readonly<Record<string, number>>;
  /** By the name that the vendor gave with its answers. */
  readonly models: Readonly<Record<string, { readonly calls: number; readonly microUsd: number }>>;
  /** Runs that ended because the next call could have gone beyond the limit. */
  readonly refusedRuns: number;
}

/** Adds up what the runs of a suite have spent. */
export function spendingOf(runs: readonly (readonly Entry[])[], limitMicroUsd: number | undefined): Spending {
  const calls = runs.flatMap(callsOf);
  return {
    ...(limitMicroUsd === undefined ? {} : { limitMicroUsd }),
    microUsd: sum(calls.map(({ microUsd }) => microUsd)),
    calls: calls.length,
    bases: grouped(
      calls,
      ({ basis }) => basis,
      (those) => those.length,
    ),
    models: grouped(
      calls,
      ({ model }) => model,
      (those) => ({
        calls: those.length,
        microUsd: sum(those.map(({ microUsd }) => microUsd)),
      }),
    ),
    refusedRuns: runs.filter((entries) => overspendIn(entries) !== undefined).length,
  };
}

/** Several suites as one: the first one's limit is for all of them, because each later one gets what was left. */
export function addSpending(all: readonly Spending[]): Spending | undefined {
  const [first] = all;
  if (!first) return undefined;
  const ofBases = all.flatMap(({ bases }) => Object.entries(bases));
  const ofModels = all.flatMap(({ models }) => Object.entries(models));
  return {
    ...(first.limitMicroUsd === undefined ? {} : { limitMicroUsd: first.limitMicroUsd }),
    microUsd: sum(all.map(({ microUsd }) => microUsd)),
    calls: sum(all.map(({ calls }) => calls)),
    bases: grouped(
      ofBases,
      ([basis]) => basis,
      (those) => sum(those.map(([, calls]) => calls)),
    ),
    models: grouped(
      ofModels,
      ([model]) => model,
      (those) => ({
        calls: sum(those.map(([, { calls }]) => calls)),
        microUsd: sum(those.map(([, { microUsd }]) => microUsd)),
      }),
    ),
    refusedRuns: sum(all.map(({ refusedRuns }) => refusedRuns)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function grouped<Item, Made>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  make: (those: readonly Item[]) => Made,
): Readonly<Record<string, Made>> {
  return Object.fromEntries([...Map.groupBy(items, keyOf)].map(([key, those]) => [key, make(those)]));
}

interface SpentCall {
  readonly model: string;
  readonly microUsd: number;
  readonly basis: Cost["basis"] | "unknown";
}

function callsOf(entries: readonly Entry[]): readonly SpentCall[] {
  const settled = new Map(settlementsOf(entries).map((one) => [one.seq, one]));
  return entries.flatMap(({ seq, type, body }): readonly SpentCall[] => {
    const settlement = settled.get(seq);
    const spent = settlement && { microUsd: settlement.amount.microUsd, basis: settlement.basis };
    if (type === "model.responded" || type === "model.failed") {
      const { model, cost } = body;
      return [{ model, ...(spent ?? { microUsd: cost?.microUsd ?? 0, basis: cost?.basis ?? "unknown" }) }];
    }
    // A call whose answer was lost with its process is settled all the same.
    return spent ? [{ model: "(answer lost)", ...spent }] : [];
  });
}

/** The error of the call that could have gone beyond the suite's limit, where a run asked for one. */
export function overspendIn(entries: readonly Entry[]): string | undefined {
  for (const { type, body } of entries) {
    if (type === "budget.exceeded" && body.scope === "tenant") return body.error.message;
  }
  return undefined;
}
