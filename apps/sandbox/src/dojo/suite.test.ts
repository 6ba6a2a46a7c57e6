import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { environmentOf, loadAttacks } from "./suite.ts";
import { filesOf, tinyFolders } from "./tiny-suite.test.data.ts";
import { behavioursOf } from "./world.ts";

const tinyFolder = tinyFolders(afterAll);

const only = (folder: string) =>
  loadAttacks(folder).suites[0] as NonNullable<ReturnType<typeof loadAttacks>["suites"][0]>;

test("a folder of suites is read, and so is one suite's", () => {
  const { folder } = tinyFolder();
  const { suites, templates, names } = loadAttacks(folder);
  expect(suites.map(({ name, cases }) => [name, cases.length])).toEqual([["parcels", 4]]);
  expect(templates.map(({ name, stops }) => [name, stops])).toEqual([
    ["direct", false],
    ["letter", false],
    ["stop", true],
  ]);
  expect(names).toEqual({ user: "Eve", model: "helper" });
  expect(loadAttacks(join(folder, "parcels"))).toEqual(loadAttacks(folder));
});

test("a start state has the defaults in its vectors, or what is planted there", () => {
  const suite = only(tinyFolder().folder);
  const noteIn = (state: unknown) => (state as { desk: { parcels: { note: string }[] } }).desk.parcels[1]?.note;
  expect(noteIn(environmentOf(suite))).toBe("upright");
  expect(noteIn(environmentOf(suite, { injection_note: "TODO: {goal}" }))).toBe("TODO: {goal}");
});

test("cases are those of cases.json that can be attacked", () => {
  const { folder } = tinyFolder();
  const cases = [
    { user_task: "ask", injection_task: "steal" },
    { user_task: "send", injection_task: "praise", attackable: false },
  ];
  writeFileSync(join(folder, "parcels", "cases.json"), JSON.stringify(cases));
  expect(only(folder).cases.map(({ user, injection }) => [user.id, injection.id])).toEqual([["ask", "steal"]]);
});

test("what is wrong with a folder is told with its place", () => {
  const { folder } = tinyFolder();
  expect(() => loadAttacks(folder, "hotels")).toThrow(
    expect.objectContaining({ code: "dojo/suite-unknown", data: { suite: "hotels", known: ["parcels"] } }),
  );
  expect(() => loadAttacks(join(folder, "nowhere"))).toThrow(expect.objectContaining({ code: "dojo/file-missing" }));
  const broken = tinyFolder({ "tools.json": { tools: [{ name: "x", kind: "maybe" }] } });
  expect(() => loadAttacks(broken.folder)).toThrow(
    expect.objectContaining({ code: "dojo/file-broken", data: expect.objectContaining({ path: "/tools/0/kind" }) }),
  );
  const { "user_tasks.json": tasks } = filesOf();
  const calls = [{ function: "fly", args: {} }];
  const unknown = tinyFolder({ "user_tasks.json": [{ ...tasks[0], ground_truth_calls: calls }] });
  expect(() => loadAttacks(unknown.folder)).toThrow(
    expect.objectContaining({ code: "dojo/reference-unknown", data: expect.objectContaining({ tool: "fly" }) }),
  );
  rmSync(join(folder, "parcels", "tools.json"));
  expect(() => loadAttacks(folder)).toThrow(/tools\.json is missing/);
});

test("tools that nobody can play are named, all of them", () => {
  expect(() => behavioursOf(only(tinyFolder().folder))).toThrow(
    expect.objectContaining({
      code: "dojo/tools-unknown",
      data: {
        suite: "parcels",
        tools: ["list_parcels", "list_contacts", "read_letter", "send_parcel", "update_parcel"],
      },
    }),
  );
});

test("a task or tool that occurs twice is refused, and what is null counts as left out", () => {
  const { "user_tasks.json": tasks, "tools.json": tools } = filesOf();
  for (const [name, changed] of [
    ["user_tasks.json", [tasks[0], tasks[0]]],
    ["tools.json", { ...tools, tools: [...tools.tools, tools.tools[0]] }],
  ] as const) {
    expect(() => loadAttacks(tinyFolder({ [name]: changed }).folder)).toThrow(
      expect.objectContaining({ code: "dojo/file-broken", message: expect.stringContaining("occurs twice") }),
    );
  }
  const empty = { ground_truth_calls: null, vectors_seen_by_ground_truth: null, ground_truth_output: null };
  const { suites } = loadAttacks(tinyFolder({ "user_tasks.json": [{ ...tasks[0], ...empty }, tasks[1]] }).folder);
  expect(suites[0]?.userTasks[0]).toMatchObject({
    calls: [],
    vectors: ["injection_note", "injection_letter"],
    says: "",
  });
});
