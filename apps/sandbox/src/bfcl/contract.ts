import type { Json } from "@remit/core";
import type { DescribedFunction } from "@remit/tools";
import type { BfclFolder, FunctionCall } from "./load.ts";

/** What becomes of the schemas of a folder: whether calls that are right fit them, and calls that are wrong do not. */
export interface ContractReport {
  /** Functions that were read, of conversations and of requests. */
  readonly functions: number;
  /** Why other functions of requests could not be. */
  readonly unreadable: readonly string[];
  /** Places of their schemas that were written anew. */
  readonly changes: number;
  readonly calls: number;
  readonly fitting: number;
  /** Calls that do not fit though they are right, as far as they are shown. */
  readonly unfit: readonly string[];
  /** Calls with one thing wrong, by what is wrong: how many there were, and how many were refused. */
  readonly mutants: Readonly<Record<Mutation, { readonly made: number; readonly refused: number }>>;
  /** Wrong calls that fit, as far as they are shown. */
  readonly accepted: readonly string[];
}

export const mutations = ["missing required", "wrong type", "unknown argument"] as const;
export type Mutation = (typeof mutations)[number];

const shownMax = 20;

export function checkContracts({ conversations, requests }: BfclFolder): ContractReport {
  const described = new Set([
    ...conversations.flatMap((set) => set.conversations.flatMap(({ functions }) => functions)),
    ...requests.flatMap((set) => set.requests.flatMap(({ functions }) => functions)),
  ]);
  const tally = { calls: 0, fitting: 0 };
  const unfit: string[] = [];
  const accepted: string[] = [];
  const mutants = Object.fromEntries(mutations.map((name) => [name, { made: 0, refused: 0 }])) as Record<
    Mutation,
    { made: number; refused: number }
  >;
  for (const { id, functions, turns } of conversations.flatMap((set) => set.conversations)) {
    const byName = new Map(functions.map((one) => [one.tool.name, one]));
    for (const call of turns.flatMap(({ calls }) => calls)) {
      const one = byName.get(call.tool) as DescribedFunction;
      tally.calls++;
      if (one.tool.input.safeParse(call.args).success) tally.fitting++;
      else if (unfit.length < shownMax) unfit.push(`${id}: ${textOf(call)}`);
      for (const { mutation, args } of mutantsOf(call, one)) {
        const count = mutants[mutation];
        count.made++;
        if (!one.tool.input.safeParse(args).success) count.refused++;
        else if (accepted.length < shownMax) accepted.push(`${id}: ${textOf({ ...call, args })}`);
      }
    }
  }
  const changes = [...described].reduce((sum, one) => sum + one.changes.length, 0);
  const unreadable = requests.flatMap((set) =>
    set.requests.flatMap((one) => one.unreadable.map((reason) => `${one.id}: ${reason}`)),
  );
  return { functions: described.size, unreadable, changes, ...tally, unfit, mutants, accepted };
}

/** A call without each argument that it must have, with each one of another type, and with one too many. */
export function mutantsOf(
  { args }: FunctionCall,
  { tool }: DescribedFunction,
): readonly { readonly mutation: Mutation; readonly args: { readonly [argument: string]: Json } }[] {
  const schema = (tool.input.meta() ?? {}) as {
    readonly required?: readonly string[];
    readonly properties?: object;
    readonly additionalProperties?: Json;
  };
  const { required = [], properties = {}, additionalProperties } = schema;
  const unknown = ["unknown_argument", ...Object.keys(properties)].reduce((name, taken) =>
    name === taken ? `${name}_` : name,
  );
  return [
    ...required.map((name) => {
      const { [name]: _, ...others } = args;
      return { mutation: "missing required" as const, args: others };
    }),
    ...Object.keys(args).flatMap((name) =>
      valuesOfOtherTypes((properties as Record<string, Described>)[name]).map((value) => ({
        mutation: "wrong type" as const,
        args: { ...args, [name]: value },
      })),
    ),
    // Where a description takes other arguments too, one more is not wrong.
    ...(additionalProperties === false
      ? [{ mutation: "unknown argument" as const, args: { ...args, [unknown]: 1 } }]
      : []),
  ];
}

const samples: readonly (readonly [type: string, value: Json])[] = [
  ["object", { wrong: true }],
  ["string", "7"],
  ["boolean", true],
  ["array", ["7"]],
  ["null", null],
  ["number", 7.5],
];

interface Described {
  readonly type?: unknown;
  readonly nullable?: unknown;
}

/** By the words of the description, not by asking what fits it. None where it says no type. */
function valuesOfOtherTypes({ type, nullable }: Described = {}): readonly Json[] {
  if (type === undefined) return [];
  const names: readonly unknown[] = [type, nullable === true ? "null" : undefined].flat();
  return samples.flatMap(([name, value]) => (names.includes(name) ? [] : [value]));
}

export function textOf({ tool, args }: FunctionCall): string {
  return `${tool}(${JSON.stringify(args)})`.slice(0, 300);
}
