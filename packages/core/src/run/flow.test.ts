import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry, EntryType } from "../event.ts";
import { extendAgent } from "../extend.ts";
import { defineDenial, defineEscalation, defineHandoff, defineParallel, defineQuestion, outputOf } from "../handoff.ts";
import { user } from "../principal.ts";
import { asAgent, defineSupervisor } from "../supervisor/definition.ts";
import type { SupervisorOptions } from "../supervisor/options.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, calls, callsAll, refuses, says, scriptedModel, type Turn } from "../testing/index.ts";
import { defineThreshold } from "../threshold.ts";
import { defineTool } from "../tool.ts";

const note = z.object({ text: z.string(), sure: z.number().default(1) });
type Note = z.output<typeof note>;
const agent = <const Name extends string>(name: Name) =>
  defineAgent({
    name,
    description: `The ${name}.`,
    model: "m",
    tools: [],
    input: z.object({ text: z.string() }),
    output: note,
    instructions: "Write a note.",
  });
const clerk = agent("clerk");
const boss = agent("boss");
const pass = defineHandoff({ from: clerk, to: boss, map: ({ text }) => ({ text }) });
const write = (text: string, sure = 1): Note => ({ text, sure });

type Options = SupervisorOptions<Record<string, AnyAgent>, string, string, readonly []>;
const both = { agents: { clerk, boss }, entry: "clerk", exit: "boss", handoffs: [pass] } as const;

/** Starts a run of a supervisor whose models play the turns. */
async function begin(options: object, turns: readonly Turn[]) {
  const definition = defineSupervisor(options as Options);
  const model = scriptedModel(turns);
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, { ...model, id: alias }]));
  // Some go wrong on purpose, which shows before they start.
  const supervisor = runSupervisor(definition, { engine: memoryEngine(), models, check: "log" });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  return { supervisor, run, model };
}

/** Plays a run to its end; whatever it was, it replays exactly and uses its script up. */
async function play(options: object, turns: readonly Turn[]) {
  const { supervisor, run, model } = await begin(options, turns);
  const result = await run.result();
  const entries = await run.entries();
  expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  model.assertUsed();
  return { result, entries, model };
}

function bodies<Type extends EntryType>(entries: readonly Entry[], type: Type): Entry<Type>["body"][] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.body as Entry<Type>["body"]] : []));
}

describe("a confidence threshold", () => {
  const sure = { agent: clerk, atLeast: 0.7, read: ({ sure: value }: Note) => value };
  const stronger = { ...both, thresholds: [defineThreshold({ ...sure, stronger: "big" })] };

  test("takes an answer that is sure enough", async () => {
    const { result, entries } = await play(stronger, [answers(clerk, write("a", 0.7)), answers(boss, write("b"))]);
    expect(result).toMatchObject({ status: "completed", output: { text: "b" } });
    expect(bodies(entries, "handoff.returned")[0]?.confidence).toBe(0.7);
  });

  test("gives the same payload to a stronger model once, and says why", async () => {
    const turns = [answers(clerk, write("a", 0.2)), answers(clerk, write("a2", 0.9)), answers(boss, write("b"))];
    const { result, entries, model } = await play(stronger, turns);
    expect(result.status).toBe("completed");
    expect(bodies(entries, "model.called").map(({ alias, reason }) => `${alias} ${reason}`)).toEqual([
      "m agent",
      "big threshold",
      "m agent",
    ]);
    expect(model.requests.map(({ input }) => input)).toEqual([{ text: "hello" }, { text: "hello" }, { text: "a2" }]);
    expect(bodies(entries, "handoff.delivered")[1]).toMatchObject({ edge: "stronger:clerk", model: "big" });
  });

  test("is a person's matter when the stronger model is not sure either, or there is none", async () => {
    const twice = await play(stronger, [answers(clerk, write("a", 0.2)), answers(clerk, write("a2", 0.6))]);
    expect(twice.result).toMatchObject({
      status: "escalated",
      reason: "low_confidence",
      by: "clerk",
      packet: { output: { text: "a2", sure: 0.6 } },
    });
    const once = await play({ ...both, thresholds: [defineThreshold(sure)] }, [answers(clerk, write("a", 0.69))]);
    expect(once.result).toMatchObject({ status: "escalated", reason: "low_confidence" });
  });

  test.each([[-0.1], [1.01], [5], [undefined], [null], ["0.9"], [{}]])("%j is no confidence", async (value) => {
    const odd = defineThreshold({ ...sure, read: () => value as number, stronger: "big" });
    const { result } = await play({ ...both, thresholds: [odd] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "guard/confidence-invalid", data: { agent: "clerk", value: String(value) } },
    });
  });

  test.each([["text"], [new Error("text")]])("a throw while it is read is a guard's throw (%#)", async (thrown) => {
    const read = (): number => {
      throw thrown;
    };
    const odd = defineThreshold({ ...sure, read });
    const { result } = await play({ ...both, thresholds: [odd] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({
      error: { code: "guard/threw", data: { edge: "confidence of clerk", reason: "text" } },
    });
  });
});

describe("a guard or a map", () => {
  const fail = (reason: string) => (): never => {
    throw new Error(reason);
  };

  test("that throws ends this run with its edge and reason", async () => {
    const guarded = defineHandoff({ from: clerk, to: boss, when: fail("odd guard"), map: ({ text }) => ({ text }) });
    const { result } = await play({ ...both, handoffs: [guarded] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({ status: "failed", error: { code: "guard/threw", data: { reason: "odd guard" } } });
    const mapped = defineHandoff({ from: clerk, to: boss, map: fail("odd map") });
    const second = await play({ ...both, handoffs: [mapped] }, [answers(clerk, write("a"))]);
    expect(second.result).toMatchObject({ status: "failed", error: { code: "contract/map-threw" } });
    expect(bodies(second.entries, "handoff.rejected")[0]).toMatchObject({ edge: "clerk->boss", side: "sender" });
  });

  test.each<[string, unknown, string]>([
    ["a payload that does not fit", { text: 7 }, "contract/input-invalid"],
    ["a missing member", {}, "contract/input-invalid"],
    ["nothing", undefined, "contract/not-json"],
    ["a date", { text: new Date(0) }, "contract/not-json"],
  ])("%s reaches nobody", async (_, payload, code) => {
    const handoff = defineHandoff({ from: clerk, to: boss, map: () => payload as { text: string } });
    const { result, entries } = await play({ ...both, handoffs: [handoff] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({ status: "failed", error: { code } });
    expect(bodies(entries, "handoff.delivered").map(({ agent: to }) => to)).toEqual(["clerk"]);
  });

  test("that gives a promise which fails ends this run, and not the process", async () => {
    const heard: unknown[] = [];
    const hear = (reason: unknown) => void heard.push(reason);
    process.on("unhandledRejection", hear);
    const late = (async () => fail("late")()) as never;
    const mapped = defineHandoff({ from: clerk, to: boss, map: late });
    const { result } = await play({ ...both, handoffs: [mapped] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({ status: "failed", error: { code: "contract/not-json" } });
    const guarded = defineHandoff({ from: clerk, to: boss, when: late, map: ({ text }) => ({ text }) });
    const { result: stuck } = await play({ ...both, handoffs: [guarded] }, [answers(clerk, write("a"))]);
    expect(stuck).toMatchObject({ status: "failed", error: { code: "supervisor/no-matching-handoff" } });
    const unsure = { ...both, thresholds: [defineThreshold({ agent: clerk, atLeast: 0.7, read: late })] };
    const { result: odd } = await play(unsure, [answers(clerk, write("a"))]);
    expect(odd).toMatchObject({ status: "failed", error: { code: "guard/confidence-invalid" } });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", hear);
    expect(heard).toEqual([]);
  });

  test("a failure may be a person's matter instead", async () => {
    const mapped = defineHandoff({ from: clerk, to: boss, map: fail("odd map") });
    const options = { ...both, handoffs: [mapped], onFailure: "escalate" };
    const { result } = await play(options, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({ status: "escalated", reason: "contract_rejected" });
  });

  test("where no edge fits, the agent is named", async () => {
    const never = defineHandoff({ from: clerk, to: boss, when: () => false, map: ({ text }) => ({ text }) });
    const { result } = await play({ ...both, handoffs: [never] }, [answers(clerk, write("a"))]);
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "supervisor/no-matching-handoff", data: { agent: "clerk" } },
    });
  });

  test("an edge that was taken `max` times is not there any more, and a loop ends", async () => {
    const back = defineHandoff({ from: boss, to: clerk, map: ({ text }) => ({ text }), max: 1 });
    const turns = ["a", "c"].flatMap((text) => [answers(clerk, write(text)), answers(boss, write("again"))]);
    const { result, entries } = await play({ ...both, handoffs: [pass, back] }, turns);
    expect(result.status).toBe("completed");
    expect(bodies(entries, "edge.chosen").map(({ edge }) => edge)).toEqual([
      "clerk->boss",
      "boss->clerk",
      "clerk->boss",
    ]);
  });
});

describe("a model", () => {
  test("that refuses ends its agent, with the reason", async () => {
    const { result, entries } = await play(both, [refuses(clerk, "not for me")]);
    expect(result).toMatchObject({ status: "failed", by: "clerk", error: { code: "agent/refused" } });
    expect(bodies(entries, "agent.failed")[0]?.error.message).toContain("not for me");
    const soft = await play({ ...both, onFailure: "escalate" }, [refuses(clerk, "not for me")]);
    expect(soft.result).toMatchObject({ status: "escalated", reason: "agent_failed" });
  });

  test("that breaks its contract is told where, and may mend it", async () => {
    const turns = [
      says(clerk, { type: "output", value: { text: 7 } }),
      answers(clerk, write("a")),
      answers(boss, write("b")),
    ];
    const { result, entries, model } = await play(both, turns);
    expect(result.status).toBe("completed");
    expect(bodies(entries, "output.rejected")[0]).toMatchObject({
      agent: "clerk",
      repair: 1,
      issues: [{ pointer: "/text" }],
    });
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({ role: "repair", issues: [{ pointer: "/text" }] });
  });

  test("that breaks it again ends its agent, with the last places", async () => {
    const broken = says(clerk, { type: "text", text: "no output at all" });
    const { result } = await play(both, [broken, { ...broken }]);
    expect(result).toMatchObject({ status: "failed", error: { code: "agent/output-invalid", data: { repairs: 1 } } });
    const strict = await play({ ...both, limits: { repairs: 0 } }, [broken]);
    expect(strict.result).toMatchObject({ status: "failed", error: { code: "agent/output-invalid" } });
  });

  test("may answer in text that is the output as JSON", async () => {
    const { result } = await play(both, [
      says(clerk, { type: "text", text: '{"text":"a"}' }),
      answers(boss, write("b")),
    ]);
    expect(result.status).toBe("completed");
  });

  test("that asks whom it may not ask ends its agent", async () => {
    const { result } = await play(both, [asks(clerk, "customer", "Which one?")]);
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "agent/ask-not-allowed", data: { audience: "customer" } },
    });
  });

  test("that fails ends its agent with the model's own error", async () => {
    const { result } = await play(both, []);
    expect(result).toMatchObject({ status: "failed", error: { code: "model/script-mismatch" } });
  });
});

describe("a team behind one name", () => {
  const inner = (handoffs: readonly object[], more: object = {}) =>
    asAgent(
      defineSupervisor({
        name: "inner",
        agents: { boss },
        entry: "boss",
        exit: "boss",
        handoffs,
        ...more,
      } as never) as never,
      { name: "team", description: "A team.", input: z.object({ text: z.string() }), output: note },
    );
  const outer = (team: AnyAgent, more: object = {}) => ({
    name: "outer",
    agents: { clerk, team },
    entry: "clerk",
    exit: "team",
    handoffs: [defineHandoff({ from: clerk, to: team, map: ({ text }: Note) => ({ text }) })],
    ...more,
  });

  test("gives its exit's output as its own", async () => {
    const { result, entries } = await play(outer(inner([])), [answers(clerk, write("a")), answers(boss, write("b"))]);
    expect(result).toMatchObject({ status: "completed", output: { text: "b" } });
    expect(bodies(entries, "handoff.returned").map(({ agent: name }) => name)).toEqual(["clerk", "boss", "team"]);
  });

  test("that fails is an agent that failed, with the error from inside", async () => {
    const { result } = await play(outer(inner([])), [answers(clerk, write("a")), refuses(boss, "no")]);
    expect(result).toMatchObject({ status: "failed", by: "team", error: { code: "agent/refused" } });
  });

  test.each([
    ["escalated", defineEscalation],
    ["denied", defineDenial],
  ] as const)("that ends as %s ends the run so, with reason and packet from inside", async (status, define) => {
    const ending = define({ from: boss, reason: "too_odd", packet: ({ text }) => ({ seen: text }) });
    const turns = [answers(clerk, write("a")), answers(boss, write("b"))];
    const { result } = await play(outer(inner([ending])), turns);
    expect(result).toMatchObject({ status, reason: "too_odd", packet: { seen: "b" } });
  });

  test("whose output breaks the contract of its name has failed", async () => {
    const narrow = { ...inner([]), output: z.object({ text: z.literal("only this") }) };
    const { result } = await play(outer(narrow), [answers(clerk, write("a")), answers(boss, write("b"))]);
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "agent/output-invalid", data: { agent: "team" } },
    });
  });

  test("counts as a level of delegation", async () => {
    const { result } = await play(outer(inner([]), { limits: { depth: 1 } }), [answers(clerk, write("a"))]);
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "limits/exceeded", data: { limit: "depth", bound: 1 } },
    });
  });
});

describe("a parallel delegation", () => {
  const left = agent("left");
  const right = agent("right");
  const fork = defineParallel({
    from: clerk,
    with: { start: outputOf(clerk) },
    branches: {
      l: { to: left, map: ({ text }) => ({ text: `${text}, left` }) },
      r: { to: right, map: ({ text }) => ({ text: `${text}, right` }) },
    },
    join: { to: boss, map: ({ l, r }, { start }) => ({ text: [start.text, l.text, r.text].join(" + ") }) },
  });
  const options = { agents: { clerk, left, right, boss }, entry: "clerk", exit: "boss", handoffs: [fork] };

  test("gives each branch its own payload and joins their results", async () => {
    const turns = [
      answers(clerk, write("a")),
      answers(left, write("L")),
      answers(right, write("R")),
      answers(boss, write("b")),
    ];
    const { result, model } = await play(options, turns);
    expect(result.status).toBe("completed");
    const inputs = Object.fromEntries(model.requests.map((request) => [request.agent, request.input]));
    expect(inputs).toMatchObject({
      left: { text: "a, left" },
      right: { text: "a, right" },
      boss: { text: "a + L + R" },
    });
  });

  test("ends with the first branch that fails", async () => {
    const { run } = await begin(options, [answers(clerk, write("a")), refuses(left, "no"), answers(right, write("R"))]);
    const result = await run.result();
    expect(result).toMatchObject({ status: "failed", error: { code: "agent/refused", data: { agent: "left" } } });
  });
});

describe("a question", () => {
  const question = defineQuestion({
    from: clerk,
    to: boss,
    of: "customer",
    ask: ({ text }) => `Which ${text}?`,
    answer: z.object({ size: z.enum(["small", "large"]) }),
    map: ({ size }, { text }) => ({ text: `${size} ${text}` }),
  });
  const options = { ...both, handoffs: [question] };

  test("of the supervisor parks the run, and the answer goes on", async () => {
    const { supervisor, run, model } = await begin(options, [answers(clerk, write("box")), answers(boss, write("b"))]);
    expect(await run.settled()).toBe("parked");
    expect(await run.questions()).toMatchObject([{ of: "customer", by: "clerk", question: "Which box?" }]);
    await expect(run.send({ size: "medium" })).rejects.toMatchObject({ code: "run/answer-invalid" });
    await run.send({ size: "large" }, { key: "k" });
    await run.send({ size: "small" }, { key: "k" });
    expect(await run.result()).toMatchObject({ status: "completed" });
    expect(model.requests[1]?.input).toEqual({ text: "large box" });
    await expect(run.send({ size: "small" })).rejects.toMatchObject({ code: "run/already-ended" });
    expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  });

  test("of an agent goes back to that agent, as data", async () => {
    const asker = extendAgent(clerk, { asks: ["operator"] });
    const handoff = defineHandoff({ from: asker, to: boss, map: ({ text }) => ({ text }) });
    const turns = [asks(asker, "operator", "May I?"), answers(asker, write("a")), answers(boss, write("b"))];
    const { run, model } = await begin({ ...both, agents: { clerk: asker, boss }, handoffs: [handoff] }, turns);
    expect(await run.settled()).toBe("parked");
    await expect(run.send("yes", { ask: "another#1" })).rejects.toMatchObject({ code: "run/not-waiting" });
    await run.send({ granted: true });
    expect((await run.result()).status).toBe("completed");
    expect(model.requests[1]?.messages.at(-1)).toEqual({ role: "answer", of: "operator", answer: { granted: true } });
  });

  test("that nobody answers may be cancelled, once", async () => {
    const { run } = await begin(options, [answers(clerk, write("box"))]);
    await run.settled();
    await run.cancel("closing time");
    await run.cancel("again");
    expect(await run.result()).toMatchObject({ status: "cancelled", reason: "closing time", openEffects: [] });
    expect(await run.questions()).toEqual([]);
  });
});

describe("bounds", () => {
  const look = defineTool({
    name: "look_up",
    description: "Looks up.",
    input: z.object({ id: z.string() }),
    output: z.object({ found: z.boolean() }),
    effect: "read",
    execute: () => ({ found: true }),
  });
  const foreign = { ...look, name: "foreign_tool" };
  const seeker = extendAgent(clerk, { tools: [look] });
  const keeper = extendAgent(boss, { tools: [foreign] });
  const handoffs = [defineHandoff({ from: seeker, to: keeper, map: ({ text }) => ({ text }) })];
  const options = { agents: { clerk: seeker, boss: keeper }, entry: "clerk", exit: "boss", handoffs };
  const end = [answers(seeker, write("a")), answers(keeper, write("b"))];

  test("a tool outside the allowlist is denied with its reason, and the agent is told", async () => {
    const over = callsAll(seeker, [
      ["foreign_tool", { id: "1" }],
      ["invented", {}],
      ["look_up", { id: 1 }],
      ["look_up", { id: "1" }],
    ]);
    const { result, entries, model } = await play(options, [over, ...end]);
    expect(result.status).toBe("completed");
    expect(
      bodies(entries, "tool.denied").map(({ tool, error, decision }) => [tool, error.code, decision.ruleId]),
    ).toEqual([
      ["foreign_tool", "policy/tool-not-allowed", "allowlist"],
      ["invented", "policy/tool-unknown", "allowlist"],
      ["look_up", "tool/input-invalid", "input-schema"],
    ]);
    expect(bodies(entries, "tool.called")).toHaveLength(1);
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({
      role: "tool",
      results: [{ status: "denied" }, { status: "denied" }, { status: "denied" }, { status: "done" }],
    });
  });

  test("R6 a team has its members' own tools and none of those who delegate to it", async () => {
    const helper = agent("helper");
    const inner = defineSupervisor({
      name: "inner",
      agents: { helper },
      entry: "helper",
      exit: "helper",
      handoffs: [],
    });
    const contract = { input: z.object({ text: z.string() }), output: note };
    const team = asAgent(inner as never, { name: "team", description: "A team.", ...contract }) as AnyAgent;
    const outer = {
      agents: { clerk: seeker, team },
      entry: "clerk",
      exit: "team",
      handoffs: [defineHandoff({ from: seeker, to: team, map: ({ text }: Note) => ({ text }) })],
    };
    const over = callsAll(helper, [["look_up", { id: "1" }]]);
    const { result, entries } = await play(outer, [end[0] as Turn, over, answers(helper, write("b"))]);
    expect(result.status).toBe("completed");
    expect(bodies(entries, "tool.denied")[0]).toMatchObject({
      agent: "helper",
      error: { code: "policy/tool-not-allowed" },
    });
    expect(bodies(entries, "tool.called")).toEqual([]);
  });

  test("the same call again and again is denied, and then the loop is stopped", async () => {
    const { run } = await begin(
      options,
      Array.from({ length: 9 }, () => calls(seeker, "look_up", { id: "1" })),
    );
    const result = await run.result();
    expect(result).toMatchObject({ status: "failed", error: { code: "limits/no-progress" } });
    const entries = await run.entries();
    expect(bodies(entries, "tool.called")).toHaveLength(3);
    expect(bodies(entries, "tool.denied").every(({ error }) => error.code === "limits/repeated-call")).toBe(true);
  });

  test.each([
    ["steps", { steps: 3 }],
    ["handoffs", { handoffs: 1 }],
    ["turns", { turns: 1 }],
  ] as const)("%s", async (limit, limits) => {
    const { run } = await begin({ ...options, limits }, [calls(seeker, "look_up", { id: "1" }), ...end]);
    expect(await run.result()).toMatchObject({ status: "failed", error: { code: "limits/exceeded", data: { limit } } });
  });

  test("calls in one turn", async () => {
    const many = callsAll(seeker, [
      ["look_up", { id: "1" }],
      ["look_up", { id: "2" }],
    ]);
    const { entries } = await play({ ...options, limits: { callsPerTurn: 1 } }, [many, ...end]);
    expect(bodies(entries, "tool.denied")[0]?.error).toMatchObject({ code: "limits/exceeded" });
    expect(bodies(entries, "tool.called")).toHaveLength(1);
  });

  test("bytes of a payload", async () => {
    // 71 characters, 131 bytes.
    const wide = defineHandoff({ from: clerk, to: boss, map: () => ({ text: "ü".repeat(60) }) });
    const { run } = await begin({ ...both, handoffs: [wide], limits: { payloadBytes: 100 } }, [
      answers(clerk, write("a")),
    ]);
    expect(await run.result()).toMatchObject({ status: "failed", error: { code: "contract/payload-too-large" } });
  });
});

test("an input that does not fit starts no run and is told by place", async () => {
  const { supervisor } = await begin(both, []);
  const start = (input: unknown, tenant = "acme") =>
    supervisor.start(input as { text: string }, { tenant, principal: user("u_1") });
  await expect(start({ text: 1 })).rejects.toMatchObject({
    code: "run/input-invalid",
    message: expect.stringMatching(/does not fit the input schema of "clerk": "\/text: .*expected string/),
    data: { agent: "clerk", issues: [{ pointer: "/text" }] },
  });
  await expect(start({ text: "a", at: new Date(0) })).rejects.toMatchObject({
    data: { issues: [{ pointer: "/at" }] },
  });
  await expect(start({ text: "a" }, "no tenant")).rejects.toSatisfy((error) =>
    OrchestrationError.is(error, "run/id-invalid"),
  );
  expect(await supervisor.list({ tenant: "acme" })).toHaveLength(1);
});
