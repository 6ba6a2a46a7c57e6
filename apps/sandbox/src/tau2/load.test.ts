import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Tau2Error } from "./errors.ts";
import { jsonErrorOffset } from "./json-source.ts";
import { loadRetail, readTasks } from "./load.ts";
import { retailWorld } from "./retail.ts";
import { tinyShop } from "./tiny-shop.test.data.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-tau2-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const published = {
  id: "t1",
  description: { purpose: "shows a task", notes: null, later: ["unknown", "fields"] },
  user_scenario: {
    persona: null,
    instructions: {
      domain: "retail",
      task_instructions: "Be brief.",
      reason_for_call: "You want out.",
      known_info: "You are Ada.",
      unknown_info: null,
    },
  },
  initial_state: null,
  evaluation_criteria: {
    actions: [{ action_id: "t1_0", name: "get_user_details", arguments: { user_id: "ada" }, info: null }],
    communicate_info: ["1"],
    nl_assertions: null,
    reward_basis: ["DB"],
  },
};

const write = (files: Record<string, unknown>, into = folder): void => {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(into, name), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  }
};
const whole = { "db.json": tinyShop, "tasks.json": [published], "policy.md": "Be kind." };

/** What loading the folder throws. */
function problem(load: () => unknown = () => loadRetail(folder)): Tau2Error {
  try {
    load();
  } catch (error) {
    if (error instanceof Tau2Error) return error;
    throw error;
  }
  throw new Error("the folder was accepted");
}

describe("a whole folder", () => {
  test("needs three files and keeps fields that it does not know", () => {
    const extra = { ...tinyShop, season: "winter" };
    write({ ...whole, "db.json": `\uFEFF${JSON.stringify(extra)}` });
    const domain = loadRetail(folder);
    expect(domain.database).toEqual(extra);
    expect(domain.policy).toBe("Be kind.");
    expect(domain).not.toHaveProperty("split");
    expect(domain).not.toHaveProperty("effects");
    expect(domain.tasks).toEqual([
      {
        id: "t1",
        purpose: "shows a task",
        customer: { persona: null, reason: "You want out.", known: "You are Ada.", unknown: null, manner: "Be brief." },
        actions: [{ id: "t1_0", name: "get_user_details", input: { user_id: "ada" }, by: "agent" }],
        communicate: ["1"],
        assertions: [],
        rewardBasis: ["DB"],
        prepared: false,
        given: false,
        setUp: [],
        checks: [],
      },
    ]);
  });

  test("may bring a split and the expected changes", () => {
    const change = { path: "/users/ada/email", before: "a", after: "b" };
    write({
      ...whole,
      "split_tasks.json": { train: ["t1"], test: [] },
      "expected_effects.json": { note: "n", tasks: [{ task_id: "t1", changes: [change] }] },
    });
    const { split, effects } = loadRetail(folder);
    expect(split).toEqual({ train: ["t1"], test: [] });
    expect(effects?.get("t1")).toEqual({ changes: [change], changesWithoutQuirk: [change], errors: [] });
  });

  test("is found from the root of a checkout", () => {
    const inside = join(folder, "data", "tau2", "domains", "retail");
    mkdirSync(inside, { recursive: true });
    write(whole, inside);
    expect(loadRetail(folder).folder).toBe(inside);
    expect(retailWorld({ folder }).initial()).toEqual(tinyShop);
  });

  test("may have tasks of other domains' shapes, for reading", () => {
    const { user_scenario, id } = published;
    write({
      "tasks.json": [
        { id: 7, user_scenario: { instructions: "You want a nap." } },
        {
          id,
          user_scenario,
          initial_state: { message_history: [], initialization_data: null },
          evaluation_criteria: { actions: [{ action_id: "a", name: "nap", arguments: {}, requestor: "user" }] },
        },
      ],
    });
    expect(readTasks(folder)).toMatchObject([
      { id: "7", customer: { reason: "You want a nap.", known: null }, actions: [], communicate: [], prepared: false },
      { id: "t1", actions: [{ name: "nap", by: "customer" }], prepared: true },
    ]);
  });
});

describe("a folder with a hole", () => {
  test.each(["db.json", "tasks.json", "policy.md"])("%s is missing", (name) => {
    write(whole);
    rmSync(join(folder, name));
    const error = problem();
    expect(error).toMatchObject({ code: "tau2/file-missing", retryable: false, data: { folder, name } });
    expect(error.message).toBe(`${name} is missing in ${folder}`);
    expect(error.hint).toContain("data/tau2/domains/retail");
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("the folder is missing", () => {
    const gone = join(folder, "gone");
    expect(problem(() => retailWorld({ folder: gone }))).toMatchObject({
      code: "tau2/file-missing",
      message: `the folder ${gone} does not exist`,
    });
  });

  test("a file is a folder", () => {
    write(whole);
    rmSync(join(folder, "policy.md"));
    mkdirSync(join(folder, "policy.md"));
    expect(problem()).toMatchObject({ code: "tau2/file-broken", data: { file: join(folder, "policy.md") } });
  });
});

describe("a broken file", () => {
  test("is named with line and column when it is not JSON", () => {
    write({ ...whole, "tasks.json": '[\n  {"id": "t1",\n   "user_scenario": nothing}\n]' });
    const error = problem();
    expect(error).toMatchObject({
      code: "tau2/file-broken",
      data: { file: join(folder, "tasks.json"), line: 3, column: 21 },
    });
    expect(error.message).toContain("line 3, column 21");
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  test("is named with its last line when it is cut off", () => {
    write({ ...whole, "db.json": '{\n  "products": {},\n  "users": {' });
    expect(problem()).toMatchObject({ code: "tau2/file-broken", data: { line: 3 } });
    expect(problem().message).toContain("it ends too early");
  });

  const ada = tinyShop.users.ada;
  const card = tinyShop.orders["#card"];
  const mug = tinyShop.products["p-mug"];
  const m1 = mug?.variants.m1;
  test.each([
    ["no table", { users: {}, orders: {} }, "/products"],
    ["a list for a map", { ...tinyShop, users: [] }, "/users"],
    [
      "a price as text",
      patched("products", "p-mug", { ...mug, variants: { m1: { ...m1, price: "4" } } }),
      "/products/p-mug/variants/m1/price",
    ],
    ["a status of its own", patched("orders", "#card", { ...card, status: "lost" }), "/orders/#card/status"],
    ["another customer's key", patched("users", "ada", { ...ada, user_id: "eve" }), "/users/ada/user_id"],
    ["an owner who is not there", patched("orders", "#card", { ...card, user_id: "eve" }), "/orders/#card/user_id"],
    ["a slash in an id", patched("orders", "a/b", { ...card }), "/orders/a~1b/order_id"],
  ])("db.json with %s is named with its path", (_what, database, path) => {
    write({ ...whole, "db.json": database });
    const error = problem();
    expect(error).toMatchObject({ code: "tau2/file-broken", data: { file: join(folder, "db.json"), path } });
    expect(error.message).toContain(path);
  });

  test("a folder of another domain is told so", () => {
    write({ ...whole, "db.json": { users: {}, flights: {} } });
    expect(problem().hint).toContain("retail domain");
  });

  test.each([
    ["no list", {}, ""],
    ["no id", [{ ...published, id: null }], "/0/id"],
    ["a number for a reason", [{ ...published, user_scenario: { instructions: 5 } }], "/0/user_scenario/instructions"],
    ["one id twice", [published, published], "/1/id"],
    ["a tool that does not exist", [acting({ name: "fly" })], "/0/evaluation_criteria/actions/0/name"],
    ["arguments as a list", [acting({ arguments: [] })], "/0/evaluation_criteria/actions/0/arguments"],
  ])("tasks.json with %s is named with its path", (_what, tasks, path) => {
    write({ ...whole, "tasks.json": tasks });
    expect(problem()).toMatchObject({ code: "tau2/file-broken", data: { file: join(folder, "tasks.json"), path } });
  });

  test.each([
    [{ ...published, initial_state: { initialization_data: { agent_data: {} } } }, "/0/initial_state"],
    [acting({ requestor: "user" }), "/0/evaluation_criteria/actions/0/requestor"],
  ])("a task that needs more than this world is refused, not played wrongly", (task, path) => {
    write({ ...whole, "tasks.json": [task] });
    expect(problem()).toMatchObject({ code: "tau2/not-supported", data: { path, task: "t1" } });
  });

  test("an optional file may be absent, but not broken", () => {
    write({ ...whole, "split_tasks.json": { train: "all" } });
    expect(problem()).toMatchObject({ code: "tau2/file-broken", data: { path: "/train" } });
  });
});

function patched(table: keyof typeof tinyShop, id: string, record: unknown): unknown {
  return { ...tinyShop, [table]: { ...tinyShop[table], [id]: record } };
}

function acting(action: Record<string, unknown>): unknown {
  const [first] = published.evaluation_criteria.actions;
  return { ...published, evaluation_criteria: { actions: [{ ...first, ...action }] } };
}

test.each([
  ["", 0],
  ["  ", 2],
  ['{"a": 1', 7],
  ['{"a" 1}', 5],
  ['{"a": 1,}', 8],
  ["{a: 1}", 1],
  ["[1, 2,]", 6],
  ["[1 2]", 3],
  ["[,1]", 1],
  ["{]", 1],
  ["[}", 1],
  ['{"a":}', 5],
  ['{"a"}', 4],
  ["{1: 2}", 1],
  ["[1] 2", 4],
  ["[1]]", 3],
  ["[tru]", 1],
  ["[01]", 2],
  ["[1.]", 2],
  ["[1, :]", 4],
  ['["a\nb"]', 1],
  ['["\\x"]', 1],
  ["['a']", 1],
])("%j stops being JSON at %d", (text, offset) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  expect(jsonErrorOffset(text)).toBe(offset);
});

test.each(['{"a": [1, -2.5e3, "x\\u00e9\\n", true, null, {}], "b": []}', " 5 ", '"é"'])(
  "%j is JSON to its end",
  (text) => {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(jsonErrorOffset(text)).toBe(text.length);
  },
);
