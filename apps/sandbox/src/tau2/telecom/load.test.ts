import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json } from "@remit/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Tau2Error } from "../errors.ts";
import { loadTelecom } from "./load.ts";
import { isTelecomPath } from "./place.ts";
import { faults, taskOf, tinyCarrierFiles, writeTinyCarrier } from "./tiny-carrier.test.data.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-telecom-load-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const first = faults.slice(0, 1);
const load = (tasks: readonly Json[] = [taskOf(first)], more: Readonly<Record<string, string>> = {}) =>
  loadTelecom(writeTinyCarrier(folder, tasks, more));

function problem(read: () => unknown): Tau2Error {
  try {
    read();
  } catch (error) {
    if (error instanceof Tau2Error) return error;
    throw error;
  }
  throw new Error("the folder was accepted");
}

/** The task with something else in one of its parts. */
function changed(part: "initial_state" | "evaluation_criteria", value: object): Json {
  const task = taskOf(first) as { readonly [key: string]: Json };
  return { ...task, [part]: { ...(task[part] as object), ...value } } as Json;
}
const setUp = (func_name: string, input: Json = {}) =>
  changed("initial_state", { initialization_actions: [{ env_type: "user", func_name, arguments: input }] });

describe("a whole folder", () => {
  test("is read with what its policy says of the day, and each task with its start", () => {
    const { start, tasks, taskFile } = load();
    expect([start.today, taskFile, Object.keys(start.lines)]).toEqual(["2030-05-17", "tasks.json", ["L1", "L2", "L3"]]);
    expect(start.lines.L1?.contract_end_date).toBe("2031-12-31");
    expect(tasks).toMatchObject([
      { name: "tiny-airplane", id: "[tiny]airplane", given: false, rewardBasis: ["ENV_ASSERTION", "DB"] },
    ]);
    expect([start.phone.airplane_mode, tasks[0]?.start.phone.airplane_mode]).toEqual([false, true]);
  });

  test("is found from the root of a checkout, and a file of tasks names itself", () => {
    const inside = join(folder, "data", "tau2", "domains", "telecom");
    mkdirSync(inside, { recursive: true });
    writeTinyCarrier(inside, [taskOf(first)], { "tasks_many.json": JSON.stringify([taskOf(first), taskOf([])]) });
    expect(loadTelecom(folder).folder).toBe(inside);
    const many = join(inside, "tasks_many.json");
    expect(loadTelecom(many)).toMatchObject({ folder: inside, taskFile: "tasks_many.json" });
    expect(loadTelecom(many).tasks).toHaveLength(2);
    // A checkout has several domains, so it means none of them by itself.
    expect([folder, inside, many].map(isTelecomPath)).toEqual([false, true, true]);
  });

  test("long and like ids have names of their own that can name files", () => {
    const named = (id: string) => ({ ...(taskOf(first) as object), id }) as Json;
    const long = `[tiny]${"one|".repeat(60)}`;
    const names = load([named("[a]b[C]"), named("a-b-c"), named(long), named(`${long}x`), named("../..")]).tasks.map(
      ({ name }) => name,
    );
    expect(new Set(names).size).toBe(5);
    for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9_-]{0,90}$|^-[0-9a-f]{10}$/);
  });
});

describe("a folder with a hole", () => {
  test.each(["user_db.toml", "main_policy.md", "tech_support_manual.md", "tasks.json"])("%s is missing", (name) => {
    writeTinyCarrier(folder, [taskOf(first)]);
    rmSync(join(folder, name));
    expect(problem(() => loadTelecom(folder))).toMatchObject({ code: "tau2/file-missing", data: { name } });
  });

  test.each<[string, Readonly<Record<string, string>>, object]>([
    ["text that is no TOML", { "db.toml": "[[plans]]\nplan_id = \n" }, { line: 2 }],
    ["no lines", { "db.toml": "plans = []\n" }, { path: "/devices" }],
    [
      "an unknown plan",
      { "db.toml": (tinyCarrierFiles["db.toml"] ?? "").replace('plan_id = "P1"', 'plan_id = "P7"') },
      { path: "/lines/0/plan_id" },
    ],
    [
      "a line twice",
      { "db.toml": (tinyCarrierFiles["db.toml"] ?? "").replace('line_id = "L2"', 'line_id = "L1"') },
      { path: "/lines/1/line_id" },
    ],
    [
      "a mode that is none",
      { "user_db.toml": (tinyCarrierFiles["user_db.toml"] ?? "").replace("4g_5g_preferred", "6g") },
      { path: "/device/network_mode_preference" },
    ],
    ["a policy of no day", { "main_policy.md": "# Rules\n" }, { path: "" }],
  ])("%s is named with its place", (_what, more, data) => {
    expect(problem(() => load(undefined, more))).toMatchObject({ code: "tau2/file-broken", data });
  });
});

describe("a task that cannot be played as it is meant", () => {
  test.each<[string, Json, string]>([
    ["an unknown function", setUp("fly"), "/0/initial_state/initialization_actions/0"],
    ["an argument too few", setUp("set_user_location"), "/0/initial_state/initialization_actions/0"],
    [
      "an app that is not there",
      setUp("remove_app_permission", { app_name: "x", permission: "sms" }),
      "/0/initial_state/initialization_actions/0",
    ],
    [
      "a set-up that has not come to what it should",
      setUp("assert_airplane_mode_status", { expected_status: true }),
      "/0/initial_state/initialization_actions/0",
    ],
    [
      "an unknown assertion",
      changed("evaluation_criteria", { env_assertions: [{ env_type: "user", func_name: "assert_fine" }] }),
      "/0/evaluation_criteria/env_assertions/0",
    ],
    [
      "a call of the other side's",
      changed("evaluation_criteria", {
        actions: [{ action_id: "a", name: "toggle_data", arguments: {}, requestor: "assistant" }],
      }),
      "/0/evaluation_criteria/actions/0/name",
    ],
  ])("%s is named with its path", (_what, task, path) => {
    expect(problem(() => load([task]))).toMatchObject({ code: "tau2/file-broken", data: { path } });
  });

  test("given data and earlier messages are not supported", () => {
    for (const given of [{ initialization_data: { user_data: {} } }, { message_history: [{ role: "user" }] }]) {
      expect(problem(() => load([changed("initial_state", given)]))).toMatchObject({ code: "tau2/not-supported" });
    }
  });
});

test("what somebody has written into a folder's names and ids reaches nothing outside of it", () => {
  writeFileSync(join(folder, "x"), "");
  const names = load([{ ...(taskOf(first) as object), id: "__proto__" } as Json]).tasks.map(({ name }) => name);
  expect(names).toEqual(["__proto__"]);
});
