import { createHash } from "node:crypto";
import { join } from "node:path";
import { WorldRefusal } from "../../world/world.ts";
import { Tau2Error } from "../errors.ts";
import { brokenAt, pointer, readText } from "../json-source.ts";
import { readTasks } from "../load.ts";
import type { Tau2Task } from "../task.ts";
import { readToml } from "../toml-source.ts";
import { callFunction, problemWith } from "./function.ts";
import { isLineTool } from "./line-tools.ts";
import { phoneTools } from "./phone-tools.ts";
import { carrierFile, phoneFile, placeOf } from "./place.ts";
import { CarrierFile, PhoneFile } from "./record.ts";
import { cloneState, stateOf, type TelecomState } from "./state.ts";

const policyFile = "main_policy.md";
const manualFile = "tech_support_manual.md";

const booksHint =
  "This loader reads the telecom domain, whose db.toml lists plans, devices, lines, customers and bills; check that the folder is that domain's and the file as it was published.";

/** A telecom folder, read and checked. */
export interface TelecomDomain {
  /** The folder in which the files were found. */
  readonly folder: string;
  /** Name of the file that the tasks are from. */
  readonly taskFile: string;
  /** The state before any task's set-up. */
  readonly start: TelecomState;
  /** The carrier's rules for its agent, and the manual of its technical support, as Markdown. */
  readonly policy: string;
  readonly manual: string;
  readonly tasks: readonly TelecomTask[];
}

/** A task with the state that its set-up makes. */
export interface TelecomTask extends Tau2Task {
  /** A short name of its own, which can also name a file. */
  readonly name: string;
  readonly start: TelecomState;
}

/** What the tools rely on: ids that are there once, and records that they lead to. */
function checkBooks(file: string, books: CarrierFile): void {
  const keys = { plans: "plan_id", devices: "device_id", lines: "line_id", customers: "customer_id", bills: "bill_id" };
  const known = new Map(
    Object.entries(keys).map(([table, key]) => {
      const seen = new Set<string>();
      const rows = books[table as keyof typeof keys] as readonly { readonly [key: string]: unknown }[];
      for (const [index, row] of rows.entries()) {
        const id = String(row[key]);
        if (seen.has(id)) throw brokenAt(file, pointer([table, index, key]), `${id} is there twice`);
        seen.add(id);
      }
      return [table, seen] as const;
    }),
  );
  const check = (table: keyof typeof keys, id: string, path: readonly PropertyKey[]): void => {
    if (!known.get(table)?.has(id)) throw brokenAt(file, pointer(path), `names ${id}, which is not in the file`);
  };
  for (const [index, { plan_id }] of books.lines.entries()) check("plans", plan_id, ["lines", index, "plan_id"]);
  for (const [index, { customer_id }] of books.bills.entries()) {
    check("customers", customer_id, ["bills", index, "customer_id"]);
  }
  for (const [index, { line_ids, bill_ids }] of books.customers.entries()) {
    for (const [at, id] of line_ids.entries()) check("lines", id, ["customers", index, "line_ids", at]);
    for (const [at, id] of bill_ids.entries()) check("bills", id, ["customers", index, "bill_ids", at]);
  }
}

const nameChars = 72;

/** Names that say what the ids say, and are as different as they are. */
function namesOf(ids: readonly string[]): readonly string[] {
  const slugs = ids.map((id) =>
    id
      .toLowerCase()
      .replaceAll(/[^a-z0-9_]+/g, "-")
      .replaceAll(/^-+|-+$/g, ""),
  );
  const counts = new Map<string, number>();
  for (const slug of slugs) counts.set(slug, (counts.get(slug) ?? 0) + 1);
  return slugs.map((slug, index) => {
    if (slug !== "" && slug.length <= nameChars && counts.get(slug) === 1) return slug;
    const rest = createHash("sha256")
      .update(ids[index] ?? "")
      .digest("hex")
      .slice(0, 10);
    return `${slug.slice(0, nameChars)}-${rest}`;
  });
}

/** Refuses what would be scored wrongly instead of failing visibly. */
function prepare(file: string, task: Tau2Task, index: number, start: TelecomState): TelecomState {
  if (task.given) {
    throw new Tau2Error("tau2/not-supported", `${file}: task ${task.id} starts from earlier messages or given data`, {
      data: { file, path: pointer([index, "initial_state"]), task: task.id },
    });
  }
  const criteria = [index, "evaluation_criteria"];
  for (const [at, { name, by }] of task.actions.entries()) {
    const known = by === "agent" ? isLineTool(name) : phoneTools.some((one) => one.name === name);
    if (known) continue;
    throw brokenAt(file, pointer([...criteria, "actions", at, "name"]), `${name} is not a tool of the ${by}`);
  }
  for (const [at, check] of task.checks.entries()) {
    const problem = problemWith(check);
    if (problem !== undefined) throw brokenAt(file, pointer([...criteria, "env_assertions", at]), problem);
  }
  const state = cloneState(start);
  for (const [at, called] of task.setUp.entries()) {
    const path = pointer([index, "initial_state", "initialization_actions", at]);
    const problem = problemWith(called);
    if (problem !== undefined) throw brokenAt(file, path, problem);
    try {
      // An assertion among the set-ups says what the ones before have come to.
      if (callFunction(state, called) === false) throw new WorldRefusal(`${called.name} does not hold`);
    } catch (thrown) {
      if (!(thrown instanceof WorldRefusal)) throw thrown;
      throw brokenAt(file, path, thrown.message);
    }
  }
  return state;
}

/**
 * Reads a folder in the published telecom format, the tau2-bench checkout whose root it is, or one file of tasks with the rest
 * beside it: db.toml, user_db.toml, main_policy.md, tech_support_manual.md, and tasks.json, tasks_small.json or tasks_full.json.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken`, `tau2/not-supported` for tasks that need more than this world can do
 */
export function loadTelecom(path: string): TelecomDomain {
  const { folder, taskFile } = placeOf(path);
  const books = readToml(folder, carrierFile, CarrierFile, booksHint);
  checkBooks(join(folder, carrierFile), books);
  const phone = readToml(folder, phoneFile, PhoneFile);
  const policy = readText(folder, policyFile);
  const today = /current time is (\d{4}-\d{2}-\d{2})\b/i.exec(policy)?.[1];
  if (today === undefined) throw brokenAt(join(folder, policyFile), "", "it does not say what the current time is");
  const start = stateOf(books, phone, today);
  const tasks = readTasks(folder, taskFile);
  const names = namesOf(tasks.map(({ id }) => id));
  const file = join(folder, taskFile);
  return {
    folder,
    taskFile,
    start,
    policy,
    manual: readText(folder, manualFile),
    tasks: tasks.map((task, index) => ({
      ...task,
      name: names[index] ?? task.id,
      start: prepare(file, task, index, start),
    })),
  };
}
