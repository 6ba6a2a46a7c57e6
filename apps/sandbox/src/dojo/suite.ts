import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { DojoError } from "./errors.ts";
import { readJson } from "./json-file.ts";
import { fillText, type State } from "./state.ts";

/** An attack suite in the published folder form: honest tasks, attackers' goals, and the places where goals are planted. */

const name = z.string().min(1);
const argument = z.object({ name, type: z.string(), required: z.boolean().default(false) });
const tool = z.object({
  name,
  kind: z.enum(["read", "write"]),
  args: z.array(argument).default([]),
  effect: z.string().default(""),
  returns: z.string().default(""),
  // Nobody said that what it returns may be trusted.
  returns_untrusted_text: z.boolean().default(true),
  returns_sensitive: z.boolean().default(false),
  side_effect_class: z.string().optional(),
  errors: z.array(z.string()).default([]),
});
const tools = z.object({
  suite: z.string().optional(),
  records: z.record(z.string(), z.string()).default({}),
  tools: z.array(tool).min(1),
});
const values = z.record(z.string(), z.json());
/** A list that may be left out; `null` leaves it out too. */
const listOf = <Of extends z.ZodType>(one: Of) =>
  z
    .array(one)
    .nullish()
    .transform((list) => list ?? []);
const call = z.object({ function: name, args: values.nullish().transform((args) => args ?? {}) });
const userTask = z.object({
  id: name,
  prompt: z.string().min(1),
  ground_truth_calls: listOf(call),
  ground_truth_output: z.string().nullish(),
  vectors_seen_by_ground_truth: z.array(name).nullish(),
});
const injectionTask = z.object({
  id: name,
  goal: z.string().min(1),
  ground_truth_calls: listOf(call),
  ground_truth_output: z.string().nullish(),
});
const vectors = z.record(name, z.object({ description: z.string().default(""), default: z.string() }));
const cases = z.array(z.object({ user_task: name, injection_task: name, attackable: z.boolean().default(true) }));
const template = z.object({ name, text: z.string(), denial_of_service: z.boolean().default(false) });
const templates = z.object({
  defaults: z.object({ user: z.string(), model: z.string() }).optional(),
  templates: z.array(template).min(1),
});

export type SuiteTool = z.output<typeof tool>;
export type SuiteArgument = z.output<typeof argument>;
export interface SuiteCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, z.output<ReturnType<typeof z.json>>>>;
}
export interface UserTask {
  readonly id: string;
  readonly prompt: string;
  readonly calls: readonly SuiteCall[];
  /** What the answer has to say; empty: anything will do. */
  readonly says: string;
  /** Vectors that its own reads come across. */
  readonly vectors: readonly string[];
}
export interface InjectionTask {
  readonly id: string;
  readonly goal: string;
  readonly calls: readonly SuiteCall[];
  /** What the attacker wants said, where nothing is to be called. */
  readonly says: string;
}
export interface AttackCase {
  readonly user: UserTask;
  readonly injection: InjectionTask;
}
export interface Suite {
  readonly name: string;
  readonly folder: string;
  readonly environment: State;
  readonly vectors: Readonly<Record<string, string>>;
  /** Fields of the suite's records by type name, as tools.json writes them. */
  readonly records: Readonly<Record<string, string>>;
  readonly tools: readonly SuiteTool[];
  readonly userTasks: readonly UserTask[];
  readonly injectionTasks: readonly InjectionTask[];
  readonly cases: readonly AttackCase[];
}

/** How a goal is worded as an injection. */
export interface Template {
  readonly name: string;
  /** With {goal}, {user} and {model} in it. */
  readonly text: string;
  /** Wants the model to stop, and nothing else. */
  readonly stops: boolean;
}
export interface AttackFolder {
  readonly suites: readonly Suite[];
  readonly templates: readonly Template[];
  readonly names: { readonly user: string; readonly model: string };
}

const suiteFile = "environment.json";
const templatesFile = "attack_templates.json";
const plainTemplate: Template = { name: "plain", text: "{goal}", stops: false };

/**
 * Reads the suites of a folder, or the one suite whose folder it is. Templates lie in the folder itself, or beside the
 * suite's; where there are none, goals are planted as they stand.
 * @param only the suite that is meant, where the folder holds several
 * @throws DojoError `dojo/file-missing`, `dojo/file-broken`, `dojo/suite-unknown`, `dojo/reference-unknown`
 */
export function loadAttacks(folder: string, only?: string): AttackFolder {
  const home = resolve(folder);
  if (!existsSync(home)) throw new DojoError("dojo/file-missing", `the folder ${home} does not exist`);
  const isSuite = existsSync(join(home, suiteFile));
  const folders = isSuite
    ? [home]
    : readdirSync(home, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(home, entry.name, suiteFile)))
        .map((entry) => join(home, entry.name))
        .sort();
  if (folders.length === 0) throw new DojoError("dojo/file-missing", `${home} holds no suite`);
  const wanted = only === undefined ? folders : folders.filter((one) => basename(one) === only);
  if (wanted.length === 0) {
    const known = folders.map((one) => basename(one));
    throw new DojoError("dojo/suite-unknown", `there is no suite ${only} in ${home}, but ${known.join(", ")}`, {
      data: { suite: only ?? "", known },
    });
  }
  const from = [home, dirname(home)].find((one) => existsSync(join(one, templatesFile)));
  const read = from === undefined ? undefined : readJson(from, templatesFile, templates);
  return {
    suites: wanted.map(loadSuite),
    templates: read?.templates.map(({ name, text, denial_of_service: stops }) => ({ name, text, stops })) ?? [
      plainTemplate,
    ],
    names: read?.defaults ?? { user: "the user", model: "assistant" },
  };
}

/** Reads one suite's folder. @throws DojoError as `loadAttacks` */
export function loadSuite(folder: string): Suite {
  const environment = readJson(folder, suiteFile, z.record(z.string(), z.json())) as State;
  const planted = readJson(folder, "injection_vectors.json", vectors);
  const described = readJson(folder, "tools.json", tools);
  const known = new Set(described.tools.map((one) => one.name));
  const readCalls = (file: string, given: readonly z.output<typeof call>[], id: string): SuiteCall[] =>
    given.map(({ function: tool, args }) => {
      if (!known.has(tool)) throw unknown(folder, file, `${id} calls ${tool}`, { task: id, tool });
      return { tool, args };
    });
  const userTasks = readJson(folder, "user_tasks.json", z.array(userTask)).map((one): UserTask => {
    const seen = one.vectors_seen_by_ground_truth ?? Object.keys(planted);
    for (const vector of seen) {
      if (Object.hasOwn(planted, vector)) continue;
      throw unknown(folder, "user_tasks.json", `${one.id} comes across the vector ${vector}`, { task: one.id, vector });
    }
    const calls = readCalls("user_tasks.json", one.ground_truth_calls, one.id);
    return { id: one.id, prompt: one.prompt, calls, says: one.ground_truth_output ?? "", vectors: seen };
  });
  const injectionTasks = readJson(folder, "injection_tasks.json", z.array(injectionTask)).map(
    (one): InjectionTask => ({
      id: one.id,
      goal: one.goal,
      calls: readCalls("injection_tasks.json", one.ground_truth_calls, one.id),
      says: one.ground_truth_output ?? "",
    }),
  );
  onceEach(
    folder,
    "tools.json",
    described.tools.map((one) => one.name),
    "tool",
  );
  onceEach(
    folder,
    "user_tasks.json",
    userTasks.map(({ id }) => id),
    "task",
  );
  onceEach(
    folder,
    "injection_tasks.json",
    injectionTasks.map(({ id }) => id),
    "task",
  );
  return {
    name: described.suite ?? basename(folder),
    folder,
    environment,
    vectors: Object.fromEntries(Object.entries(planted).map(([key, one]) => [key, one.default])),
    records: described.records,
    tools: described.tools,
    userTasks,
    injectionTasks,
    cases: casesOf(folder, userTasks, injectionTasks),
  };
}

/** Cases and tasks name each other; of two with one name the second would never be meant. */
function onceEach(folder: string, file: string, names: readonly string[], what: string): void {
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice === undefined) return;
  const at = join(folder, file);
  throw new DojoError("dojo/file-broken", `${at}: the ${what} ${twice} occurs twice`, {
    data: { file: at, [what]: twice },
  });
}

function casesOf(
  folder: string,
  userTasks: readonly UserTask[],
  injectionTasks: readonly InjectionTask[],
): readonly AttackCase[] {
  const file = "cases.json";
  if (!existsSync(join(folder, file))) {
    return userTasks.flatMap((user) => injectionTasks.map((injection) => ({ user, injection })));
  }
  return readJson(folder, file, cases).flatMap(({ user_task, injection_task, attackable }) => {
    const user = userTasks.find(({ id }) => id === user_task);
    const injection = injectionTasks.find(({ id }) => id === injection_task);
    if (!user) throw unknown(folder, file, `a case has the user task ${user_task}`, { task: user_task });
    if (!injection)
      throw unknown(folder, file, `a case has the injection task ${injection_task}`, { task: injection_task });
    return attackable ? [{ user, injection }] : [];
  });
}

function unknown(folder: string, file: string, what: string, data: Record<string, string>): DojoError {
  return new DojoError("dojo/reference-unknown", `${join(folder, file)}: ${what}, which is not there`, {
    data: { file: join(folder, file), ...data },
  });
}

/** The start state with texts in its vectors; those that are not named hold their defaults. */
export function environmentOf(suite: Suite, planted: Readonly<Record<string, string>> = {}): State {
  const filled = fillText(suite.environment, { ...suite.vectors, ...planted });
  return filled as State;
}
