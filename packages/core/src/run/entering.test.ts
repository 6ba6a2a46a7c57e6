import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyAgent, defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { Entry, EntryType } from "../event.ts";
import { defineHandoff, defineQuestion } from "../handoff.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Json } from "../json.ts";
import { systemClock } from "../port/clock.ts";
import type { Journal } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import { type Principal, user } from "../principal.ts";
import { asAgent, defineSupervisor } from "../supervisor/definition.ts";
import type { SupervisorOptions } from "../supervisor/options.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, callsAll, functionModel, says, scriptedModel, type Turn } from "../testing/index.ts";
import { defineThreshold } from "../threshold.ts";
import { type AnyTool, defineTool } from "../tool.ts";

/** What enters a run is a copy, is JSON and is bounded; what it says of an effect is believed as far as it goes. */

type Options = SupervisorOptions<Record<string, AnyAgent>, string, string, readonly []>;
const note = z.object({ text: z.string() });
const started = { tenant: "acme", principal: user("u_1") };

function agentWith(tools: readonly AnyTool[], more: object = {}) {
  return defineAgent({
    name: "clerk",
    description: "Does what it is told.",
    model: "m",
    tools,
    asks: ["customer"],
    input: note,
    output: note,
    instructions: "Do it.",
    ...more,
  });
}

function alone(agent: AnyAgent, more: object = {}) {
  return { agents: { clerk: agent }, entry: "clerk", exit: "clerk", handoffs: [], ...more };
}

async function begin(options: object, turns: readonly Turn[], journal: Journal = memoryJournal()) {
  const definition = defineSupervisor(options as Options);
  const model = scriptedModel(turns);
  const engine = localEngine({ name: "test", journal, clock: systemClock(), logger: silentLogger });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(definition, { engine, models });
  const run = await supervisor.start({ text: "go" }, started);
  return { supervisor, engine, run, model };
}

async function play(options: object, turns: readonly Turn[]) {
  const begun = await begin(options, turns);
  const result = await begun.run.result();
  const entries = await begun.run.entries();
  expect(await begun.supervisor.replay(begun.run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  return { ...begun, result, entries };
}

function bodies<Type extends EntryType>(entries: readonly Entry[], type: Type): Entry<Type>["body"][] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.body as Entry<Type>["body"]] : []));
}

function writeTool(execute: (input: { id: string }) => unknown) {
  return defineTool({
    name: "write_it",
    description: "Writes.",
    input: z.object({ id: z.string() }),
    output: z.object({ ok: z.boolean() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: execute as never,
  });
}
const write =
  (...inputs: Json[]) =>
  (agent: AnyAgent) =>
    callsAll(
      agent,
      inputs.map((input) => ["write_it", input]),
    );

describe("a tool's own objects", () => {
  test("are not the run's: what it changes later is not in any transcript", async () => {
    const shelf: { names: string[] } = { names: ["one"] };
    const look = defineTool({
      name: "look",
      description: "Looks.",
      input: z.object({ deep: z.unknown() }),
      output: z.object({ shelf: z.any() }),
      effect: "read",
      execute: ({ deep }) => {
        (deep as { list: string[] }).list.push("the tool's own"); // It may: these are its arguments alone.
        return { shelf };
      },
    });
    const clerk = agentWith([look]);
    const turn = callsAll(clerk, [["look", { deep: { list: [] } }]]);
    const { model } = await play(alone(clerk), [turn, turn, answers(clerk, { text: "seen" })]);
    shelf.names.push("two");
    const [, , last] = model.requests;
    expect(last?.messages).toEqual([
      { role: "assistant", parts: [expect.objectContaining({ input: { deep: { list: [] } } })] },
      { role: "tool", results: [expect.objectContaining({ output: { shelf: { names: ["one"] } } })] },
      { role: "assistant", parts: [expect.objectContaining({ input: { deep: { list: [] } } })] },
      { role: "tool", results: [expect.objectContaining({ output: { shelf: { names: ["one"] } } })] },
    ]);
    // Each request keeps what it was asked, although the transcript went on.
    expect(model.requests.map(({ messages }) => messages.length)).toEqual([0, 2, 4]);
  });

  test("output that JSON has not, or that is too large, is refused where it enters", async () => {
    for (const output of [{ at: new Date(0) }, { big: "x".repeat(3_000) }]) {
      const look = defineTool({
        name: "look",
        description: "Looks.",
        input: z.object({}),
        output: z.any(),
        outputSchema: {},
        effect: "read",
        execute: () => output,
      });
      const clerk = agentWith([look]);
      const { result, entries } = await play(alone(clerk, { limits: { payloadBytes: 2_000 } }), [
        callsAll(clerk, [["look", {}]]),
        answers(clerk, { text: "not seen" }),
      ]);
      expect(result.status).toBe("completed");
      expect(bodies(entries, "tool.failed").map(({ error }) => error.code)).toEqual(["tool/output-invalid"]);
    }
  });
});

describe("a write", () => {
  test("that answers outside its schema has happened: it settles, once, and the agent hears why", async () => {
    let calls = 0;
    const tool = writeTool(() => ({ ok: `call ${++calls}` }));
    const clerk = agentWith([tool]);
    const { entries, model } = await play(alone(clerk), [write({ id: "a" })(clerk), answers(clerk, { text: "ok" })]);
    expect(calls).toBe(1);
    expect(bodies(entries, "effect.settled")).toEqual([{ effect: "clerk#1/tool#1", outcome: "done" }]);
    expect(bodies(entries, "effect.uncertain")).toEqual([]);
    expect(model.requests[1]?.messages[1]).toMatchObject({
      results: [{ status: "failed", error: { code: "tool/output-invalid" } }],
    });
  });

  test("is the same write whatever its schema drops", async () => {
    let calls = 0;
    const clerk = agentWith([writeTool(() => ({ ok: ++calls > 0 }))]);
    const { entries } = await play(alone(clerk), [
      write({ id: "a" }, { id: "a", note: "again, please" })(clerk),
      answers(clerk, { text: "ok" }),
    ]);
    expect(calls).toBe(1);
    expect(bodies(entries, "tool.denied").map(({ error }) => error.code)).toEqual(["limits/repeated-call"]);
  });

  test("that certainly did not happen may be asked for again", async () => {
    let calls = 0;
    const clerk = agentWith([
      writeTool(() => {
        if (++calls === 1) throw Object.assign(new Error("no connection"), { mayHaveExecuted: false });
        return { ok: true };
      }),
    ]);
    const { entries } = await play(alone(clerk), [
      write({ id: "a" })(clerk),
      write({ id: "a" })(clerk),
      answers(clerk, { text: "ok" }),
    ]);
    expect(bodies(entries, "effect.settled").map(({ outcome }) => outcome)).toEqual(["failed", "done"]);
    expect(bodies(entries, "tool.denied")).toEqual([]);
  });
});

test("a read that a cancel cuts off has its one result", async () => {
  const stuck = defineTool({
    name: "stuck",
    description: "Waits for ever.",
    input: z.object({}),
    output: z.object({}),
    effect: "read",
    execute: () => {
      reached.resolve();
      return new Promise<never>(() => {});
    },
  });
  const reached = Promise.withResolvers<void>();
  const clerk = agentWith([stuck]);
  const { run } = await begin(alone(clerk), [callsAll(clerk, [["stuck", {}]])]);
  await reached.promise;
  await run.cancel("enough");
  expect(await run.result()).toMatchObject({ status: "cancelled", openEffects: [] });
  expect(bodies(await run.entries(), "effect.settled")).toEqual([{ effect: "clerk#1/tool#1", outcome: "cancelled" }]);
});

describe("a model's answer", () => {
  test("with more calls than a mailbox holds is no answer, and may be mended", async () => {
    const clerk = agentWith([writeTool(() => ({ ok: true }))]);
    const many = Array.from({ length: 9 }, (_, index) => ({ id: `i${index}` }));
    const { result, entries } = await play(alone(clerk, { limits: { mailbox: 8 } }), [
      write(...many)(clerk),
      answers(clerk, { text: "one by one, then" }),
    ]);
    expect(result.status).toBe("completed");
    expect(bodies(entries, "output.rejected")).toMatchObject([{ repair: 1, issues: [{ pointer: "" }] }]);
    expect(bodies(entries, "tool.called")).toEqual([]);
  });

  test("is held without what nobody declared", async () => {
    const clerk = agentWith([]);
    const { entries } = await play(alone(clerk), [
      says(clerk, { type: "output", value: { text: "ok" }, thoughts: "secret" } as never),
    ]);
    expect(bodies(entries, "model.responded")[0]?.parts).toEqual([{ type: "output", value: { text: "ok" } }]);
  });

  test("may come from any thenable", async () => {
    const clerk = agentWith([]);
    const definition = defineSupervisor(alone(clerk) as Options);
    const answer = { parts: [{ type: "output" as const, value: { text: "ok" } }] };
    const model = {
      ...functionModel("m", () => []),
      // biome-ignore lint/suspicious/noThenProperty: the thenable is what is tested.
      generate: () => ({ then: (resolve: (value: unknown) => void) => resolve(answer) }) as never,
    };
    const supervisor = runSupervisor(definition, { engine: memoryEngine(), models: { m: model } });
    const run = await supervisor.start({ text: "go" }, started);
    expect(await run.result()).toMatchObject({ status: "completed", output: { text: "ok" } });
  });
});

describe("a payload", () => {
  test("has no member that is undefined, as if it came from the journal", async () => {
    const clerk = agentWith([], { input: note.extend({ more: z.string().optional() }) });
    const again = defineHandoff({
      from: clerk,
      to: clerk,
      max: 1,
      map: ({ text }) => ({ text, more: undefined }) as never,
    });
    const { model } = await play(alone(clerk, { handoffs: [again] }), [
      answers(clerk, { text: "one" }),
      answers(clerk, { text: "two" }),
    ]);
    expect(Object.keys(model.requests[1]?.input as object)).toEqual(["text"]);
  });

  test("that a schema makes something else than JSON of reaches nobody", async () => {
    const clerk = agentWith([]);
    const dated = defineAgent({
      name: "dated",
      description: "Wants a date.",
      model: "m",
      tools: [],
      input: z.object({ text: z.string().transform((text) => new Date(text)) }),
      output: note,
      instructions: "",
    });
    const { result, entries } = await play(
      {
        agents: { clerk, dated },
        entry: "clerk",
        exit: "dated",
        handoffs: [defineHandoff({ from: clerk, to: dated, map: ({ text }) => ({ text }) })],
      },
      [answers(clerk, { text: "2020-01-01" })],
    );
    expect(result).toMatchObject({ status: "failed", error: { code: "contract/not-json" } });
    expect(bodies(entries, "handoff.rejected")).toMatchObject([{ side: "receiver", to: "dated" }]);
  });

  test("goes to a stronger model as it was delivered, not as its schema read it", async () => {
    const sized = z.object({ text: z.string().transform((text) => ({ length: text.length })) });
    const clerk = agentWith([], { input: sized, output: z.object({ text: z.string(), sure: z.number() }) });
    const { entries } = await play(
      alone(clerk, {
        thresholds: [
          defineThreshold({
            agent: clerk as AnyAgent,
            atLeast: 0.5,
            read: ({ sure }: { sure: number }) => sure,
            stronger: "s",
          }),
        ],
      }),
      [answers(clerk, { text: "?", sure: 0 } as never), answers(clerk, { text: "!", sure: 1 } as never)],
    );
    expect(bodies(entries, "handoff.delivered").map(({ payload }) => payload)).toEqual([
      { text: { length: 2 } },
      { text: { length: 2 } },
    ]);
  });
});

describe("what people say", () => {
  test("to a question inside a team is read by that team's edge; a wrong answer leaves the run waiting", async () => {
    const clerk = agentWith([]);
    const inner = defineSupervisor({
      name: "inner",
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [
        defineQuestion({
          from: clerk,
          name: "how-many",
          max: 1,
          of: "customer",
          ask: () => "how many?",
          answer: z.object({ count: z.int() }),
          to: clerk,
          map: ({ count }) => ({ text: `${count}` }),
        }),
      ],
    });
    const office = asAgent(inner as never, { name: "office", description: "", input: note, output: note });
    const { run } = await begin({ agents: { office }, entry: "office", exit: "office", handoffs: [] }, [
      answers(clerk, { text: "unclear" }),
      answers(clerk, { text: "clear" }),
    ]);
    expect(await run.settled()).toBe("parked");
    await expect(run.send({ count: "many" })).rejects.toMatchObject({ code: "run/answer-invalid" });
    expect(await run.status()).toBe("parked");
    await run.send({ count: 2 });
    expect(await run.result()).toMatchObject({ status: "completed", output: { text: "clear" } });
    expect(bodies(await run.entries(), "handoff.delivered").at(-1)?.payload).toEqual({ text: "2" });
  });

  test("of a lost write must fit its tool, is taken once, and comes too late after the end", async () => {
    const tool = { ...writeTool(() => Promise.reject(new Error("gone"))), idempotency: "none" as const };
    const clerk = agentWith([tool]);
    const { run } = await begin(alone(clerk), [write({ id: "a" })(clerk), answers(clerk, { text: "ok" })]);
    expect(await run.settled()).toBe("parked");
    const [effect] = await run.uncertain();
    const id = effect?.effect ?? "";
    const happened = (output: Json) => run.settle(id, { outcome: "happened", output, reason: "seen" });
    await expect(happened({ ok: "yes" })).rejects.toMatchObject({ code: "tool/output-invalid" });
    const [one, two] = await Promise.allSettled([
      happened({ ok: true }),
      run.settle(id, { outcome: "never", reason: "not seen" }),
    ]);
    expect(one.status).toBe("fulfilled");
    expect(two).toMatchObject({ status: "rejected", reason: { code: "run/not-waiting" } });
    await run.result();
    await expect(happened({ ok: true })).rejects.toMatchObject({ code: "run/already-ended" });
  });

  test("is kept with who said it, and nothing else of them", async () => {
    const clerk = agentWith([]);
    const { run } = await begin(alone(clerk), [asks(clerk, "customer", "?"), answers(clerk, { text: "ok" })]);
    await run.settled();
    const who = { ...user("u_1", ["buyer"]), session: "token" } as Principal;
    await run.send("yes", { principal: who });
    await run.result();
    const [received] = bodies(await run.entries(), "input.received");
    expect(received?.principal).toEqual({ id: "u_1", kind: "user", roles: ["buyer"], authenticated: true });
  });
});

describe("payloads by reference", () => {
  test("are checked against their address when they are read", async () => {
    const journal = memoryJournal();
    let forge = false;
    const forged: Journal = {
      ...journal,
      getBlob: async (tenant, address) => {
        const text = await journal.getBlob(tenant, address);
        return forge ? text?.replaceAll("A", "B") : text;
      },
    };
    const clerk = agentWith([]);
    const definition = defineSupervisor(alone(clerk) as Options);
    const model = scriptedModel([answers(clerk, { text: "A".repeat(500) })]);
    const engine = localEngine({ name: "test", journal: forged, clock: systemClock(), logger: silentLogger });
    const supervisor = runSupervisor(definition, { engine, models: { m: model }, blobChars: 200 });
    const run = await supervisor.start({ text: "go" }, started);
    await run.result();
    expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
    forge = true;
    await expect(run.entries()).rejects.toMatchObject({ code: "journal/broken-chain" });
    expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: false, fault: { kind: "chain" } });
  });
});

describe("a start", () => {
  test("is refused with attributes that are no text, input that is too large, and tenants that are no ids", async () => {
    const clerk = agentWith([]);
    const definition = defineSupervisor(alone(clerk, { limits: { payloadBytes: 100 } }) as Options);
    const supervisor = runSupervisor(definition, { engine: memoryEngine(), models: { m: scriptedModel([]) } });
    const refused = { code: "run/input-invalid" };
    const start = (input: unknown, more: object = {}) => supervisor.start(input, { ...started, ...more });
    await expect(start({ text: "go" }, { attributes: { world: 1 } })).rejects.toMatchObject(refused);
    await expect(start({ text: "é".repeat(60) })).rejects.toMatchObject(refused);
    const wrong = { code: "run/id-invalid" };
    await expect(supervisor.list({ tenant: "../other" })).rejects.toMatchObject(wrong);
    await expect(supervisor.replay("run_1", { tenant: "" })).rejects.toMatchObject(wrong);
    expect(await supervisor.list({ tenant: "acme" })).toEqual([]);
  });

  test("keeps what it was given, whatever becomes of it afterwards", async () => {
    const clerk = agentWith([]);
    const definition = defineSupervisor(alone(clerk) as Options);
    const model = scriptedModel([answers(clerk, { text: "ok" })]);
    const supervisor = runSupervisor(definition, { engine: memoryEngine(), models: { m: model } });
    const input = { text: "go" };
    const starting = supervisor.start(input, started);
    input.text = "changed";
    await (await starting).result();
    expect(model.requests[0]?.input).toEqual({ text: "go" });
  });
});
