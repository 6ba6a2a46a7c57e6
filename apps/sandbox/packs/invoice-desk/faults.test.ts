import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Clock,
  type Journal,
  localEngine,
  memoryEngine,
  memoryJournal,
  OrchestrationError,
  operator,
  runSupervisor,
  silentLogger,
  systemClock,
  user,
  verifyChain,
} from "@remit/core";
import { checkOutcome, playScenario, testPolicy } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { approveAll } from "../../src/suite/approver.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { invoiceDeskPack } from "./pack.ts";
import { clerkOf, directors, manager } from "./people.ts";
import { invoicePolicy } from "./policy.ts";

const pack = invoiceDeskPack();
const scenarios = pack.scenarios();
const named = (name: string) => scenarios.find((one) => one.name === name)!;

let dir = "";
let world: InProcessWorld;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "invoice-faults-"));
  world = inProcessTools(pack, dir);
});
afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

/** A journal whose process dies at its n-th append: before it is written, or after it. */
function mortal(journal: Journal, nth: number, written: boolean) {
  let count = 0;
  const died = Promise.withResolvers<"died">();
  const appended: Journal = {
    ...journal,
    append: async (...args) => {
      if (++count < nth) return journal.append(...args);
      if (count === nth && written) await journal.append(...args);
      died.resolve("died");
      return new Promise<never>(() => {});
    },
    close: async () => {},
  };
  return { journal: appended, died: died.promise };
}

/** An hour on: whatever a process that died had under way has settled by then. */
function later(): Clock {
  const clock = systemClock();
  const aheadMs = 3_600_000;
  return { ...clock, now: () => clock.now() + aheadMs, at: (dueAt, callback) => clock.at(dueAt - aheadMs, callback) };
}

function deskOn(journal: Journal, clock: Clock = systemClock()) {
  const engine = localEngine({ name: "invoices", journal, clock, logger: silentLogger });
  const definition = pack.team(world.tools);
  const model = chooseModel("oracle", { scenarios, seed: 0, tools: [...world.tools.keys()] });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  return { engine, supervisor: runSupervisor(definition, { engine, models }) };
}

describe("UC3-L4 a process that dies at any of its writes leaves one posting and a whole record", () => {
  for (const name of ["plain-ubl", "a-printed-page", "one-manager", "released-and-approved", "the-same-again"]) {
    test.each([
      ["before", false],
      ["after", true],
    ] as const)(`${name}, %s it is written`, async (when, written) => {
      const scenario = named(name);
      let died = true;
      let nth = 0;
      while (died) {
        died = false;
        nth++;
        const journal = memoryJournal();
        const worldId = `${name}-${when}-${nth}`;
        const attributes = { ...pack.attributes?.(scenario), worldId, scenario: name };
        const start = { tenant: "acme", idempotencyKey: name, attributes, approver: approveAll };
        const first = mortal(journal, nth, written);
        const playing = playScenario(scenario, { ...start, supervisor: deskOn(first.journal).supervisor });
        died = (await Promise.race([first.died, playing])) === "died";
        const { engine, supervisor } = deskOn({ ...journal, close: async () => {} }, later());
        await supervisor.resume({ tenant: "acme" });
        const outcome = await playScenario(scenario, { ...start, supervisor });
        const changes = world.store.changes(worldId);
        const failed = (await checkOutcome({ ...outcome, changes })).filter(({ ok }) => !ok);
        expect([nth, failed]).toEqual([nth, []]);
        const log = world.store.log(worldId);
        expect(log.filter(({ effect, outcome: end }) => effect === "write" && end === "done")).toHaveLength(
          scenario.expect.writes?.length ?? 0,
        );
        const { marks = {}, violations } = pack.score?.({ ...outcome, changes }, undefined, log) ?? {};
        expect([violations, marks.requiredThere]).toEqual([[], marks.required]);
        const batches = await journal.read({ tenant: "acme", kind: "run", id: outcome.run.id });
        expect(() => verifyChain(batches)).not.toThrow();
        expect((await supervisor.replay(outcome.run.id, { tenant: "acme" })).ok).toBe(true);
        await engine.close();
      }
      expect(nth).toBeGreaterThan(10);
    });
  }
});

describe("UC3-A4 who may approve", () => {
  async function waiting(name: string) {
    const scenario = named(name);
    const engine = memoryEngine();
    const definition = pack.team(world.tools);
    const model = chooseModel("oracle", { scenarios, seed: 0, tools: [...world.tools.keys()] });
    const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
    const supervisor = runSupervisor(definition, { engine, models });
    const attributes = { ...pack.attributes?.(scenario), worldId: `who-${name}`, scenario: name };
    const run = await supervisor.start(scenario.input, { tenant: "acme", principal: scenario.principal, attributes });
    expect(await run.settled()).toBe("parked");
    const [open] = await run.approvals();
    const approve = async (principal: ReturnType<typeof manager>) => {
      try {
        await supervisor.approvals.approve("acme", open!.address, { reason: "fine", principal });
        return "taken";
      } catch (error) {
        if (OrchestrationError.is(error)) return error.code;
        throw error;
      }
    };
    return { run, open: open!, approve, close: () => engine.close() };
  }

  test("not the clerk who asked, not somebody without the role, not the same director twice", async () => {
    const { run, open, approve, close } = await waiting("two-directors");
    expect([open.quorum, open.roles]).toEqual([2, ["finance-director"]]);
    const clerk = clerkOf("FH01");
    const [first, second] = directors();
    expect(await approve(user(clerk.id, ["finance-director"]))).toBe("approval/self-approval");
    expect(await approve(manager())).toBe("approval/role-missing");
    expect(await approve(operator("nobody", ["clerk"]))).toBe("approval/role-missing");
    expect(await approve(first)).toBe("taken");
    expect(await run.settled()).toBe("parked");
    expect(await approve(first)).not.toBe("taken");
    expect(await approve(second)).toBe("taken");
    expect((await run.result()).status).toBe("completed");
    expect(Object.keys(world.store.endState("who-two-directors") as object)).toContain("postings");
    await close();
  });
});

describe("what a document says", () => {
  test("ends at extraction: who posts has read values that were read out, and no document", async () => {
    const scenario = named("a-note-that-gives-orders");
    const { engine, supervisor } = deskOn(memoryJournal());
    const attributes = { ...pack.attributes?.(scenario), worldId: "labels", scenario: scenario.name };
    const { entries } = await playScenario(scenario, { supervisor, tenant: "acme", attributes, approver: approveAll });
    const labelsOf = (type: string, path: string) => {
      const entry = entries.find((one) => one.type === type && one.path === path);
      const { labels = {} } = (entry?.body ?? {}) as { readonly labels?: Readonly<Record<string, readonly string[]>> };
      return Object.values(labels).flat();
    };
    expect(labelsOf("tool.returned", "extraction#1/tool#1")).toContain("document");
    for (const agent of ["validation", "policy", "posting"]) {
      expect(labelsOf("handoff.delivered", `${agent}#1`)).toContain("extracted:extraction");
      expect(labelsOf("handoff.delivered", `${agent}#1`)).not.toContain("document");
    }
    const told = entries.filter((one) => one.type === "handoff.delivered" && one.body.agent !== "extraction");
    expect(JSON.stringify(told)).not.toContain("ASSISTANT");
    await engine.close();
  });
});

describe("the policy, without a model", () => {
  const call = (tool: string, given: object, attributes = { documentId: "D-1001" }) => ({
    edge: "tool" as const,
    tool,
    principal: { id: "clerk-fh01", kind: "user" as const, roles: ["clerk", "company:FH01"], authenticated: true },
    attributes,
    arguments: { companyId: "FH01", documentId: "D-1001", ...given },
  });
  test.each([
    ["post_small_invoice", { amountEurCents: 100_000 }, "allow"],
    ["post_small_invoice", { amountEurCents: 100_001 }, "deny"],
    ["post_invoice", { amountEurCents: 100_000 }, "deny"],
    ["post_invoice", { amountEurCents: 1_000_000 }, "allow"],
    ["post_invoice", { amountEurCents: 1_000_001 }, "deny"],
    ["post_large_invoice", { amountEurCents: 1_000_001 }, "allow"],
    ["post_large_invoice", {}, "deny"],
    ["route_exception", {}, "allow"],
    ["route_exception", { documentId: "D-1002" }, "deny"],
    ["read_invoice", { companyId: "FH02" }, "deny"],
  ] as const)("%s with %j: %s", (tool, given, expected) => {
    expect(testPolicy(invoicePolicy, [{ name: tool, request: call(tool, given), expect: expected }])).toMatchObject([
      { ok: true },
    ]);
  });

  test("a run that does not say what it is about works on nothing", () => {
    const request = { ...call("read_invoice", {}), attributes: {} };
    expect(testPolicy(invoicePolicy, [{ name: "none", request, expect: "deny" }])).toMatchObject([{ ok: true }]);
  });
});
