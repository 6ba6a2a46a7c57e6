import type { Effect } from "./effect/effect.ts";
import { OrchestrationError, reasonOf } from "./errors.ts";
import type { BudgetAmount } from "./event/budget.ts";
import type { Json } from "./json.ts";
import type { AnyTool } from "./tool.ts";
import { type Known, strangeMember } from "./wanted.ts";

/**
 * What one argument may be. It has to be there, and hold of a list's every member; a list without any is like an argument
 * that is not there: what it stands for only the tool knows.
 */
export interface ArgumentRange {
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly (string | number | boolean)[];
  /** A regular expression for the whole text; of several, each. */
  readonly pattern?: string | readonly string[];
}

/**
 * What somebody may do at most: a bound on top of an agent's own allowlist. A member that is left out bounds nothing.
 * Grants only ever narrow (R6): the one in force is the role's allowlist ∩ the tenant's ∩ the run's ∩ that of who started
 * it ∩ that of every delegation on the way down. There is no way to write one that adds anything.
 */
export interface Grant<Tools extends string = string> {
  readonly tools?: readonly Tools[];
  /** `read`: nothing that writes. */
  readonly effects?: Effect;
  /** By tool and argument. A tool that is not here is not bounded. */
  readonly arguments?: { readonly [Tool in Tools]?: { readonly [argument: string]: ArgumentRange } };
  /** What everything that is delegated so may spend together. */
  readonly budget?: BudgetAmount;
  /** Retrieval sources. */
  readonly sources?: readonly string[];
  /** Milliseconds from when it is given; afterwards it allows nothing. */
  readonly untilMs?: number;
  /** Epoch ms: what `untilMs` came to. */
  readonly untilAt?: number;
}

const grantMembers: Known<Grant> = {
  ...{ tools: true, effects: true, arguments: true, budget: true, sources: true, untilMs: true, untilAt: true },
};
const rangeMembers: Known<ArgumentRange> = { min: true, max: true, oneOf: true, pattern: true };

/** Bounds nothing. */
export const fullGrant: Grant = {};

/** The intersection of two grants. */
export function narrow(left: Grant, right: Grant | undefined): Grant {
  if (right === undefined || !isBound(right)) return left;
  const tools = both(left.tools, right.tools);
  const effects = left.effects === "read" || right.effects === "read" ? "read" : undefined;
  const ranges = bothRanges(left.arguments, right.arguments);
  const budget = left.budget && right.budget ? leastAmount(left.budget, right.budget) : (left.budget ?? right.budget);
  const sources = both(left.sources, right.sources);
  const untilMs = least(left.untilMs, right.untilMs);
  const untilAt = least(left.untilAt, right.untilAt);
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(effects === undefined ? {} : { effects }),
    ...(ranges === undefined ? {} : { arguments: ranges }),
    ...(budget === undefined ? {} : { budget }),
    ...(sources === undefined ? {} : { sources }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(untilAt === undefined ? {} : { untilAt }),
  };
}

/** The same grant from now on: its time begins. */
export function givenAt(grant: Grant, at: number): Grant {
  if (grant.untilMs === undefined) return grant;
  const { untilMs, ...rest } = grant;
  return { ...rest, untilAt: Math.min(at + untilMs, rest.untilAt ?? Number.POSITIVE_INFINITY) };
}

function both<One>(left: readonly One[] | undefined, right: readonly One[] | undefined): One[] | undefined {
  if (left === undefined && right === undefined) return undefined;
  const members = left === undefined ? right : right === undefined ? left : left.filter((one) => right.includes(one));
  return [...new Set(members)].sort();
}

function least(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined ? right : right === undefined ? left : Math.min(left, right);
}

/** The lesser of each member; what only one of them bounds is bounded by that. */
export function leastAmount(left: BudgetAmount, right: BudgetAmount): BudgetAmount {
  const microUsd = least(left.microUsd, right.microUsd);
  const tokens = least(left.tokens, right.tokens);
  return { ...(microUsd === undefined ? {} : { microUsd }), ...(tokens === undefined ? {} : { tokens }) };
}

type Ranges = { readonly [tool: string]: { readonly [argument: string]: ArgumentRange } | undefined };

function bothRanges(left: Ranges | undefined, right: Ranges | undefined): Ranges | undefined {
  if (!left || !right) return left ?? right;
  const names = (one: object, other: object) => [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  // Not member by member: a tool and an argument may be called `__proto__`.
  return Object.fromEntries(
    names(left, right).map((tool) => {
      const own = ownOf(left, tool) ?? {};
      const other = ownOf(right, tool) ?? {};
      const ranges = names(own, other).map(
        (name) => [name, bothRange(ownOf(own, name) ?? {}, ownOf(other, name) ?? {})] as const,
      );
      return [tool, Object.fromEntries(ranges)] as const;
    }),
  );
}

function bothRange(left: ArgumentRange, right: ArgumentRange): ArgumentRange {
  const min = left.min === undefined ? right.min : right.min === undefined ? left.min : Math.max(left.min, right.min);
  const max = least(left.max, right.max);
  const oneOf = both(left.oneOf, right.oneOf);
  const pattern = [...new Set([left.pattern ?? [], right.pattern ?? []].flat())].sort();
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(pattern.length === 0 ? {} : { pattern }),
  };
}

function ownOf<Value>(record: { readonly [key: string]: Value | undefined }, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** True when a tool, and the source that it reads, lie inside a grant, whatever its arguments. */
export function covers(grant: Grant, tool: Pick<AnyTool, "name" | "effect" | "source">): boolean {
  if (grant.effects === "read" && tool.effect === "write") return false;
  if (tool.source !== undefined && !coversSource(grant, tool.source)) return false;
  return grant.tools === undefined || grant.tools.includes(tool.name);
}

/** True when a retrieval source lies inside a grant. */
export function coversSource(grant: Grant, source: string): boolean {
  return grant.sources === undefined || grant.sources.includes(source);
}

/**
 * What of a grant keeps a call of a covered tool from being made: `untilMs`, or `arguments.amountCents.max`; nothing where
 * it may be made.
 * @param at epoch ms
 * @param empties an empty list passes, as it did before the policy version `stops-1`
 */
export function boundOn(grant: Grant, tool: string, args: Json, at: number, empties = false): string | undefined {
  if (isOver(grant, at)) return "untilMs";
  const ranges = grant.arguments && ownOf(grant.arguments, tool);
  if (!ranges) return undefined;
  const given = typeof args === "object" && args !== null && !Array.isArray(args) ? args : {};
  for (const [name, range] of Object.entries(ranges)) {
    const value = ownOf(given as { readonly [key: string]: Json }, name);
    // What a bounded argument stands for when it is left out only the tool knows.
    if (value === undefined) return `arguments.${name}`;
    if (!empties && Array.isArray(value) && value.length === 0) return `arguments.${name}`;
    for (const one of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
      const broken = brokenBy(range, one);
      if (broken !== undefined) return `arguments.${name}.${broken}`;
    }
  }
  return undefined;
}

/** True when the time of a grant is over. */
export function isOver({ untilAt }: Grant, at: number): boolean {
  return untilAt !== undefined && at >= untilAt;
}

function brokenBy({ min, max, oneOf, pattern = [] }: ArgumentRange, value: Json): keyof ArgumentRange | undefined {
  if (min !== undefined && !(typeof value === "number" && value >= min)) return "min";
  if (max !== undefined && !(typeof value === "number" && value <= max)) return "max";
  if (oneOf !== undefined && !oneOf.some((one) => one === value)) return "oneOf";
  const fits = (one: string) => typeof value === "string" && wholeOf(one).test(value);
  return [pattern].flat().every(fits) ? undefined : "pattern";
}

function wholeOf(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "u");
}

/** True when a grant bounds anything. */
export function isBound(grant: Grant): boolean {
  const { tools, effects, arguments: ranges, budget, sources, untilMs, untilAt } = grant;
  return (
    tools !== undefined ||
    effects === "read" ||
    ranges !== undefined ||
    budget !== undefined ||
    sources !== undefined ||
    untilMs !== undefined ||
    untilAt !== undefined
  );
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Refuses a grant that names a tool or an argument which nobody there has, or a bound that is none: it would silently grant
 * something else than was meant.
 * @throws OrchestrationError `policy/grant-unknown-tool`, `policy/grant-invalid`
 */
export function checkGrant(grant: Grant | undefined, tools: ReadonlyMap<string, AnyTool>, where: string): void {
  if (grant === undefined) return;
  const invalid = (what: string, reason: string) =>
    new OrchestrationError("policy/grant-invalid", { where, what, reason });
  // Where no types reach: a text, or a member with a misspelt name, would bound nothing.
  if (!isRecord(grant)) throw invalid("it", "it is no object");
  const strange = strangeMember(grant, grantMembers);
  if (strange !== undefined) throw invalid(strange, "a grant has no such member");
  for (const member of ["tools", "sources"] as const) {
    const names = grant[member];
    if (names !== undefined && !(Array.isArray(names) && names.every((one) => typeof one === "string")))
      throw invalid(member, "it is no list of names");
  }
  if (grant.effects !== undefined && grant.effects !== "read" && grant.effects !== "write")
    throw invalid("effects", "it is neither `read` nor `write`");
  for (const member of ["arguments", "budget"] as const)
    if (grant[member] !== undefined && !isRecord(grant[member])) throw invalid(member, "it is no object");
  const amount = Object.keys(grant.budget ?? {}).find((member) => member !== "microUsd" && member !== "tokens");
  if (amount !== undefined) throw invalid(`budget.${amount}`, "a budget has no such member");
  for (const tool of [...(grant.tools ?? []), ...Object.keys(grant.arguments ?? {})]) {
    if (!tools.has(tool)) throw new OrchestrationError("policy/grant-unknown-tool", { tool, where });
  }
  for (const [tool, ranges = {}] of Object.entries<{ readonly [argument: string]: ArgumentRange } | undefined>(
    grant.arguments ?? {},
  )) {
    if (!isRecord(ranges)) throw invalid(`arguments.${tool}`, "it is no object of arguments");
    const known = (tools.get(tool)?.inputSchema.properties ?? {}) as object;
    for (const [name, range] of Object.entries(ranges)) {
      if (!isRecord(range)) throw invalid(`${tool}.${name}`, "it is no object of bounds");
      const { min, max, oneOf, pattern = [] } = range;
      const what = `${tool}.${name}`;
      const odd = strangeMember(range, rangeMembers);
      if (odd !== undefined) throw invalid(`${what}.${odd}`, "an argument has no such bound");
      if (!Object.hasOwn(known, name)) throw invalid(what, "the tool has no such argument");
      for (const bound of [min, max]) {
        if (bound !== undefined && !Number.isFinite(bound)) throw invalid(what, `${String(bound)} is no number`);
      }
      if (oneOf !== undefined && !Array.isArray(oneOf)) throw invalid(what, "`oneOf` is no list");
      for (const one of [pattern].flat()) {
        if (typeof one !== "string") throw invalid(what, "a pattern is no text");
        try {
          wholeOf(one);
        } catch (thrown) {
          throw invalid(what, reasonOf(thrown));
        }
      }
    }
  }
  for (const [what, bound] of Object.entries({ untilMs: grant.untilMs, untilAt: grant.untilAt, ...grant.budget })) {
    if (bound !== undefined && !(Number.isSafeInteger(bound) && bound >= 0)) {
      throw invalid(what, `${String(bound)} is no whole number from 0 on`);
    }
  }
}
