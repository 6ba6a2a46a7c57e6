import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallToolCommand } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { defineHandoff } from "../handoff.ts";
import { findNonJson } from "../json.ts";
import { labelled } from "../label/labelled.ts";
import { silentTracer } from "../port/tracer.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { fakeClock } from "../testing/index.ts";
import { defineTool, type LookupAnswer, type ToolContext, ToolRefusal } from "../tool.ts";
import { dispatcher } from "./dispatcher.ts";

const input = z.object({ id: z.string(), count: z.int().default(1) });
const output = z.object({ ok: z.boolean() });
type Act = (input: { id: string; count: number }, context: ToolContext) => unknown;

/** A read and a write, both `act`, of one agent; another tool that is somebody else's. */
function gate(act: Act, lookup?: (context: ToolContext) => unknown) {
  const clock = fakeClock();
  const common = { description: "Does it.", input, output, timeoutMs: 100, execute: act as () => { ok: boolean } };
  const read = defineTool({ ...common, name: "read_it", effect: "read", labels: ["web"] });
  const write = defineTool({
    ...common,
    name: "write_it",
    effect: "write",
    risk: "low",
    idempotency: "lookup",
    lookup: (_, context) => (lookup?.(context) ?? { outcome: "unknown" }) as LookupAnswer<{ ok: boolean }>,
  });
  const others = defineTool({ ...common, name: "others_tool", effect: "read" });
  const agent = <const Name extends string>(
    name: Name,
    tools: readonly (typeof read | typeof write | typeof others)[],
  ) => defineAgent({ name, description: "", model: "m", tools, input, output, instructions: "" });
  const clerk = agent("clerk", [read, write]);
  const other = agent("other", [others]);
  const definition = defineSupervisor({
    agents: { clerk, other },
    entry: "clerk",
    exit: "other",
    handoffs: [defineHandoff({ from: clerk, to: other, map: () => ({ id: "7" }) })],
  });
  const strays: unknown[] = [];
  const made = dispatcher({
    definition: definition as never,
    clock,
    tracer: silentTracer,
    stray: (thrown) => strays.push(thrown),
  });
  const call = (wish: Partial<CallToolCommand> = {}, signal = new AbortController().signal) =>
    made.call({ tenant: "acme", runId: "run_1" }, commandOf(wish), signal);
  const look = (wish: Partial<CallToolCommand> = {}) => {
    const { type: _, effect: __, ...rest } = commandOf({ tool: "write_it", effect: "write", key: "k1", ...wish });
    const signal = new AbortController().signal;
    return made.lookup({ tenant: "acme", runId: "run_1" }, { ...rest, type: "lookup" }, signal);
  };
  return { clock, call, look, strays };
}

function commandOf(wish: Partial<CallToolCommand>): CallToolCommand {
  return {
    type: "callTool",
    id: "clerk#1/tool#1",
    path: "clerk#1/tool#1",
    agent: "clerk",
    tool: "read_it",
    input: { id: "7" },
    effect: "read",
    grant: {},
    key: "",
    attempt: 1,
    attributes: { world: "w1" },
    tier: "none",
    policyVersion: "tiers-1",
    ...wish,
  };
}
const write = { tool: "write_it", effect: "write", key: "k1" } as const;

async function failure(outcome: Promise<InputEvent>) {
  const event = await outcome;
  if (event.type !== "tool.failed") throw new Error(`expected a failure, saw ${event.type}`);
  expect(event).toMatchObject({ id: "clerk#1/tool#1", path: "clerk#1/tool#1", body: { command: "clerk#1/tool#1" } });
  expect(findNonJson(event)).toBeUndefined();
  return { ...event.body.error, mayHaveExecuted: event.body.mayHaveExecuted, durationMs: event.body.durationMs };
}

function fail(thrown: unknown): never {
  throw thrown;
}

describe("a call", () => {
  test("gets the parsed input and its context, and brings the parsed output with its labels", async () => {
    const seen: unknown[] = [];
    const { clock, call } = gate((value, context) => {
      seen.push([value, context.idempotencyKey, context.attempt, context.attributes, context.agent, context.runId]);
      clock.advance(5);
      return { ok: true, more: "dropped" };
    });
    expect(await call(write)).toMatchObject({
      type: "tool.returned",
      body: { output: { ok: true }, labels: { "": ["tool:write_it"] }, durationMs: 5 },
    });
    expect(seen).toEqual([[{ id: "7", count: 1 }, "k1", 1, { world: "w1" }, "clerk", "run_1"]]);
    expect(await call()).toMatchObject({ body: { labels: { "": ["web"] } } });
  });
});

describe("what the gate asks again, it asks before anything is called", () => {
  const never = gate(() => fail(new Error("must not be called")));
  test.each<[string, Partial<CallToolCommand>, string]>([
    ["a tool that nobody has", { tool: "ghost" }, "policy/tool-not-allowed"],
    ["a tool of another agent", { tool: "others_tool" }, "policy/tool-not-allowed"],
    ["an agent that is not there", { agent: "ghost" }, "policy/tool-not-allowed"],
    ["arguments that do not fit", { input: { id: 7 } }, "tool/input-invalid"],
    ["a write without its key", { tool: "write_it", effect: "write" }, "run/internal"],
    ["a write that says it is a read, without its key", { tool: "write_it" }, "run/internal"],
  ])("%s", async (_, wish, code) => {
    expect(await failure(never.call(wish))).toMatchObject({ code, mayHaveExecuted: false });
  });

  test("R9 labels that a tool gives a part are added to its own, and take none away", async () => {
    const { call } = gate(() => labelled({ ok: true }, { "": ["sensitive:health"], "/ok": ["diary"] }));
    expect((await call()).body).toMatchObject({
      labels: { "": ["sensitive:health", "web"], "/ok": ["diary", "web"] },
    });
    // One that says nothing else of its answers is labelled as it asks for.
    expect((await call(write)).body).toMatchObject({ labels: { "": ["sensitive:health"], "/ok": ["diary"] } });
  });

  test("a call that was stopped before it began", async () => {
    const stop = AbortSignal.abort();
    expect(await failure(never.call(write, stop))).toMatchObject({ code: "tool/cancelled", mayHaveExecuted: false });
  });
});

describe("a tool that fails", () => {
  test.each([
    ["at once", () => fail(new Error("boom"))],
    ["later", async () => fail(new Error("boom"))],
  ])("%s: a read has not happened, a write may have", async (_, act) => {
    const { call } = gate(act);
    expect(await failure(call())).toMatchObject({ code: "tool/failed", mayHaveExecuted: false });
    const written = await failure(call(write));
    expect(written).toMatchObject({ code: "tool/failed", mayHaveExecuted: true, data: { reason: "boom" } });
  });

  test("a refusal is known by its name, also from another copy, and changed nothing", async () => {
    const foreign = Object.assign(new Error("not yours"), { name: "ToolRefusal" });
    for (const refusal of [new ToolRefusal("not yours"), foreign]) {
      const error = await failure(gate(() => fail(refusal)).call(write));
      expect(error).toMatchObject({ code: "tool/refused", mayHaveExecuted: false, data: { reason: "not yours" } });
    }
  });

  test("what a bridge's error says of itself stands in the record", async () => {
    const foreign = Object.assign(new Error("gone"), {
      code: "link/closed",
      data: { exit: 1 },
      mayHaveExecuted: false,
    });
    expect(await failure(gate(() => fail(foreign)).call(write))).toMatchObject({
      code: "tool/failed",
      mayHaveExecuted: false,
      data: { reason: "gone", cause: { code: "link/closed", data: { exit: 1 } } },
    });
    const odd = Object.assign(new Error("gone"), { code: "link/closed", data: { at: new Date(0) } });
    expect((await failure(gate(() => fail(odd)).call())).data).toEqual({
      tool: "read_it",
      reason: "gone",
      cause: { code: "link/closed" },
    });
  });

  test("an error of ours stays itself", async () => {
    const typed = new OrchestrationError("tool/timeout", { tool: "inner", timeoutMs: 1 });
    expect(await failure(gate(() => fail(typed)).call(write))).toMatchObject({
      code: "tool/timeout",
      mayHaveExecuted: true,
    });
  });

  test.each(["tool/refused", "tool/output-invalid"] as const)(
    "with `%s` of a run that it made inside has not said what became of itself",
    async (code) => {
      const inner = new OrchestrationError(code, { tool: "inner", reason: "no", issues: [] });
      expect(await failure(gate(() => fail(inner)).call(write))).toMatchObject({
        code: "tool/failed",
        mayHaveExecuted: true,
        data: { tool: "write_it", cause: { code, data: { tool: "inner" } } },
      });
    },
  );

  test.each([[undefined], [null], ["text"], [Symbol("s")], [Object.create(null)]])(
    "with something that is no error is a failure all the same (%#)",
    async (thrown) => {
      expect(await failure(gate(() => fail(thrown)).call(write))).toMatchObject({ code: "tool/failed" });
    },
  );
});

describe("an output outside its schema", () => {
  test.each([[{ ok: "yes" }], [undefined], [null], [{}]])(
    "%j is refused; a write has happened all the same",
    async (value) => {
      const { call } = gate(() => value);
      expect(await failure(call())).toMatchObject({ code: "tool/output-invalid", mayHaveExecuted: false });
      const written = await failure(call(write));
      expect(written).toMatchObject({ code: "tool/output-invalid", mayHaveExecuted: true });
      expect(written.data?.issues).not.toEqual([]);
    },
  );
});

describe("a call that does not come back", () => {
  test("ends at its deadline, and its signal aborts", async () => {
    let signal: AbortSignal | undefined;
    const { clock, call } = gate((_, context) => {
      signal = context.signal;
      return new Promise(() => {});
    });
    for (const wish of [{}, write]) {
      const outcome = call(wish);
      await Promise.resolve();
      clock.advance(99);
      expect(signal?.aborted).toBe(false);
      clock.advance(1);
      expect(signal?.aborted).toBe(true);
      expect(await failure(outcome)).toMatchObject({
        code: "tool/timeout",
        mayHaveExecuted: wish === write,
        durationMs: 100,
      });
    }
  });

  test("ends when it is cancelled, as a read", async () => {
    const stop = new AbortController();
    const { call } = gate(() => new Promise(() => {}));
    const outcome = call({}, stop.signal);
    await Promise.resolve();
    stop.abort();
    expect(await failure(outcome)).toMatchObject({ code: "tool/cancelled", mayHaveExecuted: false });
  });

  test("is told of a cancel as a write, and may say until its deadline what became of it", async () => {
    const stop = new AbortController();
    const { call } = gate((_, { signal }) => {
      const { promise, resolve } = Promise.withResolvers();
      signal.addEventListener("abort", () => resolve({ ok: true }), { once: true });
      return promise;
    });
    const outcome = call(write, stop.signal);
    await Promise.resolve();
    stop.abort();
    expect(await outcome).toMatchObject({ type: "tool.returned", body: { output: { ok: true } } });

    const deaf = gate(() => new Promise(() => {}));
    const stopDeaf = new AbortController();
    const silent = deaf.call(write, stopDeaf.signal);
    await Promise.resolve();
    stopDeaf.abort();
    deaf.clock.advance(100);
    expect(await failure(silent)).toMatchObject({ code: "tool/timeout", mayHaveExecuted: true });
  });
});

test("R9 what a tool says of its failure has its labels; what the gate says has none", async () => {
  const { call } = gate(() => fail(new ToolRefusal("the account is frozen")));
  expect((await call(write)).body).toMatchObject({
    error: { code: "tool/refused" },
    labels: { "": ["tool:write_it"] },
  });
  expect((await call({ ...write, input: null })).body).not.toHaveProperty("labels");
});

describe("a look-up", () => {
  test.each<[string, () => unknown, unknown]>([
    [
      "found, with the labels of the tool",
      () => ({ outcome: "found", output: { ok: true } }),
      { outcome: "found", output: { ok: true }, labels: { "": ["tool:write_it"] } },
    ],
    ["never", () => ({ outcome: "never" }), { outcome: "never" }],
    ["unknown", () => ({ outcome: "unknown" }), { outcome: "unknown" }],
    [
      "found, with an output that does not fit",
      () => ({ outcome: "found", output: 3 }),
      { outcome: "found", output: null, labels: { "": ["tool:write_it"] } },
    ],
    ["an answer that is none", () => ({ outcome: "perhaps" }), { outcome: "unknown" }],
    ["a throw", () => fail(new Error("down")), { outcome: "unknown" }],
    ["a promise", async () => ({ outcome: "never" }), { outcome: "never" }],
  ])("%s", async (_, lookup, answer) => {
    const { look } = gate(() => ({ ok: true }), lookup);
    const event = await look();
    expect(event).toEqual({
      id: "clerk#1/tool#1",
      type: "effect.looked-up",
      path: "clerk#1/tool#1",
      body: { command: "clerk#1/tool#1", ...(answer as object) },
    });
  });

  test("asks under the key of the write; of a tool without one, or not allowed, nothing is known", async () => {
    const keys: string[] = [];
    const { look } = gate(
      () => ({ ok: true }),
      ({ idempotencyKey }) => {
        keys.push(idempotencyKey);
        return { outcome: "never" };
      },
    );
    await look();
    for (const wish of [{ tool: "read_it" }, { tool: "others_tool" }, { key: "" }, { input: null }]) {
      expect(await look(wish)).toMatchObject({ body: { outcome: "unknown" } });
    }
    expect(keys).toEqual(["k1"]);
  });
});

test("a tool that throws when it is told to stop ends its call, and not the process", async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const started = [first.resolve, second.resolve];
  const { clock, call, strays } = gate(
    (_, { signal }) =>
      new Promise(() => {
        signal.addEventListener("abort", () => {
          throw new Error("no, I won't");
        });
        started.shift()?.();
      }),
  );
  const late = call();
  await first.promise;
  await clock.advance(100);
  expect((await late).body).toMatchObject({ error: { code: "tool/timeout" } });
  const stop = new AbortController();
  const stopped = call({}, stop.signal);
  await second.promise;
  stop.abort();
  expect((await stopped).body).toMatchObject({ error: { code: "tool/cancelled" } });
  expect(strays.map(String)).toEqual(["Error: no, I won't", "Error: no, I won't"]);
});
