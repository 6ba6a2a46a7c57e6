import type { BudgetAmount, Entry, Spend } from "../event.ts";
import type { Decided, Fold } from "../stream/stream.ts";
import { addSpend, leftOf, members, minusSpend, noSpend } from "./spend.ts";

/**
 * One tenant's budget over one period, as a fold of its stream, and what may be decided from it. Pure.
 *
 * B1 What is spent and what is reserved are never more than the bound together, unless a run spent more than it took.
 * B2 One slice of one run is taken once, one run is settled once; the first word counts.
 * B3 A run that was settled takes nothing any more: when all runs are settled, nothing is reserved.
 */

export interface RunAccount {
  readonly slices: Map<string, Spend>;
  taken: Spend;
  /** The run's last word; `undefined` while it may still take. */
  spent: Spend | undefined;
}

export interface Account {
  readonly runs: Map<string, RunAccount>;
  /** By runs that were settled. */
  spent: Spend;
  /** By runs that were not. */
  reserved: Spend;
}

export const accountFold: Fold<Account> = {
  initial: () => ({ runs: new Map(), spent: noSpend, reserved: noSpend }),
  apply: (account, entry) => {
    applyEntry(account, entry);
    return account;
  },
};

function applyEntry(account: Account, entry: Entry): void {
  switch (entry.type) {
    case "slice.taken": {
      const { run: id, slice, amount } = entry.body;
      const run = runOf(account, id);
      if (run.slices.has(slice) || run.spent) return; // B2, B3
      run.slices.set(slice, amount);
      run.taken = addSpend(run.taken, amount);
      account.reserved = addSpend(account.reserved, amount);
      return;
    }
    case "slice.settled": {
      const run = runOf(account, entry.body.run);
      if (run.spent) return; // B2
      run.spent = entry.body.spent;
      account.spent = addSpend(account.spent, run.spent);
      account.reserved = minusSpend(account.reserved, run.taken);
    }
  }
}

function runOf(account: Account, id: string): RunAccount {
  let run = account.runs.get(id);
  if (!run) {
    run = { slices: new Map(), taken: noSpend, spent: undefined };
    account.runs.set(id, run);
  }
  return run;
}

/** What a run asks for. */
export interface Demand {
  readonly slice: string;
  readonly run: string;
  readonly needed: Spend;
  /** Taken when there is so much, so that the run need not ask at every call. */
  readonly least: Spend;
}

export type Taken =
  | { readonly kind: "taken"; readonly amount: Spend }
  | { readonly kind: "refused"; readonly left: BudgetAmount }
  /** The run was settled: whoever asks has been overtaken. */
  | { readonly kind: "settled" };

/** Decides on a slice: what is needed, or the least slice where that is more and is there; refused when it is not there. */
export function decideTake(
  account: Account,
  bound: BudgetAmount,
  { slice, run, needed, least }: Demand,
): Decided<Taken> {
  const known = account.runs.get(run);
  const before = known?.slices.get(slice);
  if (before) return { answer: { kind: "taken", amount: before } };
  if (known?.spent) return { answer: { kind: "settled" } };
  const left = leftOf(bound, addSpend(account.spent, account.reserved));
  if (members.some((member) => (left[member] ?? Number.POSITIVE_INFINITY) < needed[member])) {
    return { answer: { kind: "refused", left } };
  }
  const share = (member: keyof Spend) => {
    const there = left[member];
    return there === undefined ? needed[member] : Math.min(there, Math.max(needed[member], least[member]));
  };
  const amount = { microUsd: share("microUsd"), tokens: share("tokens") };
  const draft = { type: "slice.taken", body: { slice, run, amount, bound } } as const;
  return { drafts: [draft], answer: { kind: "taken", amount } };
}

/**
 * Decides on a run's last word. It is written also of a run that took nothing: a slice that is on its way from a
 * process which was overtaken must not be taken behind it (B3).
 */
export function decideSettle(account: Account, run: string, spent: Spend): Decided<Spend> {
  const known = account.runs.get(run)?.spent;
  if (known) return { answer: known };
  return { drafts: [{ type: "slice.settled", body: { run, spent } }], answer: spent };
}
