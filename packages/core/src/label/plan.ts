import { z } from "zod";
import type { Json } from "../json.ts";
import { once } from "../once.ts";
import { escapePointer } from "../pointer.ts";
import { jsonSchemaOf } from "../schema.ts";
import { defineTool } from "../tool.ts";
import { readFormula, solved } from "./formula.ts";
import type { Reading } from "./reading.ts";
import { isTrustedAt, saidBy } from "./reading.ts";
import { eachScalar, isScalar, numbersIn, type Scalar } from "./value.ts";

/**
 * Plans: what an agent is going to write, said before it has read what somebody else wrote (D10). A write that fits an
 * entry is one that nobody talked it into.
 *
 * P1 Only a plan from before counts: the tool is refused to whoever has read foreign text.
 * P2 An entry is used up by as many writes as it announced.
 * P3 A write fits when it is the same tool, with the same arguments by name, equal values where the entry fixes them, and
 *    values within their bounds where it leaves holes. An argument that the entry does not name may not be there.
 */

const holeTypes = ["number", "integer", "boolean", "date", "string"] as const;

export interface Hole {
  readonly type: (typeof holeTypes)[number];
  /** Tools of whose answers one has to say the value, whole and verbatim. */
  readonly from?: readonly string[] | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** How a number is worked out: numbers, `{0}`, `{1}`, …, which `parts` fill, `+ - * /` and parentheses. To the cent. */
  readonly formula?: string | undefined;
  /** Text with `{0}`, `{1}`, … in it, which `parts` fill. */
  readonly template?: string | undefined;
  readonly parts?: readonly Hole[] | undefined;
}

const holeSchema = once(() => {
  const hole: z.ZodType<Hole> = z.strictObject({
    type: z.enum(holeTypes),
    from: z.array(z.string().max(64)).min(1).max(16).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    formula: z.string().max(200).optional(),
    template: z.string().max(2000).optional(),
    // Wrapped or not: models write both.
    get parts(): z.ZodOptional<z.ZodArray<z.ZodType<Hole>>> {
      return z.array(z.preprocess(unwrapped, hole)).max(8).optional();
    },
  });
  return hole;
});

function unwrapped(part: unknown): unknown {
  return typeof part === "object" && part !== null && "$hole" in part ? part.$hole : part;
}

/** One write, or some alike, that an agent means to make. */
export interface PlanStep {
  readonly tool: string;
  /** By name: a value that is meant, or `{ $hole: … }` for one that is not known yet; holes may stand inside of lists. */
  readonly arguments: { readonly [name: string]: Json };
  readonly times?: number | undefined;
}

/** An entry of a run's plan, and how many writes have used it. */
export interface PlannedStep extends PlanStep {
  readonly times: number;
  readonly by: string;
  used: number;
}

/** Members are getters, which zod reads when a schema is first used: most processes never plan. */
const input = z.object({
  get steps() {
    const step = z.object({
      tool: z.string().min(1).max(64),
      arguments: z.record(z.string().max(128), z.json()),
      times: z.number().int().min(1).max(100).optional(),
    });
    return z.array(step).min(1).max(50);
  },
});
const output = z.object({
  get steps() {
    return z.number().int();
  },
});

export const planToolName = "plan_steps";

const plan = defineTool({
  name: planToolName,
  description:
    "Announce the writes you are going to make, before you read anything that others wrote. For each: the tool and its arguments; where a value is not known yet, " +
    '{"$hole": {"type": "number" | "integer" | "boolean" | "date" | "string", "from": [tools whose answers say it], "min", "max", "formula": "{0} * 19 / 100", "template": "text with {0}", "parts": [holes]}}. Writes that were announced are made at once; others may have to wait for a person.',
  input,
  output,
  inputSchema: {},
  outputSchema: {},
  effect: "read",
  // Never called: the run itself takes note.
  execute: ({ steps }) => ({ steps: steps.length }),
});
const inputSchema = once(() => jsonSchemaOf(input, "input", planToolName));
const outputSchema = once(() => jsonSchemaOf(output, "output", planToolName));

/**
 * The tool by which an agent says what it is going to write, before it reads what others wrote: put it into the agent's
 * list. It does nothing but count, for the flow rules: a write that was announced needs no approval for having been thought
 * of after foreign text. Refused as `policy/plan-too-late` to an agent that has read such text, and as
 * `policy/plan-invalid` for a tool that is not the agent's.
 */
export const planSteps: typeof plan = {
  ...plan,
  get inputSchema() {
    return inputSchema();
  },
  get outputSchema() {
    return outputSchema();
  },
};

/** What is wrong with a plan, for its author; nothing when it can stand. */
export function faultOf(steps: readonly PlanStep[], isWrite: (tool: string) => boolean): string | undefined {
  for (const [index, { tool, arguments: given }] of steps.entries()) {
    if (!isWrite(tool)) return `steps/${index}: ${tool} is no write of this agent`;
    for (const [name, value] of Object.entries(given)) {
      const fault = holeFault(value);
      if (fault !== undefined) return `steps/${index}/arguments/${name}: ${fault}`;
    }
  }
  return undefined;
}

function holeFault(value: Json): string | undefined {
  const found = holeIn(value);
  if (found === "malformed") return "a $hole of an unknown form";
  if (found) return formulaFault(found);
  if (isScalar(value)) return undefined;
  for (const member of Object.values(value)) {
    const fault = holeFault(member as Json);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A formula works out a number, of numbers that answers say. */
function formulaFault({ type, formula, template, parts = [] }: Hole): string | undefined {
  if (formula === undefined) return undefined;
  const read = readFormula(formula);
  if (!read || template !== undefined || (type !== "number" && type !== "integer")) return "no formula of a number";
  const isOpen = (slot: number) => {
    const part = parts[slot];
    return !part?.from || part.formula !== undefined || part.template !== undefined;
  };
  return read.slots.some(isOpen) ? "a slot of a formula without `from`" : undefined;
}

function holeIn(value: Json): Hole | "malformed" | undefined {
  if (isScalar(value) || Array.isArray(value) || !Object.hasOwn(value, "$hole")) return undefined;
  const parsed = holeSchema().safeParse((value as { readonly $hole: Json }).$hole);
  return parsed.success && Object.keys(value).length === 1 ? parsed.data : "malformed";
}

/** A hole of a plan that stands: it was read when the plan was made. */
function knownHole(value: Json | Hole): Hole | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, "$hole"))
    return undefined;
  return (value as unknown as { readonly $hole: Hole }).$hole;
}

/** How a call fits an entry: the pointers of values that it fixes, and the parts that holes were filled with. */
export interface Fit {
  readonly fixed: ReadonlySet<string>;
  /** For a value that a template or a formula made: the parts that came in from elsewhere. */
  readonly parts: ReadonlyMap<string, readonly Scalar[]>;
}

/** How a call's arguments fit an entry; nothing: they do not (P3). */
export function fitOf(
  step: PlanStep,
  tool: string,
  given: Json,
  readings: readonly Reading[],
  trusted: readonly string[] = [],
): Fit | undefined {
  if (step.tool !== tool || isScalar(given) || Array.isArray(given)) return undefined;
  const fixed = new Set<string>();
  const parts = new Map<string, readonly Scalar[]>();
  return fits(step.arguments as Json, given, "", { fixed, parts, readings, trusted }) ? { fixed, parts } : undefined;
}

interface Fitting {
  readonly fixed: Set<string>;
  readonly parts: Map<string, readonly Scalar[]>;
  readonly readings: readonly Reading[];
  readonly trusted: readonly string[];
}

function fits(want: Json, have: Json, pointer: string, fitting: Fitting): boolean {
  const found = knownHole(want);
  if (found) return Object.keys(want as object).length === 1 && fills(found, have, pointer, fitting);
  if (isScalar(want)) {
    fitting.fixed.add(pointer);
    return want === have;
  }
  if (isScalar(have) || Array.isArray(want) !== Array.isArray(have)) return false;
  const names = Object.keys(want);
  if (names.length !== Object.keys(have).length) return false;
  if (names.length === 0) fitting.fixed.add(pointer);
  return names.every(
    (key) =>
      Object.hasOwn(have, key) &&
      fits(
        (want as Record<string, Json>)[key] as Json,
        (have as Record<string, Json>)[key] as Json,
        `${pointer}/${escapePointer(key)}`,
        fitting,
      ),
  );
}

function fills({ template, formula, parts, ...bound }: Hole, have: Json, pointer: string, fitting: Fitting): boolean {
  if (!isScalar(have)) return false;
  if (formula !== undefined) {
    const numbers = isWithin(bound, have, fitting.readings)
      ? workedOut(formula, parts, have as number, fitting)
      : undefined;
    if (numbers) fitting.parts.set(pointer, numbers);
    return numbers !== undefined;
  }
  if (template === undefined) return isWithin(bound, have, fitting.readings);
  if (typeof have !== "string") return false;
  const filled = partsOf(template, have);
  if (!filled?.every(({ index, text }) => isFilled(parts?.[index], text, fitting.readings))) return false;
  fitting.parts.set(
    pointer,
    filled.map(({ text }) => text),
  );
  return true;
}

/** Numbers of which a formula makes a value. Those that somebody says whose word counts come first. */
function workedOut(
  formula: string,
  parts: readonly Hole[] | undefined,
  value: number,
  { readings, trusted }: Fitting,
): readonly number[] | undefined {
  const read = readFormula(formula);
  if (!read) return undefined;
  const candidates = (parts ?? []).map((given) => {
    const part = knownHole(given) ?? given;
    const [own, others] = [new Set<number>(), new Set<number>()];
    for (const reading of readings) {
      if (part.from?.includes(reading.source) !== true) continue;
      eachScalar(reading.value, (one, pointer) => {
        const into = isTrustedAt(reading, pointer, trusted) ? own : others;
        const said = typeof one === "number" ? [one] : typeof one === "string" ? numbersIn(one) : [];
        for (const number of said) if (isWithin({ ...part, from: undefined }, number, [])) into.add(number);
        return own.size + others.size > candidatesMax;
      });
    }
    return [...new Set([...own, ...others])];
  });
  return solved(read, value, candidates);
}

const candidatesMax = 1_000;

/** A part of a text: a number that stands in it counts as one. */
function isFilled(given: Hole | undefined, text: string, readings: readonly Reading[]): boolean {
  const part = given && (knownHole(given) ?? given);
  if (!part || part.template !== undefined || part.formula !== undefined) return false;
  const { type } = part;
  const value = type === "number" || type === "integer" ? Number(text) : text;
  return text !== "" && isWithin(part, value, readings);
}

const dateForm = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** True for a value of the type, within its bounds, and said by one of the tools where some are named. */
export function isWithin(
  { type, min, max, from }: Pick<Hole, "type" | "min" | "max" | "from">,
  value: Scalar,
  readings: readonly Reading[],
): boolean {
  switch (type) {
    case "number":
    case "integer":
      if (typeof value !== "number" || (type === "integer" && !Number.isInteger(value))) return false;
      if (!Number.isFinite(value) || (min !== undefined && value < min) || (max !== undefined && value > max))
        return false;
      break;
    case "boolean":
      if (typeof value !== "boolean") return false;
      break;
    case "date":
      if (typeof value !== "string" || !dateForm.test(value)) return false;
      break;
    case "string":
      if (typeof value !== "string" || (max !== undefined && value.length > max)) return false;
      break;
    default:
      // No plan that stands has it; nothing fits what is not known.
      return false;
  }
  return from === undefined || readings.some((reading) => from.includes(reading.source) && saidBy(reading, value));
}

const slot = /\{(\d)\}/;

/** What a template's slots hold in a text; each slot ends where the text that follows it comes first. */
function partsOf(template: string, text: string): { readonly index: number; readonly text: string }[] | undefined {
  const pieces = template.split(slot);
  const found: { index: number; text: string }[] = [];
  let rest = text;
  const head = pieces[0] ?? "";
  if (!rest.startsWith(head)) return undefined;
  rest = rest.slice(head.length);
  for (let at = 1; at < pieces.length; at += 2) {
    const literal = pieces[at + 1] ?? "";
    const last = at + 2 >= pieces.length;
    const end = last ? rest.length - literal.length : literal === "" ? -1 : rest.indexOf(literal);
    if (end < 0 || (last && !rest.endsWith(literal))) return undefined;
    found.push({ index: Number(pieces[at]), text: rest.slice(0, end) });
    rest = rest.slice(end + literal.length);
  }
  return rest === "" ? found : undefined;
}
