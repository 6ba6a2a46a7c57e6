import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { effectCase, effectVerdict } from "../approval/case.ts";
import { memoryEngine } from "../engine/memory.ts";
import { operator } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { defineTool } from "../tool.ts";
import {
  answers,
  approvalsIn,
  asks,
  calls,
  defineScenario,
  edit,
  fakeClock,
  grant,
  letExpire,
  pathIn,
  playScenario,
  refuses,
  reject,
  replies,
  runScenario,
  type ScenarioOptions,
  scriptedModel,
} from "./index.ts";

const dayMs = 24 * 3_600_000;
const refundOrder = defineTool({
  name: "refund_order",
  description: "Refunds an order.",
  input: z.object({ amountCents: z.int().positive() }),
  output: z.object({ paidCents: z.int() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ amountCents }) => ({ paidCents: amountCents }),
});
const clerk = defineAgent({
  name: "clerk",
  description: "Refunds.",
  model: "m",
  tools: [refundOrder],
  input: z.object({ text: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Refund.",
});
const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
const refund = calls(clerk, "refund_order", { amountCents: 900 });
const end = answers(clerk, { reply: "done" });
const scenario = (more: Partial<ScenarioOptions>) =>
  defineScenario({ name: "s", supervisor: desk, input: { text: "refund" }, script: [refund, end], ...more });
const failed = (checks: readonly { readonly ok: boolean }[]) => checks.filter(({ ok }) => !ok);

describe("people of a scenario decide on calls", () => {
  test("a grant lets the write happen, after it", async () => {
    const { outcome, checks } = await runScenario(
      scenario({
        external: [grant(refundOrder)],
        expect: { writes: ["refund_order"], approvals: [{ tool: "refund_order", decision: "approve" }] },
      }),
      { engine: memoryEngine() },
    );
    expect(failed(checks)).toEqual([]);
    expect(outcome.types.indexOf("approval.granted")).toBeLessThan(outcome.types.indexOf("tool.called"));
  });

  test("a rejection is told to the agent; an edit is for another person to approve; both in their order", async () => {
    const again = calls(clerk, "refund_order", { amountCents: 800 });
    const { outcome, checks } = await runScenario(
      scenario({
        script: [refund, again, end],
        external: [
          reject(refundOrder, "too much"),
          edit(refundOrder, { amountCents: 700 }, "still too much"),
          grant("refund_order", { by: operator("op_7") }),
        ],
        expect: {
          writes: ["refund_order"],
          denied: [{ agent: "clerk", tool: "refund_order", code: "approval/rejected" }],
          approvals: [
            { tool: "refund_order", decision: "reject" },
            { tool: "refund_order", decision: "edit" },
            { tool: "refund_order", decision: "approve" },
          ],
        },
      }),
      { engine: memoryEngine() },
    );
    expect(failed(checks)).toEqual([]);
    expect(approvalsIn(outcome.entries).map(({ by }) => by)).toEqual(["approver-1", "approver-2", "op_7"]);
    const returned = outcome.entries.find(({ type }) => type === "tool.returned");
    expect(returned?.body).toMatchObject({ output: { paidCents: 700 } });
  });

  test("who has something to say and is not asked fails the scenario", async () => {
    const external = [grant(refundOrder), reject(refundOrder, "not again"), replies("customer", "Yes.")];
    const { checks } = await runScenario(scenario({ external }), { engine: memoryEngine() });
    expect(failed(checks)).toEqual([
      { name: "everybody was asked", ok: false, detail: 'nobody asked for: reject of refund_order; customer: "Yes."' },
    ]);
  });

  test("a script that is at its end before the run is fails the scenario, though the team takes up what fails", async () => {
    const supervisor = defineSupervisor({
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      onFailure: "escalate",
    });
    const { checks } = await runScenario(
      scenario({ supervisor, script: [refund], external: [grant(refundOrder)], expect: { status: "escalated" } }),
      { engine: memoryEngine() },
    );
    expect(failed(checks)).toMatchObject([
      { name: "the whole script was asked for", detail: expect.stringMatching(/has no turn for "clerk" \(its call 2/) },
    ]);
  });

  test("an approval expires when time is let pass", async () => {
    const clock = fakeClock();
    const { checks } = await runScenario(
      scenario({
        external: [letExpire(refundOrder)],
        expect: {
          writes: [],
          denied: [{ agent: "clerk", tool: "refund_order", code: "approval/expired" }],
          approvals: [{ tool: "refund_order", decision: "expire" }],
        },
      }),
      { engine: memoryEngine({ clock }), passTime: () => clock.advance(dayMs) },
    );
    expect(failed(checks)).toEqual([]);
  });

  test("the approver decides where the scenario has no decision of its own, and only there", async () => {
    const asked: string[] = [];
    const { outcome } = await runScenario(
      scenario({ script: [refund, refund, end], external: [reject(refundOrder, "no")] }),
      {
        engine: memoryEngine(),
        approver: ({ address }) => {
          asked.push(address);
          return { decision: "approve", reason: "auto", principal: operator("auto") };
        },
      },
    );
    expect(approvalsIn(outcome.entries).map(({ decision }) => decision)).toEqual(["reject", "approve"]);
    expect(asked).toHaveLength(1);
  });

  test("where nobody decides the run is cancelled, or left: then nothing is lost, and it goes on elsewhere", async () => {
    const cancelled = await runScenario(scenario({ expect: { status: "cancelled" } }), { engine: memoryEngine() });
    expect(cancelled.outcome.result).toMatchObject({ reason: "nobody in this scenario decides on refund_order" });

    const engine = memoryEngine();
    const supervisor = () =>
      runSupervisor(desk as unknown as SupervisorDefinition, { engine, models: { m: scriptedModel([refund, end]) } });
    const options = { tenant: "test", idempotencyKey: "one" };
    const story = scenario({ external: [grant(refundOrder)], expect: { status: "completed" } });
    const left = await playScenario(
      { ...story, external: [] },
      { ...options, supervisor: supervisor(), unattended: "leave" },
    );
    expect(left.result).toMatchObject({ status: "parked", approvals: [{ tool: "refund_order" }], questions: [] });
    // Taken up again, the decision is still the first one.
    const ended = await playScenario(story, { ...options, supervisor: supervisor() });
    expect(ended.run.id).toBe(left.run.id);
    expect(ended.result).toMatchObject({ status: "completed" });
  });

  test("two grants are two people, so that a quorum is one", async () => {
    const strict = defineSupervisor({
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      approvals: [{ tool: refundOrder, by: "human", quorum: 2, roles: ["finance"] }],
    });
    const { outcome } = await runScenario(
      scenario({ supervisor: strict, external: [grant(refundOrder), grant(refundOrder)] }),
      {
        engine: memoryEngine(),
      },
    );
    expect(outcome.result.status).toBe("completed");
  });
});

test("what was not read or said is told as nothing", async () => {
  const { checks } = await runScenario(
    scenario({ script: [refuses(clerk, "no")], expect: { reads: ["get_order"], says: ["done"] } }),
    {
      engine: memoryEngine(),
    },
  );
  expect(failed(checks)).toMatchObject([
    { name: 'says "done"', detail: "the customer was told: nothing" },
    { name: "reads get_order", detail: "read: nothing" },
  ]);
});

test.each([
  ["an accent as a mark of its own", "an Frau Mu\u0308ller", "M\u00fcller"],
  ["a space that does not break", "card 4111\u00a01111\u202f1111", "4111 1111 1111"],
  ["full-width digits", "card \uff14\uff11\uff11\uff11", "4111"],
  ["a break within", "card 4111\n1111", "4111 1111"],
  ["what has no width", "card 41\u200b11", "4111"],
])("a text that reads the same was said: %s", async (_, reply, text) => {
  const script = [answers(clerk, { reply })];
  const play = (expected: ScenarioOptions["expect"] & object) =>
    runScenario(scenario({ script, expect: expected }), { engine: memoryEngine() });
  expect(failed((await play({ says: [text] })).checks)).toEqual([]);
  expect(failed((await play({ neverSays: [text] })).checks)).toMatchObject([{ name: `never says "${text}"` }]);
  expect(failed((await play({ neverSays: ["4112"] })).checks)).toEqual([]);
});

test("the path of a case leaves out who judged its writes", async () => {
  const judge = defineAgent({
    name: "judge",
    description: "Judges.",
    model: "m",
    effects: "read",
    tools: [],
    input: effectCase,
    output: effectVerdict,
    instructions: "Judge.",
  });
  const judged = defineSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    judges: { compliance: judge },
  });
  const allow = answers(judge, { verdict: "allow", ruleIds: ["r-1"], reasons: [], conditions: [] });
  const { outcome, checks } = await runScenario(
    scenario({
      supervisor: judged,
      script: [refund, allow, end],
      external: [grant(refundOrder)],
      expect: { path: ["clerk"] },
    }),
    { engine: memoryEngine() },
  );
  expect(failed(checks)).toEqual([]);
  expect(pathIn(outcome.entries)).toEqual(["clerk"]);
});

test("who answers otherwise is told which question it is, and may take time", async () => {
  const curious = defineAgent({
    name: "curious",
    description: "Asks.",
    model: "m",
    tools: [],
    asks: ["customer"],
    input: z.object({ text: z.string() }),
    output: z.object({ reply: z.string() }),
    instructions: "Ask.",
  });
  const supervisor = defineSupervisor({ agents: { curious }, entry: "curious", exit: "curious", handoffs: [] });
  const script = [
    asks(curious, "customer", "Which?"),
    asks(curious, "customer", "Sure?"),
    answers(curious, { reply: "ok" }),
  ];
  const told: string[] = [];
  const engine = memoryEngine();
  const outcome = await playScenario(
    defineScenario({ name: "s", input: { text: "x" }, script, external: [replies("customer", "This one.")] }),
    {
      supervisor: runSupervisor(supervisor as unknown as SupervisorDefinition, {
        engine,
        models: { m: scriptedModel(script) },
      }),
      tenant: "test",
      otherwise: async (of, question, { ask, run }) => {
        told.push(`${of} ${question} ${ask} ${run.id}`);
        return "Yes.";
      },
    },
  );
  expect(outcome.result.status).toBe("completed");
  const asked = outcome.entries.flatMap((entry) => (entry.type === "input.requested" ? [entry.body.ask] : []));
  expect(told).toEqual([`customer Sure? ${asked[1]} ${outcome.run.id}`]);
});
