import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "./agent.ts";
import { memoryEngine } from "./engine/memory.ts";
import {
  type ArgumentRange,
  boundOn,
  checkGrant,
  covers,
  coversSource,
  fullGrant,
  type Grant,
  givenAt,
  isBound,
  narrow,
} from "./grant.ts";
import { defineHandoff } from "./handoff.ts";
import type { Json } from "./json.ts";
import type { Engine } from "./port/engine.ts";
import { user } from "./principal.ts";
import { asAgent, defineSupervisor } from "./supervisor/definition.ts";
import { createSupervisor, runSupervisor } from "./supervisor/supervisor.ts";
import { answers, callsAll, scriptedModel } from "./testing/index.ts";
import { defineThreshold } from "./threshold.ts";
import { defineTool } from "./tool.ts";

const arbRange: fc.Arbitrary<ArgumentRange> = fc.record(
  {
    min: fc.integer({ min: 0, max: 9 }),
    max: fc.integer({ min: 0, max: 9 }),
    oneOf: fc.uniqueArray(fc.constantFrom<string | number>(1, 3, 5, "ab", "b")),
    pattern: fc.constantFrom("a.*", "[ab]+", ".*"),
  },
  { requiredKeys: [] },
);
const arbGrant: fc.Arbitrary<Grant> = fc.record(
  {
    arguments: fc.dictionary(fc.constantFrom("a", "b"), fc.dictionary(fc.constantFrom("x", "y"), arbRange)),
    budget: fc.record({ tokens: fc.nat(9), microUsd: fc.nat(9) }, { requiredKeys: [] }),
    sources: fc.uniqueArray(fc.constantFrom("faq", "web")),
    untilAt: fc.nat(9),
    tools: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d")),
    effects: fc.constantFrom("read" as const, "write" as const),
  },
  { requiredKeys: [] },
);
const arbArguments = fc.dictionary(
  fc.constantFrom("x", "y"),
  fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom("ab", "b", "c"), fc.array(fc.constantFrom("ab", "b"))),
);
const arbTool = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e"),
  effect: fc.constantFrom("read" as const, "write" as const),
});

test.each<readonly [string, unknown, string]>([
  ["a tool bounded by a text", "all", "arguments.pay"],
  ["a bound that is a number", { cents: 5 }, "pay.cents"],
  ["a list of bounds", { cents: [{ max: 5 }] }, "pay.cents"],
  ["nothing as a bound", { cents: null }, "pay.cents"],
  ["a pattern that is no text", { cents: { pattern: 5 } }, "pay.cents"],
  ["a misspelt bound", { cents: { maximum: 5 } }, "pay.cents.maximum"],
])("%s bounds nothing: it is refused", (_, ranges, what) => {
  const pay = defineTool({
    ...{ name: "pay", description: "", input: z.object({ cents: z.int() }), output: z.object({}) },
    ...({ effect: "write", risk: "low", idempotency: "none" } as const),
    execute: () => ({}),
  });
  const grant = { arguments: { pay: ranges } } as Grant;
  expect(() => checkGrant(grant, new Map([["pay", pay]]), "a test")).toThrow(
    expect.objectContaining({ code: "policy/grant-invalid", data: expect.objectContaining({ what }) }),
  );
});

describe("narrow", () => {
  test("is the intersection: a tool passes the whole exactly when it passes each part, in any order", () => {
    fc.assert(
      fc.property(fc.array(arbGrant, { maxLength: 5 }), arbTool, (grants, tool) => {
        const whole = grants.reduce(narrow, fullGrant);
        expect(covers(whole, tool)).toBe(grants.every((grant) => covers(grant, tool)));
        expect([...grants].reverse().reduce(narrow, fullGrant)).toEqual(whole);
      }),
    );
  });

  test("holds for arguments, sources, time and money too: the whole allows exactly what each part allows", () => {
    fc.assert(
      fc.property(
        fc.array(arbGrant, { maxLength: 4 }),
        fc.constantFrom("a", "b", "c"),
        arbArguments,
        fc.nat(10),
        (grants, tool, args, at) => {
          const whole = grants.reduce(narrow, fullGrant);
          const passes = (grant: Grant) => boundOn(grant, tool, args, at) === undefined;
          expect(passes(whole)).toBe(grants.every(passes));
          expect(coversSource(whole, "faq")).toBe(grants.every((grant) => coversSource(grant, "faq")));
          for (const member of ["tokens", "microUsd"] as const) {
            const bounds = grants.flatMap(({ budget }) => budget?.[member] ?? []);
            expect(whole.budget?.[member]).toBe(bounds.length === 0 ? undefined : Math.min(...bounds));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("names the bound that a call meets", () => {
    const grant: Grant = {
      arguments: { pay: { cents: { min: 1, max: 500 }, to: { oneOf: ["ann"] }, ref: { pattern: "A[0-9]+" } } },
      untilAt: 100,
    };
    const good = { cents: 5, to: "ann", ref: "A1" };
    expect(boundOn(grant, "pay", good, 1)).toBeUndefined();
    expect(boundOn(grant, "pay", { ...good, cents: 501 }, 1)).toBe("arguments.cents.max");
    expect(boundOn(grant, "pay", { ...good, cents: "5" }, 1)).toBe("arguments.cents.min");
    expect(boundOn(grant, "pay", { ...good, to: ["ann", "bob"] }, 1)).toBe("arguments.to.oneOf");
    // For many a tool an empty list means all of them; as it was for runs that began under another version of the policy.
    for (const argument of ["cents", "to", "ref"]) {
      expect(boundOn(grant, "pay", { ...good, [argument]: [] }, 1)).toBe(`arguments.${argument}`);
      expect(boundOn(grant, "pay", { ...good, [argument]: [] }, 1, true)).toBeUndefined();
    }
    expect(boundOn(grant, "pay", { ...good, ref: "xA1" }, 1)).toBe("arguments.ref.pattern");
    expect(boundOn(grant, "pay", { cents: 5, to: "ann" }, 1)).toBe("arguments.ref");
    expect(boundOn(grant, "look", {}, 100)).toBe("untilMs");
    expect(givenAt({ untilMs: 50, untilAt: 60 }, 20)).toEqual({ untilAt: 60 });
    expect(givenAt({ untilMs: 30 }, 20)).toEqual({ untilAt: 50 });
  });

  test("never widens, and says whether it bounds anything", () => {
    fc.assert(
      fc.property(arbGrant, arbGrant, arbTool, (left, right, tool) => {
        if (covers(narrow(left, right), tool)) expect(covers(left, tool)).toBe(true);
      }),
    );
    expect(isBound(fullGrant)).toBe(false);
    expect(isBound({ effects: "write" })).toBe(false);
    expect(isBound({ tools: [] })).toBe(true);
    expect(isBound({ effects: "read" })).toBe(true);
  });
});

const text = z.object({ text: z.string() });
const tool = (name: string, effect: "read" | "write") => {
  const common = { name, description: "", input: z.object({}), output: z.object({}), execute: () => ({}) };
  return effect === "read"
    ? defineTool({ ...common, effect })
    : defineTool({ ...common, effect, risk: "low", idempotency: "key" });
};
const look = tool("look", "read");
const peek = tool("peek", "read");
const change = tool("change", "write");
const starter = defineAgent({
  name: "starter",
  description: "",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "",
});
const worker = defineAgent({
  name: "worker",
  description: "",
  model: "m",
  tools: [look, peek, change],
  input: text,
  output: text,
  instructions: "",
});
const everything = callsAll(worker, [
  ["look", {}],
  ["peek", {}],
  ["change", {}],
]);
const given = { text: "x" };
const script = () =>
  scriptedModel([answers(starter, given), everything, answers(worker, given), everything, answers(worker, given)]);

/** What the worker was offered, what it called, and what was denied, with the code. */
async function play(
  definition: Parameters<typeof runSupervisor>[0],
  start: { readonly grant?: Grant; readonly tenant?: string } = {},
  tenants?: { readonly [tenant: string]: Grant },
  engine: Engine = memoryEngine(),
) {
  const model = script();
  const models = Object.fromEntries(
    (definition as { aliases: readonly string[] }).aliases.map((alias) => [alias, model]),
  );
  const supervisor = runSupervisor(definition, { engine, models, ...(tenants ? { tenants } : {}) } as never);
  const tenant = start.tenant ?? "acme";
  const run = await supervisor.start(given as never, {
    tenant,
    principal: user("u"),
    ...(start.grant ? { grant: start.grant } : {}),
  });
  await run.result();
  const entries = await run.entries();
  expect(await supervisor.replay(run.id, { tenant })).toMatchObject({ ok: true });
  return {
    offered: model.requests.filter(({ agent }) => agent === "worker").map(({ tools }) => tools.map(({ name }) => name)),
    called: entries.flatMap((entry) => (entry.type === "tool.called" ? [entry.body.tool] : [])),
    denied: entries.flatMap((entry) =>
      entry.type === "tool.denied" ? [[entry.body.tool, entry.body.error.code, entry.body.decision.ruleId]] : [],
    ),
    grants: entries.flatMap((entry) => (entry.type === "handoff.delivered" ? [entry.body.grant] : [])),
  };
}

const desk = (grant?: { readonly tools?: readonly ("look" | "peek" | "change")[]; readonly effects?: "read" }) =>
  defineSupervisor({
    agents: { starter, worker },
    entry: "starter",
    exit: "worker",
    handoffs: [defineHandoff({ from: starter, to: worker, map: (output) => output, ...(grant ? { grant } : {}) })],
  });

describe("a delegation", () => {
  test("without a grant hands over the whole allowlist", async () => {
    const { offered, called, denied, grants } = await play(desk());
    expect(offered[0]).toEqual(["look", "peek", "change"]);
    expect(called).toEqual(["look", "peek", "change"]);
    expect(denied).toEqual([]);
    expect(grants).toEqual([undefined, undefined]);
  });

  test("with a grant hands over no more: the rest is neither offered nor called", async () => {
    const { offered, called, denied, grants } = await play(desk({ tools: ["look", "change"] }));
    expect(offered[0]).toEqual(["look", "change"]);
    expect(called).toEqual(["look", "change"]);
    expect(denied).toEqual([["peek", "policy/not-granted", "grant"]]);
    expect(grants).toEqual([undefined, { tools: ["change", "look"] }]);
  });

  test("may be of reads alone", async () => {
    const { called, denied } = await play(desk({ effects: "read" }));
    expect(called).toEqual(["look", "peek"]);
    expect(denied).toEqual([["change", "policy/not-granted", "grant"]]);
  });

  test("narrows what its tenant and its starter left, and only that", async () => {
    const tenants = { acme: { tools: ["look", "peek"] }, other: {} };
    const { called } = await play(
      desk({ tools: ["look", "change"] }),
      { grant: { tools: ["look", "change"] } },
      tenants,
    );
    expect(called).toEqual(["look"]);
    expect((await play(desk(), { tenant: "other" }, tenants)).called).toEqual(["look", "peek", "change"]);
    await expect(play(desk(), { tenant: "stranger" }, tenants)).rejects.toMatchObject({
      code: "policy/tenant-not-allowed",
    });
  });

  test("to a team bounds everybody in it", async () => {
    const inner = defineSupervisor({
      name: "inner",
      agents: { worker },
      entry: "worker",
      exit: "worker",
      handoffs: [],
    });
    const team = asAgent(inner, { name: "team", description: "", input: text, output: text });
    const outer = defineSupervisor({
      agents: { starter, team },
      entry: "starter",
      exit: "team",
      handoffs: [defineHandoff({ from: starter, to: team, grant: { tools: ["peek"] }, map: (output) => output })],
    });
    const { called, denied } = await play(outer);
    expect(called).toEqual(["peek"]);
    expect(denied.map(([name]) => name)).toEqual(["look", "change"]);
  });

  test("stays as narrow when a stronger model tries again", async () => {
    const definition = defineSupervisor({
      agents: { starter, worker },
      entry: "starter",
      exit: "worker",
      handoffs: [defineHandoff({ from: starter, to: worker, grant: { tools: ["look"] }, map: (output) => output })],
      thresholds: [defineThreshold({ agent: worker, atLeast: 0.5, read: () => 0.1, stronger: "strong" })],
    });
    const { offered, called } = await play(definition);
    expect(offered).toEqual([["look"], ["look"], ["look"], ["look"]]);
    expect(called).toEqual(["look", "look"]);
  });

  test("that grants what nobody has is a mistake, found before anything starts", async () => {
    const unknown = { code: "policy/grant-unknown-tool" };
    expect(() => desk({ tools: ["drop"] as never })).toThrow(expect.objectContaining(unknown));
    const engine = memoryEngine();
    const models = { m: script() };
    const parts = { agents: { starter, worker }, entry: "starter", exit: "worker", models, engine } as const;
    const handoffs = [defineHandoff({ from: starter, to: worker, map: (output: { text: string }) => output })];
    expect(() => createSupervisor({ ...parts, handoffs, tenants: { acme: { tools: ["drop"] } } })).toThrow(
      expect.objectContaining(unknown),
    );
    const supervisor = createSupervisor({ ...parts, handoffs });
    await expect(supervisor.start(given, { tenant: "acme", grant: { tools: ["drop"] } })).rejects.toMatchObject(
      unknown,
    );
  });
});

test("R6 bounds stay where a tool or an argument is called like a member that every object has", () => {
  const ranges = (text: string): Grant => ({ arguments: JSON.parse(text) as NonNullable<Grant["arguments"]> });
  const other = ranges('{ "pay": { "cents": { "max": 5 } } }');
  const tool = narrow(ranges('{ "__proto__": { "cents": { "max": 5 } } }'), other);
  expect(boundOn(tool, "__proto__", { cents: 9 }, 0)).toBe("arguments.cents.max");
  const argument = narrow(ranges('{ "pay": { "__proto__": { "max": 5 } } }'), other);
  expect(boundOn(argument, "pay", JSON.parse('{ "cents": 1, "__proto__": 9 }') as Json, 0)).toBe(
    "arguments.__proto__.max",
  );
});
