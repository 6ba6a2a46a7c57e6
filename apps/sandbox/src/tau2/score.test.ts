import { describe, expect, test } from "vitest";
import { compareChanges, diffState } from "./change.ts";
import { groundTruth } from "./ground-truth.ts";
import type { RetailDomain } from "./load.ts";
import { retailWorld } from "./retail.ts";
import { passAllOf, retailScorer, scoreLine, totalScores, unsaidOf } from "./score.ts";
import type { Tau2Action, Tau2Task } from "./task.ts";
import { shopRun, tinyShop } from "./tiny-shop.test.data.ts";

const task = (id: string, actions: Omit<Tau2Action, "by">[], communicate: string[] = []): Tau2Task => ({
  id,
  purpose: null,
  customer: { persona: null, reason: "You want help.", known: null, unknown: null, manner: null },
  actions: actions.map((action) => ({ ...action, by: "agent" })),
  communicate,
  assertions: [],
  rewardBasis: ["DB"],
  prepared: false,
  given: false,
  setUp: [],
  checks: [],
});
const cancel = (order_id: string) => ({
  id: `cancel ${order_id}`,
  name: "cancel_pending_order",
  input: { order_id, reason: "no longer needed" },
});
const tasks = [task("t1", [cancel("#sent"), cancel("#gift")], ["1,042.55"]), task("t2", []), task("t3", [], ["Red"])];
const [first, second, third] = tasks as [Tau2Task, Tau2Task, Tau2Task];
const domain: RetailDomain = { folder: "nowhere", database: tinyShop, policy: "", tasks };
const world = retailWorld({ database: tinyShop });

describe("changes", () => {
  test("states that share records and the same states written out give the same changes", () => {
    const { say, start, state } = shopRun();
    say("cancel_pending_order", { order_id: "#gift", reason: "no longer needed" });
    say("modify_pending_order_items", {
      order_id: "#card",
      item_ids: ["l1"],
      new_item_ids: ["l2"],
      payment_method_id: "pal-1",
    });
    const apart = JSON.parse(JSON.stringify(state()));
    const changes = diffState(start, state());
    expect(changes.map(({ path }) => path)).toEqual([
      "/orders/#card/items",
      "/orders/#card/payment_history",
      "/orders/#card/status",
      "/orders/#gift/cancel_reason",
      "/orders/#gift/payment_history",
      "/orders/#gift/status",
      "/users/ada/payment_methods/gift-1/balance",
    ]);
    expect(diffState(start, apart)).toEqual(changes);
    expect(diffState(state(), apart)).toEqual([]);
  });

  test("what is gone has no after, and undoing a change leaves none", () => {
    const { "#gift": gone, ...orders } = tinyShop.orders;
    expect(diffState(tinyShop, { ...tinyShop, orders })).toEqual([{ path: "/orders/#gift", before: gone }]);
    const { say, start, state } = shopRun();
    const { address } = tinyShop.users.ada ?? {};
    say("modify_user_address", { user_id: "ada", ...address, zip: "1" });
    say("modify_user_address", { user_id: "ada", ...address });
    expect(diffState(start, state())).toEqual([]);
  });

  test("a wrong value is both missing and unexpected", () => {
    const wanted = { path: "/a", before: 1, after: { x: 1, y: [2] } };
    expect(compareChanges([wanted], [{ before: 1, after: { y: [2], x: 1 }, path: "/a" }])).toEqual({
      missing: [],
      unexpected: [],
    });
    const wrong = { ...wanted, after: { x: 1, y: [3] } };
    expect(compareChanges([wanted], [wrong])).toEqual({ missing: [wanted], unexpected: [wrong] });
  });
});

test("ground truth goes on after a call that fails, and lists it", () => {
  const { changes, errors } = groundTruth(first, world);
  expect(changes).toHaveLength(4);
  expect(errors).toEqual([
    { actionId: "cancel #sent", name: "cancel_pending_order", error: "Non-pending order cannot be cancelled" },
  ]);
});

describe("scores", () => {
  const { score } = retailScorer(domain);
  const endState = groundTruth(first, world).endState;

  test("the right end state and the right words", () => {
    expect(score({ task: first, endState, said: ["Your card holds", "about $1042.55 now."] })).toEqual({
      db: true,
      communicate: true,
      both: true,
      missing: [],
      unexpected: [],
      unsaid: [],
    });
  });

  test("the right end state and silence", () => {
    expect(score({ task: first, endState, said: [] })).toMatchObject({
      db: true,
      communicate: false,
      both: false,
      unsaid: ["1,042.55"],
    });
  });

  test("nothing was done, or something too much", () => {
    const idle = score({ task: first, endState: world.initial(), said: ["1042.55"] });
    expect(idle).toMatchObject({ db: false, communicate: true, both: false, unexpected: [] });
    expect(idle.missing).toHaveLength(4);
    const eager = score({ task: second, endState, said: [] });
    expect(eager).toMatchObject({ db: false, communicate: null, both: false, missing: [] });
    expect(eager.unexpected).toHaveLength(4);
  });

  test("the published changes win over playing the ground truth, with and without the quirk", () => {
    const effects = new Map([["t1", { changes: [], changesWithoutQuirk: [{ path: "/x", after: 1 }], errors: [] }]]);
    expect(retailScorer({ ...domain, effects }).expected(first)).toEqual([]);
    expect(retailScorer({ ...domain, effects }, { quirk: false }).expected(first)).toEqual([{ path: "/x", after: 1 }]);
    expect(retailScorer({ ...domain, effects }).expected(second)).toEqual([]);
  });

  test("a suite in one line", () => {
    const scores = [
      score({ task: first, endState, said: ["1,042.55"] }),
      score({ task: second, endState: world.initial(), said: [] }),
      score({ task: third, endState: world.initial(), said: ["none"] }),
    ];
    expect(scoreLine(totalScores(scores))).toBe("db 3/3 · communicate 1/2 · both 2/3");
    expect(scoreLine(totalScores([]))).toBe("db 0/0 · communicate 0/0 · both 0/0");
  });
});

test.each([
  [["1042.5"], ["It is 1,042.50."], []],
  [["1,042.5"], ["It is 1042.50."], []],
  [["RED"], ["a Darkred one"], []],
  [["12"], ["1,2"], ["12"]],
  [["a b"], ["a", "b"], ["a b"]],
  [["10", "20"], ["10"], ["20"]],
])("%j against %j leaves unsaid %j", (wanted, said, unsaid) => {
  expect(unsaidOf(wanted, said)).toEqual(unsaid);
});

describe("pass^k", () => {
  const tallies = [
    { passed: 4, total: 4 },
    { passed: 2, total: 4 },
    { passed: 0, total: 4 },
  ];

  test.each([
    [1, (1 + 1 / 2 + 0) / 3],
    [2, (1 + 1 / 6 + 0) / 3],
    [3, 1 / 3],
    [4, 1 / 3],
  ])("k = %d", (k, value) => {
    expect(passAllOf(tallies, k)).toBeCloseTo(value, 12);
  });

  test("no tasks give 0; too few runs or no runs at all are an error", () => {
    expect(passAllOf([], 1)).toBe(0);
    expect(() => passAllOf(tallies, 5)).toThrow(expect.objectContaining({ code: "tau2/too-few-runs" }));
    expect(() => passAllOf(tallies, 0)).toThrow(expect.objectContaining({ code: "tau2/too-few-runs" }));
  });
});
