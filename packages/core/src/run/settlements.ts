import type { Cost, Entry, EntryBodies, Spend } from "../event.ts";

/**
 * What became of what was set aside for the calls of one run (R10), from its entries. Pure.
 *
 * T1 An outcome settles its call: by what it says of cost and tokens, and where it does not say it, by what was set aside.
 * T2 `budget.settled` settles what no outcome comes of (a call that was lost with its process, abandoned or given up), and
 *    what a specialist's run has spent.
 * T3 Journals of before have that entry behind an outcome too, which says once more what the outcome has settled: it counts
 *    for nothing.
 */
export interface Settlement {
  /** Of the entry that settles it. */
  readonly seq: number;
  /** Of the model call or of the delegation; a call that was lost and made again is settled twice, as two calls. */
  readonly command: string;
  readonly agent: string;
  readonly amount: Spend;
  readonly basis: Cost["basis"];
}

/** What an outcome says of the money and tokens of its call. */
export type Told = Pick<EntryBodies["model.responded"], "cost" | "usage">;

/** What a call comes to for which so much was set aside, and of which so much is told (D12). */
export function settledAt(
  { microUsd, tokens }: Spend,
  { cost, usage }: Told,
): { readonly amount: Spend; readonly basis: Cost["basis"] } {
  return {
    amount: {
      microUsd: cost?.microUsd ?? microUsd,
      tokens: usage ? usage.inputTokens + usage.outputTokens : tokens,
    },
    basis: cost?.basis ?? "reserved",
  };
}

/** @param entries of one run, in their order; bodies that were erased settle nothing */
export function settlementsOf(entries: readonly Entry[]): readonly Settlement[] {
  const agents = new Map<string, string>();
  const reserved = new Map<string, Spend>();
  /** Seq of the outcome that settled a call last. */
  const outcomes = new Map<string, number>();
  const settlements: Settlement[] = [];
  for (const entry of entries) {
    // All that is read here is about a command; an erased body names none.
    if (!("command" in entry.body)) continue;
    const { seq } = entry;
    switch (entry.type) {
      case "model.called":
        agents.set(entry.body.command, entry.body.agent);
        break;
      case "budget.reserved":
        reserved.set(callOf(entry.body.command), entry.body.amount);
        break;
      case "model.responded":
      case "model.failed": {
        const { command } = entry.body;
        const held = reserved.get(command);
        if (!held) break;
        reserved.delete(command);
        outcomes.set(command, seq);
        settlements.push({ seq, command, agent: agents.get(command) ?? "", ...settledAt(held, entry.body) });
        break;
      }
      case "budget.settled": {
        if (outcomes.get(entry.body.command) === entry.cause) break;
        reserved.delete(entry.body.command);
        settlements.push({ seq, ...entry.body });
      }
    }
  }
  return settlements;
}

/** The model call that a reservation is for. */
function callOf(reservation: string): string {
  return reservation.slice(0, reservation.lastIndexOf("/budget@"));
}
