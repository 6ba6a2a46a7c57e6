import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineHandoff } from "../handoff.ts";
import { definePolicy, type Policy } from "../policy/policy.ts";
import { operator, user } from "../principal.ts";
import { answers, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import { policiesFor } from "./policies.ts";
import { createSupervisor } from "./supervisor.ts";

const text = z.object({ text: z.string() });
const shape = { description: "", input: text, output: text } as const;
const write = { ...shape, effect: "write", risk: "low", idempotency: "key" } as const;
const refund = defineTool({ ...write, name: "refund", execute: (one) => one });
const pay = defineTool({ ...write, name: "pay", execute: (one) => one, undo: { tool: refund, input: (one) => one } });
const payer = defineAgent({ ...shape, name: "payer", model: "m", tools: [pay], instructions: "" });

/** Lets the team work, and does what it says with calls. */
const house = (name: string, ...calls: readonly (readonly ["allow" | "deny", string?])[]) =>
  definePolicy({
    name,
    version: "1",
    rules: [
      { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "work" },
      ...calls.map(([effect, agent], index) => ({
        ...({ id: `calls ${index}`, on: "tool", because: name } as const),
        ...{ effect, ...(agent === undefined ? {} : { agents: [agent] }) },
      })),
    ],
  });

/** A team whose agent also works in the team around it, first inside and then outside. */
function desk(inner: Policy, outer?: Policy) {
  const team = defineSupervisor({
    ...{ name: "inner", agents: { payer }, handoffs: [], policy: inner },
    ...({ entry: "payer", exit: "payer" } as const),
  });
  const branch = asAgent(team, { ...shape, name: "branch" });
  const paid = [callsAll(payer, [["pay", { text: "7" }]]), answers(payer, { text: "paid" })];
  return createSupervisor({
    agents: { branch, payer },
    entry: "branch",
    exit: "payer",
    handoffs: [defineHandoff({ from: branch, to: payer, map: (one) => one })],
    ...(outer === undefined ? {} : { policy: outer }),
    models: { m: scriptedModel([...paid, ...paid]) },
    engine: memoryEngine(),
  });
}
const starts = { tenant: "acme", principal: user("u_1") } as const;

test("an agent that works in two teams is under the policies of both", async () => {
  const run = await desk(house("inner", ["deny"]), house("outer", ["allow"])).start({ text: "go" }, starts);
  await run.result();
  const denied = (await run.entries()).flatMap((one) => (one.type === "tool.denied" ? [one.body.decision] : []));
  expect(denied).toMatchObject([{ policyVersion: "inner@1" }, { policyVersion: "inner@1" }]);
});

test("what undoes a write of an inner team is under that team's policy too", async () => {
  const undone = async (inner: Policy) => {
    const supervisor = desk(inner);
    const run = await supervisor.start({ text: "go" }, starts);
    await run.result();
    const undo = await supervisor.compensate(run.id, { tenant: "acme", principal: operator("o_1") });
    const result = await undo.result();
    if (result.status !== "completed") throw new Error(result.status);
    const { undone: done, failed } = result.output;
    expect((await supervisor.replay(undo.id, { tenant: "acme" })).ok).toBe(true);
    return [done.length, ...failed.map(({ error }) => error.code)];
  };
  expect(await undone(house("inner", ["allow"]))).toEqual([1]);
  const kept = house("inner", ["allow"], ["deny", "compensation"]);
  expect(await undone(kept)).toEqual([0, "policy/denied"]);
});

test("as runs that began before had it, the last team held, and the outermost for what undoes", () => {
  const [inner, outer] = [house("inner", ["deny"]), house("outer", ["allow"])];
  const { definition } = desk(inner, outer);
  const names = (agent: string, tool: string, now: boolean) =>
    policiesFor(definition, agent, tool, now).map(({ name }) => name);
  expect(names("payer", "pay", true)).toEqual(["outer", "inner"]);
  expect(names("payer", "pay", false)).toEqual(["outer"]);
  expect(names("compensation", "refund", true)).toEqual(["outer", "inner"]);
  expect(names("compensation", "refund", false)).toEqual(["outer"]);
});
