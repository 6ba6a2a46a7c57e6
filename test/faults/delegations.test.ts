import {
  type Journal,
  localEngine,
  memoryJournal,
  OrchestrationError,
  operator,
  silentLogger,
  systemClock,
  verifyChain,
} from "@remit/core";
import { describe, expect, test } from "vitest";
import { Bank, done, finds, makeAgency, makeCaller } from "../contract/engine-agency.ts";
import { call, turns } from "../contract/engine-desk.ts";
import { input, start, tenant } from "../contract/engine-kit.ts";

/** A delegation whose journal fails, or whose process dies, at each append of either side: one payment, one answer. */

const faults = [
  "it is refused",
  "its answer is lost",
  "the process dies before it",
  "the process dies after it",
] as const;

/** A journal that does wrong at its n-th append and at all behind it. */
function faultyJournal(journal: Journal, fault: (typeof faults)[number], nth: number) {
  const struck = Promise.withResolvers<"struck">();
  const unavailable = () => new OrchestrationError("journal/unavailable", { reason: "a test" });
  const isDeath = fault.startsWith("the process");
  const isWritten = fault === "its answer is lost" || fault === "the process dies after it";
  let count = 0;
  const faulty: Journal = {
    ...journal,
    append: async (...given) => {
      if (++count < nth) return journal.append(...given);
      if (count === nth && isWritten) await journal.append(...given);
      struck.resolve("struck");
      if (isDeath) return new Promise<never>(() => {});
      throw unavailable();
    },
    close: async () => {},
  };
  return { faulty, struck: struck.promise, isDeath };
}

async function play(journal: Journal, bank: Bank) {
  const engine = localEngine({ name: "faults", journal, clock: systemClock(), logger: silentLogger });
  const model = turns({ triage: [finds("7")], clerk: [[call("pay_back", "7")], done("7")] });
  const attempt = async () => {
    const agency = makeAgency({ engine, model, bank, risk: "high" });
    await agency.ready();
    const desk = makeCaller({ engine, model });
    await desk.resume();
    const run = await desk.start(input, { ...start, idempotencyKey: "one" });
    const result = run.result();
    result.catch(() => {}); // It is asked for below.
    for (;;) {
      const [open] = await desk.approvals.list({ tenant });
      const boss = { principal: operator("boss"), reason: "fine", key: "k" };
      if (open) await desk.approvals.approve(tenant, open.address, boss);
      const status = await Promise.race([result, run.settled()]);
      // Whoever is told that a person is waited for, and finds nobody, comes again.
      await new Promise((resolve) => setImmediate(resolve));
      if (typeof status === "object") return { run, desk, agency, result: status };
    }
  };
  return { engine, outcome: attempt() };
}

describe.each(faults)("an append of a delegation: %s", (fault) => {
  test("whichever it is, the next process comes to the same end", async () => {
    let strikes = 0;
    for (let nth = 1; ; nth++) {
      const journal = memoryJournal();
      const bank = new Bank();
      const { faulty, struck, isDeath } = faultyJournal(journal, fault, nth);
      const first = await play(faulty, bank);
      const met = await Promise.race([struck, first.outcome.then(() => "well" as const)]);
      first.outcome.catch(() => {}); // What it said is of no importance any more.
      if (!isDeath) await first.engine.close();
      if (met === "well") break;
      strikes++;
      const second = await play(journal, bank);
      const { run, desk, agency, result } = await second.outcome;
      expect(result, `append ${nth}`).toMatchObject({ status: "completed", output: { done: "7" } });
      expect(bank.paid.size, `append ${nth}`).toBe(1);
      const children = await agency.supervisor.list({ tenant });
      expect(children).toHaveLength(1);
      const entries = await run.entries();
      const ended = entries.find(({ type }) => type === "delegation.ended");
      const child = await journal.read({ tenant, kind: "run", id: children[0]?.runId ?? "" });
      expect(ended?.body).toMatchObject(verifyChain(child).head);
      expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
      await second.engine.close();
    }
    expect(strikes).toBeGreaterThan(10);
  });
});
