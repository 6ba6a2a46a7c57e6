import {
  asAgent,
  createSupervisor,
  defineAgent,
  defineHandoff,
  definePolicy,
  defineSupervisor,
  defineTool,
  diffPolicy,
  type Engine,
  type Entry,
  type EntryType,
  type Model,
  OrchestrationError,
  operator,
  type Policy,
  user,
} from "@remit/core";
import { cedarPolicy } from "@remit/core/cedar";
import { answers, asks, callsAll, fakeClock, scriptedModel, type Turn } from "@remit/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { completenessOf } from "../../packages/core/src/audit/completeness.ts";
import { type EngineKit, parked, start, tenant } from "./engine-kit.ts";

const text = z.object({ text: z.string() });
const refundInput = z.object({ orderId: z.string(), amountCents: z.int() });

function desk() {
  const refunded: number[] = [];
  const lookedUp: string[] = [];
  const getOrder = defineTool({
    name: "get_order",
    description: "Looks an order up.",
    input: z.object({ orderId: z.string() }),
    output: z.object({ ok: z.boolean() }),
    effect: "read",
    execute: ({ orderId }) => {
      lookedUp.push(orderId);
      return { ok: true };
    },
  });
  const refundOrder = defineTool({
    name: "refund_order",
    description: "Refunds an order.",
    input: refundInput,
    output: z.object({ ok: z.boolean() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    version: "1",
    execute: ({ amountCents }) => {
      refunded.push(amountCents);
      return { ok: true };
    },
  });
  const agent = <const Name extends string>(name: Name) =>
    defineAgent({
      name,
      description: name,
      model: "m",
      tools: [getOrder, refundOrder],
      input: text,
      output: text,
      instructions: "Work.",
      asks: ["customer"],
    });
  return { triage: agent("triage"), action: agent("action"), refunded, lookedUp };
}

const work = {
  id: "work",
  on: ["handoff", "model", "egress", "message"],
  effect: "allow",
  because: "they work",
} as const;
const amountOf = (args: unknown) => (args as { readonly amountCents: number }).amountCents;
/** Small refunds are made, larger ones wait for a person, huge ones are denied. */
const refunds = (most = 500, version = "1") =>
  definePolicy({
    name: "refunds",
    version,
    rules: [
      work,
      { id: "read", on: "tool", effect: "allow", tools: ["get_order"], because: "reads are free" },
      {
        id: "small",
        on: "tool",
        effect: "allow",
        tools: ["refund_order"],
        when: (call) => amountOf(call.arguments) <= most,
        because: "small sums are free",
      },
      {
        id: "large",
        on: "tool",
        effect: "approve",
        tools: ["refund_order"],
        when: (call) => amountOf(call.arguments) > most,
        because: "somebody looks at large sums",
      },
      {
        id: "huge",
        on: "tool",
        effect: "deny",
        tools: ["refund_order"],
        when: (call) => amountOf(call.arguments) > 10_000,
        because: "never so much",
      },
    ],
  });

function team(engine: Engine, turns: readonly Turn[], given: ReturnType<typeof desk>, options: object = {}) {
  const { triage, action } = given;
  return createSupervisor({
    name: "desk",
    agents: { triage, action },
    entry: "triage",
    exit: "action",
    handoffs: [defineHandoff({ from: triage, to: action, map: (output) => output })],
    models: { m: scriptedModel(turns) },
    engine,
    // What they read and write is what is tried here.
    check: "log",
    ...options,
  });
}

function bodies<Type extends EntryType>(entries: readonly Entry[], type: Type): Entry<Type>["body"][] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.body as Entry<Type>["body"]] : []));
}
const refund = (amountCents: number) => ["refund_order", { orderId: "7", amountCents }] as const;

/** What a policy does to runs, whatever keeps them. */
export function policyContract({ fresh, again, survives }: EngineKit): void {
  const script = (given: ReturnType<typeof desk>, ...amounts: readonly number[]) => [
    answers(given.triage, { text: "go" }),
    callsAll(given.action, amounts.map(refund)),
    answers(given.action, { text: "done" }),
  ];

  test("R4 every edge is asked, and what is allowed says by which rule, in the entry that follows", async () => {
    const given = desk();
    const supervisor = team(fresh(), script(given, 100), given, { policy: refunds() });
    const run = await supervisor.start({ text: "go" }, start);
    expect((await run.result()).status).toBe("completed");
    const entries = await run.entries();
    const said = (type: EntryType) =>
      bodies(entries, type).flatMap((body) => {
        const { decision } = body as {
          readonly decision?: { readonly ruleId: string; readonly policyVersion: string };
        };
        return decision ? [`${decision.ruleId} ${decision.policyVersion}`] : [];
      });
    expect(said("handoff.delivered")).toEqual(["work refunds@1"]);
    expect(new Set(said("model.called"))).toEqual(new Set(["work refunds@1"]));
    expect(said("tool.called")).toEqual(["small refunds@1"]);
    expect(said("effect.intended")).toEqual(["small refunds@1"]);
    expect(said("run.completed")).toEqual(["work refunds@1"]);
    expect(bodies(entries, "policy.decided")).toEqual([]);
    expect(bodies(entries, "tool.called")[0]?.decision.inputs).toMatch(/^[\w-]{43}$/);
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
    expect(given.refunded).toEqual([100]);
  });

  test("R4 a denied call is never made, and the agent is told why", async () => {
    const given = desk();
    const supervisor = team(fresh(), script(given, 20_000), given, { policy: refunds() });
    const run = await supervisor.start({ text: "go" }, start);
    expect((await run.result()).status).toBe("completed");
    const [denied] = bodies(await run.entries(), "tool.denied");
    expect(denied).toMatchObject({
      decision: { ruleId: "huge", policyVersion: "refunds@1" },
      error: { code: "policy/denied", data: { because: "never so much", target: "refund_order" } },
    });
    expect(given.refunded).toEqual([]);
  });

  test("R8 where the policy wants a person a write of low risk waits, survives a restart and is made once", async () => {
    const given = desk();
    const first = fresh();
    const run = await team(first, script(given, 900), given, { policy: refunds() }).start({ text: "go" }, start);
    await parked(run);
    let engine = first;
    if (survives()) {
      await first.close();
      engine = again();
    }
    const supervisor = team(engine, script(given, 900), given, { policy: refunds() });
    const [waiting] = await supervisor.approvals.list({ tenant });
    expect(waiting).toMatchObject({
      tool: "refund_order",
      why: "somebody looks at large sums",
      policy: { ruleId: "large", policyVersion: "refunds@1" },
    });
    await supervisor.approvals.approve(tenant, waiting?.address ?? "", { reason: "fine", principal: operator("jo") });
    const same = await supervisor.find(run.id, { tenant });
    expect((await same.result()).status).toBe("completed");
    const entries = await same.entries();
    expect(bodies(entries, "policy.decided")).toMatchObject([
      { edge: "tool", effect: "approve", target: "refund_order", because: "somebody looks at large sums" },
    ]);
    expect(bodies(entries, "approval.requested")[0]?.policy).toMatchObject({ ruleId: "large" });
    expect(bodies(entries, "effect.proposed")[0]).toMatchObject({ tier: "person", decision: { ruleId: "large" } });
    expect(given.refunded).toEqual([900]);
    expect(completenessOf(entries, supervisor.definition).missing).toEqual([]);
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
  });

  test("a read waits for a person too, where the policy says so", async () => {
    const given = desk();
    const policy = definePolicy({
      name: "reads",
      version: "1",
      rules: [work, { id: "look", on: "tool", effect: "approve", because: "it is private" }],
    });
    const turns = [
      answers(given.triage, { text: "go" }),
      callsAll(given.action, [["get_order", { orderId: "7" }]]),
      answers(given.action, { text: "done" }),
    ];
    const supervisor = team(fresh(), turns, given, { policy });
    const run = await supervisor.start({ text: "go" }, start);
    await parked(run);
    expect(given.lookedUp).toEqual([]);
    const [waiting] = await supervisor.approvals.list({ tenant });
    await supervisor.approvals.approve(tenant, waiting?.address ?? "", { reason: "fine", principal: operator("jo") });
    expect((await run.result()).status).toBe("completed");
    expect(given.lookedUp).toEqual(["7"]);
    // It changed nothing: there is nothing to undo of it, and it waits no more.
    expect(await run.effects()).toEqual([]);
    const entries = await run.entries();
    expect(completenessOf(entries, supervisor.definition).missing).toEqual([]);
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
  });

  test.each([
    ["handoff", "failed", "policy/denied"],
    ["model", "failed", "policy/denied"],
    ["egress", "denied", "policy"],
    ["message", "failed", "policy/denied"],
  ] as const)("R4 a %s that is denied goes nowhere, and is on record", async (edge, status, why) => {
    const given = desk();
    const policy = definePolicy({
      name: "strict",
      version: "1",
      rules: [work, { id: "no", on: [edge], effect: "deny", because: "not that way" }] as never,
    });
    const turns =
      edge === "message"
        ? [asks(given.triage, "customer", "who are you?")]
        : [answers(given.triage, { text: "go" }), answers(given.action, { text: "secret" })];
    const supervisor = team(fresh(), turns, given, { policy });
    const run = await supervisor.start({ text: "go" }, start);
    const result = await run.result();
    expect(result.status).toBe(status);
    const told = result.status === "failed" ? result.error.code : "reason" in result ? result.reason : "";
    expect(told).toBe(why);
    const entries = await run.entries();
    expect(bodies(entries, "policy.decided")).toMatchObject([{ edge, effect: "deny", decision: { ruleId: "no" } }]);
    expect(bodies(entries, "run.completed")).toEqual([]);
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
  });

  test("D4 a live policy takes away at once what the run's own allows, and adds nothing", async () => {
    const given = desk();
    let live: Policy | undefined;
    const options = { policy: refunds(), livePolicy: () => live };
    const supervisor = team(fresh(), [...script(given, 100, 20_000), ...script(given, 100)], given, options);
    const all = definePolicy({
      name: "all",
      version: "1",
      rules: [work, { id: "all", on: "tool", effect: "allow", because: "whatever" }],
    });
    live = all;
    const loose = await supervisor.start({ text: "go" }, start);
    expect((await loose.result()).status).toBe("completed");
    expect(given.refunded).toEqual([100]);
    live = definePolicy({ name: "none", version: "1", rules: [work] });
    const tight = await supervisor.start({ text: "go" }, start);
    expect((await tight.result()).status).toBe("completed");
    expect(given.refunded).toEqual([100]);
    const [failed] = bodies(await tight.entries(), "tool.failed");
    expect(failed).toMatchObject({ error: { code: "policy/no-rule" }, mayHaveExecuted: false });
    expect(await supervisor.replay(tight.id, { tenant })).toMatchObject({ ok: true });
  });

  test("a candidate in the shadow is on record where it differs, changes nothing, and no replay needs it", async () => {
    const given = desk();
    const engine = fresh();
    const shadow = refunds(50, "2");
    const turns = [...script(given, 100, 20), ...script(given, 100, 20)];
    const supervisor = team(engine, turns, given, { policy: refunds(), shadow });
    const run = await supervisor.start({ text: "go" }, start);
    expect((await run.result()).status).toBe("completed");
    expect(given.refunded.toSorted()).toEqual([100, 20]);
    const shadowed = bodies(await run.entries(), "policy.shadowed");
    expect(shadowed).toMatchObject([
      {
        edge: "tool",
        target: "refund_order",
        live: { effect: "allow", decision: { ruleId: "small", policyVersion: "refunds@1" } },
        candidate: { effect: "approve", decision: { ruleId: "large", policyVersion: "refunds@2" } },
      },
    ]);
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
    // The same is found afterwards, in a run that had no candidate.
    const plain = team(engine, turns, desk(), { policy: refunds() });
    const key = { tenant, kind: "run", id: run.id } as const;
    const diff = await diffPolicy(engine.journal, key, plain.definition, shadow);
    expect(diff.changes).toMatchObject([
      { target: "refund_order", was: { effect: "allow" }, would: { effect: "approve" } },
    ]);
    expect(diff.asked).toBeGreaterThan(5);
    expect((await diffPolicy(engine.journal, key, plain.definition, refunds())).changes).toEqual([]);
  });

  test("the same desk under a policy in Cedar", async () => {
    const given = desk();
    const policy = cedarPolicy({
      name: "refunds",
      version: "1",
      text: `
        @id("work") permit(principal, action in [Action::"handoff", Action::"model", Action::"egress"], resource);
        @id("small") permit(principal == Agent::"action", action == Action::"tool:refund_order", resource)
          when { context.arguments.amountCents <= 500 && context.principal.kind == "user" };`,
    });
    const supervisor = team(fresh(), script(given, 100, 501), given, { policy });
    const run = await supervisor.start({ text: "go" }, start);
    expect((await run.result()).status).toBe("completed");
    expect(given.refunded).toEqual([100]);
    const entries = await run.entries();
    expect(bodies(entries, "tool.called")[0]?.decision).toMatchObject({ ruleId: "small", policyVersion: "refunds@1" });
    expect(bodies(entries, "tool.denied")[0]?.error.code).toBe("policy/no-rule");
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
  });

  test("R6 grants bound arguments, and those of the starter's roles hold too", async () => {
    const given = desk();
    const options = {
      grants: {
        principals: {
          clerk: { arguments: { refund_order: { amountCents: { max: 500 } } } },
          "*": { effects: "read" },
        },
      },
    } as const;
    const supervisor = team(fresh(), [...script(given, 100, 501), ...script(given, 100)], given, options);
    const clerk = await supervisor.start({ text: "go" }, { tenant, principal: user("c", ["clerk"]) });
    expect((await clerk.result()).status).toBe("completed");
    expect(given.refunded).toEqual([100]);
    expect(bodies(await clerk.entries(), "tool.denied")[0]?.error).toMatchObject({
      code: "policy/not-granted",
      data: { bound: "arguments.amountCents.max" },
    });
    const other = await supervisor.start({ text: "go" }, { tenant, principal: user("o") });
    expect((await other.result()).status).toBe("completed");
    expect(given.refunded).toEqual([100]);
    expect(await supervisor.replay(clerk.id, { tenant })).toMatchObject({ ok: true });
  });

  test("R6 R10 what a delegation may spend bounds everything under it, and what came before does not count", async () => {
    const given = desk();
    const script = scriptedModel([
      answers(given.triage, { text: "go" }),
      callsAll(given.action, [["get_order", { orderId: "7" }]]),
      answers(given.action, { text: "done" }),
    ]);
    const paid: Model = {
      id: "paid",
      cost: "paid",
      quote: () => ({ microUsd: 60, tokens: 10 }),
      generate: async (request, options) => ({
        ...(await script.generate(request, options)),
        usage: { inputTokens: 5, outputTokens: 5 },
        cost: { microUsd: 60, basis: "reported" },
      }),
    };
    const bounded = (microUsd: number) =>
      team(fresh(), [], given, {
        models: { m: paid },
        handoffs: [
          defineHandoff({
            from: given.triage,
            to: given.action,
            grant: { budget: { microUsd } },
            map: (output) => output,
          }),
        ],
      });
    const supervisor = bounded(100);
    const run = await supervisor.start({ text: "go" }, start);
    const result = await run.result();
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "budget/exceeded", data: { scope: "grant", left: 40 } },
    });
    expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
    expect((await (await bounded(120).start({ text: "go" }, start)).result()).status).toBe("completed");
  });

  test("R6 what a delegation was given ends with its time, also at the gate of a call that waited", async () => {
    const clock = fakeClock();
    const given = desk();
    const supervisor = team(fresh({ clock }), script(given, 900), given, {
      policy: refunds(),
      handoffs: [
        defineHandoff({ from: given.triage, to: given.action, grant: { untilMs: 60_000 }, map: (output) => output }),
      ],
    });
    const run = await supervisor.start({ text: "go" }, start);
    await parked(run);
    clock.advance(60_000);
    const [waiting] = await supervisor.approvals.list({ tenant });
    await supervisor.approvals.approve(tenant, waiting?.address ?? "", { reason: "fine", principal: operator("jo") });
    const result = await run.result();
    expect(result).toMatchObject({ status: "failed", error: { code: "policy/grant-expired" } });
    expect(given.refunded).toEqual([]);
    expect(bodies(await run.entries(), "tool.failed")[0]?.error).toMatchObject({
      code: "policy/not-granted",
      data: { bound: "untilMs" },
    });
  });

  test("R6 inside a team the policies of all teams around it hold", async () => {
    const given = desk();
    const inner = defineSupervisor({
      name: "inner",
      agents: { action: given.action },
      entry: "action",
      exit: "action",
      handoffs: [],
      policy: refunds(50),
    });
    const office = asAgent(inner, { name: "office", description: "The office.", input: text, output: text });
    const open = definePolicy({
      name: "open",
      version: "1",
      rules: [
        work,
        { id: "all", on: "tool", effect: "allow", when: (call) => amountOf(call.arguments) < 40, because: "x" },
      ],
    });
    const supervisor = createSupervisor({
      name: "outer",
      agents: { office },
      entry: "office",
      exit: "office",
      handoffs: [],
      policy: open,
      models: {
        m: scriptedModel([callsAll(given.action, [20, 45, 60].map(refund)), answers(given.action, { text: "ok" })]),
      },
      engine: fresh(),
      check: "log",
    });
    const run = await supervisor.start({ text: "go" }, start);
    expect((await run.result()).status).toBe("completed");
    expect(given.refunded).toEqual([20]);
    const denied = bodies(await run.entries(), "tool.denied").map(({ decision }) => decision.policyVersion);
    // The inner one would have asked about 60; the outer one says no to both.
    expect(denied).toEqual(["open@1", "open@1"]);
  });

  test("operator roles: who may not start, see, approve or restrict is refused", async () => {
    const given = desk();
    const roles = { start: ["customer"], see: ["staff"], approve: ["boss"], restrict: ["boss"] };
    const supervisor = team(fresh(), script(given, 900), given, { policy: refunds(), roles });
    const refused = async (act: Promise<unknown>) => {
      const thrown = await act.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(OrchestrationError.is(thrown, "policy/operator-not-allowed")).toBe(true);
    };
    const staff = operator("jo", ["staff"]);
    const boss = operator("bo", ["boss", "staff"]);
    await refused(supervisor.start({ text: "go" }, { tenant, principal: staff }));
    const run = await supervisor.start({ text: "go" }, { tenant, principal: user("u", ["customer"]) });
    await parked(run);
    await refused(supervisor.list({ tenant, principal: user("u", ["customer"]) }));
    expect(await supervisor.list({ tenant, principal: staff })).toHaveLength(1);
    const [waiting] = await supervisor.approvals.list({ tenant, principal: staff });
    const word = { reason: "fine", principal: staff };
    await refused(supervisor.approvals.approve(tenant, waiting?.address ?? "", word));
    const target = { kind: "tool", name: "refund_order" } as const;
    await refused(supervisor.restrict(target, { tenant, ...word }));
    // What names no role nobody may do.
    await refused(run.cancel("enough", { principal: boss }));
    await supervisor.approvals.approve(tenant, waiting?.address ?? "", { reason: "fine", principal: boss });
    expect((await run.result()).status).toBe("completed");
  });
}
