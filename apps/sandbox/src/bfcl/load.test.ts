import { afterAll, expect, test } from "vitest";
import { loadBfcl } from "./load.ts";
import { planOf } from "./plan.ts";
import { tinyCalls, tinyFiles } from "./tiny-calls.test.data.ts";

const tiny = tinyCalls(afterAll);
const first = (file: keyof typeof tinyFiles) => structuredClone(tinyFiles[file][0]) as Record<string, unknown>;

test("a folder is read: calls by name, and in each turn the tools that there are", () => {
  const { conversations, requests } = loadBfcl(tiny());
  expect(conversations.map(({ name }) => name)).toEqual([
    "multi_turn_base",
    "multi_turn_miss_func",
    "multi_turn_miss_param",
  ]);
  const [base, withheld] = conversations.map((set) => set.conversations[0]);
  expect(base?.turns).toEqual([
    {
      text: "Put P-1 on shelf 4 and weigh it.",
      calls: [
        { tool: "move_parcel", args: { parcel: "P-1", shelf: 4 } },
        { tool: "weigh", args: { parcel: "P-1" } },
      ],
      tools: ["move_parcel", "weigh", "count_parcels"],
    },
    { text: "How many are there?", calls: [{ tool: "count_parcels", args: {} }], tools: expect.anything() },
  ]);
  expect(withheld?.turns.map(({ tools }) => tools.includes("book_day"))).toEqual([false, false, true, true]);
  expect(withheld?.turns[2]?.text).toBeUndefined();
  expect(base?.functions).toBe(withheld?.functions);
  expect(requests[0]?.requests[0]?.functions[0]?.tool.name).toBe("post_find");
});

test("the published names and a ground truth of its own are read as well", () => {
  const { ground_truth: truth, ...rest } = first("multi_turn_base.jsonl");
  const folder = tiny({
    "multi_turn_base.jsonl": null,
    "multi_turn_miss_func.jsonl": null,
    "multi_turn_miss_param.jsonl": null,
    "irrelevance.jsonl": null,
    "func_doc/parcel_desk.json": null,
    "func_doc/calendar_api.json": null,
    "BFCL_v4_multi_turn_base.json": [rest],
    "possible_answer/BFCL_v4_multi_turn_base.json": [{ id: rest.id, ground_truth: truth }],
    "multi_turn_func_doc/parcel_desk.json": tinyFiles["func_doc/parcel_desk.json"],
    "multi_turn_func_doc/calendar_api.json": tinyFiles["func_doc/calendar_api.json"],
  });
  const [set] = loadBfcl(folder).conversations;
  expect(set?.name).toBe("multi_turn_base");
  expect(set?.conversations[0]?.turns[0]?.calls).toHaveLength(2);
});

test("what is missing or wrong is named", () => {
  const base = first("multi_turn_base.jsonl");
  const load =
    (lines: object | string, more = {}) =>
    () =>
      loadBfcl(tiny({ "multi_turn_base.jsonl": typeof lines === "string" ? lines : [lines], ...more }));
  const nothing = Object.fromEntries(Object.keys(tinyFiles).map((name) => [name, null]));
  expect(() => loadBfcl(tiny(nothing))).toThrow(coded("bfcl/file-missing"));
  expect(() => loadBfcl("/nowhere/at/all")).toThrow(coded("bfcl/file-missing"));
  expect(load("{")).toThrow(coded("bfcl/file-broken", "line 1: not JSON"));
  expect(load({ ...base, question: 7 })).toThrow(coded("bfcl/file-broken", "/question"));
  expect(load({ ...base, ground_truth: [[]] })).toThrow(coded("bfcl/file-broken", "2 turns and the calls of 1"));
  expect(load({ ...base, ground_truth: [["weigh(parcel=P)"], []] })).toThrow(coded("bfcl/call-broken"));
  expect(load({ ...base, ground_truth: [["weigh('a', 'b')"], []] })).toThrow(coded("bfcl/call-broken", "too many"));
  expect(load({ ...base, ground_truth: [["weigh('a', parcel='b')"], []] })).toThrow(coded("bfcl/call-broken"));
  expect(load({ ...base, ground_truth: [["sing()"], []] })).toThrow(coded("bfcl/function-unknown", "sing"));
  expect(load({ ...base, missed_function: { 1: ["sing"] } })).toThrow(coded("bfcl/function-unknown", "sing"));
  expect(load({ ...base, involved_classes: ["SongBook"] })).toThrow(coded("bfcl/class-unknown", "song_book.json"));
  expect(load({ ...base, question: [[{ role: "tool", content: "x" }], []] })).toThrow(
    coded("bfcl/file-broken", "tool"),
  );
  expect(load({ ...base, ground_truth: undefined })).toThrow(coded("bfcl/file-missing", "possible_answer"));
  const twice = { "func_doc/calendar_api.json": tinyFiles["func_doc/parcel_desk.json"] };
  expect(load(base, twice)).toThrow(coded("bfcl/file-broken", "two functions are named move_parcel"));
  const broken = { "func_doc/calendar_api.json": [{ name: "f", parameters: { type: "banana" } }] };
  expect(load(base, broken)).toThrow(coded("schema/invalid", "banana"));
});

test("what could not be played, or not be told apart, is refused where it is read", () => {
  const base = first("multi_turn_base.jsonl");
  const request = first("irrelevance.jsonl");
  const load = (changed: Parameters<typeof tiny>[0]) => () => loadBfcl(tiny(changed));
  const conversation = (more: object) => load({ "multi_turn_base.jsonl": [{ ...base, ...more }] });
  expect(conversation({ question: [[], [{ role: "user", content: "x" }]] })).toThrow(
    coded("bfcl/file-broken", "does not begin"),
  );
  for (const question of [[], [[]], [[{ role: "user", content: "" }]], [...Array(2)].map(() => says("Sing."))]) {
    expect(load({ "irrelevance.jsonl": [{ ...request, question }] })).toThrow(
      coded("bfcl/file-broken", "irrelevance_0 is not one turn"),
    );
  }
  expect(load({ "multi_turn_base.jsonl": "\n" })).toThrow(coded("bfcl/file-broken", "there is nothing in"));
  expect(load({ "multi_turn_base.jsonl": JSON.stringify([base], null, 1) })).toThrow(
    coded("bfcl/file-broken", "one JSON value over many lines"),
  );
  const { ground_truth: _, ...open } = base;
  const answer = { id: base.id, ground_truth: [[], []] };
  expect(load({ "multi_turn_base.jsonl": [open], "possible_answer/multi_turn_base.jsonl": [answer, answer] })).toThrow(
    coded("bfcl/file-broken", "ground truth twice"),
  );
});

test("a class is a file of the folder, and the same one named twice is one", () => {
  const base = first("multi_turn_base.jsonl");
  const load = (classes: readonly string[]) => () =>
    loadBfcl(
      tiny({
        "multi_turn_base.jsonl": [{ ...base, involved_classes: classes }],
        "elsewhere.json": tinyFiles["func_doc/parcel_desk.json"],
      }),
    );
  expect(load(["../elsewhere"])).toThrow(coded("bfcl/class-unknown"));
  expect(load(["ParcelDesk", "ParcelDesk", "CalendarAPI"])().conversations[0]?.conversations).toHaveLength(1);
});

test("a conversation is played as runs: answers go on with one, a missing function ends one", () => {
  const sets = loadBfcl(tiny()).conversations;
  const plans = sets.map(({ conversations }) => conversations.map((one) => planOf(one)));
  const shape = (plan: ReturnType<typeof planOf>) =>
    plan.map(({ text, end, turns }) => [text, end, turns.map(({ kind }) => kind).join(" ")]);
  expect(plans.flat().map(shape)).toEqual([
    [
      ["Put P-1 on shelf 4 and weigh it.", "completed", "act"],
      ["How many are there?", "completed", "act"],
    ],
    [
      ["Weigh P-2.", "completed", "act"],
      ["Book Monday for it.", "escalated", "missing"],
      ["Book Monday for it.", "completed", "act"],
      ["And two hours on Tuesday.", "completed", "act"],
    ],
    [
      ["Put P-3 away.", "completed", "ask act"],
      ["And weigh the other one.", "completed", "ask act"],
    ],
    [["Weigh it.", "open", "ask"]],
  ]);
  expect(plans[1]?.[0]?.[1]?.turns[0]?.wanted).toEqual([{ tool: "book_day", args: { day: "Monday" } }]);
});

const says = (content: string) => [{ role: "user", content }];

function coded(code: string, text = "") {
  return expect.objectContaining({ code, message: expect.stringContaining(text) });
}
