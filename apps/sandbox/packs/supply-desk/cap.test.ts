import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, memoryEngine, runSupervisor, user } from "@remit/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { inProcessTools } from "../../src/world/in-process.ts";
import { misdeedsIn } from "./misdeeds.ts";
import { supplyDeskPack } from "./pack.ts";
import { type SupplyState, spentCentsOf } from "./state.ts";
import { terms } from "./tiers.ts";
import { supplyDeskWorld } from "./world.ts";

/** One company, many runs at once: all against one cap. */

const pack = supplyDeskPack();
const scenarios = pack.scenarios();
const oracle = chooseModel("oracle", { scenarios, seed: 0, tools: [] });

/** Plays the script, until an order is refused: then it hands over, as it is told to. */
const model: Model = {
  ...oracle,
  generate: (request, options) => {
    const results = request.messages.flatMap((one) => (one.role === "tool" ? one.results : []));
    const refused = results.some(({ tool, status }) => tool.startsWith("create_") && status !== "done");
    if (request.agent !== "procurement" || !refused) return oracle.generate(request, options);
    const { decisionId } = request.input as { readonly decisionId: string };
    const reason = "cap_reached";
    const input = { decisionId, outcome: "handed_over", reason };
    if (results.some(({ tool }) => tool === "log_decision")) {
      const reply = `${decisionId}: for people to decide.`;
      return { parts: [{ type: "output", value: { outcome: "handed_over", reason, reply } }] };
    }
    return { parts: [{ type: "toolCall", callId: "call_1", tool: "log_decision", input }] };
  },
};
const worldId = "company";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "supply-cap-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A desk as a process of its own would have it: its own store over the company's log, its own engine. */
function openDesk() {
  const world = inProcessTools(pack, dir);
  const engine = memoryEngine();
  const definition = pack.team(world.tools);
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(definition, { engine, models });
  /** Starts the decision of a scenario in the one company, and lets people approve whatever waits. */
  const decide = async (name: string) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (!scenario) throw new RangeError(name);
    const run = await supervisor.start(scenario.input, {
      tenant: "acme",
      principal: user("replenishment"),
      attributes: { ...pack.attributes?.(scenario), worldId, scenario: name },
    });
    while ((await run.settled()) === "parked") {
      for (const open of await run.approvals()) {
        await supervisor.approvals.decide("acme", open.address, approveAll(open));
      }
    }
    const result = await run.result();
    const entries = await run.entries();
    return { name, status: result.status, reason: "reason" in result ? result.reason : "", entries };
  };
  const close = async () => {
    await engine.close();
    world.close();
  };
  return { decide, close, definition, store: world.store };
}

const large = ["two-directors-approve", "the-head-approves", "the-head-approves-near-the-bound"];
const larger = ["two-directors-approve-and-a-letter", "a-new-vendor-for-much-more", "too-late-for-more"];

describe("UC5-L4 the month's cap", () => {
  test("holds for all runs at once, of two desks: what is above it is refused, though it was approved", async () => {
    const [here, there] = [openDesk(), openDesk()];
    const played = await Promise.all([
      ...large.map((name) => here.decide(name)),
      ...larger.map((name) => there.decide(name)),
    ]);
    const end = here.store.endState(worldId) as SupplyState;
    const spent = spentCentsOf(end);
    expect(spent).toBeLessThanOrEqual(terms.monthCapCents);
    const log = here.store.log(worldId);
    const creates = log.filter(({ tool }) => tool.startsWith("create_"));
    const done = creates.filter(({ outcome }) => outcome === "done");
    const refused = creates.filter(({ outcome }) => outcome === "refused");
    // All six together are above what the month has left, so some were placed and some were not.
    expect([done.length > 0, refused.length > 0]).toEqual([true, true]);
    expect(refused.every(({ message }) => message?.startsWith("The month's cap leaves"))).toBe(true);
    // What was not placed has used nothing up: the smallest that was refused would not have fitted in.
    const least = Math.min(...refused.map(({ input }) => (input as { amountCents: number }).amountCents));
    expect(spent + least).toBeGreaterThan(terms.monthCapCents);
    // Each run's word is what the company knows of its decision.
    const placed = played.filter(({ status }) => status === "completed").map(({ name }) => name);
    expect(placed).toHaveLength(done.length);
    const handedOver = played.filter(({ reason }) => reason === "cap_reached");
    expect(handedOver).toHaveLength(refused.length);
    const facts = { world: supplyDeskWorld(), start: supplyDeskWorld().initial() };
    for (const { entries } of played) {
      const keys = new Set(entries.flatMap((entry) => (entry.type === "effect.intended" ? [entry.body.key] : [])));
      const own = log.filter(({ key }) => key !== undefined && keys.has(key));
      expect(auditRun(entries, here.definition, own)).toEqual([]);
      // Draft and record numbers depend on who came first, so each run's own writes are judged from the start.
      expect(misdeedsIn(facts, entries, own).found.filter((one) => !one.includes("done again"))).toEqual([]);
    }
    await here.close();
    await there.close();
  });

  test("UC5-L4 two runs for one decision at once come to one order", async () => {
    const [here, there] = [openDesk(), openDesk()];
    await Promise.all([here.decide("a-buyer-approves"), there.decide("a-buyer-approves")]);
    const { orders } = here.store.endState(worldId) as SupplyState;
    expect(Object.values(orders).filter(({ decisionId }) => decisionId === "RD-1007")).toHaveLength(1);
    await here.close();
    await there.close();
  });
});
