import {
  assertEach,
  assertOptions,
  either,
  list,
  made,
  object,
  oneOf,
  optional,
  text,
  texts,
  type Wanted,
} from "../wanted.ts";

/** What the entrances of a supervisor take, for those whom no compiler tells. */

const agent = made("an agent, as `defineAgent` makes it", "agent");

const team = {
  handoffs: list(
    "a list of edges, as `defineHandoff` and the like make them",
    made("", "handoff", "parallel", "question", "ending"),
  ),
  entry: text,
  exit: either(text, texts),
  thresholds: optional(list("a list of thresholds, as `defineThreshold` makes them", object(""))),
  approvals: optional(
    list("a list of rules, each with a tool", {
      wants: "",
      is: (rule) =>
        typeof rule === "object" && rule !== null && made("", "tool").is((rule as { readonly tool?: unknown }).tool),
    }),
  ),
  limits: optional(object("an object of limits")),
  budget: optional(object("an object with `run` and `agents`")),
  judges: optional(object("an object with `compliance` and `reviewer`")),
  policy: optional(object("a policy, as `definePolicy` makes it", "bind")),
  flows: optional(object("an object of flow rules")),
  answers: optional(object("an object with rules of answers")),
  trusted: optional(texts),
} as const satisfies Readonly<Record<string, Wanted>>;

/** @throws OrchestrationError `options/invalid` */
export function assertTeam(options: unknown): void {
  assertOptions("a supervisor", options);
  const { agents, judges, budget } = options as { readonly [member: string]: unknown };
  assertEach("a supervisor", "agents", agents, agent);
  assertOptions("a supervisor", options, team);
  assertAnswers("a supervisor", (options as { readonly answers?: unknown }).answers);
  if (judges !== undefined) assertEach("a supervisor", "judges", judges, optional(agent));
  if (budget === undefined) return;
  const amount = optional(object("an object with `microUsd` and `tokens`"));
  assertOptions("the budget of a supervisor", budget, { run: amount });
  const { agents: bounds } = budget as { readonly agents?: unknown };
  if (bounds !== undefined) assertEach("the budget of a supervisor", "agents", bounds, amount);
}

const answers = { cleared: optional(texts), reveals: optional(texts) } as const satisfies Readonly<
  Record<string, Wanted>
>;

/** A misspelt member would bound nothing: whoever asked would be told everything. */
function assertAnswers(where: string, given: unknown): void {
  if (given === undefined) return;
  assertOptions(`the answers of ${where}`, given, answers);
  const unknown = Object.keys(given as object).find((member) => !Object.hasOwn(answers, member));
  if (unknown !== undefined)
    assertOptions(`the answers of ${where}`, given, { [unknown]: { wants: "nothing", is: () => false } });
}

const engine: Wanted = {
  wants: "an engine, such as `memoryEngine()` gives it,",
  is: (value) =>
    object("", "deliver", "register").is(value) && object("").is((value as { readonly journal?: unknown }).journal),
};

const model: Wanted = {
  wants: "a model, such as an adapter or `scriptedModel` makes it, or a route",
  is: (value) => made("", "route").is(value) || object("", "generate").is(value),
};

/** @throws OrchestrationError `options/invalid` */
export function assertRuntime(name: string, options: unknown): void {
  const where = `the supervisor ${name}`;
  assertOptions(where, options, {
    engine,
    tenants: optional(object("an object of grants")),
    grants: optional(object("an object with `principals`")),
    principals: optional(object("an object with a function `current`", "current")),
    waitingRuns: optional(oneOf("refuse", "leave")),
    check: optional(oneOf("refuse", "log", "done")),
  });
  const { models, roles, answers: rules } = options as { readonly [member: string]: unknown };
  assertEach(where, "models", models, model);
  assertAnswers(where, rules);
  if (roles !== undefined) assertEach(where, "roles", roles, optional(texts));
}

const starting = {
  grant: optional(object("a grant")),
  budget: optional(object("an object with `microUsd` and `tokens`")),
  attributes: optional(object("an object of texts")),
} as const satisfies Readonly<Record<string, Wanted>>;

/** @throws OrchestrationError `options/invalid` */
export function assertStart(options: unknown): void {
  assertOptions("start", options, starting);
}

/** Options of a call that needs some. @throws OrchestrationError `options/invalid` */
export function told<Options>(where: string, options: Options): Options {
  assertOptions(where, options);
  return options;
}

const target = { kind: oneOf("tool", "agent", "tenant") };
const named = {
  name: { wants: "the name of a tool or an agent", is: (value) => text.is(value) && value !== "" },
} as const satisfies Readonly<Record<string, Wanted>>;

/** What is taken away, or given back: what names nothing would take nothing away. @throws OrchestrationError `options/invalid` */
export function assertRestriction(where: string, given: unknown, word: unknown): void {
  assertOptions(where, given, target, "target");
  if ((given as { readonly kind: string }).kind !== "tenant") assertOptions(where, given, named, "target");
  assertOptions(where, word);
  assertOptions(where, word, { reason: text });
}
