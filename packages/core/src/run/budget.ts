import { addSpend, minusSpend, noSpend } from "../budget/spend.ts";
import type { CallModelCommand, Command } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { BudgetAmount, Cost, EntryBodies, Spend } from "../event.ts";
import { leastAmount } from "../grant.ts";
import { settledAt, type Told } from "./settlements.ts";
import type { RunState, Work } from "./state.ts";

/**
 * The money and tokens of one run (R10): set aside before each model call, settled after it, whatever became of it.
 *
 * B1 Where a budget is in force no model is called without a reservation that fits into every budget above it. What is
 *    left of a slice is nobody's before it is set aside: of two calls that were shown it, one gets it.
 * B2 A reservation is settled once: by what was reported, or, where nobody knows, as a whole (D12). An outcome settles its
 *    call; `budget.settled` is written where none will come, and for a specialist's run.
 * B3 An ending run gives back what it has not used before its last entry is written.
 */

const returnCommand = "budget/return";

/** Calls a model, or first sets aside what the call may cost. */
export function callOrReserve(work: Work, call: CallModelCommand): void {
  const { budget } = work.state;
  if (budget === undefined) return work.emit(call);
  work.emit({
    type: "reserve",
    // Named by what caused it, so that a second reservation for the same call is another one.
    id: `${call.id}/budget@${work.cause}`,
    path: call.path,
    agent: call.agent,
    at: work.at,
    call,
    ...(budget.tenant === undefined ? {} : { sliceLeft: sliceLeft(work) }),
  });
}

/** What the run's slices hold beyond what it has used and set aside. */
function sliceLeft({ state: { purse, delegations } }: Work): Spend {
  const taken = purse.slices.reduce((sum, { amount }) => addSpend(sum, amount), noSpend);
  // What a specialist's run may spend it takes from the tenant itself.
  const elsewhere = new Set([...delegations.values()].map(({ id }) => id));
  const own = [...purse.reserved].flatMap(([id, held]) => (elsewhere.has(id) ? [] : [held]));
  const bound = addSpend(minusSpend(purse.spent, purse.elsewhere), reserved(own));
  return minusSpend(taken, bound);
}

function reserved(reservations: Iterable<{ readonly amount: Spend }>): Spend {
  let sum = noSpend;
  for (const { amount } of reservations) sum = addSpend(sum, amount);
  return sum;
}

/** The other side of a reservation: the call is made, or the run has crossed a budget of its own. */
export function callReserved(
  work: Work,
  sent: Extract<Command, { type: "reserve" }>,
  { amount, slice }: EntryBodies["budget.reserved"],
): void {
  const { purse, budget } = work.state;
  const { agent, call } = sent;
  if (slice) purse.slices.push(slice);
  for (const { scope, name, bound, used } of scopesOf(work, agent, call.path)) {
    const error = overOf(scope, name, bound, used, amount);
    if (error) return work.overspend({ scope, agent, error: error.toRecord() }, sent.path);
  }
  // What was left of the slices may have gone to another call meanwhile; this one takes its own then.
  if (budget?.tenant && !fits(amount, sliceLeft(work))) return callOrReserve(work, call);
  purse.reserved.set(call.id, { agent, amount });
  work.emit(call);
}

interface Scope {
  readonly scope: "run" | "agent" | "grant";
  readonly name: string;
  readonly bound: BudgetAmount;
  readonly used: Spend;
}

/** The budgets that a call of an agent must fit into, from the run's own inwards. */
function scopesOf(work: Work, agent: string, path: string): readonly Scope[] {
  const { purse, budget, runId } = work.state;
  const run = budget?.run;
  const own = budget?.agents?.[agent];
  const scopes: Scope[] = [];
  if (run) {
    const used = addSpend(purse.spent, reserved(purse.reserved.values()));
    scopes.push({ scope: "run", name: runId, bound: run, used });
  }
  if (own) {
    const open = [...purse.reserved.values()].filter((one) => one.agent === agent);
    const used = addSpend(purse.byAgent.get(agent) ?? noSpend, reserved(open));
    scopes.push({ scope: "agent", name: agent, bound: own, used });
  }
  scopes.push(...teamScopes(work, path), ...grantScopes(work, path));
  return scopes;
}

/** The budgets of the teams on the way to an instance: what is spent inside of each counts, in all of its deliveries. */
function teamScopes({ state: { purse, budget, invocations }, rules }: Work, path: string): readonly Scope[] {
  const { agents } = budget ?? {};
  if (!agents || !rules.teams) return [];
  return [...invocations.values()].flatMap(({ path: at, agent: { name, team } }) => {
    const bound = team && agents[name];
    if (!bound || !path.startsWith(`${at}/`)) return [];
    const inside = (where: string) => where.split("/").some((part) => part.startsWith(`${name}#`));
    let used = noSpend;
    for (const [spender, amount] of purse.byPath) if (inside(spender)) used = addSpend(used, amount);
    for (const [command, { amount }] of purse.reserved) if (inside(command)) used = addSpend(used, amount);
    return [{ scope: "agent", name, bound, used }];
  });
}

/** The grants on the way to an instance that bound money: what is spent under each counts against it, wherever below. */
function grantScopes({ state: { purse, invocations } }: Work, path: string): readonly Scope[] {
  return [...invocations.values()].flatMap(({ path: at, grant }) => {
    if (!grant.budget || (path !== at && !path.startsWith(`${at}/`))) return [];
    let used = noSpend;
    for (const [spender, amount] of purse.byPath) {
      if (spender === at || spender.startsWith(`${at}/`)) used = addSpend(used, amount);
    }
    for (const [command, { amount }] of purse.reserved) if (command.startsWith(`${at}/`)) used = addSpend(used, amount);
    return [{ scope: "grant", name: at, bound: grant.budget, used }];
  });
}

function fits(amount: Spend, left: Spend): boolean {
  return amount.microUsd <= left.microUsd && amount.tokens <= left.tokens;
}

function overOf(scope: string, name: string, bound: BudgetAmount, used: Spend, needed: Spend) {
  for (const member of ["microUsd", "tokens"] as const) {
    const most = bound[member];
    if (most === undefined || used[member] + needed[member] <= most) continue;
    const left = Math.max(0, most - used[member]);
    return new OrchestrationError("budget/exceeded", {
      scope,
      name,
      member,
      left,
      bound: most,
      needed: needed[member],
    });
  }
  return undefined;
}

/**
 * Sets aside all that is left of the budgets above an instance, as far as they are bounded: what it is handed to may spend
 * that and no more (B1). The error is that of a budget that is used up.
 */
export function setAside(
  work: Work,
  { id, path, agent }: { readonly id: string; readonly path: string; readonly agent: string },
): { readonly left: BudgetAmount } | { readonly scope: Scope["scope"]; readonly error: OrchestrationError } {
  let left: BudgetAmount = {};
  for (const { scope, name, bound, used } of scopesOf(work, agent, path)) {
    const error = overOf(scope, name, bound, used, { microUsd: 1, tokens: 1 });
    if (error) return { scope, error };
    left = leastAmount(left, {
      ...(bound.microUsd === undefined ? {} : { microUsd: bound.microUsd - used.microUsd }),
      ...(bound.tokens === undefined ? {} : { tokens: bound.tokens - used.tokens }),
    });
  }
  work.state.purse.reserved.set(id, { agent, amount: { microUsd: left.microUsd ?? 0, tokens: left.tokens ?? 0 } });
  return { left };
}

/** A specialist's run is over: what it spent is spent here too. Nothing known: what was set aside for it (B2). */
export function settleDelegation(
  work: Work,
  { id, path, agent }: { readonly id: string; readonly path: string; readonly agent: string },
  told?: { readonly spent: Spend; readonly basis: Cost["basis"] },
): void {
  const { purse, budget } = work.state;
  const held = purse.reserved.get(id);
  purse.reserved.delete(id);
  const amount = told?.spent ?? held?.amount ?? noSpend;
  addCost(work.state, amount.microUsd);
  purse.spent = addSpend(purse.spent, amount);
  if (budget?.tenant) purse.elsewhere = addSpend(purse.elsewhere, amount);
  purse.byAgent.set(agent, addSpend(purse.byAgent.get(agent) ?? noSpend, amount));
  purse.byPath.set(path, addSpend(purse.byPath.get(path) ?? noSpend, amount));
  work.note("budget.settled", path, { command: id, agent, amount, basis: told?.basis ?? "reserved" });
}

/** Adds to what the run has cost, where that is known from its start on. */
export function addCost(state: RunState, microUsd: number): void {
  if (state.microUsd !== undefined) state.microUsd += microUsd;
}

/** A call has an outcome, which settles it: what it used leaves the reservation, the rest is free again. */
export function settleCall(work: Work, command: string, path: string, told: Told): void {
  settle(work, command, path, told);
}

/** No outcome will come of a call: what was set aside for it counts as spent (D12), and an entry says so. */
export function settleUnheard(work: Work, command: string, path: string): void {
  const settled = settle(work, command, path, {});
  if (settled) work.note("budget.settled", path, { command, ...settled });
}

function settle({ state }: Work, command: string, path: string, told: Told) {
  const { purse } = state;
  const held = purse.reserved.get(command);
  if (!held) return undefined;
  purse.reserved.delete(command);
  const { agent } = held;
  const { amount, basis } = settledAt(held.amount, told);
  // Of a call whose cost nobody told, what was set aside for it counts as spent (D12).
  if (!told.cost) addCost(state, amount.microUsd);
  purse.spent = addSpend(purse.spent, amount);
  purse.byAgent.set(agent, addSpend(purse.byAgent.get(agent) ?? noSpend, amount));
  purse.byPath.set(path, addSpend(purse.byPath.get(path) ?? noSpend, amount));
  return { agent, amount, basis };
}

/**
 * What an ending run still owes its tenant's budget, as a command; nothing when it has taken nothing. A lost process that
 * was about to take a slice may do so behind the run's end, so the run has the last word there too.
 */
export function returnOf(work: Work): Extract<Command, { type: "returnBudget" }> | undefined {
  const { purse } = work.state;
  const { slices, asked } = purse;
  const spent = minusSpend(purse.spent, purse.elsewhere);
  if (slices.length === 0 && asked.length === 0) return undefined;
  const streams = [...new Set(slices.map(({ stream }) => stream))];
  return {
    type: "returnBudget",
    id: returnCommand,
    path: "",
    streams,
    ...(asked.length > 0 ? { asked: [...new Set(asked)] } : {}),
    spent,
  };
}
