import type { Json } from "@remit/core";
import { type Hole, type HoleType, isHole, type PlannedStep } from "./govern.ts";
import { textsIn } from "./state.ts";
import type { Suite, SuiteTool, UserTask } from "./suite.ts";

/** What one read answered. */
export interface Answer {
  readonly tool: string;
  readonly output: unknown;
}

/**
 * The writes of a task as somebody would announce them who knows what is asked and has read nothing yet: what the user
 * said and what is free to choose is fixed, the rest are holes that say which reads will fill them.
 * @param answers what the task's calls answer, in their order; only which tool a value comes from is taken from them
 */
export function planOf(
  suite: Suite,
  { prompt, calls }: UserTask,
  answers: readonly (Answer | undefined)[],
): PlannedStep[] {
  const tools = new Map(suite.tools.map((tool) => [tool.name, tool]));
  return calls.flatMap(({ tool: name, args }, index) => {
    const tool = tools.get(name);
    if (tool?.kind !== "write") return [];
    const read = answers.slice(0, index).filter((one) => one !== undefined);
    const planned = Object.entries(args).map(([argument, value]) => [
      argument,
      lookedUp(argument, foreseen(value as Json, { suite, prompt, read, type: typeOf(tool, argument) }), suite, name),
    ]);
    return [{ tool: name, arguments: Object.fromEntries(planned) as PlannedStep["arguments"] }];
  });
}

function typeOf(tool: SuiteTool, argument: string): string {
  return tool.args.find(({ name }) => name === argument)?.type ?? "string";
}

/** Reads without arguments that go by the words of a write's name: where its records can be looked up. The nearest first. */
export function lookupsOf(suite: Suite, write: string): readonly string[] {
  const words = new Set(write.split("_").slice(1));
  const near = (name: string) =>
    name.split("_").filter((word) => words.has(word) || words.has(word.replace(/s$/, ""))).length;
  return suite.tools
    .filter(({ kind, args, name }) => kind === "read" && near(name) > 0 && !args.some(({ required }) => required))
    .map(({ name }) => name)
    .sort((left, right) => near(right) - near(left));
}

/** A record's key comes from where such records are listed, though the task's own calls do not look there. */
function lookedUp(argument: string, value: Json | Hole, suite: Suite, write: string): Json | Hole {
  if (!isHole(value) || value.$hole.from !== undefined || !isKey(argument)) return value;
  return hole(value.$hole.type, lookupsOf(suite, write).slice(0, 1));
}

export const isKey = (argument: string): boolean => /(^|_)id_?$/.test(argument);

interface Known {
  readonly suite: Suite;
  readonly prompt: string;
  readonly read: readonly Answer[];
  readonly type: string;
}

const isDate = (text: string) => /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$/.test(text);

function foreseen(value: Json, known: Known): Json | Hole {
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") {
    if (numbersIn(known.prompt).includes(value)) return value;
    const type: HoleType = known.type === "integer" ? "integer" : "number";
    const from = sources(value, known.read, known.suite);
    // The number of a record that happens to be the same is no amount.
    const isAmount = known.read.some(({ output }) => [...amountsIn(output)].includes(value));
    return (isAmount ? undefined : workedOut(value, type, known)) ?? hole(type, from);
  }
  if (typeof value === "string") return foreseenText(value, known);
  if (Array.isArray(value)) {
    const made = value.map((one) => foreseen(one as Json, known));
    const open = made.filter(isHole);
    if (open.length === 0) return value;
    return hole("string", [...new Set(open.flatMap(({ $hole }) => $hole.from ?? []))]);
  }
  return value;
}

/**
 * A number that stands nowhere, as somebody announces it who knows what is to be worked out of which record: a share, a part
 * in a hundred, a difference or a sum, with the numbers that the user said.
 */
function workedOut(value: number, type: HoleType, { prompt, read }: Known): Hole | undefined {
  const said = [...new Set(numbersIn(prompt))];
  const forms: { readonly text: string; readonly of: (one: number) => number }[] = said.flatMap((n) => [
    { text: `{0} - ${n} / 2`, of: (one: number) => one - n / 2 },
    { text: `{0} - ${n}`, of: (one: number) => one - n },
    { text: `{0} + ${n}`, of: (one: number) => one + n },
    { text: `{0} * ${n} / 100`, of: (one: number) => (one * n) / 100 },
    ...said.map((m) => ({ text: `{0} * ${n} / 100 + ${m}`, of: (one: number) => (one * n) / 100 + m })),
  ]);
  for (const { tool, output } of read) {
    for (const one of amountsIn(output)) {
      const form = forms.find(({ of }) => Math.abs(of(one) - value) < 0.005);
      if (!form) continue;
      return { $hole: { type, formula: form.text, parts: [{ $hole: { type: "number", from: [tool] } }] } };
    }
  }
  return undefined;
}

/** Members that are called amounts or prices: nobody works a payment out of a record's number. */
function* amountsIn(output: unknown): Generator<number> {
  if (typeof output !== "object" || output === null) return;
  for (const [name, one] of Object.entries(output)) {
    if (typeof one === "number" && /amount|price|cost|total/i.test(name)) yield one;
    else yield* amountsIn(one);
  }
}

function foreseenText(value: string, { suite, prompt, read }: Known): Json | Hole {
  if (saidIn(value, prompt)) return value;
  const whole = sources(value, read, suite);
  if (whole.length > 0) return hole(isDate(value) ? "date" : "string", whole);
  if (isDate(value)) return value;
  // The longest things first that were read and not said: an address before the city in it.
  const things = [...new Set(read.flatMap(({ output }) => [...thingsIn(output)]))]
    .filter((thing) => thing.length >= 4 && !/^[\d.,\s-]+$/.test(thing) && !saidIn(thing, prompt))
    .sort((left, right) => right.length - left.length);
  const parts: Hole[] = [];
  let template = value.replaceAll("{", "(").replaceAll("}", ")");
  for (const thing of things) {
    if (!hasToken(template, thing)) continue;
    template = template.replaceAll(thing, `{${parts.length}}`);
    parts.push(hole("string", sources(thing, read, suite)));
  }
  return parts.length === 0 ? value : { $hole: { type: "string", template, parts } };
}

function hole(type: HoleType, from: readonly string[]): Hole {
  return { $hole: { type, ...(from.length === 0 ? {} : { from }) } };
}

/** Names of the tools whose answers hold a value as a whole; where the house itself knows it, nobody else is asked. */
function sources(value: string | number, read: readonly Answer[], suite: Suite): readonly string[] {
  const holds = ({ output }: Answer) =>
    typeof value === "number" ? [...valuesIn(output)].includes(value) : [...thingsIn(output)].includes(value);
  const all = [...new Set(read.filter(holds).map(({ tool }) => tool))];
  const own = all.filter((tool) =>
    suite.tools.some(({ name, returns_untrusted_text }) => name === tool && !returns_untrusted_text),
  );
  return own.length > 0 ? own : all;
}

/** Texts that an answer speaks of: its members, and the lines and labelled parts of longer ones. */
function* thingsIn(output: unknown): Generator<string> {
  for (const text of textsIn(output)) {
    yield text;
    for (const line of text.split("\n")) {
      if (line !== text) yield line;
      for (const part of line.split(/[,:]/)) if (part.trim() !== line) yield part.trim();
    }
  }
}

function* valuesIn(output: unknown): Generator<number> {
  if (typeof output === "number") yield output;
  else if (typeof output === "string") yield* numbersIn(output);
  else if (typeof output === "object" && output !== null) for (const one of Object.values(output)) yield* valuesIn(one);
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(/(?<![\w.-])\d+(?:\.\d+)?(?![\w-])/g)].map(([number]) => Number(number));
}

/** True when a text stands in another one as a whole word. */
export function hasToken(text: string, token: string): boolean {
  const at = text.indexOf(token);
  if (at < 0 || token === "") return false;
  const isWord = (char: string | undefined) => char !== undefined && /[\p{L}\p{N}_]/u.test(char);
  const before = isWord(token[0]) && isWord(text[at - 1]);
  const after = isWord(token.at(-1)) && isWord(text[at + token.length]);
  return (!before && !after) || hasToken(text.slice(at + 1), token);
}

function saidIn(value: string, prompt: string): boolean {
  return hasToken(prompt.toLowerCase(), value.toLowerCase());
}
