import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent, eraseRun, memoryEngine, operator, randomIds, user } from "../index.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, scriptedModel } from "../testing/index.ts";
import { type FactsOptions, factsOf, type KpiRun } from "./facts.ts";
import { kpisOf, kpiTally } from "./kpis.ts";
import { compareKpis } from "./named.ts";
import { runsOf } from "./runs.ts";
import { byAttribute, byDefinition, byModel, byOutput, byStatus, byTag, byTenant } from "./segment.ts";
import { begun, run, type Story } from "./story.test.data.ts";

const report = (runs: readonly Story[], options: FactsOptions = {}) => {
  const tally = kpiTally(options);
  for (const one of runs) tally.take(one);
  return tally.close().overall;
};

const all = async (runs: AsyncIterable<KpiRun>) => {
  const read: KpiRun[] = [];
  for await (const one of runs) read.push(one);
  return read;
};

describe("containment and people", () => {
  test("what is asked of the customer is no human step, what is asked of the house is one", () => {
    const asked = (of: "customer" | "operator") =>
      begun("r")
        .put("input.requested", { ask: "a", of }, "clerk#1")
        .put("run.parked")
        .after(500)
        .put("input.received", { ask: "a" }, "clerk#1")
        .put("run.completed", { output: {} });
    const { containment, review, time } = report([asked("customer"), asked("operator"), run("c")]);
    expect(containment).toEqual({ count: 2, of: 3, value: 2 / 3, untold: 0 });
    expect(review).toMatchObject({ count: 1, of: 3, steps: 1, byReason: { "missing-data": 1 } });
    expect(review.time).toMatchObject({ count: 1, p50: 500 });
    expect(time.customer).toMatchObject({ count: 1, p50: 500 });
    expect(time.firstResponse).toMatchObject({ count: 3, max: 500 });
  });

  test("denied is closed as well; parked, running, failed and cancelled runs are what they are", () => {
    const { containment, runs } = report([
      run("completed"),
      run("denied").without("run.completed").put("run.denied", { reason: "no", by: "clerk", packet: null }),
      run("failed").without("run.completed").put("run.failed", { by: "clerk" }),
      run("cancelled").without("run.completed").put("run.cancelled", { reason: "enough", openEffects: [] }),
      run("parked").parked(),
      run("running").without("run.completed"),
    ]);
    expect(containment).toMatchObject({ count: 2, of: 4 });
    expect(runs).toMatchObject({
      cases: 6,
      ended: 4,
      byStatus: { completed: 1, denied: 1, failed: 1, cancelled: 1, parked: 1, running: 1 },
    });
  });

  test("a step ends with a word, in vain, or with its run; what waits is counted as waiting", () => {
    const asked = () => begun("r").put("approval.requested", { risk: "high" }, "c#1/tool#1").after(1_000);
    const { review } = report([
      asked().put("approval.granted", {}, "c#1/tool#1").put("run.completed"),
      asked().put("approval.expired", {}, "c#1/tool#1").put("run.completed"),
      asked().put("run.cancelled"),
      asked().put("run.parked"),
      // Asked again after a migration: still one step.
      asked()
        .put("approval.requested", { risk: "high" }, "c#1/tool#1")
        .after(1_000)
        .put("approval.rejected", {}, "c#1/tool#1"),
    ]);
    expect(review).toMatchObject({ count: 3, of: 3, steps: 5, waiting: 1, expired: 1 });
    expect(review.time).toMatchObject({ count: 2, min: 1_000, max: 2_000 });
  });
});

describe("reasons", () => {
  const reasonOf = (story: Story, options: FactsOptions = {}) => factsOf(story, options).people.steps.at(-1)?.reason;
  const failed = (word: string, code: string) => run("r").escalated(word, { error: { code, message: "" } });

  test.each([
    ["low_confidence", "low-confidence"],
    ["missing_data", "missing-data"],
    ["asked-by-customer", "asked-by-customer"],
    ["critical", "unknown"],
    ["toString", "unknown"],
    ["unknown", "unknown"],
  ])("the word %s is %s", (word, reason) => {
    expect(reasonOf(run("r").escalated(word))).toBe(reason);
  });

  test.each([
    ["agent_failed", "model/timeout", "model-failure"],
    ["agent_failed", "tool/failed", "tool-failure"],
    ["agent_failed", "budget/exceeded", "limit-reached"],
    ["agent_failed", "policy/denied", "policy-conflict"],
    ["agent_failed", "run/internal", "unknown"],
    ["contract_rejected", "contract/input-invalid", "contract-broken"],
    ["no_edge", "supervisor/no-matching-handoff", "contract-broken"],
    // An error in the packet of a team's own word is the team's own.
    ["critical", "model/timeout", "unknown"],
  ])("%s with %s is %s", (word, code, reason) => {
    expect(reasonOf(failed(word, code))).toBe(reason);
  });

  test("the caller says what the team's own words stand for, in a table or by what led there", () => {
    const story = run("r").put("edge.chosen", { edge: "needs a person" }).escalated("handed_over");
    expect(reasonOf(story, { reasons: { handed_over: "policy-conflict" } })).toBe("policy-conflict");
    const reasons: FactsOptions["reasons"] = ({ edges }) =>
      edges.includes("needs a person") ? "policy-conflict" : undefined;
    expect(reasonOf(story, { reasons })).toBe("policy-conflict");
    expect(reasonOf(run("r").escalated("handed_over"), { reasons })).toBe("unknown");
  });

  const approval = (body: object) => begun("r").put("approval.requested", body, "c#1/tool#1");
  test("an approval's reason is what the run says it was asked for", () => {
    expect(reasonOf(approval({ risk: "high" }))).toBe("approval-required");
    expect(reasonOf(approval({ risk: "high", because: [{}] }))).toBe("untrusted-data");
    expect(reasonOf(approval({ risk: "high", verdict: { verdict: "escalate" } }))).toBe("policy-conflict");
    expect(reasonOf(approval({ risk: "low", policy: { ruleId: "r" } }))).toBe("approval-required");
    expect(reasonOf(approval({ risk: "medium", verdict: { verdict: "none" } }))).toBe("unknown");
    expect(reasonOf(approval({}).erased())).toBe("unknown");
    const unjudged = begun("r")
      .put("effect.proposed", { tier: "compliance" }, "c#1/tool#1")
      .put("agent.failed", { error: { code: "model/timeout", message: "" } }, "c#1/tool#1/compliance#1")
      .put("approval.requested", { risk: "medium", verdict: { verdict: "none" } as never }, "c#1/tool#1");
    expect(reasonOf(unjudged)).toBe("model-failure");
  });
});

describe("time", () => {
  test("a run that is moved to another definition while it is parked stays parked", () => {
    const story = begun("r")
      .put("approval.requested", { risk: "high" }, "c#1/tool#1")
      .put("run.parked")
      .after(1_000)
      .put("run.migrated", { to: "h2" }, "", 0);
    story.put("approval.requested", { risk: "high" }, "c#1/tool#1", story.entries.length).after(500);
    expect(report([story]).runs.byStatus).toEqual({ parked: 1 });
    story.put("approval.granted", {}, "c#1/tool#1", 0).after(30).put("run.completed");
    expect(report([story]).time).toMatchObject({
      active: { p50: 30 },
      parked: { p50: 1_500 },
      resolution: { p50: 1_530 },
    });
  });

  test("a model call that nobody was asked for is no turn: its request was too long, or there was no money for it", () => {
    const called = (story: Story, reason: "agent" | "summary") =>
      story.put("model.called", { command: "clerk#1/model#1", agent: "clerk", reason }, "clerk#1");
    const answered = (story: Story) => story.put("model.responded", { model: "m-1", parts: [] }, "clerk#1");
    const short = called(begun("r"), "agent").put("model.failed", { summarise: 4_000 } as never, "clerk#1");
    answered(called(answered(called(short, "summary")), "agent")).put("run.completed");
    const poor = called(begun("p"), "agent").put("budget.refused", {}, "clerk#1").put("run.failed", { by: "clerk" });
    expect(report([short]).turns).toMatchObject({ count: 1, max: 1 });
    expect(report([poor]).turns).toMatchObject({ count: 1, max: 0 });
    expect(report([short, poor]).unheardModelCalls).toBe(0);
  });

  test("what an agent had asked the house that was stopped waits for nobody", () => {
    const story = begun("r")
      .put("input.requested", { ask: "a", of: "operator" }, "left#1/clerk#1")
      .put("input.requested", { ask: "b", of: "operator" }, "leftover#1");
    expect(report([story]).review).toMatchObject({ steps: 2, waiting: 2 });
    story.put("agent.failed", {}, "left#1");
    expect(report([story]).review).toMatchObject({ steps: 2, waiting: 1, time: { count: 0 } });
  });

  test("parked time is apart, and a start that was put off is the start", () => {
    const story = begun("r").put("run.parked").after(1_000).put("timer.fired").after(30).put("run.completed");
    expect(report([story]).time).toMatchObject({
      resolution: { p50: 1_030 },
      active: { p50: 30 },
      parked: { p50: 1_000 },
    });
    const late = begun("r");
    late.entries[0] = { ...late.entries[0], body: { ...late.entries[0]?.body, startAt: 800 } } as never;
    late.put("run.parked").after(1_000).put("timer.fired").after(30).put("run.completed");
    expect(report([late]).time).toMatchObject({ resolution: { p50: 230 }, active: { p50: 30 }, parked: { p50: 200 } });
  });

  test("the caller says what else tells the customer something", () => {
    const story = begun("r")
      .after(40)
      .put("tool.called", { tool: "send_message" }, "c#1/tool#1")
      .after(60)
      .put("run.completed");
    expect(report([story]).time.firstResponse.p50).toBe(100);
    const responds: FactsOptions["responds"] = (entry) =>
      entry.type === "tool.called" && entry.body.tool === "send_message";
    expect(report([story], { responds }).time.firstResponse.p50).toBe(40);
  });
});

describe("cost", () => {
  const called = (name: string, n: number) => {
    const command = `c#1/model#${n}`;
    return (story: Story, body: object) =>
      story
        .put("model.called", { command, agent: "c", reason: "agent" }, "c#1")
        .after(5)
        .put(name === "ok" ? "model.responded" : "model.failed", { command, model: "m-1", ...body } as never, "c#1");
  };
  const cost = (microUsd: number, basis: "reported" | "estimated" = "reported") => ({ cost: { microUsd, basis } });

  test("failed attempts, failed runs and specialists' runs are in the cost of a success; open runs are not", () => {
    const good = begun("a");
    called("failed", 1)(good, { error: { code: "model/timeout" }, ...cost(30, "estimated") });
    called("ok", 2)(good, cost(70));
    good
      .put("delegation.sent", { command: "d" }, "d#1")
      .put("delegation.ended", { command: "d", spent: { microUsd: 400, tokens: 9 }, basis: "reported" }, "d#1")
      .put(
        "budget.settled",
        { command: "d", agent: "d", amount: { microUsd: 400, tokens: 9 }, basis: "reported" },
        "d#1",
      )
      .put("run.completed");
    const bad = called("ok", 1)(begun("b"), cost(500)).put("run.failed", { by: "c" });
    const open = called("ok", 1)(begun("c"), cost(11)).put("run.parked");
    const delegated = begun("d");
    delegated.entries[0] = { ...delegated.entries[0], body: { supervisor: "s", delegation: {} } } as never;
    called("ok", 1)(delegated, cost(400)).put("run.completed");
    const all = report([good, bad, open, delegated]);
    expect(all.cost).toMatchObject({
      microUsd: 1_000,
      byBasis: { reported: 970, estimated: 30, reserved: 0 },
      delegatedMicroUsd: 400,
      openMicroUsd: 11,
      unknownCalls: 0,
      perRun: 500,
      perSuccess: 1_000,
    });
    expect(all.runs).toMatchObject({ cases: 3, delegated: 1 });
    expect(all.models).toMatchObject({
      "m-1": { calls: 4, failure: { count: 1, of: 4 }, retries: 1, microUsd: 611, latency: { count: 4, p50: 5 } },
    });
  });

  test("people's and tools' work is priced by a model that the caller gives, apart from what was paid", () => {
    const story = called("ok", 1)(begun("a"), cost(100))
      .put("tool.called", { tool: "find", attempt: 1 }, "c#1/tool#1")
      .put("tool.called", { tool: "find", attempt: 2 }, "c#1/tool#1")
      .put("approval.requested", { risk: "high" }, "c#1/tool#2")
      .after(1_800_000)
      .put("approval.granted", {}, "c#1/tool#2")
      .put("approval.requested", { risk: "high" }, "c#1/tool#3")
      .after(1_800_000)
      .put("approval.expired", {}, "c#1/tool#3")
      .put("run.completed");
    const prices = { reviewHour: 60_000_000, reviewStep: 5, tools: { find: 7 } };
    const { microUsd, modelled } = report([story], { prices }).cost;
    expect(microUsd).toBe(100);
    expect(modelled).toEqual({ reviewMicroUsd: 30_000_005, toolMicroUsd: 14, perSuccess: 30_000_119 });
    expect(report([story]).cost).not.toHaveProperty("modelled");
  });

  test("success is quality within the bounds; a cost that is not known is not within one", () => {
    const cheap = called("ok", 1)(begun("a"), cost(100)).put("run.completed");
    const dear = called("ok", 1)(begun("b"), cost(900)).put("run.completed");
    const unknown = called("ok", 1)(begun("c"), {}).put("run.completed");
    const runs = [cheap, dear, unknown, called("ok", 1)(begun("d"), cost(1)).put("run.completed")];
    const success: FactsOptions["success"] = ({ runId }) => (runId === "d" ? undefined : true);
    const all = report(runs, { success, slo: { costMicroUsd: 500, activeMs: 5 } });
    expect(all.success).toEqual({
      count: 1,
      of: 3,
      value: 1 / 3,
      quality: { count: 3, of: 3, value: 1 },
      within: { costMicroUsd: { count: 2, of: 4, value: 0.5 }, activeMs: { count: 4, of: 4, value: 1 } },
      unjudged: 1,
    });
    expect(report(runs, { slo: { costMicroUsd: 500 }, unpriced: "free" }).success.count).toBe(3);
  });
});

test("calls by tool: refusals are no failures, and tries without an outcome are told", () => {
  const story = begun("r")
    .put("tool.called", { tool: "find", attempt: 1 }, "c#1/tool#1")
    .put("tool.failed", { error: { code: "tool/timeout", message: "" }, durationMs: 30 }, "c#1/tool#1")
    .put("tool.called", { tool: "find", attempt: 2 }, "c#1/tool#1")
    .put("tool.returned", { durationMs: 10 }, "c#1/tool#1")
    .put("tool.called", { tool: "find", attempt: 1 }, "c#1/tool#2")
    .put("tool.failed", { error: { code: "tool/refused", message: "" }, durationMs: 20 }, "c#1/tool#2")
    .put("tool.called", { tool: "pay", attempt: 1 }, "c#1/tool#3")
    .put("effect.uncertain", { tool: "pay", next: "lookup" }, "c#1/tool#3")
    .put("effect.uncertain", { tool: "pay", next: "person" }, "c#1/tool#3")
    .put("tool.denied", { tool: "made up", error: { code: "policy/tool-unknown", message: "" } }, "c#1/tool#4")
    .put("run.parked");
  const { tools, policy, review } = report([story]);
  expect(tools).toMatchObject({
    find: {
      calls: 3,
      failure: { count: 1, of: 3 },
      refused: 1,
      retries: 1,
      byCode: { "tool/timeout": 1 },
      latency: { count: 3, p50: 20, p95: 30 },
      unheard: 0,
    },
    pay: { calls: 1, uncertain: 1, unheard: 1 },
    "(unknown tool)": { calls: 0, denied: 1 },
  });
  expect(policy).toMatchObject({ caught: 1, denied: { "policy/tool-unknown": 1 } });
  expect(review).toMatchObject({ waiting: 1, byReason: { "outcome-unknown": 1 } });
});

test("an incident is pinned to the first failing entry of what brought the end about", () => {
  const failure = (code: string) => ({ error: { code, message: "" } }) as never;
  const story = begun("r")
    .put("tool.failed", failure("tool/timeout"), "a#1/tool#1")
    .put("tool.returned", { durationMs: 1 }, "a#1/tool#1")
    .put("model.failed", failure("model/timeout"), "a#1", 0)
    .put("step.retried", { kind: "model" }, "a#1", 4)
    .put("model.failed", failure("model/timeout"), "a#1", 0)
    .put("agent.failed", failure("model/timeout"), "a#1", 6)
    .put("budget.returned", {}, "", 0)
    .put("run.failed", failure("model/timeout"), "", 8);
  const { incidents } = report([story, run("fine")]);
  expect(incidents).toMatchObject({
    count: 1,
    of: 2,
    byCode: { "model/timeout": 1 },
    byStep: { "model.failed model/timeout": 1 },
    some: [{ runId: "r", seq: 4, path: "a#1", code: "model/timeout", failures: 4 }],
  });
});

test("violations that got through are counted where somebody looked, and nowhere else", () => {
  expect(report([run("a")]).policy.reached).toBeUndefined();
  const violations: FactsOptions["violations"] = ({ runId }) => ({ a: 0, b: 2 })[runId];
  expect(report([run("a"), run("b"), run("c")], { violations }).policy.reached).toEqual({
    count: 1,
    of: 2,
    value: 0.5,
    violations: 2,
  });
});

test("an erased run is counted by what is left of it, and guessed in nothing", () => {
  const asked = begun("q").put("input.requested", { ask: "a", of: "customer" }, "c#1").put("run.completed").erased();
  const all = report([run("a").erased(), asked, run("e").escalated("low_confidence").erased()]);
  expect(all.runs).toMatchObject({ cases: 3, ended: 3, erased: 3, byStatus: { completed: 2, escalated: 1 } });
  expect(all.containment).toEqual({ count: 1, of: 2, value: 0.5, untold: 1 });
  expect(all.escalation).toMatchObject({ count: 1, byReason: { unknown: 1 }, byWord: { "(erased)": 1 } });
  expect(all.cost.unknownCalls).toBe(2);
  expect(all.models).toMatchObject({ "(erased)": { calls: 2 } });
  expect(all.trace).toMatchObject({ of: 0 });
});

test("a body whose payload is gone is as good as erased", () => {
  const gone = begun("q").put("input.requested", {}, "c#1").put("tool.called", {}, "c#1/tool#1").put("run.completed");
  for (const [index, entry] of gone.entries.entries())
    gone.entries[index] = { ...entry, body: { $blob: "sha256" } } as never;
  const definitions = () => {
    throw new Error("nobody asks what a run must have that says nothing");
  };
  const all = report([gone], { definitions });
  expect(all.runs).toMatchObject({ ended: 1, erased: 1 });
  expect(all.containment).toMatchObject({ of: 0, untold: 1 });
  expect(all.tools).toMatchObject({ "(erased)": { calls: 1, unheard: 1 } });
});

test("segments: by what the run says, what it was started with, and what an agent has found", () => {
  const tally = kpiTally({
    segmentBy: {
      tag: byTag(),
      tenant: byTenant(),
      intent: byOutput("clerk", "intent"),
      sure: byOutput("clerk", "sure"),
      missing: byOutput("clerk", "toString"),
      attribute: byAttribute("intent"),
      definition: byDefinition(),
      model: byModel(),
      status: byStatus(),
    },
  });
  tally.take(run("a", ["one", "two", "__proto__"]));
  tally.take(run("b"));
  const { segments } = tally.close();
  const counts = Object.entries(segments).map(([name, values]) => [
    name,
    Object.entries(values).map(([value, { runs }]) => `${value} ${runs.cases}`),
  ]);
  expect(Object.fromEntries(counts)).toEqual({
    tag: ["(none) 1", "__proto__ 1", "one 1", "two 1"],
    tenant: ["acme 2"],
    intent: ["refund 2"],
    sure: ["true 2"],
    missing: ["(none) 2"],
    attribute: ["refund 2"],
    definition: ["desk@h1 2"],
    model: ["m-1 2"],
    status: ["completed 2"],
  });
});

test("what names itself endlessly is counted together from the 201st name on", () => {
  const tally = kpiTally({ segmentBy: { tag: byTag() } });
  for (let index = 0; index < 500; index++) {
    tally.take(run(`r${index}`, [`tag ${index}`]).put("tool.called", { tool: `tool ${index}` }, "c#1/tool#1"));
  }
  const { overall, segments } = tally.close();
  expect(Object.keys(segments.tag ?? {})).toHaveLength(201);
  expect(segments.tag?.["(others)"]?.runs.cases).toBe(300);
  expect(Object.keys(overall.tools)).toHaveLength(201);
  expect(overall.tools["(others)"]?.calls).toBe(300);
});

test("a comparison says what got better and what worse, with counts on both sides", () => {
  const changes = compareKpis(report([run("a"), run("b").escalated("x")]), report([run("a")]));
  const of = (name: string) => changes.find((one) => one.name === name);
  expect(of("containment")).toMatchObject({
    before: { count: 1, of: 2 },
    after: { count: 1, of: 1 },
    difference: 0.5,
    went: "better",
  });
  expect(of("escalation")).toMatchObject({ difference: -0.5, went: "better" });
  expect(of("violations")).not.toHaveProperty("difference");
});

test("runs of a supervisor are read page by page, and an erased one is counted as erased", async () => {
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    model: "fast",
    tools: [],
    input: z.object({ text: z.string() }),
    output: z.object({ reply: z.string() }),
    instructions: "Answer.",
  });
  const engine = memoryEngine();
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { fast: scriptedModel(Array.from({ length: 250 }, () => answers(clerk, { reply: "On Monday." }))) },
    engine,
  });
  const ids: string[] = [];
  for (let index = 0; index < 250; index++) {
    const one = await desk.start({ text: "When?" }, { tenant: "acme", principal: user("u_17") });
    await one.result();
    ids.push(one.id);
  }
  await engine.idle();
  const seen: string[] = [];
  for await (const { runId } of runsOf(desk, { tenant: "acme" })) seen.push(runId);
  expect(seen.toSorted()).toEqual(ids.toSorted());
  const some = await all(runsOf(desk, { tenant: "acme", most: 120 }));
  expect(some.map(({ runId }) => runId)).toEqual(seen.slice(0, 120));
  expect(await all(runsOf(desk, { tenant: "acme", since: engine.clock.now() + 1 }))).toEqual([]);
  expect(await all(runsOf(desk, { tenant: "acme", until: 1 }))).toEqual([]);
  expect(await all(runsOf(desk, { tenant: "other" }))).toEqual([]);

  const who = { by: operator("dpo"), reason: "asked for", now: engine.clock.now, salt: randomIds().salt };
  await eraseRun(engine.journal, { tenant: "acme", runId: ids[0] ?? "" }, who);
  const { overall } = await kpisOf(runsOf(desk, { tenant: "acme" }));
  expect(overall.runs).toMatchObject({ cases: 250, ended: 250, erased: 1 });
  expect(overall.containment).toMatchObject({ count: 250, of: 250 });
  expect(overall.trace.complete).toEqual({ count: 249, of: 249, value: 1 });
  await engine.close();
});
