import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { isSensitive } from "../label/label.ts";
import type { Model, ModelRequest } from "../port/model.ts";
import {
  chooseModels,
  defineRoute,
  isCleared,
  isRoute,
  modelsOf,
  type RouteFacts,
  type RouteOptions,
} from "./route.ts";

const model = (id: string, more: Partial<Model> = {}): Model => ({
  id,
  cost: "zero",
  generate: () => ({ parts: [{ type: "text", text: id }] }),
  ...more,
});
const [a, b, c] = ["a", "b", "c"].map((id) => model(id)) as [Model, Model, Model];
/** A model that is quoted at so many millionths of a dollar. */
const quoted = (id: string, microUsd: number) => model(id, { cost: "paid", quote: () => ({ microUsd, tokens: 1 }) });

const request = (labels: readonly string[] = [], tenant = "acme", runId = "run_1"): ModelRequest => ({
  agent: "clerk",
  instructions: "Work.",
  input: { text: "hello" },
  messages: [],
  tools: [],
  asks: [],
  outputSchema: {},
  labels,
  context: { tenant, runId, path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
});
const facts: RouteFacts = { blocked: () => undefined, latencyMs: () => undefined };
const blocking = (...ids: string[]): RouteFacts => ({
  ...facts,
  blocked: ({ id }) => (ids.includes(id) ? "breaker/open" : undefined),
});
const choose = (
  options: RouteOptions | Model,
  { asked = request(), tried = [] as readonly string[], known = facts } = {},
) => {
  const source = "candidates" in options ? defineRoute("r", options) : options;
  const failed = tried.map((id) => ({ model: id, code: "model/overloaded" }));
  const { models, choice } = chooseModels("m", source, asked, failed, known);
  return { ids: models.map(({ id }) => id), choice };
};

describe("a route is refused", () => {
  const otherA = model("a");
  test.each<[string, RouteOptions, string]>([
    ["without a candidate", { candidates: [] }, "it has no candidate"],
    ["with two models of one id", { candidates: [a, otherA] }, "two different models are called a"],
    [
      "with two models of one id in different places",
      { candidates: [a], split: { of: [{ model: otherA, weight: 1 }] } },
      "two different models are called a",
    ],
    [
      "with a rule that names nobody",
      { candidates: [a], rules: [{ name: "x", when: () => true, use: [] }] },
      "no model",
    ],
    [
      "with two rules of one name",
      { candidates: [a], rules: ["x", "x"].map((name) => ({ name, when: () => true, use: [a] })) },
      "two rules have one name",
    ],
    ["with a negative weight", { candidates: [a], split: { of: [{ model: a, weight: -1 }] } }, "weights"],
    ["with no weight above nothing", { candidates: [a], split: { of: [{ model: a, weight: 0 }] } }, "weights"],
    ["with a split of nothing", { candidates: [a], split: { of: [] } }, "weights"],
    [
      "with a weight that is no number",
      { candidates: [a], split: { of: [{ model: a, weight: Number.NaN }] } },
      "weights",
    ],
    ["with a target below nothing", { candidates: [a], targets: { microUsd: -1 } }, "target microUsd"],
    ["with a target that is no number", { candidates: [a], targets: { latencyMs: Number.NaN } }, "target latencyMs"],
  ])("%s", (_, options, reason) => {
    expect(() => defineRoute("r", options)).toThrow(/model\/route-invalid/);
    expect(() => defineRoute("r", options)).toThrow(reason);
  });

  test("and knows all its models, each once", () => {
    const route = defineRoute("r", {
      candidates: [a, b],
      rules: [{ name: "x", when: () => true, use: [b, c] }],
      split: { of: [{ model: a, weight: 1 }] },
    });
    expect(modelsOf(route)).toEqual([a, b, c]);
    expect(modelsOf(a)).toEqual([a]);
    expect([isRoute(route), isRoute(a)]).toEqual([true, false]);
  });
});

describe("M2 the order", () => {
  test("is that of the candidates where nothing else says another", () => {
    expect(choose({ candidates: [a, b] })).toEqual({ ids: ["a", "b"], choice: { why: "first" } });
    expect(choose(a)).toEqual({ ids: ["a"], choice: undefined });
  });

  test("is that of the first rule that holds; one that throws or says something odd does not", () => {
    const rules = [
      { name: "burst", when: () => fail(), use: [a] },
      { name: "odd", when: () => "yes" as unknown as boolean, use: [a] },
      { name: "big", when: ({ agent }: ModelRequest) => agent === "clerk", use: [c, b] },
      { name: "late", when: () => true, use: [a] },
    ];
    const split = { of: [{ model: a, weight: 1 }] };
    expect(choose({ candidates: [a, b], rules, split })).toEqual({ ids: ["c", "b"], choice: { why: "rule big" } });
    expect(choose({ candidates: [a, b], rules: rules.slice(0, 2) }).choice).toEqual({ why: "first" });
  });

  test("M2 who cannot say what a call costs comes after those within the target, and stops nobody", () => {
    const broken: Model = {
      id: "broken",
      cost: "paid",
      quote: () => {
        throw new Error("no table");
      },
      generate: () => ({ parts: [] }),
    };
    const chosen = choose({ candidates: [broken, a], targets: { microUsd: 1_000_000 } });
    expect(chosen).toEqual({ ids: ["a", "broken"], choice: { why: "target" } });
    const silent = model("silent", { cost: "paid" });
    const [dear, cheap] = [quoted("dear", 90), quoted("cheap", 10)];
    expect(choose({ candidates: [silent, dear, cheap], targets: { microUsd: 20 } })).toEqual({
      ids: ["cheap", "silent", "dear"],
      choice: { why: "target" },
    });
  });

  test("puts those beyond a target behind those within, which keep theirs", () => {
    const [dear, cheap, cheaper] = [quoted("dear", 90), quoted("cheap", 20), quoted("cheaper", 10)];
    const candidates = [dear, cheap, a, cheaper];
    expect(choose({ candidates, targets: { microUsd: 20 } })).toEqual({
      ids: ["cheap", "a", "cheaper", "dear"],
      choice: { why: "target" },
    });
    expect(choose({ candidates, targets: { microUsd: 90 } }).choice).toEqual({ why: "first" });
    // Nobody is within: the order is what it was.
    expect(choose({ candidates: [dear, cheap], targets: { microUsd: 1 } })).toEqual({
      ids: ["dear", "cheap"],
      choice: { why: "first" },
    });
    const known = { ...facts, latencyMs: ({ id }: Model) => ({ a: 900, b: 100 })[id] };
    // One that nobody has timed yet is within.
    expect(choose({ candidates: [a, b, c], targets: { latencyMs: 500 } }, { known })).toEqual({
      ids: ["b", "c", "a"],
      choice: { why: "target" },
    });
  });

  test("of a split is drawn by the tenant, who stays, or by the run", () => {
    const of = [
      { model: a, weight: 1 },
      { model: b, weight: 1 },
    ];
    const first = (sticky: "tenant" | "run", tenant: string, run: string) =>
      choose({ candidates: [a, b, c], split: { of, sticky } }, { asked: request([], tenant, run) }).ids;
    const runs = Array.from({ length: 40 }, (_, n) => `run_${n}`);
    expect(new Set(runs.map((run) => first("tenant", "acme", run).join())).size).toBe(1);
    expect(new Set(runs.map((run) => first("run", "acme", run).join()))).toEqual(new Set(["a,b,c", "b,a,c"]));
    for (const run of runs) expect(first("run", "acme", run)).toEqual(first("run", "other", run));
    expect(choose({ candidates: [a], split: { of } }).choice).toEqual({ why: "split" });
    // One that is no candidate gets its part of the traffic, and is no fallback for the others.
    const canary = { candidates: [a], split: { of: [{ model: c, weight: 1 }] } };
    expect(choose(canary).ids).toEqual(["c", "a"]);
  });

  test("of a split gives each model its part over many tenants, none to one without weight, and another to another route", () => {
    const of = [
      { model: c, weight: 0 },
      { model: a, weight: 90 },
      { model: b, weight: 10 },
    ];
    const tenants = Array.from({ length: 10_000 }, (_, n) => `tenant_${n}`);
    const draw = (id: string) =>
      tenants.map((tenant) => {
        const route = defineRoute(id, { candidates: [a, b, c], split: { of } });
        return chooseModels("m", route, request([], tenant), [], facts).models[0].id;
      });
    const drawn = draw("r");
    const part = (id: string) => drawn.filter((one) => one === id).length / tenants.length;
    expect(part("a")).toBeCloseTo(0.9, 1);
    expect(part("b")).toBeCloseTo(0.1, 1);
    expect(part("c")).toBe(0);
    const other = draw("other");
    // Independent draws put both on `b` for one tenant in a hundred.
    const both = tenants.filter((_, n) => drawn[n] === "b" && other[n] === "b").length;
    expect(both / tenants.length).toBeLessThan(0.03);
  });
});

describe("M3 what has failed or cannot be asked", () => {
  test("is passed over, and the next one is a fallback", () => {
    expect(choose({ candidates: [a, b, c] }, { tried: ["a"] })).toEqual({
      ids: ["b", "c"],
      choice: { why: "fallback", passedOver: [{ model: "a", code: "model/overloaded" }] },
    });
    expect(choose({ candidates: [a, b, c] }, { tried: ["b", "a"] })).toEqual({
      ids: ["c"],
      choice: {
        why: "fallback",
        passedOver: [
          { model: "a", code: "model/overloaded" },
          { model: "b", code: "model/overloaded" },
        ],
      },
    });
  });

  test("comes again when all the others have failed", () => {
    expect(choose({ candidates: [a, b] }, { tried: ["a", "b"] })).toEqual({
      ids: ["a", "b"],
      choice: { why: "first" },
    });
  });

  test("for a breaker is left out, also as a fallback, unless there is nobody else", () => {
    expect(choose({ candidates: [a, b, c] }, { known: blocking("a", "c") })).toEqual({
      ids: ["b"],
      choice: { why: "breaker", passedOver: [{ model: "a", code: "breaker/open" }] },
    });
    expect(choose({ candidates: [a, b] }, { known: blocking("a", "b") })).toEqual({
      ids: ["a", "b"],
      choice: { why: "first" },
    });
    expect(choose({ candidates: [a, b, c] }, { tried: ["a"], known: blocking("b") })).toEqual({
      ids: ["c"],
      choice: {
        why: "fallback",
        passedOver: [
          { model: "a", code: "model/overloaded" },
          { model: "b", code: "breaker/open" },
        ],
      },
    });
    expect(choose({ candidates: [a, b] }, { tried: ["a"], known: blocking("b") }).ids).toEqual(["b"]);
  });
});

describe("M1 clearance", () => {
  test.each<[readonly string[] | undefined, readonly string[], boolean]>([
    [undefined, ["user", "tool:x"], true],
    [undefined, ["sensitive"], false],
    [undefined, ["sensitive:health"], false],
    [undefined, ["sensitively"], true],
    [["sensitive:health"], ["sensitive:health", "user"], true],
    [["sensitive:health"], ["sensitive:health", "sensitive:money"], false],
    [["sensitive:health"], ["sensitive"], false],
    [["sensitive"], ["sensitive", "sensitive:health"], true],
  ])("a model that is cleared for %j may see %j: %s", (cleared, labels, may) => {
    expect(isCleared(cleared ? { cleared } : {}, labels)).toBe(may);
  });

  test("one that is not cleared is passed over, also as a fallback; without any nobody is asked", () => {
    const health = model("health", { cleared: ["sensitive:health"] });
    const all = model("all", { cleared: ["sensitive"] });
    const asked = request(["sensitive:health", "user"]);
    const route = { candidates: [a, health, b, all] };
    expect(choose(route, { asked })).toEqual({
      ids: ["health", "all"],
      choice: { why: "first", passedOver: [{ model: "a", code: "model/not-cleared" }] },
    });
    expect(choose(route, { asked, tried: ["health"] })).toEqual({
      ids: ["all"],
      choice: {
        why: "fallback",
        passedOver: [
          { model: "a", code: "model/not-cleared" },
          { model: "b", code: "model/not-cleared" },
          { model: "health", code: "model/overloaded" },
        ],
      },
    });
    for (const source of [{ candidates: [a, b] }, a]) {
      expect(() => choose(source, { asked })).toThrow(/model\/not-cleared.*sensitive:health/);
    }
  });

  test("one that is not cleared is not even asked for its price", () => {
    const nosy = model("nosy", { cost: "paid", quote: () => fail() });
    const asked = request(["sensitive"]);
    const cleared = model("cleared", { cleared: ["sensitive"] });
    expect(choose({ candidates: [nosy, cleared], targets: { microUsd: 1 } }, { asked }).ids).toEqual(["cleared"]);
  });
});

function fail(): never {
  throw new Error("no");
}

const sensitive = ["sensitive", "sensitive:a", "sensitive:b"];
const arbCase = fc
  .record({
    cleared: fc.array(fc.subarray(sensitive), { minLength: 5, maxLength: 5 }),
    prices: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
    latencies: fc.array(fc.option(fc.nat(3), { nil: undefined }), { minLength: 5, maxLength: 5 }),
    candidates: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 }),
    rules: fc.array(
      fc.record({
        holds: fc.constantFrom(true, false, undefined),
        use: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 }),
      }),
      { maxLength: 2 },
    ),
    split: fc.option(fc.uniqueArray(fc.tuple(fc.nat(4), fc.nat(2)), { selector: ([at]) => at, minLength: 1 }), {
      nil: undefined,
    }),
    targets: fc.record({ microUsd: fc.nat(3), latencyMs: fc.nat(3) }, { requiredKeys: [] }),
    tried: fc.shuffledSubarray([0, 1, 2, 3, 4, 5]),
    blocked: fc.subarray([0, 1, 2, 3, 4]),
    labels: fc.subarray(["user", "sensitively", ...sensitive]),
    tenant: fc.string(),
  })
  .filter(({ split }) => split === undefined || split.some(([, weight]) => weight > 0));

test("M1 M2 M3 for any route and whatever is known, who is chosen is cleared, untried and free where there is one", () => {
  const seen = { notCleared: 0, why: new Set<string>() };
  fc.assert(
    fc.property(arbCase, (given) => {
      const pool = given.cleared.map((cleared, at) =>
        model(`m${at}`, { cleared, cost: "paid", quote: () => ({ microUsd: given.prices[at] ?? 0, tokens: 1 }) }),
      );
      const at = (index: number) => pool[index] as Model;
      const idsOf = (indices: readonly number[]) => indices.map((index) => `m${index}`);
      const route = defineRoute("r", {
        candidates: given.candidates.map(at),
        rules: given.rules.map(({ holds, use }, index) => ({
          name: `${index}`,
          when: () => holds ?? fail(),
          use: use.map(at),
        })),
        ...(given.split ? { split: { of: given.split.map(([index, weight]) => ({ model: at(index), weight })) } } : {}),
        targets: given.targets,
      });
      const asked = request([...given.labels].sort(), given.tenant);
      const tried = idsOf(given.tried).map((id) => ({ model: id, code: "model/timeout" }));
      const blocked = new Set(idsOf(given.blocked));
      const known: RouteFacts = {
        blocked: ({ id }) => (blocked.has(id) ? "breaker/open" : undefined),
        latencyMs: ({ id }) => given.latencies[Number(id.slice(1))],
      };
      const rule = given.rules.find(({ holds }) => holds === true);
      const mayCome = new Set(idsOf(rule ? rule.use : given.candidates));
      const drawn = new Set(rule ? [] : (given.split ?? []).filter(([, weight]) => weight > 0).map(([n]) => `m${n}`));
      const may = (id: string) => isCleared(at(Number(id.slice(1))), asked.labels);
      let chosen: ReturnType<typeof chooseModels>;
      try {
        chosen = chooseModels("m", route, asked, tried, known);
      } catch (thrown) {
        seen.notCleared++;
        expect(OrchestrationError.is(thrown, "model/not-cleared")).toBe(true);
        expect(asked.labels.some(isSensitive)).toBe(true);
        expect([...mayCome].filter(may)).toEqual([]);
        return;
      }
      const ids = chosen.models.map(({ id }) => id);
      const failed = new Set(tried.map((one) => one.model));
      const head = rule || !given.split ? [] : [...drawn].filter((id) => !mayCome.has(id) && ids.includes(id));
      // M1: all are cleared, none comes twice, and nobody comes whom the route does not name for this request.
      expect(ids.filter((id) => !may(id))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => !mayCome.has(id) && !drawn.has(id))).toEqual([]);
      // With those that failed or cannot be asked they are the cleared part of the order.
      const cleared = [...mayCome].filter(may);
      const all = new Set([...ids, ...cleared.filter((id) => failed.has(id) || blocked.has(id))]);
      expect([...all].sort()).toEqual([...new Set([...cleared, ...head])].sort());
      // M3: what has failed, and what cannot be asked, comes where there is nobody else.
      if (cleared.some((id) => !failed.has(id))) expect(ids.filter((id) => failed.has(id))).toEqual([]);
      if (cleared.some((id) => !failed.has(id) && !blocked.has(id))) {
        expect(ids.filter((id) => blocked.has(id))).toEqual([]);
      }
      // M2: within the targets first, each part in its order.
      const { microUsd = 99, latencyMs = 99 } = given.targets;
      const within = (id: string) => {
        const index = Number(id.slice(1));
        return (given.prices[index] ?? 0) <= microUsd && (given.latencies[index] ?? 0) <= latencyMs;
      };
      expect(ids.map(within)).toEqual(ids.map(within).sort((x, y) => Number(y) - Number(x)));
      if (rule || !given.split) {
        const order = [...mayCome].filter((id) => ids.includes(id));
        expect(ids).toEqual([...order.filter(within), ...order.filter((id) => !within(id))]);
      }
      // Whoever was passed over would have come first, and is told with what kept it from that.
      for (const { model: id, code } of chosen.choice?.passedOver ?? []) {
        expect(ids).not.toContain(id);
        expect(code).toBe(!may(id) ? "model/not-cleared" : failed.has(id) ? "model/timeout" : "breaker/open");
      }
      seen.why.add(chosen.choice?.why ?? "");
      // The same question has the same answer.
      expect(chooseModels("m", route, asked, tried, known)).toEqual(chosen);
    }),
    { numRuns: 2_000 },
  );
  expect(seen.notCleared).toBeGreaterThan(0);
  expect([...seen.why].sort()).toEqual(["breaker", "fallback", "first", "rule 0", "rule 1", "split", "target"]);
});
