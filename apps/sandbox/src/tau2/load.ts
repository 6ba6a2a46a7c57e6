import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Change } from "./change.ts";
import { Tau2Error } from "./errors.ts";
import { brokenAt, pointer, readJson, readText } from "./json-source.ts";
import { RetailDatabase } from "./record.ts";
import { PublishedTasks, type Tau2Task, taskOf } from "./task.ts";
import { isRetailTool } from "./tool-role.ts";

/** Where the three files are inside a checkout of tau2-bench. */
const insideCheckout = ["data", "tau2", "domains", "retail"];

const databaseHint =
  "This loader reads the retail domain, whose db.json maps ids to products, users and orders; check that the folder is that domain's and the file as it was published.";

const Changes = z.array(
  z.object({ path: z.string(), before: z.json().exactOptional(), after: z.json().exactOptional() }),
);
const Effects = z.object({
  tasks: z.array(
    z.object({
      task_id: z.string(),
      changes: Changes,
      changes_without_quirk: Changes.exactOptional(),
      ground_truth_errors: z
        .array(z.object({ action_id: z.string(), name: z.string(), error: z.string() }))
        .exactOptional(),
    }),
  ),
});
const Split = z.record(z.string(), z.array(z.string()));

/** The end state of one task as somebody computed it beforehand. */
export interface ExpectedEffects {
  /** With the quirk of the published tools. */
  readonly changes: readonly Change[];
  /** What sensible tools would give; the same as `changes` for most tasks. */
  readonly changesWithoutQuirk: readonly Change[];
  /** Ground-truth calls that the tools refuse; `error` may be a shortened message. */
  readonly errors: readonly { readonly actionId: string; readonly name: string; readonly error: string }[];
}

/** A retail folder, read and checked. */
export interface RetailDomain {
  /** The folder in which the files were found. */
  readonly folder: string;
  readonly database: RetailDatabase;
  /** The shop's rules for its agent, as Markdown. */
  readonly policy: string;
  readonly tasks: readonly Tau2Task[];
  /** Named lists of task ids; absent without split_tasks.json. */
  readonly split?: Readonly<Record<string, readonly string[]>>;
  /** By task id; absent without expected_effects.json. */
  readonly effects?: ReadonlyMap<string, ExpectedEffects>;
}

/** The folder itself, or the retail folder of a checkout whose root it is. */
function retailFolder(folder: string): string {
  const inside = join(folder, ...insideCheckout);
  return !existsSync(join(folder, "db.json")) && existsSync(join(inside, "db.json")) ? inside : folder;
}

/** Every map key must be the id that its record carries, and every order must have an owner: the tools rely on both. */
function checkReferences(file: string, { products, users, orders }: RetailDatabase): void {
  const checkKey = (path: readonly string[], id: string): void => {
    if (path.at(-2) !== id) throw brokenAt(file, pointer(path), `says ${id}, but is filed under ${path.at(-2)}`);
  };
  for (const [key, { product_id, variants }] of Object.entries(products)) {
    checkKey(["products", key, "product_id"], product_id);
    for (const [item, { item_id }] of Object.entries(variants)) {
      checkKey(["products", key, "variants", item, "item_id"], item_id);
    }
  }
  for (const [key, { user_id }] of Object.entries(users)) checkKey(["users", key, "user_id"], user_id);
  for (const [key, { order_id, user_id }] of Object.entries(orders)) {
    checkKey(["orders", key, "order_id"], order_id);
    if (!Object.hasOwn(users, user_id)) {
      throw brokenAt(
        file,
        pointer(["orders", key, "user_id"]),
        `names the user ${user_id}, whom the file does not have`,
      );
    }
  }
}

/**
 * Reads db.json of a folder, or of the tau2-bench checkout whose root it is. A tenth of a second for the published 2.8 MB.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken`
 */
export function readRetailDatabase(folder: string): RetailDatabase {
  const home = retailFolder(folder);
  const database = readJson(home, "db.json", RetailDatabase, databaseHint);
  checkReferences(join(home, "db.json"), database);
  return database;
}

/**
 * Reads the tasks of a folder. Works for every domain of tau2-bench, since it does not look at the tools' names.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken` (also for an id that occurs twice)
 */
export function readTasks(folder: string, name = "tasks.json"): readonly Tau2Task[] {
  const tasks = readJson(folder, name, PublishedTasks).map(taskOf);
  const seen = new Set<string>();
  tasks.forEach(({ id }, index) => {
    if (seen.has(id)) throw brokenAt(join(folder, name), pointer([index, "id"]), `the task ${id} occurs twice`);
    seen.add(id);
  });
  return tasks;
}

/** Refuses tasks that would score wrongly instead of failing visibly. */
function checkTasks(file: string, tasks: readonly Tau2Task[]): void {
  tasks.forEach(({ id, actions, prepared }, index) => {
    if (prepared) {
      throw new Tau2Error("tau2/not-supported", `${file}: task ${id} starts from a prepared state`, {
        data: { file, path: pointer([index, "initial_state"]), task: id },
      });
    }
    actions.forEach(({ name, by }, at) => {
      const path = ["evaluation_criteria", "actions", at];
      if (by === "customer") {
        throw new Tau2Error("tau2/not-supported", `${file}: in task ${id} the customer calls ${name}`, {
          data: { file, path: pointer([index, ...path, "requestor"]), task: id },
        });
      }
      if (!isRetailTool(name)) {
        throw brokenAt(file, pointer([index, ...path, "name"]), `${name} is not a tool of the retail domain`);
      }
    });
  });
}

function readEffects(folder: string): ReadonlyMap<string, ExpectedEffects> {
  const { tasks } = readJson(folder, "expected_effects.json", Effects);
  return new Map(
    tasks.map(({ task_id, changes, changes_without_quirk, ground_truth_errors = [] }) => [
      task_id,
      {
        changes,
        changesWithoutQuirk: changes_without_quirk ?? changes,
        errors: ground_truth_errors.map(({ action_id, name, error }) => ({ actionId: action_id, name, error })),
      },
    ]),
  );
}

/**
 * Reads a folder in the published retail format, or the tau2-bench checkout whose root it is: db.json, tasks.json and
 * policy.md are needed, split_tasks.json and expected_effects.json are read where they exist.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken`, `tau2/not-supported` for tasks that need more than this
 *   world can do
 */
export function loadRetail(folder: string): RetailDomain {
  const home = retailFolder(folder);
  const database = readRetailDatabase(home);
  const tasks = readTasks(home);
  checkTasks(join(home, "tasks.json"), tasks);
  const policy = readText(home, "policy.md");
  const has = (name: string): boolean => existsSync(join(home, name));
  return {
    folder: home,
    database,
    policy,
    tasks,
    ...(has("split_tasks.json") ? { split: readJson(home, "split_tasks.json", Split) } : {}),
    ...(has("expected_effects.json") ? { effects: readEffects(home) } : {}),
  };
}
