import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { bindingOf } from "../approval/binding.ts";
import type { ApprovalToken, CallToolCommand, LookupCommand } from "../command.ts";
import type { InputEvent, Restrictions } from "../event.ts";
import { keyedHash } from "../hash.ts";
import type { Json } from "../json.ts";
import { silentTracer } from "../port/tracer.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { fakeClock } from "../testing/index.ts";
import { type AnyTool, defineTool, type LookupAnswer, type ToolContext, ToolRefusal } from "../tool.ts";
import { compensationAgent, undoToolsOf } from "../undo.ts";
import { breakers } from "./breaker.ts";
import { type DispatcherOptions, dispatcher } from "./dispatcher.ts";
import { health } from "./health.ts";
import { limiter } from "./limiter.ts";

/** What the dispatcher asks before a call beside the allowlist: restrictions, approvals, breakers, bounds. */

const input = z.object({ id: z.string() });
const output = z.object({ ok: z.boolean() });
const startAt = 1_700_000_000_000;
const key = { tenant: "acme", runId: "run_1" };

function desk(
  act: (context: ToolContext) => unknown = () => ({ ok: true }),
  options: Partial<DispatcherOptions> = {},
  lookup: () => unknown = () => ({ outcome: "unknown" }),
) {
  const clock = fakeClock(startAt);
  const calls: string[] = [];
  const execute = (name: string) => (_: { id: string }, context: ToolContext) => {
    calls.push(`${context.tenant} ${name}`);
    return act(context) as { ok: boolean };
  };
  const common = { description: "Does it.", input, output, timeoutMs: 100 };
  const read = defineTool({
    ...common,
    name: "read_it",
    effect: "read",
    breaker: "server",
    execute: execute("read_it"),
  });
  const undo = defineTool({
    ...common,
    name: "undo_it",
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: execute("undo_it"),
  });
  const write = defineTool({
    ...common,
    name: "write_it",
    effect: "write",
    risk: "high",
    idempotency: "lookup",
    breaker: "server",
    settlesWithinMs: 50,
    undo: { tool: undo, input: ({ id }) => ({ id }) },
    lookup: () => lookup() as LookupAnswer<{ ok: boolean }>,
    execute: execute("write_it"),
  });
  const agent = <const Name extends string>(name: Name, tools: readonly AnyTool[]) =>
    defineAgent({ name, description: "", model: "m", tools, input, output, instructions: "" });
  const clerk = agent("clerk", [read, write]);
  const judge = agent("judge", [read]);
  const typed = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
  const definition = { ...typed, judges: { compliance: judge } } as unknown as SupervisorDefinition;
  const made = dispatcher({ definition, clock, tracer: silentTracer, ...options, ...(options.clock ? {} : { clock }) });
  const call = (wish: Partial<CallToolCommand> = {}, tenant = "acme", signal = new AbortController().signal) =>
    made.call({ ...key, tenant }, { ...command, ...wish }, signal);
  const look = (wish: Partial<LookupCommand> = {}, signal = new AbortController().signal) => {
    const { path, attributes, agent: by } = command;
    const asked = {
      id: path,
      path,
      agent: by,
      tool: "write_it",
      input: { id: "7" },
      key: "k1",
      attempt: 1,
      attributes,
    };
    return made.lookup(key, { type: "lookup", ...asked, ...wish }, signal);
  };
  return { clock, call, look, calls, definition };
}

const command: CallToolCommand = {
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
  attributes: {},
  tier: "none",
  // Under the first policy nothing waits for anybody; what waits is asked for below.
  policyVersion: "allowlist-1",
};
const writes = { tool: "write_it", effect: "write", key: "k1" } as const;
const free: Restrictions = { version: "0", tools: [], agents: [], stopped: false };

async function failure(outcome: Promise<InputEvent>) {
  const event = await outcome;
  if (event.type !== "tool.failed") throw new Error(`expected a failure, saw ${event.type}`);
  return { ...event.body.error, mayHaveExecuted: event.body.mayHaveExecuted };
}

/** Lets everything go on that waits for nothing but promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function fail(thrown: unknown): never {
  throw thrown;
}

describe("what is revoked", () => {
  test.each<[string, Partial<Restrictions>, string]>([
    ["a tool", { tools: ["write_it"] }, "tool:write_it"],
    ["an agent", { agents: ["clerk"] }, "agent:clerk"],
    ["a tenant", { stopped: true }, "tenant:acme"],
  ])("%s is not called any more, whatever was granted", async (_, change, target) => {
    for (const restrictions of [() => ({ ...free, ...change }), async () => ({ ...free, ...change })]) {
      const { call, calls } = desk(undefined, { restrictions });
      expect(await failure(call(writes))).toMatchObject({
        code: "policy/revoked",
        data: { target, tenant: "acme" },
        mayHaveExecuted: false,
      });
      expect(calls).toEqual([]);
    }
  });

  test("nothing of it touches other tenants, tools and agents", async () => {
    const { call } = desk(undefined, { restrictions: (tenant) => ({ ...free, stopped: tenant === "other" }) });
    expect((await call()).type).toBe("tool.returned");
    const elsewhere = desk(undefined, { restrictions: () => ({ ...free, tools: ["write_it"], agents: ["x"] }) });
    expect((await elsewhere.call()).type).toBe("tool.returned");
  });

  test("restrictions that cannot be read stop the call", async () => {
    const { call, calls } = desk(undefined, { restrictions: () => fail(new Error("disk")) });
    expect(await failure(call())).toMatchObject({ code: "run/internal", data: { reason: "disk" } });
    expect(calls).toEqual([]);
  });

  test("G3 a call that waited for its place is looked at again", async () => {
    let stopped = false;
    const first = Promise.withResolvers<unknown>();
    const { call, calls } = desk(() => first.promise, {
      limiter: limiter({ most: 1, waitingMax: 5 }),
      restrictions: () => ({ ...free, stopped }),
    });
    const one = call();
    const two = call();
    await settle();
    stopped = true;
    first.resolve({ ok: true });
    expect((await one).type).toBe("tool.returned");
    expect((await failure(two)).code).toBe("policy/revoked");
    expect(calls).toEqual(["acme read_it"]);
  });
});

describe("R8 a write of tier `person`", () => {
  const secret = "tenant-key";

  const bound = {
    tenant: "acme",
    run: "run_1",
    effect: "clerk#1/tool#1",
    agent: "clerk",
    tool: "write_it",
    inputHash: keyedHash(secret, '{"id":"7"}'),
    definitionHash: "d1",
    policyVersion: "p1",
  };
  const token: ApprovalToken = { binding: bindingOf(bound), by: ["ann"], definitionHash: "d1", policyVersion: "p1" };
  const asked = { ...writes, tier: "person", policyVersion: "tiers-1", approval: token } as const;
  const tenantKey = (tenant: string) => (tenant === "acme" ? secret : "another");

  test("G3 is looked at behind its approval, which may have to wait for a journal", async () => {
    let stopped = false;
    const slow = Promise.withResolvers<string>();
    const { call, calls } = desk(undefined, {
      tenantKey: () => slow.promise,
      restrictions: () => ({ ...free, stopped }),
    });
    const outcome = call(asked);
    await settle();
    stopped = true;
    slow.resolve(secret);
    expect((await failure(outcome)).code).toBe("policy/revoked");
    expect(calls).toEqual([]);
  });

  test("G2 is made with an approval that is bound to it", async () => {
    for (const of of [tenantKey, async (tenant: string) => tenantKey(tenant)]) {
      expect((await desk(undefined, { tenantKey: of }).call(asked)).type).toBe("tool.returned");
    }
  });

  test.each<[string, Partial<CallToolCommand>]>([
    ["other arguments", { input: { id: "8" } }],
    ["a laxer tier than its risk asks for", { tier: "none" }],
    ["a verdict alone", { tier: "compliance" }],
    ["another effect", { path: "clerk#1/tool#2" }],
    ["no approval", { approval: undefined as never }],
    ["an approval of nobody", { approval: { ...token, by: [] } }],
    ["another binding", { approval: { ...token, binding: bindingOf({ ...bound, tool: "read_it" }) } }],
    ["another policy", { approval: { ...token, policyVersion: "p2" } }],
    ["another definition", { approval: { ...token, definitionHash: "d2" } }],
  ])("G2 is not made with %s", async (_, wish) => {
    const { call, calls } = desk(undefined, { tenantKey });
    expect(await failure(call({ ...asked, ...wish }))).toMatchObject({
      code: "approval/missing",
      data: { tool: "write_it" },
      mayHaveExecuted: false,
    });
    expect(calls).toEqual([]);
  });

  test("G2 is not made for another tenant, nor where nobody can check", async () => {
    expect((await failure(desk(undefined, { tenantKey }).call(asked, "other"))).code).toBe("approval/missing");
    expect((await failure(desk().call(asked))).code).toBe("approval/missing");
  });

  test("the binding covers each member, and stays what it is", () => {
    const changed = Object.keys(bound).map((member) => bindingOf({ ...bound, [member]: "other" }));
    expect(new Set([token.binding, ...changed]).size).toBe(9);
    expect(bindingOf({ ...bound, inputHash: "h" })).toBe("kT4j3FoyjK8Q43x2Kiks7P0Sxn8WDrUsg5C5aEmRMBc");
  });
});

describe("G5 a write whose dispatch is too old", () => {
  const late = (callBefore: number) => ({ ...writes, callBefore });

  test("is not made; up to then it is", async () => {
    const { call, calls } = desk();
    expect(await failure(call(late(startAt)))).toMatchObject({
      code: "tool/dispatch-late",
      data: { tool: "write_it", lateMs: 0 },
      mayHaveExecuted: false,
    });
    expect(calls).toEqual([]);
    expect((await call(late(startAt + 1))).type).toBe("tool.returned");
  });

  test("is not made when it grew old in a queue, and gives back its place and its way through the breaker", async () => {
    const clock = fakeClock(startAt);
    const waits: PromiseWithResolvers<unknown>[] = [];
    const made = breakers({ clock, failuresMax: 1, cooldownMs: 1_000 });
    const bounds = limiter({ most: (target) => (target === "tool:write_it" ? 1 : undefined), waitingMax: 1 });
    const { call, calls } = desk(
      () => {
        const wait = Promise.withResolvers<unknown>();
        waits.push(wait);
        return wait.promise;
      },
      { clock, breakers: made, limiter: bounds },
    );
    const first = call(late(startAt + 40));
    const second = call(late(startAt + 40));
    await settle();
    clock.advance(40);
    waits[0]?.resolve({ ok: true });
    expect((await first).type).toBe("tool.returned");
    expect(await failure(second)).toMatchObject({ code: "tool/dispatch-late", mayHaveExecuted: false });
    expect(calls).toHaveLength(1);
    expect(made.states()).toEqual([{ key: "tool:server", state: "closed", failures: 0 }]);
    const third = call(late(startAt + 80));
    await settle();
    waits[1]?.resolve({ ok: true });
    expect((await third).type).toBe("tool.returned");
  });
});

describe("a breaker before a tool", () => {
  test("opens for all tools that share it, and says until when", async () => {
    const clock = fakeClock(startAt);
    let down = true;
    const made = breakers({ clock, failuresMax: 2, cooldownMs: 1_000 });
    const { call, calls } = desk(() => (down ? fail(new Error("down")) : { ok: true }), { clock, breakers: made });
    expect((await failure(call())).code).toBe("tool/failed");
    expect((await failure(call(writes))).code).toBe("tool/failed");
    expect(await failure(call(writes))).toMatchObject({
      code: "breaker/open",
      data: { target: "tool:server", retryAt: "2023-11-14T22:13:21.000Z" },
      mayHaveExecuted: false,
    });
    expect(calls).toHaveLength(2);
    expect(health({ breakers: made })).toEqual({
      breakers: [{ key: "tool:server", state: "open", failures: 2, retryAt: startAt + 1_000 }],
      queues: [],
      rates: [],
    });
    clock.advance(1_000);
    down = false;
    expect((await call()).type).toBe("tool.returned");
    expect(made.states()).toEqual([{ key: "tool:server", state: "closed", failures: 0 }]);
  });

  test("B5 counts no refusal, no bad output, no bad argument, no cancel", async () => {
    const clock = fakeClock(startAt);
    const made = breakers({ clock, failuresMax: 1 });
    const answers: (() => unknown)[] = [() => fail(new ToolRefusal("no")), () => ({ ok: "perhaps" })];
    const { call } = desk(() => answers.shift()?.() ?? new Promise(() => {}), { clock, breakers: made });
    expect((await failure(call())).code).toBe("tool/refused");
    expect((await failure(call())).code).toBe("tool/output-invalid");
    expect((await failure(call({ input: 3 }))).code).toBe("tool/input-invalid");
    const stop = new AbortController();
    const stopped = call({}, "acme", stop.signal);
    await settle();
    stop.abort();
    expect((await failure(stopped)).code).toBe("tool/cancelled");
    expect(made.states()).toEqual([{ key: "tool:server", state: "closed", failures: 0 }]);
    const late = call();
    await settle();
    clock.advance(100);
    expect((await failure(late)).code).toBe("tool/timeout");
    expect(made.states()[0]?.state).toBe("open");
  });
});

describe("bounds on what is under way", () => {
  test("G4 the timeout begins with the call, and the place is free again when it throws", async () => {
    const waits: PromiseWithResolvers<unknown>[] = [];
    const { clock, call } = desk(
      () => {
        const wait = Promise.withResolvers<unknown>();
        waits.push(wait);
        return wait.promise;
      },
      { limiter: limiter({ most: (target) => (target === "tool:read_it" ? 1 : undefined), waitingMax: 1 }) },
    );
    const one = call();
    const two = call({}, "other");
    await settle();
    expect((await failure(call({}, "third"))).code).toBe("limits/queue-full");
    clock.advance(90);
    waits[0]?.reject(new Error("boom"));
    expect((await failure(one)).code).toBe("tool/failed");
    await settle();
    clock.advance(90);
    waits[1]?.resolve({ ok: true });
    expect((await two).type).toBe("tool.returned");
  });

  test("one tenant at its own bound holds no place that others could use", async () => {
    const wait = Promise.withResolvers<unknown>();
    const made = limiter({ most: (target) => (target === "tenant:acme" ? 1 : 2), waitingMax: 5 });
    const { call, calls } = desk(() => wait.promise, { limiter: made });
    const all = [call(), call(), call(), call({}, "other")];
    await settle();
    expect(calls).toEqual(["acme read_it", "other read_it"]);
    expect(health({ limiter: made }).queues).toEqual([
      { target: "tenant:acme", underWay: 1, waiting: 2 },
      { target: "tenant:other", underWay: 1, waiting: 0 },
      { target: "tool:read_it", underWay: 2, waiting: 0 },
    ]);
    wait.resolve({ ok: true });
    await Promise.all(all);
    expect(health({ limiter: made }).queues).toEqual([]);
  });

  test("a call that is stopped while it waits was never made", async () => {
    const wait = Promise.withResolvers<unknown>();
    const made = limiter({ most: 1, waitingMax: 5 });
    const { call, calls } = desk(() => wait.promise, { limiter: made });
    const one = call(writes);
    const stop = new AbortController();
    const two = call(writes, "acme", stop.signal);
    await settle();
    stop.abort();
    expect(await failure(two)).toMatchObject({ code: "tool/cancelled", mayHaveExecuted: false });
    wait.resolve({ ok: true });
    expect((await one).type).toBe("tool.returned");
    expect(calls).toHaveLength(1);
    expect(made.queues()).toEqual([]);
  });
});

describe("a server that is not there", () => {
  const error = (code: string, more: object = {}) => Object.assign(new Error("gone"), { code, ...more });
  const fetchError = new TypeError("fetch failed", { cause: error("ECONNREFUSED") });
  test.each<[string, unknown, string, string, boolean]>([
    ["a network's word", error("ECONNREFUSED"), "tool/unreachable", "tool/failed", true],
    ["what `fetch` makes of it", fetchError, "tool/unreachable", "tool/failed", true],
    [
      "a word with `mayHaveExecuted`",
      error("ENOTFOUND", { mayHaveExecuted: false }),
      "tool/unreachable",
      "tool/unreachable",
      false,
    ],
    [
      "a bridge",
      error("mcp/server-unavailable", { mayHaveExecuted: false }),
      "tool/unreachable",
      "tool/unreachable",
      false,
    ],
    [
      "a bridge that lost its server",
      error("mcp/connection-lost", { mayHaveExecuted: true }),
      "tool/unreachable",
      "tool/failed",
      true,
    ],
    [
      "a bridge whose server said no",
      error("mcp/call-rejected", { mayHaveExecuted: false }),
      "tool/failed",
      "tool/failed",
      false,
    ],
  ])("%s: a read did not reach it, a write only where that is known", async (_, thrown, read, write, perhaps) => {
    const { call } = desk(() => fail(thrown));
    expect(await failure(call())).toMatchObject({ code: read, mayHaveExecuted: false });
    expect(await failure(call(writes))).toMatchObject({ code: write, mayHaveExecuted: perhaps });
  });

  test("says when it wants to be asked again", async () => {
    const thrown = error("mcp/server-unavailable", { mayHaveExecuted: false, data: { retryAfterMs: 700 } });
    expect((await failure(desk(() => fail(thrown)).call())).data).toMatchObject({ retryAfterMs: 700 });
  });
});

describe("D7 a look-up that says `never`", () => {
  /** A look-up that gives these answers in turn. */
  function asked(...answers: string[]) {
    const left = [...answers];
    const made = desk(undefined, {}, () => ({ outcome: left.shift() ?? "unknown" }));
    return { ...made, left };
  }
  const outcome = async (looked: Promise<InputEvent>) => ((await looked).body as { outcome: Json }).outcome;

  test("counts once the tool's writes have settled", async () => {
    expect(await outcome(asked("never").look({ since: startAt - 50 }))).toBe("never");
  });

  test.each<[string, number | undefined, string, string]>([
    ["is asked for again when they have", startAt - 20, "never", "never"],
    ["may be wrong before", startAt - 20, "unknown", "unknown"],
    ["waits for the whole time where the last dispatch is not known", undefined, "never", "never"],
  ])("%s", async (_, since, second, expected) => {
    const { clock, look, left } = asked("never", second);
    const looked = look(since === undefined ? {} : { since });
    await settle();
    expect(left).toEqual([second]);
    clock.advance(since === undefined ? 49 : 29);
    await settle();
    expect(left).toEqual([second]);
    clock.advance(1);
    expect(await outcome(looked)).toBe(expected);
  });

  test("is no answer where that is too far away, or where the wait is stopped", async () => {
    expect(await outcome(asked("never", "never").look({ since: startAt + 10_051 }))).toBe("unknown");
    const { look } = asked("never", "never");
    const stop = new AbortController();
    const looked = look({ since: startAt }, stop.signal);
    await settle();
    stop.abort();
    expect(await outcome(looked)).toBe("unknown");
  });
});

describe("those who are no agents of the team", () => {
  test("what undoes writes may call exactly what undoes something", async () => {
    const { call, definition } = desk();
    const wish = { agent: compensationAgent, effect: "write", key: "k1" } as const;
    expect([...undoToolsOf(definition).keys()]).toEqual(["undo_it"]);
    expect((await call({ ...wish, tool: "undo_it" })).type).toBe("tool.returned");
    for (const tool of ["write_it", "read_it"]) {
      expect((await failure(call({ ...wish, tool }))).code).toBe("policy/tool-not-allowed");
    }
    expect((await failure(call({ ...wish, agent: "clerk", tool: "undo_it" }))).code).toBe("policy/tool-not-allowed");
  });

  test("a judge has its own allowlist", async () => {
    const { call } = desk();
    expect((await call({ agent: "judge" })).type).toBe("tool.returned");
    expect((await failure(call({ ...writes, agent: "judge" }))).code).toBe("policy/tool-not-allowed");
  });
});
