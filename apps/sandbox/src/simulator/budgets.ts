import { type Entry, type Journal, openBatch } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { callOf } from "./history.ts";
import { budgetSpec } from "./specs.ts";

interface Sum {
  microUsd: number;
  tokens: number;
}

const members = ["microUsd", "tokens"] as const;
const none = (): Sum => ({ microUsd: 0, tokens: 0 });
const add = (sum: Sum, amount: Readonly<Sum>, sign = 1) => {
  for (const member of members) sum[member] += sign * amount[member];
};

/** What an entry settles: an outcome its call, an entry of its own what no outcome comes of. */
function settledBy(entry: Entry, held: Readonly<Sum> | undefined) {
  if (entry.type === "budget.settled") return entry.body;
  if (entry.type !== "model.responded" && entry.type !== "model.failed") return undefined;
  const { command, cost, usage } = entry.body;
  const microUsd = cost ? cost.microUsd : (held?.microUsd ?? 0);
  const tokens = usage ? usage.inputTokens + usage.outputTokens : (held?.tokens ?? 0);
  return { command, amount: { microUsd, tokens }, basis: cost ? cost.basis : "reserved" };
}

/**
 * R10, one run: every call has its reservation, that is what its model quoted, is settled once (by its outcome or by an
 * entry, and not by both), between what the call cost and what was set aside, and fits into the budgets of run and agent.
 * What the run has settled in all is what the index says that it cost. Gives that; nothing of a run that has handed on, for
 * which all that is left is set aside as a whole.
 */
export function assertSpent(audited: Audited, { world }: Evidence, indexed: number | undefined): Sum | undefined {
  const { entries, known, fault } = audited;
  const [first] = entries;
  const budget = first?.type === "run.started" ? first.body.budget : undefined;
  const spent = none();
  if (budget === undefined) return spent;
  if (entries.some(({ type }) => type === "delegation.sent")) return assertHandedOn(audited);
  const calls = world.asked.filter(({ run }) => run === known.id);
  const callsOf = (command: string) => calls.filter((one) => one.command === command);
  const timesSetAside = (command: string) =>
    entries.filter((entry) => entry.type === "budget.reserved" && callOf(entry.body.command) === command).length;
  const agents = new Map<string, string>();
  const byAgent = new Map<string, Sum>();
  /** What is set aside, by the command of the model call. */
  const open = new Map<string, Readonly<Sum>>();
  const settledOf = new Map<string, Sum>();
  // What was set aside for somebody who was gone when it came, is no reservation: nothing settles it.
  const settling = (command: string, seq: number) => {
    const next = entries.find(
      (entry) =>
        entry.seq > seq &&
        (settledBy(entry, undefined)?.command === command ||
          (entry.type === "budget.reserved" && callOf(entry.body.command) === command)),
    );
    return next !== undefined && next.type !== "budget.reserved";
  };
  const exceeded = new Set(entries.flatMap((entry) => (entry.type === "budget.exceeded" ? [entry.cause] : [])));

  for (const entry of entries) {
    if (entry.type === "model.called") agents.set(entry.body.command, entry.body.agent);
    if (entry.type === "budget.reserved") {
      const command = callOf(entry.body.command);
      const { amount } = entry.body;
      const [quoted] = callsOf(command);
      if (quoted && members.some((member) => amount[member] !== quoted.quoted[member])) {
        fault("R10", `${command} was set aside at ${amount.microUsd} and quoted at ${quoted.quoted.microUsd}`);
      }
      if (exceeded.has(entry.seq) || !settling(command, entry.seq)) continue;
      open.set(command, amount);
      const agent = agents.get(command) ?? "";
      const held = none();
      const heldByAgent = none();
      for (const [name, one] of open) {
        add(held, one);
        if (agents.get(name) === agent) add(heldByAgent, one);
      }
      for (const member of members) {
        const most = budget.run?.[member];
        if (most !== undefined && spent[member] + held[member] > most) {
          fault("R10", `${command} was set aside beyond the ${member} of its run`);
        }
        const own = budget.agents?.[agent]?.[member];
        if (own !== undefined && (byAgent.get(agent)?.[member] ?? 0) + heldByAgent[member] > own) {
          fault("R10", `${command} was set aside beyond the ${member} of ${agent}`);
        }
      }
    }
    const named = settledBy(entry, undefined);
    const held = named && open.get(named.command);
    const settlement = settledBy(entry, held);
    if (!settlement) continue;
    const { command, amount, basis } = settlement;
    const agent = agents.get(command) ?? "";
    if (entry.type === "budget.settled" && entry.body.agent !== agent) {
      fault("R10", `${command} of ${agent} was settled for ${entry.body.agent}`);
    }
    if (!held) fault("R10", `${command} was settled with nothing set aside`);
    open.delete(command);
    add(spent, amount);
    byAgent.set(agent, sumOf(byAgent.get(agent), amount));
    settledOf.set(command, sumOf(settledOf.get(command), amount));
    if (
      basis === "reported" &&
      calls.length > 0 &&
      !callsOf(command).some(({ told }) => told?.microUsd === amount.microUsd) &&
      // What a gate kept from being made is known to have cost nothing.
      !(amount.microUsd === 0 && callsOf(command).length < timesSetAside(command))
    ) {
      fault("R10", `${command} was settled at ${amount.microUsd}, which nobody reported`);
    }
    if (held && basis !== "reported" && amount.microUsd > held.microUsd) {
      fault("R10", `${command} was settled above what was set aside`);
    }
  }
  for (const command of new Set([...settledOf.keys(), ...calls.map((one) => one.command)])) {
    const settled = settledOf.get(command) ?? none();
    const made = callsOf(command);
    for (const member of members) {
      // More than it quoted is known only of a model whose word was heard.
      const cost = made.reduce((sum, { actual, quoted }) => sum + Math.min(actual[member], quoted[member]), 0);
      if (cost > settled[member])
        fault("R10", `${command} cost ${cost} and was settled at ${settled[member]} ${member}`);
    }
  }
  if (indexed !== spent.microUsd) {
    fault("R10", `its entries settle ${spent.microUsd} in all, and the index says that it cost ${indexed}`);
  }
  return spent;
}

/** R10, a run that has handed on: what the specialist's run has spent is spent here too, to the millionth. */
function assertHandedOn({ entries, fault }: Audited): undefined {
  for (const { seq, path, ...entry } of entries) {
    if (entry.type !== "delegation.ended") continue;
    const { command, spent } = entry.body;
    const own = entries.find((one) => one.seq > seq && one.type === "budget.settled" && one.path === path);
    if (own?.type === "budget.settled" && own.body.amount.microUsd === spent.microUsd) continue;
    fault("R10", `${command} has spent ${spent.microUsd} elsewhere, and that is not settled here`);
  }
}

/** R10, one tenant: at every prefix of its streams what is spent and set aside fits, and at the end all is settled. */
export async function assertBudgets(
  tenant: string,
  settled: ReadonlyMap<string, Readonly<Sum>>,
  { seed, violations }: Evidence,
  journal: Journal,
): Promise<void> {
  const bound = budgetSpec(seed, []).tenants[tenant];
  const ids = await journal.listStreams(tenant, "budget");
  const spentBy = new Map<string, Sum>();
  for (const id of ids) {
    const batches = await journal.read({ tenant, kind: "budget", id });
    const entries: Entry[] = batches.flatMap((batch) => openBatch(batch, id));
    const taken = new Map<string, Sum>();
    const slices = new Set<string>();
    const done = new Map<string, Sum>();
    for (const entry of entries) {
      if (entry.type === "slice.taken") {
        const { run, slice, amount } = entry.body;
        if (slices.has(`${run} ${slice}`)) violations.add("R10", `${slice} of ${run} was taken twice`);
        slices.add(`${run} ${slice}`);
        if (done.has(run)) violations.add("R10", `${run} took from its tenant after its last word`);
        taken.set(run, sumOf(taken.get(run), amount));
      }
      if (entry.type === "slice.settled") {
        const { run, spent } = entry.body;
        if (done.has(run)) violations.add("R10", `${run} was settled twice`);
        done.set(run, { ...spent });
        spentBy.set(run, sumOf(spentBy.get(run), spent));
      }
      for (const member of members) {
        const most = bound?.[member];
        if (most === undefined) continue;
        let gone = 0;
        let over = 0;
        for (const [run, amount] of taken) {
          const used = done.get(run)?.[member];
          gone += used ?? amount[member];
          // A model that reports more than it quoted is the one way past a bound.
          over += Math.max(0, (used ?? 0) - amount[member]);
        }
        if (gone - over > most) violations.add("R10", `${tenant} has ${gone} of ${most} ${member} spent and set aside`);
      }
    }
    for (const run of taken.keys()) {
      if (!done.has(run)) violations.add("R10", `${run} has ended and its slice of ${tenant} is still set aside`);
    }
  }
  for (const [run, spent] of spentBy) {
    const own = settled.get(run);
    if (own && members.some((member) => Math.ceil(own[member]) !== spent[member])) {
      violations.add("R10", `${run} settled ${own.microUsd}, and its tenant's stream says ${spent.microUsd}`);
    }
  }
}

function sumOf(left: Readonly<Sum> | undefined, right: Readonly<Sum>): Sum {
  const sum = none();
  if (left) add(sum, left);
  add(sum, right);
  return sum;
}
