import { type ErrorData, OrchestrationError } from "../errors.ts";
import type { BudgetAmount, Spend } from "../event.ts";
import { assertBound } from "../limits.ts";
import type { Journal } from "../port/journal.ts";
import { streamShelf } from "../stream/shelf.ts";
import { openStream, type Stream } from "../stream/stream.ts";
import { type Account, accountFold, decideSettle, decideTake } from "./account.ts";
import { addSpend, leastSpend, leftOf, minusSpend, noSpend, wholeSpend } from "./spend.ts";

/** What all runs of a tenant may use together (R10). A member that is left out is not bounded. */
export interface TenantBudget extends BudgetAmount {
  /** The bound is for each day or month (UTC) anew; absent: once and for all. */
  readonly per?: "day" | "month";
  /** What a run takes at least at once, while there is so much: fewer, larger slices. */
  readonly slice?: BudgetAmount;
}

export interface BudgetLedgerOptions {
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
  /** By tenant. A tenant without one is not bounded. */
  readonly budgets: { readonly [tenant: string]: TenantBudget };
}

export interface SliceDemand {
  /** Id of the slice within its run. The same one again is the same slice, and gets the same answer. */
  readonly slice: string;
  readonly run: string;
  readonly needed: Spend;
  /**
   * Epoch ms at which the need arose: names the period. Now, when absent. Whoever asks again after a crash gives the
   * same one, or the slice is looked for in another period.
   */
  readonly at?: number;
}

/** A run that has ended and all that it used. */
export interface SettledRun {
  readonly run: string;
  readonly spent: Spend;
}

export type SliceAnswer =
  | { readonly stream: string; readonly amount: Spend }
  | { readonly error: OrchestrationError<"budget/exceeded"> };

/** How one tenant's budget stands in one period. */
export interface BudgetView {
  readonly stream: string;
  readonly bound: BudgetAmount;
  /** By runs that have ended. */
  readonly spent: Spend;
  /** Set aside by runs that have not. */
  readonly reserved: Spend;
  /** What can still be taken: the bounded members. */
  readonly left: BudgetAmount;
  /** In the order in which they first took. `spent` is there once the run has ended. */
  readonly runs: readonly { readonly run: string; readonly taken: Spend; readonly spent?: Spend }[];
}

/** The budgets of tenants: streams that runs take slices of. Any number of processes may keep one over one journal. */
export interface BudgetLedger {
  /** True for a tenant that has a budget. */
  readonly bounds: (tenant: string) => boolean;
  /** Id of the stream that a need of this moment (epoch ms) is taken from: `all`, `2026-11-28` or `2026-11`. */
  readonly streamOf: (tenant: string, at: number) => string;
  /**
   * Sets a slice aside; durable when resolved. A member that has no bound is given as needed.
   * @throws OrchestrationError `limits/not-a-bound` for a need that is no amount; `run/already-ended` when the run was
   *   settled; `journal/conflict` after 100 lost races; `journal/unavailable`
   */
  readonly take: (tenant: string, demand: SliceDemand) => Promise<SliceAnswer>;
  /**
   * A run's last word on what it used of one stream: the rest of its slices is free again. Recorded as it is, also when
   * it is more than was taken. @returns what stands: the first word
   * @throws OrchestrationError as `take`, but `run/already-ended`
   */
  readonly settle: (tenant: string, stream: string, word: SettledRun) => Promise<Spend>;
  /**
   * Settles a run that took from several streams: each gets as much as the run took there, in the order given (oldest
   * first), and the last one what is over. Cut off and called again, it ends with the same words.
   * @throws OrchestrationError as `settle`
   */
  readonly settleAll: (tenant: string, streams: readonly string[], word: SettledRun) => Promise<void>;
  /** @param at epoch ms within the period; now, when absent */
  readonly view: (tenant: string, at?: number) => Promise<BudgetView>;
}

/** Streams whose state is kept between two questions. */
const openMost = 1_000;

/** @throws OrchestrationError `limits/not-a-bound` for a budget that is not made of whole numbers (a bound may be 0) */
export function budgetLedger({ journal, now, salt, budgets }: BudgetLedgerOptions): BudgetLedger {
  const known = new Map(Object.entries(budgets));
  for (const [tenant, budget] of known) assertBudget(tenant, budget);
  const shelf = streamShelf<Account>(openMost);

  const streamOf = (tenant: string, at: number) => {
    const day = () => new Date(at).toISOString();
    switch (known.get(tenant)?.per) {
      case "day":
        return day().slice(0, 10);
      case "month":
        return day().slice(0, 7);
      default:
        return "all";
    }
  };
  const boundOf = (tenant: string): BudgetAmount => {
    const { microUsd, tokens } = known.get(tenant) ?? {};
    return { ...(microUsd === undefined ? {} : { microUsd }), ...(tokens === undefined ? {} : { tokens }) };
  };
  const open = (tenant: string, id: string): Stream<Account> =>
    shelf.get(`${tenant}/${id}`, () =>
      openStream({ journal, key: { tenant, kind: "budget", id }, now, salt, fold: accountFold }),
    );
  const settle = (tenant: string, id: string, { run, spent }: SettledRun) =>
    open(tenant, id).append((account) => decideSettle(account, run, spent));

  return {
    bounds: (tenant) => known.has(tenant),
    streamOf,
    take: async (tenant, { slice, run, needed: wanted, at = now() }) => {
      const needed = wholeSpend("needed", wanted);
      const stream = streamOf(tenant, at);
      const bound = boundOf(tenant);
      const least = { ...noSpend, ...known.get(tenant)?.slice };
      const taken = await open(tenant, stream).append((account) =>
        decideTake(account, bound, { slice, run, needed, least }),
      );
      switch (taken.kind) {
        case "taken":
          return { stream, amount: taken.amount };
        case "refused":
          return { error: new OrchestrationError("budget/exceeded", exceededData(tenant, taken.left, bound, needed)) };
        case "settled":
          throw new OrchestrationError("run/already-ended", { run, status: "settled" });
      }
    },
    settle: async (tenant, stream, { run, spent }) =>
      settle(tenant, stream, { run, spent: wholeSpend("spent", spent) }),
    settleAll: async (tenant, streams, { run, spent }) => {
      let over = wholeSpend("spent", spent);
      const ids = [...new Set(streams)];
      for (const id of ids) {
        const last = id === ids.at(-1);
        const taken = (await open(tenant, id).state()).runs.get(run)?.taken ?? noSpend;
        const share = last ? over : leastSpend(over, taken);
        over = minusSpend(over, await settle(tenant, id, { run, spent: share }));
      }
    },
    view: async (tenant, at = now()) => {
      const stream = streamOf(tenant, at);
      const bound = boundOf(tenant);
      const { spent, reserved, runs } = await open(tenant, stream).state();
      return {
        stream,
        bound,
        spent,
        reserved,
        left: leftOf(bound, addSpend(spent, reserved)),
        runs: [...runs].map(([run, { taken, spent: used }]) => ({
          run,
          taken,
          ...(used === undefined ? {} : { spent: used }),
        })),
      };
    },
  };
}

function exceededData(tenant: string, left: BudgetAmount, bound: BudgetAmount, needed: Spend): ErrorData {
  return { scope: "tenant", name: tenant, left: { ...left }, bound: { ...bound }, needed: { ...needed } };
}

function assertBudget(tenant: string, { microUsd, tokens, slice = {} }: TenantBudget): void {
  const amounts = {
    microUsd,
    tokens,
    "slice.microUsd": slice.microUsd,
    "slice.tokens": slice.tokens,
  };
  for (const [name, value] of Object.entries(amounts)) {
    if (value !== undefined) assertBound(`budgets.${tenant}.${name}`, value, 0);
  }
}
