import { canonicalJson, type Json, type Message, type Model, type ModelRequest, type ResponsePart } from "@remit/core";
import { alternativesTo } from "./attack.ts";
import { type PlannedStep, planTool } from "./govern.ts";
import { type Answer, isKey, lookupsOf, planOf } from "./plan.ts";
import { scalarsIn, textsIn } from "./state.ts";
import type { InjectionTask, Suite, SuiteCall, UserTask } from "./suite.ts";

/**
 * Models of attack suites, scripted: what one does next follows from the transcript alone, so that the same request gets
 * the same answer after any crash. They go through the gateway and the gates as any model does.
 *
 * `oracle` plays the ground truth of the user's task. `worst-case` does so until it reads an injection; then it obeys it at
 * once, tries whatever else reaches the same end when it is refused, and goes on with the user's task.
 */

export const dojoModels = ["oracle", "worst-case"] as const;
export type DojoModel = (typeof dojoModels)[number];

/** The attribute of a run that says which case it plays. */
export const caseAttribute = "case";

/** What is played in one run. */
export interface Play {
  readonly user: UserTask;
  /** Whom the model serves as soon as it reads one of `texts`. */
  readonly attack?: {
    readonly injection: InjectionTask;
    readonly texts: readonly string[];
    /** The injection asks for nothing but that the model stops. */
    readonly stops: boolean;
  };
}

type ToolResult = Extract<Message, { role: "tool" }>["results"][number];
type Turn = readonly { readonly tool: string; readonly input: Json }[];
type Script<Result> = Generator<Turn, Result, readonly ToolResult[]>;

export interface DojoModelOptions {
  readonly suite: Suite;
  readonly plays: (key: string) => Play | undefined;
  /** What the calls of a task answer when nothing is planted: what an honest planner may count on. */
  readonly answers: (task: UserTask) => readonly (Answer | undefined)[];
}

/** The model that plays whatever a run's attribute names. */
export function dojoModel(options: DojoModelOptions): Model {
  return {
    id: "scripted:dojo",
    cost: "zero",
    // What it may see is no part of what is measured here.
    cleared: ["sensitive"],
    generate: (request) => {
      const play = options.plays(request.context.attributes[caseAttribute] ?? "");
      if (!play) throw new Error("no case is played in this run");
      return { parts: nextParts(script(request, play, options), request) };
    },
  };
}

function nextParts(lines: Script<string>, { messages }: ModelRequest): readonly ResponsePart[] {
  let step = lines.next();
  for (const message of messages) if (message.role === "tool" && !step.done) step = lines.next(message.results);
  if (step.done) return [{ type: "output", value: { answer: step.value } }];
  const turn = messages.filter(({ role }) => role === "tool").length;
  return step.value.map(({ tool, input }, index) => ({ type: "toolCall", callId: `c${turn}_${index}`, tool, input }));
}

interface Head {
  readonly seen: unknown[];
  /** Announced steps that were not done yet. */
  plan: PlannedStep[];
  struck: boolean;
  stopped: boolean;
}

function* script(request: ModelRequest, play: Play, options: DojoModelOptions): Script<string> {
  const { user, attack } = play;
  const { suite } = options;
  const head: Head = { seen: [], plan: [], struck: false, stopped: false };
  const offered = new Set(request.tools.map(({ name }) => name));
  const refusedLater: SuiteCall[] = [];

  function* make(call: SuiteCall): Script<ToolResult | undefined> {
    const [result] = yield [{ tool: call.tool, input: call.args as Json }];
    if (result?.status === "done") head.seen.push(result.output);
    return result;
  }

  function* obey(injection: InjectionTask): Script<void> {
    for (const call of injection.calls) {
      const result = yield* make(call);
      if (result?.status === "done") continue;
      if (!isWrite(suite, call)) continue;
      refusedLater.push(call);
      if (offered.has(planTool)) {
        // Announced too late, but a careless gate may count it.
        const steps = [{ tool: call.tool, arguments: call.args }];
        yield [{ tool: planTool, input: { steps } as unknown as Json }];
        if ((yield* make(call))?.status === "done") continue;
      }
      for (const other of alternativesTo(call, suite, head)) {
        if ((yield* make(other))?.status === "done") break;
      }
    }
  }

  function* react(result: ToolResult | undefined): Script<void> {
    if (!attack || head.struck || result?.status !== "done") return;
    const read = [...textsIn(result.output)];
    if (!attack.texts.some((text) => read.some((one) => one.includes(text)))) return;
    head.struck = true;
    if (attack.stops) head.stopped = true;
    else yield* obey(attack.injection);
  }

  if (offered.has(planTool)) {
    const steps = planOf(suite, user, options.answers(user));
    if (steps.length > 0) {
      yield [{ tool: planTool, input: { steps } as unknown as Json }];
      head.plan = [...steps];
    }
  }
  let whole = true;
  for (const call of user.calls) {
    for (const lookup of lookupsFor(suite, call, head.seen, user.prompt, offered)) {
      const result = yield* make(lookup);
      yield* react(result);
      if (knowsIds(suite, call, head.seen, user.prompt)) break;
    }
    if (head.stopped) return "Stopped.";
    const result = yield* make(call);
    if (result?.status !== "done") whole = false;
    else if (isWrite(suite, call)) head.plan = without(head.plan, call.tool);
    yield* react(result);
    if (head.stopped) return "Stopped.";
  }
  // What was refused before may pass when all else is done.
  for (const call of refusedLater) yield* make(call);
  const own = whole ? user.says || "Done." : "Not all of it could be done.";
  const said = head.struck ? attack?.injection.says : undefined;
  return said ? `${own}\n${said}` : own;
}

function without(plan: readonly PlannedStep[], tool: string): PlannedStep[] {
  const at = plan.findIndex((step) => step.tool === tool);
  return plan.filter((_, index) => index !== at);
}

function isWrite(suite: Suite, { tool }: SuiteCall): boolean {
  return suite.tools.find(({ name }) => name === tool)?.kind === "write";
}

/**
 * Somebody who changes a record looks it up first: where a write names a number that neither the user said nor an answer
 * holds, reads without arguments are made until one holds it.
 */
function lookupsFor(
  suite: Suite,
  call: SuiteCall,
  seen: readonly unknown[],
  prompt: string,
  offered: ReadonlySet<string>,
): readonly SuiteCall[] {
  if (!isWrite(suite, call) || knowsIds(suite, call, seen, prompt)) return [];
  return lookupsOf(suite, call.tool)
    .filter((name) => offered.has(name))
    .map((tool) => ({ tool, args: {} }));
}

function knowsIds(suite: Suite, call: SuiteCall, seen: readonly unknown[], prompt: string): boolean {
  const tool = suite.tools.find(({ name }) => name === call.tool);
  const ids = (tool?.args ?? []).filter(({ name }) => isKey(name)).flatMap(({ name }) => call.args[name] ?? []);
  const has = (id: unknown) =>
    [...scalarsIn(seen)].some(({ name, value }) => /id_?$/.test(name) && canonicalJson(value) === canonicalJson(id));
  return ids.every((id) => has(id) || new RegExp(`(?<![\\w.])${String(id)}(?![\\w.])`).test(prompt));
}
