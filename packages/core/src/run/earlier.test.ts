import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { defineHandoff } from "../handoff.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json } from "../json.ts";
import { type After, definePolicy, type Policy } from "../policy/policy.ts";
import type { ToolRequest } from "../policy/request.ts";
import { policyVersion } from "../policy-version.ts";
import { operator, user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";
import { earlierBytesMax } from "./earlier.ts";

const text = z.object({ text: z.string() });
const pages: Readonly<Record<string, string>> = {
  closing: "Use close_account once it is unlocked.",
  tea: "There is tea.",
  long: `close_account ${"x".repeat(earlierBytesMax)}`,
};
const readPage = defineTool({
  name: "read_page",
  description: "",
  input: z.object({ page: z.string() }),
  output: text,
  effect: "read",
  execute: ({ page }) => ({ text: pages[page] ?? "" }),
});
const write = { output: text, effect: "write", risk: "low", idempotency: "key", description: "" } as const;
const unlock = defineTool({
  ...write,
  name: "unlock",
  input: z.object({ tool: z.string() }),
  execute: ({ tool }) => ({ text: tool }),
});
const closeAccount = defineTool({
  ...write,
  name: "close_account",
  input: z.object({ account: z.string() }),
  execute: () => ({ text: "closed" }),
});
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [readPage, unlock, closeAccount],
  input: text,
  output: text,
  instructions: "",
});

const says = (value: Json, member: string) => String((value as Readonly<Record<string, Json>>)[member]);
const isNamed: After = {
  tools: ["read_page"],
  when: ({ output }, call) => says(output, "text").includes(says(call.arguments, "tool")),
};
const isUnlocked: After = {
  tools: ["unlock"],
  when: ({ arguments: args }, call) => says(args, "tool") === call.tool,
};
const locked = (changes: { readonly effect?: "allow" | "approve"; readonly after?: After } = {}) =>
  definePolicy({
    name: "locks",
    version: "1",
    rules: [
      { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "they work" },
      { id: "read", on: "tool", tools: ["read_page"], effect: "allow", because: "who reads learns" },
      { id: "named", on: "tool", tools: ["unlock"], effect: "allow", after: isNamed, because: "a page names it" },
      {
        id: "unlocked",
        on: "tool",
        tools: ["close_account"],
        effect: changes.effect ?? "allow",
        after: changes.after ?? isUnlocked,
        because: "it was unlocked",
      },
    ],
  });

const free = definePolicy({
  name: "free",
  version: "1",
  rules: [{ id: "all", on: ["handoff", "model", "egress", "tool"], effect: "allow", because: "anything" }],
});

type Turn = readonly (readonly ["read_page" | "unlock" | "close_account", object])[];
const read = (page: string) => ["read_page", { page }] as const;
const unlocks = (tool: string) => ["unlock", { tool }] as const;
const closes = ["close_account", { account: "7" }] as const;

function desk(turns: readonly Turn[], policy: Policy, livePolicy?: Policy, shadow?: Policy) {
  const engine = memoryEngine();
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    policy,
    ...(livePolicy ? { livePolicy } : {}),
    ...(shadow ? { shadow } : {}),
    engine,
    models: {
      m: scriptedModel([...turns.map((turn) => callsAll(clerk, turn as never)), answers(clerk, { text: "" })]),
    },
  });
  const start = () => supervisor.start({ text: "close it" }, { tenant: "acme", principal: user("ann") });
  return { supervisor, engine, start };
}
type Run = Awaited<ReturnType<ReturnType<typeof desk>["start"]>>;

/** What became of each call, in the order of the journal. */
async function outcomesOf(run: Run): Promise<readonly string[]> {
  return (await run.entries()).flatMap(({ type, body }) => {
    const { tool, error } = body as { readonly tool?: string; readonly error?: { readonly code: string } };
    if (type === "tool.called") return [`${tool} called`];
    if (type === "tool.denied") return [`${tool} ${error?.code}`];
    return type === "tool.failed" ? [`failed ${error?.code}`] : [];
  });
}
const played = async (turns: readonly Turn[], policy: Policy = locked(), live?: Policy) => {
  const made = desk(turns, policy, live);
  const run = await made.start();
  await run.result();
  expect(await made.supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  return { ...made, run, outcomes: await outcomesOf(run) };
};

describe("a rule that holds only after another call", () => {
  test("opens when that call has returned, and says what is missing until then", async () => {
    const { run, outcomes } = await played([
      [closes],
      [unlocks("close_account")],
      [read("tea")],
      [unlocks("close_account")],
      [read("closing")],
      [unlocks("close_account"), unlocks("open_safe")],
      [closes],
    ]);
    expect(outcomes).toEqual([
      "close_account policy/not-yet",
      "unlock policy/not-yet",
      "read_page called",
      "unlock policy/not-yet",
      "read_page called",
      "unlock called",
      "unlock policy/not-yet",
      "close_account called",
    ]);
    const denied = (await run.entries()).find(({ type }) => type === "tool.denied");
    expect(denied?.body).toMatchObject({
      decision: { ruleId: "unlocked", policyVersion: "locks@1" },
      error: { data: { because: "it was unlocked; a call of unlock that fits has to come before" } },
    });
  });

  test("does not open for what was asked for at the same time", async () => {
    const { outcomes } = await played([[read("closing"), unlocks("close_account")]]);
    expect([...outcomes].sort()).toEqual(["read_page called", "unlock policy/not-yet"]);
  });

  test("is of this run alone", async () => {
    const { start } = desk([[read("closing")], [unlocks("close_account")], [closes], [closes]], locked());
    const first = await start();
    await first.result();
    expect(await outcomesOf(first)).toHaveLength(4);
    const other = desk([[closes]], locked());
    const second = await other.start();
    await second.result();
    expect(await outcomesOf(second)).toEqual(["close_account policy/not-yet"]);
  });

  test("can want a person as well: they are asked when it holds, and the gate agrees", async () => {
    const { start, supervisor } = desk(
      [[closes], [read("closing")], [unlocks("close_account")], [closes]],
      locked({ effect: "approve" }),
    );
    const run = await start();
    expect(await run.settled()).toBe("parked");
    const [waiting] = await run.approvals();
    expect(waiting?.tool).toBe("close_account");
    const lead = { reason: "fine", principal: operator("lead") };
    await supervisor.approvals.approve("acme", waiting?.address ?? "", lead);
    expect((await run.result()).status).toBe("completed");
    expect((await outcomesOf(run)).at(-1)).toBe("close_account called");
  });

  test("what cannot be told is a denial", async () => {
    const failing = (when: () => boolean) => locked({ after: { tools: ["read_page"], when } });
    for (const when of [
      () => {
        throw new Error("it throws");
      },
      () => 1 as never,
      (async () => true) as never,
    ]) {
      const { outcomes } = await played([[read("tea")], [closes]], failing(when));
      expect(outcomes).toEqual(["read_page called", "close_account policy/evaluation-failed"]);
    }
  });

  test("what is too much to be remembered opens nothing", async () => {
    const { outcomes } = await played([[read("long")], [unlocks("close_account")]]);
    expect(outcomes).toEqual(["read_page called", "unlock policy/not-yet"]);
  });

  test("a candidate in the shadow is told of what it looks back to, and of nothing else is there an entry more", async () => {
    const turns = [
      [closes],
      [read("closing")],
      [unlocks("close_account")],
      [["close_account", { account: "8" }]],
    ] as const;
    const inputsOf = async (run: Run) =>
      (await run.entries()).flatMap(({ type, body }) => {
        if (type === "policy.shadowed") return [`shadowed ${body.candidate.decision.ruleId}`];
        return type === "tool.called" ? [body.decision.inputs] : [];
      });
    const alone = desk(turns, free);
    const beside = desk(turns, free, undefined, locked());
    const [first, second] = [await alone.start(), await beside.start()];
    await Promise.all([first.result(), second.result()]);
    expect(await inputsOf(first)).toHaveLength(4);
    const shadowed = (await inputsOf(second)).filter((one) => one?.startsWith("shadowed"));
    // Only the first call, before anything was unlocked.
    expect(shadowed).toEqual(["shadowed unlocked"]);
    const earlier = (await second.entries()).length - (await first.entries()).length;
    expect(earlier).toBe(1);
  });

  test("a policy in force now that looks back to what the run does not keep takes away", async () => {
    const { outcomes } = await played([[read("closing")], [closes]], free, locked());
    expect(outcomes).toEqual(["read_page called", "close_account called", "failed policy/not-yet"]);
    const both = await played([[read("closing")], [unlocks("close_account")], [closes]], locked(), locked());
    expect(both.outcomes.filter((one) => one.startsWith("failed"))).toEqual([]);
  });

  test("what it was told of is in the hash of what was asked", async () => {
    const asked: ToolRequest[] = [];
    const watching = locked({
      after: { tools: ["unlock"], when: (_, call) => asked.push(structuredClone(call)) > 0 },
    });
    const { run, engine } = await played([[read("closing")], [unlocks("close_account")], [closes]], watching);
    const key = await engine.journal.tenantKey("acme");
    expect(asked[0]?.earlier).toMatchObject([
      { tool: "unlock", agent: "clerk", arguments: { tool: "close_account" }, output: { text: "close_account" } },
    ]);
    const called = (await run.entries()).filter(({ type }) => type === "tool.called").at(-1);
    expect(called?.body).toMatchObject({ decision: { inputs: keyedHash(key, canonicalJson(asked[0] as never)) } });
  });
});

test("calls of another agent of the run count", async () => {
  const finder = defineAgent({ ...agentOf("finder"), tools: [readPage] });
  const doer = defineAgent({ ...agentOf("doer"), tools: [unlock] });
  const supervisor = createSupervisor({
    agents: { finder, doer },
    entry: "finder",
    exit: "doer",
    handoffs: [defineHandoff({ from: finder, to: doer, map: (said) => said })],
    policy: definePolicy({
      name: "locks",
      version: "1",
      rules: [
        { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "they work" },
        { id: "read", on: "tool", tools: ["read_page"], effect: "allow", because: "who reads learns" },
        { id: "named", on: "tool", tools: ["unlock"], effect: "allow", after: isNamed, because: "a page names it" },
      ],
    }),
    engine: memoryEngine(),
    models: {
      m: scriptedModel([
        callsAll(finder, [["read_page", { page: "closing" }]]),
        answers(finder, { text: "found" }),
        callsAll(doer, [["unlock", { tool: "close_account" }]]),
        answers(doer, { text: "done" }),
      ]),
    },
  });
  const run = await supervisor.start({ text: "?" }, { tenant: "acme", principal: user("ann") });
  await run.result();
  const types = (await run.entries()).map(({ type }) => type);
  expect(types.filter((type) => type === "tool.returned")).toHaveLength(2);
});

describe("what is said to be done", () => {
  const kept = definePolicy({
    name: "kept",
    version: "1",
    rules: [
      { id: "work", on: ["handoff", "model", "tool"], effect: "allow", because: "they work" },
      {
        id: "done",
        on: "egress",
        effect: "allow",
        after: {
          tools: ["unlock"],
          when: (earlier, { output }) => says(earlier.output, "text") === says(output, "text"),
        },
        because: "only what was unlocked is called so",
      },
    ],
  });
  const saying = async (said: string, failing = false) => {
    const refusing = defineTool({
      ...write,
      name: "unlock",
      input: z.object({ tool: z.string() }),
      execute: ({ tool }) => {
        if (failing) throw new Error("it is refused");
        return { text: tool };
      },
    });
    const doer = defineAgent({ ...agentOf("doer"), tools: [refusing] });
    const supervisor = createSupervisor({
      agents: { doer },
      entry: "doer",
      exit: "doer",
      handoffs: [],
      policy: kept,
      engine: memoryEngine(),
      models: { m: scriptedModel([callsAll(doer, [["unlock", { tool: "safe" }]]), answers(doer, { text: said })]) },
    });
    const run = await supervisor.start({ text: "?" }, { tenant: "acme", principal: user("ann") });
    await run.settled();
    const [uncertain] = await run.uncertain();
    if (uncertain) await run.settle(uncertain.effect, { outcome: "never", reason: "looked", principal: operator("o") });
    const result = await run.result();
    expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
    const told = (await run.entries()).filter(({ type }) => type === "policy.decided");
    return [result.status, ...told.map(({ body }) => (body as { readonly because: string }).because)];
  };

  test("was done: the answer stands", async () => {
    expect(await saying("safe")).toEqual(["completed"]);
  });

  test.each([
    ["of another thing than was done", "vault", false],
    ["of what was refused", "safe", true],
  ])("%s ends the run as denied", async (_, said, failing) => {
    const missing = "only what was unlocked is called so; a call of unlock that fits has to come before";
    expect(await saying(said, failing)).toEqual(["denied", missing]);
  });
});

test("a delivery can want a call before it: a names-alone rule beside it does not answer for it", async () => {
  const finder = defineAgent({ ...agentOf("finder"), tools: [readPage] });
  const doer = defineAgent({ ...agentOf("doer"), tools: [] });
  const play = async (reads: boolean) => {
    const supervisor = createSupervisor({
      agents: { finder, doer },
      entry: "finder",
      exit: "doer",
      handoffs: [defineHandoff({ from: finder, to: doer, map: (said) => said })],
      limits: { repairs: 0 },
      policy: definePolicy({
        name: "first",
        version: "1",
        rules: [
          { id: "work", on: ["model", "egress", "tool"], effect: "allow", because: "they work" },
          {
            id: "given",
            on: "handoff",
            effect: "allow",
            after: { tools: ["read_page"] },
            because: "who has read hands on",
          },
        ],
      }),
      engine: memoryEngine(),
      models: {
        m: scriptedModel([
          ...(reads ? [callsAll(finder, [["read_page", { page: "tea" }]])] : []),
          answers(finder, { text: "found" }),
          answers(doer, { text: "done" }),
        ]),
      },
    });
    const run = await supervisor.start({ text: "?" }, { tenant: "acme", principal: user("ann") });
    return (await run.result()).status;
  };
  expect(await play(true)).toBe("completed");
  expect(await play(false)).not.toBe("completed");
});

function agentOf<const Name extends string>(name: Name) {
  return { name, description: "", model: "m", input: text, output: text, instructions: "" } as const;
}

test("a snapshot remembers, and one from before opens nothing", () => {
  const definition = defineSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    policy: locked(),
  }) as unknown as SupervisorDefinition;
  const coreOf = () => new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
  const before = coreOf();
  const commandOf = (core: RunCore) => [...core.state.outstanding.values()][0] as { id: string; path: string };
  const calls = (core: RunCore, tool: string, input: Json, seq: number) => {
    const { id: command, path } = commandOf(core);
    const parts = [{ type: "toolCall", callId: `c${seq}`, tool, input }] as const;
    return core.apply(
      { id: `m${seq}`, type: "model.responded", path, body: { command, model: "m", parts } },
      1_000,
      seq,
    )?.drafts;
  };
  before.apply(
    {
      id: "start",
      type: "run.started",
      path: "",
      body: {
        supervisor: definition.name,
        definitionHash: definition.hash,
        input: { text: "" },
        principal: user("ann"),
        labels: {},
        policyVersion,
        format: 1,
      },
    },
    1_000,
    1,
  );
  calls(before, "read_page", { page: "closing" }, 10);
  const { id: command, path } = commandOf(before);
  before.apply(
    {
      id: "t",
      type: "tool.returned",
      path,
      body: { command, output: { text: pages.closing ?? "" }, labels: {}, durationMs: 1 },
    },
    1_000,
    20,
  );
  const saved = JSON.parse(JSON.stringify(before.save())) as { state: { earlier?: unknown } };
  const typesAfter = (snapshot: Json) => {
    const core = coreOf();
    core.restore(snapshot);
    return calls(core, "unlock", { tool: "close_account" }, 30)?.map(({ type }) => type);
  };
  expect(typesAfter(structuredClone(saved) as unknown as Json)).not.toContain("tool.denied");
  delete saved.state.earlier;
  expect(typesAfter(saved as unknown as Json)).toContain("tool.denied");
});
