import { priceTable } from "@remit/agents/prices";
import {
  type DecodedCall,
  type ModelFault,
  modelFaults,
  type ServedAnswer,
  type ServedCall,
} from "@remit/agents/testing";
import {
  type Clock,
  costsOf,
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineRoute,
  defineTool,
  type Entry,
  hedge,
  type Model,
  type ModelRequest,
  memoryEngine,
  memoryModelCache,
  openBatch,
  type Run,
  type Spend,
  type Supervisor,
  settlementsOf,
  user,
} from "@remit/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Wire, wires } from "../support/wire.ts";

/**
 * Money, counted twice: by the journal, and by the log of the server that sold the tokens (D12, R10). The second count knows
 * nothing of the first but which run a request came from.
 */

const runsPerWire = Number(process.env.REMIT_LEDGER_RUNS ?? 100);
const atOnce = 100;

/** Thousandths of a millionth of a dollar for one token: what the second count goes by. */
const rates = {
  cheap: { input: 150n, cached: 75n, output: 600n },
  dear: { input: 3_000n, cached: 300n, output: 15_000n },
} as const;
const prices = priceTable({
  overrides: {
    cheap: { inputPerMillion: 0.15, cachedInputPerMillion: 0.075, outputPerMillion: 0.6 },
    dear: { inputPerMillion: 3, cachedInputPerMillion: 0.3, outputPerMillion: 15 },
  },
});

/** What a call cost by the server's log, in whole millionths of a dollar. */
function billOf({ body, billed }: ServedCall): number {
  const rate = rates[(body as { readonly model: keyof typeof rates }).model];
  const cached = billed.cachedInputTokens ?? 0;
  const thousandths =
    BigInt(billed.inputTokens - cached) * rate.input +
    BigInt(cached) * rate.cached +
    BigInt(billed.outputTokens) * rate.output;
  return Number((thousandths + 999n) / 1_000n);
}

const text = z.object({ text: z.string() });
const shout = defineTool({
  name: "shout",
  description: "Says a text loudly.",
  input: text,
  output: text,
  effect: "read",
  execute: ({ text: said }) => ({ text: said.toUpperCase() }),
});
const role = <const Name extends string>(name: Name) =>
  defineAgent({
    name,
    description: `The ${name}.`,
    model: "m",
    tools: [shout],
    input: text,
    output: text,
    instructions: `You are the ${name}.`,
  });
const clerk = role("clerk");
const reviewer = role("reviewer");

/** One of a few thousand numbers, the same for the same seed and place. */
function draw(seed: number, place: number): number {
  let at = Math.imul(seed * 7_919 + place * 104_729 + 17, 0x9e3779b1) >>> 0;
  at = Math.imul(at ^ (at >>> 15), 0x85ebca6b) >>> 0;
  return ((at ^ (at >>> 13)) >>> 0) % 10_000;
}

/** Waits take no time; bounds of a minute and more are never reached. */
function hastyClock(): Clock {
  let now = 1_767_225_600_000;
  return {
    now: () => now,
    at: (dueAt, callback) => {
      let wanted = dueAt - now < 60_000;
      setImmediate(() => {
        if (!wanted) return;
        now = Math.max(now, dueAt);
        callback();
      });
      return {
        cancel: () => {
          wanted = false;
        },
      };
    },
  };
}

/** Bounds of tenants, in millionths of a dollar; what a call is quoted at is some thousands. */
const bounds: Readonly<Record<string, number>> = {
  acme: 1_000_000_000,
  bolt: 1_000_000_000,
  cargo: 1_000_000_000,
  poor: 300_000,
};
const tenants = Object.keys(bounds);

/** A quarter of the runs asks hedges; another one is played again, and finds what was answered before. */
const isHedged = (seed: number) => seed % 4 === 0;
const isRepeated = (seed: number) => seed % 4 === 1;

/** What a call was quoted at by each of the models that it may ask. */
type Quotes = ReadonlyMap<string, Readonly<Record<string, Spend>>>;

interface Played {
  readonly seed: number;
  readonly tenant: string;
  readonly run: Run;
  readonly entries: readonly Entry[];
}

/** Plays seeded runs over one vendor's protocol, and gives back what both sides wrote down. */
async function playOver(wire: Wire) {
  const counts = new Map<number, number>();
  const placeOf = new Map<DecodedCall, readonly [number, number]>();
  const starting = new Map<number, Promise<Run>>();
  const stop = (seed: number) =>
    setImmediate(() => {
      // One that has ended meanwhile needs no stop.
      starting
        .get(seed)
        ?.then((run) => run.cancel("the test says so"))
        .catch(() => {});
    });
  const faultOf = (call: DecodedCall): ModelFault | undefined => {
    const seed = Number(call.headers["x-seed"]);
    const place = (counts.get(seed) ?? 0) + 1;
    counts.set(seed, place);
    placeOf.set(call, [seed, place]);
    if (draw(seed, place) % 100 >= 45) return undefined;
    const fault = modelFaults[draw(seed, place + 500) % modelFaults.length];
    if (fault === "hang" || (fault === "drip" && draw(seed, place + 900) % 3 === 0)) stop(seed);
    return fault;
  };
  const answer = (call: DecodedCall): ServedAnswer => {
    const [seed, place] = placeOf.get(call) ?? [0, 0];
    const parts: ServedAnswer["parts"] =
      call.turns.length < 3 && draw(seed, place + 100) % 2 === 0
        ? [{ type: "toolCall", callId: `c${place}`, tool: "shout", input: { text: `hello ${place}` } }]
        : [{ type: "output", value: { text: "well ".repeat(1 + (draw(seed, place + 200) % 20)) } }];
    const inputTokens = 50 + (draw(seed, place + 300) % 400);
    const outputTokens = 1 + (draw(seed, place + 400) % 300);
    const cachedInputTokens = draw(seed, place + 600) % 2 === 0 ? draw(seed, place + 700) % inputTokens : 0;
    return { parts, usage: { inputTokens, outputTokens, cachedInputTokens } };
  };
  const server = await wire.serve({ answer, faults: faultOf });
  const clock = hastyClock();
  const quotes = new Map<string, Readonly<Record<string, Spend>>>();
  const model = (name: keyof typeof rates): Model => {
    const own = wire.model(server.url, name, {
      price: prices.of(name),
      maxOutputTokens: 400,
      clock,
      headers: ({ context }) => ({
        "x-run": context.runId,
        "x-command": commandOf(context),
        "x-seed": context.attributes.seed ?? "",
      }),
    });
    const quote: Model["quote"] = (request) => {
      const amount = own.quote?.(request) ?? { microUsd: 0, tokens: 0 };
      const key = `${request.context.runId} ${commandOf(request.context)}`;
      quotes.set(key, { ...quotes.get(key), [name]: amount });
      return amount;
    };
    return { ...own, quote };
  };
  const [cheap, dear] = [model("cheap"), model("dear")];
  // The one asks both at once, the other one asks the second when the first has failed.
  const eager = hedge([cheap, dear], { id: "eager", afterMs: 1_000, clock });
  const patient = hedge([cheap, dear], { id: "patient", afterMs: 90_000, clock });
  const route = defineRoute("two", {
    candidates: [cheap, dear],
    rules: [
      {
        name: "hedged",
        when: ({ context }) => isHedged(Number(context.attributes.seed)),
        use: [eager, patient],
      },
    ],
  });
  const engine = memoryEngine({ clock });
  const supervisor = createSupervisor({
    agents: { clerk, reviewer },
    entry: "clerk",
    exit: "reviewer",
    handoffs: [defineHandoff({ from: clerk, to: reviewer, map: (output) => output })],
    models: { m: route },
    cache: { store: memoryModelCache({ clock }), ttlMs: 2 ** 40, models: [cheap.id, dear.id] },
    engine,
    // Many at once are no sign of a provider that is down here.
    breaker: { failuresMax: 100_000 },
    budgets: Object.fromEntries(Object.entries(bounds).map(([tenant, microUsd]) => [tenant, { microUsd }])),
    limits: { activeMs: 2 ** 40 },
  });
  const played: Played[] = [];
  const once = Array.from({ length: runsPerWire }, (_, seed) => seed);
  const all = [...once, ...once.filter(isRepeated)];
  while (all.length > 0) {
    // None beside itself: what was answered once is known by then.
    const seeds = all.splice(0, Math.min(atOnce, once.length));
    const group = seeds.map(async (seed): Promise<Played> => {
      const tenant = tenants[draw(seed, 0) % tenants.length] as string;
      const start = supervisor.start(
        { text: `request ${seed}` },
        { tenant, principal: user("u"), attributes: { seed: String(seed) } },
      );
      starting.set(seed, start);
      const run = await start;
      await run.result();
      return { seed, tenant, run, entries: await run.entries() };
    });
    played.push(...(await Promise.all(group)));
  }
  await server.settled();
  const calls = server.calls();
  await server.close();
  return { supervisor: supervisor as Supervisor<never>, engine, played, calls, quotes: quotes as Quotes };
}

/** The name of a call in the journal, as its server hears it. */
function commandOf({ path, turn, attempt }: ModelRequest["context"]): string {
  return attempt === 1 ? `${path}/model#${turn}` : `${path}/model#${turn}/try#${attempt}`;
}

interface Booked {
  readonly command: string;
  readonly model: string;
  readonly amount: Spend;
  readonly basis: string;
  readonly reserved: Spend;
}

/** Calls of a run in their order, as its journal books them; those that are known to have cost nothing are apart. */
function bookedIn(entries: readonly Entry[]): { readonly booked: readonly Booked[]; readonly free: readonly string[] } {
  const reserved = new Map<string, Spend>();
  const asked = new Map<string, { readonly model: string; readonly isFree: boolean }>();
  const settled = new Map(settlementsOf(entries).map((one) => [one.seq, one]));
  const booked: Booked[] = [];
  const free: string[] = [];
  for (const entry of entries) {
    if (entry.type === "budget.reserved") {
      const { command, amount } = entry.body;
      reserved.set(command.slice(0, command.lastIndexOf("/budget@")), amount);
    }
    if (entry.type === "model.responded" || entry.type === "model.failed") {
      const { command, model, usage, cost } = entry.body;
      asked.set(command, { model, isFree: cost?.microUsd === 0 && usage?.inputTokens === 0 });
    }
    const settlement = settled.get(entry.seq);
    if (settlement) {
      const { command, amount, basis } = settlement;
      const call = asked.get(command);
      if (call?.isFree) {
        free.push(command);
        continue;
      }
      const held = reserved.get(command);
      if (!held) throw new Error(`${command} was settled without a reservation`);
      booked.push({ command, model: call?.model ?? "", amount, basis, reserved: held });
    }
  }
  return { booked, free };
}

const tokensOf = ({ billed }: ServedCall) => billed.inputTokens + billed.outputTokens;
const modelOf = ({ body }: ServedCall) => (body as { readonly model: string }).model;
const sum = (amounts: Iterable<number>) => [...amounts].reduce((all, one) => all + one, 0);

describe.each(wires)("money over $name", (wire) => {
  test(`${runsPerWire} runs: what is booked is what was sold`, { timeout: 900_000 }, async () => {
    const { supervisor, engine, played, calls, quotes } = await playOver(wire);
    const sold = Map.groupBy(calls, ({ headers }) => `${headers["x-run"]} ${headers["x-command"]}`);
    const byBasis: Record<string, number> = { reported: 0, estimated: 0, reserved: 0 };
    const hedged = { both: 0, won: 0, lost: 0 };
    let heard = 0;
    let hits = 0;

    for (const { seed, run, entries } of played) {
      const settled = settlementsOf(entries);
      const reserved = entries.flatMap((entry) =>
        entry.type === "budget.reserved"
          ? [entry.body.command.slice(0, entry.body.command.lastIndexOf("/budget@"))]
          : [],
      );
      const answered = new Set(entries.flatMap((one) => (one.type === "model.responded" ? [one.body.command] : [])));
      // Each reservation is settled, and once.
      expect(settled.map(({ command }) => command).sort()).toEqual([...new Set(reserved)].sort());
      // By an entry of its own only where nothing was heard of it.
      const heardOf = new Set(
        entries.flatMap((one) =>
          one.type === "model.responded" || one.type === "model.failed" ? [one.body.command] : [],
        ),
      );
      for (const one of entries) if (one.type === "budget.settled") expect(heardOf.has(one.body.command)).toBe(false);
      const { booked, free } = bookedIn(entries);
      let unsent = 0;
      // Nobody was asked, or they turned it away unread: what was not sold is not booked.
      for (const command of free) {
        const log = sold.get(`${run.id} ${command}`) ?? [];
        heard += log.length;
        expect(sum(log.map(billOf))).toBe(0);
      }
      for (const { command, model, amount, basis, reserved } of booked) {
        const log = sold.get(`${run.id} ${command}`) ?? [];
        heard += log.length;
        if (log.length === 0) unsent++;
        expect(log.length).toBeLessThanOrEqual(isHedged(seed) ? 2 : 1);
        const bill = sum(log.map(billOf));
        const tokens = sum(log.map(tokensOf));
        if (log.length > 0) byBasis[basis] = (byBasis[basis] ?? 0) + 1;
        if (basis === "reported" && log.length > 0) expect(amount).toEqual({ microUsd: bill, tokens });
        expect(amount.microUsd).toBeGreaterThanOrEqual(bill);
        expect(amount.tokens).toBeGreaterThanOrEqual(tokens);
        expect(amount.microUsd).toBeLessThanOrEqual(reserved.microUsd);
        expect(amount.tokens).toBeLessThanOrEqual(reserved.tokens);
        const isAnswered = answered.has(command);
        if (!isHedged(seed) || !isAnswered) {
          if (log[0] && model !== "" && !isHedged(seed)) expect(model).toBe(modelOf(log[0]));
          continue;
        }
        // What is not the winner's is the loser's: at most what that was quoted at, at least what it was sold for.
        const winner = log.find((call) => modelOf(call) === model && !call.closedEarly);
        const loser = log.find((call) => call !== winner);
        if (!winner) throw new Error(`${command} was answered by ${model}, of which its server does not know`);
        // One that does not say what it has used is booked like a loser.
        if (winner.fault === "no-usage") continue;
        hedged.won++;
        const rest = { microUsd: amount.microUsd - billOf(winner), tokens: amount.tokens - tokensOf(winner) };
        const most = quotes.get(`${run.id} ${command}`)?.[model === "cheap" ? "dear" : "cheap"] as Spend;
        expect(rest.microUsd).toBeGreaterThanOrEqual(loser ? billOf(loser) : 0);
        expect(rest.microUsd).toBeLessThanOrEqual(most.microUsd);
        if (!loser) continue;
        hedged.both++;
        if (basis !== "reserved") continue;
        expect(rest).toEqual(most);
        hedged.lost++;
      }
      // A call that was stopped before its request was sent is booked like one that was.
      const isStopped = entries.some(({ type }) => type === "run.cancelled");
      expect(unsent).toBeLessThanOrEqual(isStopped ? 1 : 0);
      for (const entry of entries) {
        if (entry.type !== "model.responded" || !entry.body.cached) continue;
        hits++;
        const { command } = entry.body;
        expect(sold.has(`${run.id} ${command}`)).toBe(false);
        expect(settled.find((one) => one.command === command)).toMatchObject({
          amount: { microUsd: 0, tokens: 0 },
          basis: "reported",
        });
      }
      const costs = costsOf(run.id, entries);
      expect(costs.total.calls).toBe(settled.length);
      const { cost } = await run.result();
      expect(costs.total.microUsd).toBe(cost.microUsd);
    }

    // Nothing was sold that no call stands for.
    expect(heard).toBe(calls.length);

    for (const tenant of tenants) {
      const own = played.filter((one) => one.tenant === tenant);
      const costs = await supervisor.costs(tenant);
      expect(costs.total.microUsd).toBe(
        sum(own.flatMap(({ entries }) => settlementsOf(entries).map(({ amount }) => amount.microUsd))),
      );
      expect(sum(Object.values(costs.total.byBasis))).toBe(costs.total.microUsd);
      for (const by of [costs.byAgent, costs.byModel, costs.byStep, costs.byRun, costs.byDefinition]) {
        for (const member of ["calls", "microUsd", "tokens", "unknown"] as const) {
          expect(sum([...by.values()].map((total) => total[member]))).toBe(costs.total[member]);
        }
      }
      const { spent, reserved } = await supervisor.budget(tenant);
      expect(spent).toEqual({ microUsd: costs.total.microUsd, tokens: costs.total.tokens });
      expect(reserved).toEqual({ microUsd: 0, tokens: 0 });

      const stream = { tenant, kind: "budget", id: "all" } as const;
      const gone = new Map<string, number>();
      for (const batch of await engine.journal.read(stream)) {
        for (const entry of openBatch(batch, stream.id)) {
          if (entry.type === "slice.taken")
            gone.set(entry.body.run, (gone.get(entry.body.run) ?? 0) + entry.body.amount.microUsd);
          if (entry.type === "slice.settled") gone.set(entry.body.run, entry.body.spent.microUsd);
          expect(sum(gone.values())).toBeLessThanOrEqual(bounds[tenant] as number);
        }
      }
    }
    const refused = played.filter(({ entries }) => entries.some(({ type }) => type === "budget.exceeded")).length;
    const fellBack = played.filter(({ entries }) =>
      entries.some((entry) => entry.type === "model.failed" && entry.body.next !== undefined),
    ).length;
    const stopped = played.filter(({ entries }) => entries.at(-1)?.type === "run.cancelled").length;
    const again = played.filter(({ entries }) =>
      entries.some((entry) => entry.type === "step.retried" && entry.body.dueAt > entry.at),
    ).length;
    // None of this is true because nothing happened.
    for (const count of [byBasis.reported, byBasis.reserved, refused, fellBack, again, stopped, hits, hedged.both])
      expect(count).toBeGreaterThan(0);
    console.log(
      `${wire.name}: ${played.length} runs, ${calls.length} calls (${JSON.stringify(byBasis)}), ${fellBack} runs fell back, ${again} tried again, ${stopped} stopped, ${refused} refused by a budget, ${hits} answered before, hedges: ${JSON.stringify(hedged)}`,
    );
  });
});
