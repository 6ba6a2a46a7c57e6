import { OrchestrationError } from "./errors.ts";

/**
 * What options have to be, told at the entrances: a compiler has told nobody who writes JavaScript, or passes an `any`.
 * It is the outermost shape that is looked at, so that no later line trips over it, or takes a text for a list of letters.
 */
export interface Wanted {
  /** In words: `a list of tools`. */
  readonly wants: string;
  readonly is: (value: unknown) => boolean;
  /** What each of a list has to be, where it is a list that is wanted: one that is not is told with its place. */
  readonly each?: Wanted;
}

type Members = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function object(wants: string, ...functions: readonly string[]): Wanted {
  return { wants, is: (value) => isObject(value) && functions.every((name) => typeof value[name] === "function") };
}

/** One of our own values, by its `kind`. */
export function made(wants: string, ...kinds: readonly string[]): Wanted {
  return { wants, is: (value) => isObject(value) && kinds.includes(value.kind as string) };
}

export const text: Wanted = { wants: "a text", is: (value) => typeof value === "string" };
export const yesOrNo: Wanted = { wants: "true or false", is: (value) => typeof value === "boolean" };

export function oneOf(...values: readonly string[]): Wanted {
  return { wants: values.join(" or "), is: (value) => values.includes(value as string) };
}

export function list(wants: string, member: Wanted): Wanted {
  // By index: `every` passes over the holes of a list.
  return { wants, is: (value) => Array.isArray(value) && Array.from(value).every(member.is), each: member };
}

export const texts: Wanted = list("a list of texts", text);

export function either(left: Wanted, right: Wanted): Wanted {
  const each = left.each ?? right.each;
  return {
    wants: `${left.wants} or ${right.wants}`,
    is: (value) => left.is(value) || right.is(value),
    ...(each ? { each } : {}),
  };
}

export function optional(wanted: Wanted): Wanted {
  return {
    ...wanted,
    wants: `${wanted.wants}, if anything,`,
    is: (value) => value === undefined || wanted.is(value),
  };
}

/**
 * Looks at options before anything reads them.
 * @param where what an error says of the place: `createSupervisor`, `the agent triage`
 * @throws OrchestrationError `options/invalid`, with the first member that is not what is wanted
 */
export function assertOptions(
  where: string,
  given: unknown,
  wanted: Readonly<Record<string, Wanted>> = {},
  whole = "options",
): void {
  if (!isObject(given)) throw unwanted(where, whole, given, "an object");
  for (const [member, want] of Object.entries(wanted)) {
    if (!want.is(given[member])) throw unwantedPlace(where, member, given[member], want);
  }
}

/** The same for the members of an object of any names. @throws OrchestrationError `options/invalid` */
export function assertEach(where: string, member: string, given: unknown, want: Wanted): void {
  if (!isObject(given)) throw unwanted(where, member, given, "an object");
  for (const [name, value] of Object.entries(given)) {
    if (!want.is(value)) throw unwantedPlace(where, `${member}.${name}`, value, want);
  }
}

/** The names of all members of a type: the compiler says when one is missing. */
export type Known<Options> = { readonly [Name in keyof Required<Options>]: true };

/**
 * The first member that an object has and is not known for; who looks says what that means.
 * @param silent one that is `undefined` says nothing and is let pass
 */
export function strangeMember(
  given: object,
  known: Readonly<Record<string, true>>,
  silent = false,
): string | undefined {
  for (const [member, value] of Object.entries(given)) {
    if (Object.hasOwn(known, member) || (silent && value === undefined)) continue;
    return member;
  }
  return undefined;
}

/**
 * Refuses members that options have not: they would be read by nobody, and what somebody meant by them would not hold. A
 * compiler tells of them in a literal alone. One that is `undefined` says nothing and is let pass.
 * @throws OrchestrationError `options/unknown`
 */
export function assertKnown(where: string, given: object, known: Readonly<Record<string, true>>): void {
  const member = strangeMember(given, known, true);
  if (member === undefined) return;
  const names = Object.keys(known);
  const near = names.filter((one) => isNear(one.toLowerCase(), member.toLowerCase()));
  throw new OrchestrationError("options/unknown", { where, member, known: near.length > 0 ? near : names });
}

/** One letter more, less or other, two that have changed places, or the same beginning. */
function isNear(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length > 3 && long.startsWith(short)) return true;
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  let end = 0;
  while (end < short.length - start && short.at(-1 - end) === long.at(-1 - end)) end++;
  const [left, right] = [short.slice(start, short.length - end), long.slice(start, long.length - end)];
  return right.length < 2 || (left.length === 2 && right === `${left[1]}${left[0]}`);
}

/** Of a list that is one, what is told is the first of its values that it cannot hold. */
function unwantedPlace(where: string, member: string, value: unknown, { wants, each }: Wanted): OrchestrationError {
  const index = each && Array.isArray(value) ? Array.from(value).findIndex((one) => !each.is(one)) : -1;
  if (each === undefined || index < 0) return unwanted(where, member, value, wants);
  return unwanted(where, `${member}[${index}]`, (value as readonly unknown[])[index], each.wants);
}

function unwanted(where: string, member: string, value: unknown, wants: string): OrchestrationError {
  return new OrchestrationError("options/invalid", { where, member, wants, value: kindOf(value) });
}

/** Not the value itself: what stands in a wrong place may be a secret. */
function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Promise) return "a promise";
  const kinds: Readonly<Record<string, string>> = { string: "a text", function: "a function", object: "an object" };
  return kinds[typeof value] ?? `a ${typeof value}`;
}
