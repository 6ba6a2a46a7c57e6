import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { checkSupervisor } from "../check/check.ts";
import { memoryEngine } from "../engine/memory.ts";
import { boundOn, covers, type Grant } from "../grant.ts";
import type { Json } from "../json.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { toMermaid } from "../supervisor/picture.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { scriptedModel } from "../testing/index.ts";
import { defineTool } from "../tool.ts";
import { admittedGrant } from "./admission.ts";
import { remoteAgent } from "./agent.ts";
import { defineSpecialist } from "./contract.ts";
import { delegatedRun, delegationText } from "./delegation.ts";
import { serveSpecialist } from "./serve.ts";

const arbRange = fc.record(
  {
    min: fc.integer({ min: 0, max: 9 }),
    max: fc.integer({ min: 0, max: 9 }),
    oneOf: fc.uniqueArray(fc.constantFrom<string | number>(1, 3, 5, "ab", "b")),
    pattern: fc.constantFrom("a.*", "[ab]+"),
  },
  { requiredKeys: [] },
);
const arbGrant: fc.Arbitrary<Grant> = fc.record(
  {
    tools: fc.uniqueArray(fc.constantFrom("a", "b", "c")),
    effects: fc.constantFrom("read" as const, "write" as const),
    arguments: fc.dictionary(fc.constantFrom("a", "b"), fc.dictionary(fc.constantFrom("x", "y"), arbRange)),
    budget: fc.record({ microUsd: fc.nat(9), tokens: fc.nat(9) }, { requiredKeys: [] }),
    sources: fc.uniqueArray(fc.constantFrom("faq", "web")),
    untilAt: fc.nat(9),
  },
  { requiredKeys: [] },
);
const arbPart = fc.option(arbGrant, { nil: undefined });
const arbCall = fc.record({
  tool: fc.record(
    {
      name: fc.constantFrom("a", "b", "c", "d"),
      effect: fc.constantFrom("read" as const, "write" as const),
      source: fc.constantFrom("faq", "web"),
    },
    { requiredKeys: ["name", "effect"] },
  ),
  args: fc.dictionary(fc.constantFrom("x", "y"), fc.oneof(fc.nat(9), fc.constantFrom("ab", "b", "c"))),
  at: fc.nat(10),
});

describe("R6 what is admitted of a delegation", () => {
  test("allows a call exactly when its caller's grant and each of its owner's bounds do", () => {
    fc.assert(
      fc.property(arbGrant, arbPart, arbPart, arbCall, (delegated, allows, caller, { tool, args, at }) => {
        const may = (grant: Grant) => covers(grant, tool) && boundOn(grant, tool.name, args as Json, at) === undefined;
        const parts = [delegated, allows, caller].filter((part) => part !== undefined);
        const admitted = admittedGrant(delegated, allows, caller);
        expect(may(admitted)).toBe(parts.every(may));
        for (const member of ["microUsd", "tokens"] as const) {
          const bounds = parts.flatMap(({ budget }) => budget?.[member] ?? []);
          expect(admitted.budget?.[member]).toBe(bounds.length === 0 ? undefined : Math.min(...bounds));
        }
      }),
    );
  });

  test("is never more for a second hop: what one specialist hands on, the next one cannot widen", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(arbPart, arbPart), { maxLength: 4 }), arbGrant, arbCall, (hops, first, call) => {
        const { tool, args, at } = call;
        const may = (grant: Grant) => covers(grant, tool) && boundOn(grant, tool.name, args as Json, at) === undefined;
        let grant = first;
        for (const [allows, caller] of hops) {
          const next = admittedGrant(grant, allows, caller);
          if (may(next)) expect(may(grant)).toBe(true);
          grant = next;
        }
      }),
    );
  });
});

describe("what is signed", () => {
  const body = {
    supervisor: "s",
    definitionHash: "h",
    input: { id: "7" },
    principal: { id: "u", kind: "user", roles: [], authenticated: true },
    labels: { "": ["user"] },
    delegation: {
      parent: { run: "r", path: "p#1", definition: "d@1" },
      specialist: "s@1",
      contract: "c",
      grant: { tools: ["a"] },
      deadlineAt: 9,
      depth: 1,
    },
    format: 1,
  } as const;
  const to = { tenant: "acme", run: "run_1" };

  test("covers each thing that an owner goes by", () => {
    const { delegation } = body;
    const texts = [
      delegationText(to, body),
      delegationText({ ...to, tenant: "b" }, body),
      delegationText({ ...to, run: "run_2" }, body),
      delegationText(to, { ...body, input: { id: "8" } }),
      delegationText(to, { ...body, principal: { ...body.principal, id: "v" } }),
      delegationText(to, { ...body, labels: {} }),
      delegationText(to, { ...body, attributes: { a: "b" } }),
      delegationText(to, { ...body, conversationId: "c" }),
      ...[
        { grant: {} },
        { contract: "d" },
        { specialist: "s@2" },
        { deadlineAt: 10 },
        { budget: { tokens: 1 } },
        { tenantBudget: true as const },
        { depth: 2 },
        { parent: { ...delegation.parent, path: "p#2" } },
      ].map((more) => delegationText(to, { ...body, delegation: { ...delegation, ...more } })),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("begins the one run that is named by tenant, specialist, run and path", () => {
    const of = { tenant: "t", specialist: "s@1", run: "r", path: "p#1" };
    const names = [
      of,
      { ...of, tenant: "u" },
      { ...of, specialist: "s@2" },
      { ...of, run: "q" },
      { ...of, path: "p#2" },
    ];
    expect(new Set(names.map(delegatedRun)).size).toBe(names.length);
    expect(delegatedRun({ ...of })).toBe(delegatedRun(of));
  });
});

describe("a contract", () => {
  const shape = z.object({ id: z.string() });
  const contract = (more: object = {}) =>
    defineSpecialist({
      name: "pay",
      description: "",
      input: shape,
      output: shape,
      tools: { pay: { effect: "write" } },
      ...more,
    });
  const pay = defineTool({
    name: "pay",
    description: "",
    input: shape,
    output: shape,
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: (given) => given,
  });
  const agent = (more: object = {}) =>
    defineAgent({
      name: "payer",
      description: "",
      instructions: "",
      model: "m",
      tools: [pay],
      input: shape,
      output: shape,
      ...more,
    });
  const serve = (specialist: unknown, by: unknown, more: object = {}) =>
    serveSpecialist({
      specialist,
      agent: by,
      engine: memoryEngine(),
      models: { m: scriptedModel([]) },
      ...more,
    } as never);

  test("has a hash over names, schemas and effects, and over no description", () => {
    const { hash } = contract();
    expect(contract({ description: "other" }).hash).toBe(hash);
    const others = [
      contract({ name: "pays" }),
      contract({ version: "2" }),
      contract({ input: z.object({ id: z.string(), more: z.string().optional() }) }),
      contract({ output: z.object({ id: z.int() }) }),
      contract({ tools: { pay: { effect: "read" } } }),
      contract({ tools: {} }),
    ];
    expect(new Set([hash, ...others.map((one) => one.hash)]).size).toBe(others.length + 1);
    expect(remoteAgent(contract(), { name: "till" })).toMatchObject({
      name: "till",
      remote: { specialist: "pay@1", hash },
    });
  });

  test("stands in the picture, the hash and the checks of whoever delegates", () => {
    const team = (of: ReturnType<typeof contract>, more: object = {}) =>
      defineSupervisor({ agents: { pay: remoteAgent(of) }, entry: "pay", exit: "pay", handoffs: [], ...more });
    const one = team(contract());
    expect(toMermaid(one as never)).toContain("pay : elsewhere, pay@1");
    expect(one.aliases).toEqual([]);
    expect(one.hash).not.toBe(team(contract({ output: z.object({ id: z.int() }) })).hash);
    expect(checkSupervisor(one as never).findings.filter(({ severity }) => severity === "error")).toEqual([]);
    const run = (tools: readonly string[]) =>
      runSupervisor(one, { engine: memoryEngine(), models: {}, tenants: { acme: { tools } } });
    expect(() => run(["pay"])).not.toThrow();
    expect(() => run(["steal"])).toThrow(expect.objectContaining({ code: "policy/grant-unknown-tool" }));
  });

  test("that is none is refused, and so is an agent that does not keep it", () => {
    const codeOf = (act: () => unknown) => {
      try {
        act();
        return "none";
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    };
    expect(codeOf(() => contract({ name: "7" }))).toBe("specialist/contract-invalid");
    expect(codeOf(() => contract({ version: "1 2" }))).toBe("specialist/contract-invalid");
    expect(codeOf(() => serve(contract(), agent()))).toBe("none");
    const broken = "specialist/contract-broken";
    expect(codeOf(() => serve(contract({ tools: {} }), agent()))).toBe(broken);
    expect(codeOf(() => serve(contract({ tools: { pay: { effect: "read" } } }), agent()))).toBe(broken);
    expect(codeOf(() => serve(contract(), agent({ tools: [] })))).toBe(broken);
    expect(codeOf(() => serve(contract(), agent({ output: z.object({ id: z.int() }) })))).toBe(broken);
    expect(codeOf(() => serve(contract(), agent({ input: z.object({}) })))).toBe(broken);
    expect(codeOf(() => serve(contract(), remoteAgent(contract())))).toBe(broken);
    expect(codeOf(() => serve(contract(), agent(), { allows: { tools: ["nope"] } }))).toBe("policy/grant-unknown-tool");
    expect(codeOf(() => serve(contract(), agent(), { callers: { a: { key: "no key" } } }))).toBe("audit/key-invalid");
  });
});
