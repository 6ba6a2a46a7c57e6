import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryEngine, OrchestrationError, operator, runSupervisor, user } from "@remit/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { crmDeskPack } from "./pack.ts";
import type { CrmState } from "./state.ts";

/** What people are shown, who of them may decide, and what comes of deciding field by field. */

const pack = crmDeskPack();
const scenarios = pack.scenarios();
const ops = operator("ines", ["revenue-operations"]);
const steward = (id: string) => operator(id, ["data-steward"]);

let dir = "";
let world: InProcessWorld;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crm-approvals-"));
  world = inProcessTools(pack, dir);
});
afterEach(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

/** A run of a scenario that waits for people. */
async function waiting(name: string) {
  const scenario = scenarios.find((one) => one.name === name);
  if (!scenario) throw new RangeError(name);
  const engine = memoryEngine();
  const definition = pack.team(world.tools);
  const model = chooseModel("oracle", { scenarios, seed: 0, tools: [], conduct: pack.conduct });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const { approvals, start } = runSupervisor(definition, { engine, models });
  const attributes = { ...pack.attributes?.(scenario), worldId: name, scenario: name };
  const run = await start(scenario.input, { tenant: "acme", principal: scenario.principal, attributes });
  expect(await run.settled()).toBe("parked");
  const code = async (decided: Promise<unknown>) => {
    try {
      await decided;
      return "taken";
    } catch (error) {
      if (OrchestrationError.is(error)) return error.code;
      throw error;
    }
  };
  const say = (address: string, principal: typeof ops, binding?: string) =>
    code(
      approvals.approve("acme", address, { reason: "seen", principal, ...(binding === undefined ? {} : { binding }) }),
    );
  const { orgId = "", recordId = "" } = scenario.input as { readonly orgId?: string; readonly recordId?: string };
  const state = () => world.store.endState(name) as CrmState;
  return { run, approvals, say, code, orgId, recordId, state, close: () => engine.close() };
}

test("UC2-A4 UC2-L2 each sensitive field is a case of its own, with what it says and what it will say", async () => {
  const { run, approvals, say, recordId, state, close } = await waiting("one-of-two-sensitive-fields");
  const before = state().records[recordId]?.fields;
  const [vat, limit, ...more] = await run.approvals();
  if (vat === undefined || limit === undefined) throw new RangeError("no cases");
  expect(more).toEqual([]);
  expect([vat.packet?.diff, limit.packet?.diff]).toEqual([
    [{ what: "vatId", from: "nothing", to: String((vat.input as { readonly to: string }).to) }],
    [{ what: "creditLimitCents", from: "100000", to: String((limit.input as { readonly to: number }).to) }],
  ]);
  expect(vat.evidence).toContain((vat.input as { readonly offerId: string }).offerId);
  expect([vat.roles, vat.reversible]).toEqual([["revenue-operations"], true]);
  expect(vat.policy?.because).toMatch(/^a sensitive field changes when/);
  // Nothing is written before somebody has agreed, and nobody agrees to their own or without the role.
  expect(state().records[recordId]?.fields).toEqual(before);
  expect(await say(vat.address, user("hygiene", ["revenue-operations"]) as never)).toBe("approval/self-approval");
  expect(await say(vat.address, steward("jo"))).toBe("approval/role-missing");
  // A yes to the one field is none to the other one.
  expect(await say(limit.address, ops, vat.binding)).toBe("approval/binding-mismatch");
  expect(await say(vat.address, ops, vat.binding)).toBe("taken");
  expect(await run.settled()).toBe("parked");
  await approvals.reject("acme", limit.address, { reason: "the limit stays", principal: ops });
  expect(await run.result()).toMatchObject({ status: "escalated", reason: "approval_required" });
  expect(state().records[recordId]?.fields).toEqual({ ...before, vatId: (vat.input as { readonly to: string }).to });
  await close();
});

test("UC2-T1 a merge shows its evidence and its fields; one that is left out is decided on by somebody else", async () => {
  const { run, approvals, say, recordId, state, close } = await waiting("a-field-that-is-left-out");
  const [open] = await run.approvals();
  if (open === undefined) throw new RangeError("no case");
  const { evidence, ...given } = open.input as {
    readonly evidence: readonly string[];
    readonly takes: readonly object[];
  };
  expect([open.risk, open.reversible, open.roles]).toEqual(["high", false, ["data-steward"]]);
  expect(open.evidence).toEqual(expect.arrayContaining([...evidence]));
  expect(open.packet?.diff).toEqual([{ what: "size", from: "nothing", to: "1-10" }]);
  const { next = "" } = await approvals.edit("acme", open.address, { ...given, evidence, takes: [] } as never, {
    reason: "the size is that of the branch",
    principal: steward("jo"),
  });
  const edited = await approvals.show("acme", next);
  expect(edited.diff).toEqual([{ path: "/takes/0", before: { field: "size", from: null, to: "1-10" } }]);
  expect(await say(next, steward("jo"))).toBe("approval/self-approval");
  expect(await say(next, steward("kim"))).toBe("taken");
  expect((await run.result()).status).toBe("completed");
  expect(Object.keys(state().merged)).toHaveLength(1);
  expect(state().records[recordId]?.fields).not.toHaveProperty("size");
  await close();
});

test("UC2-T1 an edit that merges something else is refused by the policy, whoever agrees", async () => {
  const { run, approvals, code, state, close } = await waiting("one-vat-number");
  const [open] = await run.approvals();
  if (open === undefined) throw new RangeError("no case");
  const other = { ...(open.input as object), goneId: "ACC-1001" };
  const principal = steward("jo");
  expect(await code(approvals.edit("acme", open.address, other as never, { reason: "that one, too", principal }))).toBe(
    "taken",
  );
  expect(await run.approvals()).toEqual([]);
  expect(state().merged).toEqual({});
  await close();
});
