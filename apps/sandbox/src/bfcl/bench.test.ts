import { afterAll, expect, test } from "vitest";
import { runBfcl } from "./bench.ts";
import { type Conversation, loadBfcl } from "./load.ts";
import { bfclLines } from "./report.ts";
import { openStage } from "./stage.ts";
import { tinyCalls, tinyFiles } from "./tiny-calls.test.data.ts";

const tiny = tinyCalls(afterAll);

test("the oracle asks, hands over and calls nothing where that is right", async () => {
  const report = await runBfcl({ folder: loadBfcl(tiny()), model: "oracle" });
  expect(report).toMatchObject({ ok: true, findings: [] });
  const all = (of: number) => ({ of, right: of });
  expect(report.conversations).toEqual([
    {
      name: "multi_turn_base",
      conversations: all(1),
      runs: 2,
      calls: all(3),
      others: 0,
      asked: all(0),
      wentOn: all(0),
      handedOver: all(0),
      takenUp: all(0),
      denied: {},
    },
    {
      name: "multi_turn_miss_func",
      conversations: all(1),
      runs: 4,
      calls: all(3),
      others: 0,
      asked: all(0),
      wentOn: all(0),
      handedOver: all(1),
      takenUp: all(1),
      denied: {},
    },
    {
      name: "multi_turn_miss_param",
      conversations: all(2),
      runs: 3,
      calls: all(2),
      others: 0,
      asked: all(3),
      wentOn: all(2),
      handedOver: all(0),
      takenUp: all(0),
      denied: {},
    },
  ]);
  expect(report.requests).toEqual([{ name: "irrelevance", requests: all(2), ran: 0, approvals: 0, denied: {} }]);
  expect(report.contracts).toMatchObject({ functions: 7, calls: 8, fitting: 8, unfit: [], accepted: [] });
});

test("the eager one is kept from what it must not do, and comes out right all the same", async () => {
  const report = await runBfcl({ folder: loadBfcl(tiny()), model: "eager" });
  expect(report).toMatchObject({ ok: true, findings: [] });
  const [base, withheld, leftOut] = report.conversations;
  expect(base?.denied).toEqual({});
  expect(withheld).toMatchObject({ others: 0, denied: { "policy/not-granted": 1 }, takenUp: { of: 1, right: 1 } });
  expect(leftOut).toMatchObject({ others: 0, denied: { "tool/input-invalid": 2 }, wentOn: { of: 2, right: 2 } });
  // One of the three functions needs nothing, so that nothing can be left out.
  expect(report.requests[0]).toMatchObject({
    ran: 0,
    approvals: 3,
    denied: { "policy/tool-not-allowed": 2, "tool/input-invalid": 2, "approval/rejected": 3 },
  });
});

test("a withheld function is not offered before its turn, and denied to whoever calls it", async () => {
  const [, set] = loadBfcl(tiny()).conversations;
  const { runs } = await openStage("eager").converse(set?.conversations[0] as Conversation);
  expect(runs.map(({ outcome }) => [outcome.status, outcome.denied.map(({ tool }) => tool)])).toEqual([
    ["completed", []],
    ["escalated", ["book_day"]],
    ["completed", []],
    ["completed", []],
  ]);
  const conversations = runs.map(({ outcome }) => outcome.entries[0]?.body as { readonly conversationId?: string });
  expect(new Set(conversations.map(({ conversationId }) => conversationId)).size).toBe(1);
});

test("a call that does not fit its schema is told, and the whole is not right", async () => {
  const [base] = structuredClone(tinyFiles["multi_turn_base.jsonl"]);
  const wrong = { ...base, ground_truth: [["move_parcel('P-1', 'four')"], ["count_parcels()"]] };
  const report = await runBfcl({ folder: loadBfcl(tiny({ "multi_turn_base.jsonl": [wrong] })), model: "oracle" });
  expect(report.ok).toBe(false);
  expect(report.contracts.unfit).toEqual(['multi_turn_base_0: move_parcel({"parcel":"P-1","shelf":"four"})']);
  expect(report.conversations[0]).toMatchObject({
    conversations: { of: 1, right: 0 },
    calls: { of: 2, right: 1 },
    denied: { "tool/input-invalid": 1 },
  });
  const lines = bfclLines(report);
  expect(lines).toContain(
    "multi_turn_base: conversations 0/1 · calls 1/2 · other calls 0 · denied 1 (tool/input-invalid 1)",
  );
  expect(lines.filter((line) => line.includes("not right:"))).toHaveLength(1);
});

test("a function of a request that cannot be read is told, and the others are played", async () => {
  const [first, second] = structuredClone(tinyFiles["irrelevance.jsonl"]);
  const odd = { name: "odd", parameters: { type: "dict", properties: { a: { type: "banana" } } } };
  const lines = [
    { ...first, function: [odd] },
    { ...second, function: [...(second?.function ?? []), second?.function[0]] },
  ];
  const report = await runBfcl({ folder: loadBfcl(tiny({ "irrelevance.jsonl": lines })), model: "eager" });
  expect(report.ok).toBe(false);
  expect(report.contracts.unreadable).toEqual([
    expect.stringMatching(/^irrelevance_0: schema\/invalid: .*"\/properties\/a\/type.*banana/),
    "irrelevance_2: two functions are named now",
  ]);
  expect(report.requests[0]).toMatchObject({ requests: { of: 2, right: 2 }, ran: 0 });
  expect(bfclLines(report)).toContainEqual(expect.stringContaining("cannot be read: irrelevance_0"));
});

test("what a description allows is no wrong call of it", async () => {
  const [move, weigh, count] = tinyFiles["func_doc/parcel_desk.json"];
  const open = {
    ...weigh,
    parameters: {
      type: "dict",
      properties: { parcel: { type: "string", nullable: true } },
      required: ["parcel"],
      additionalProperties: true,
    },
  };
  const folder = loadBfcl(tiny({ "func_doc/parcel_desk.json": [move as object, open, count as object] }));
  const { contracts, ok } = await runBfcl({ folder, model: "oracle" });
  expect(contracts.accepted).toEqual([]);
  expect(ok).toBe(true);
});

test("the same call may be right many times in a turn", async () => {
  const [base] = structuredClone(tinyFiles["multi_turn_base.jsonl"]) as Record<string, unknown>[];
  const many = { ...base, ground_truth: [Array(20).fill("weigh('P-1')"), ["count_parcels()"]] };
  const { findings, conversations } = await runBfcl({
    folder: loadBfcl(tiny({ "multi_turn_base.jsonl": [many] })),
    model: "oracle",
  });
  expect(findings).toEqual([]);
  expect(conversations[0]).toMatchObject({ calls: { of: 21, right: 21 }, denied: {} });
});
