/**
 * The functions of the sample repository. The CI sandbox runs them on a test's arguments and notes the branches that were
 * taken: whether a test passes, and what is covered, is measured and not said. A test is arguments and what is expected, so
 * nothing that an agent wrote is ever executed.
 */

export type Scalar = string | number | boolean;

export interface SampleFunction {
  readonly signature: string;
  readonly says: string;
  readonly branches: number;
  /** Pure. `took` is told each branch that is taken, from 1. Arguments of another kind give what they give. */
  readonly run: (took: (branch: number) => void, args: readonly Scalar[]) => Scalar;
}

/** Takes a branch and gives its value. */
const taken = <Value extends Scalar>(took: (branch: number) => void, branch: number, value: Value): Value => {
  took(branch);
  return value;
};

export const sampleFunctions = {
  "fn-late-fee": {
    signature: "lateFee(daysLate: number, centsPerDay: number): number",
    says: "0 when it is not late; else the days by their price, 1000 cents at most.",
    branches: 3,
    run: (took, [daysLate, centsPerDay]) => {
      const cents = Number(daysLate) * Number(centsPerDay);
      if (!(Number(daysLate) > 0)) return taken(took, 1, 0);
      return cents > 1_000 ? taken(took, 2, 1_000) : taken(took, 3, cents);
    },
  },
  "fn-may-renew": {
    signature: "mayRenew(renewals: number, reserved: boolean): boolean",
    says: "Not when somebody has reserved it, and three times at most.",
    branches: 3,
    run: (took, [renewals, reserved]) => {
      if (reserved === true) return taken(took, 1, false);
      return Number(renewals) >= 3 ? taken(took, 2, false) : taken(took, 3, true);
    },
  },
  "fn-loan-days": {
    signature: "loanDays(kind: string): number",
    says: "28 for a book, 7 for a film, 0 for what stays in the house.",
    branches: 3,
    run: (took, [kind]) => {
      if (kind === "book") return taken(took, 1, 28);
      return kind === "film" ? taken(took, 2, 7) : taken(took, 3, 0);
    },
  },
  "fn-shelf-mark": {
    signature: "shelfMark(author: string, title: string): string",
    says: "Three letters of the author, or of the title where nobody is named, in capitals.",
    branches: 2,
    run: (took, [author, title]) => {
      const letters = (of: Scalar | undefined) => String(of).slice(0, 3).toUpperCase();
      return author === "" ? taken(took, 1, letters(title)) : taken(took, 2, letters(author));
    },
  },
  "fn-queue-place": {
    signature: "queuePlace(waiting: number, copies: number): number",
    says: "0 while a copy is there for each who waits; else how many wait before you.",
    branches: 2,
    run: (took, [waiting, copies]) => {
      const before = Number(waiting) - Number(copies);
      return before < 0 ? taken(took, 1, 0) : taken(took, 2, before);
    },
  },
} as const satisfies Readonly<Record<string, SampleFunction>>;

export type FunctionId = keyof typeof sampleFunctions;
export const functionIds = Object.keys(sampleFunctions) as unknown as readonly [FunctionId, ...FunctionId[]];

export interface TestCase {
  readonly functionId: string;
  readonly args: readonly Scalar[];
  readonly expect: Scalar;
}

/** Names of all branches, such as `fn-late-fee#2`. */
export const allBranches: readonly string[] = functionIds.flatMap((id) =>
  Array.from({ length: sampleFunctions[id].branches }, (_, index) => `${id}#${index + 1}`),
);

export interface SampleRun {
  /** Numbers of the cases that failed, from 1. */
  readonly failed: readonly number[];
  readonly covered: readonly string[];
}

/** Runs test cases. A case of a function that there is not has failed. */
export function runSample(cases: readonly TestCase[]): SampleRun {
  const covered = new Set<string>();
  const failed = cases.flatMap(({ functionId, args, expect }, index) => {
    if (!Object.hasOwn(sampleFunctions, functionId)) return [index + 1];
    const { run } = sampleFunctions[functionId as FunctionId] as SampleFunction;
    const got = run((branch) => covered.add(`${functionId}#${branch}`), args);
    return got === expect ? [] : [index + 1];
  });
  return { failed, covered: [...covered].sort() };
}

/** Share of branches that are covered, in whole percent. */
export function percentOf(covered: readonly string[]): number {
  const known = allBranches.filter((one) => covered.includes(one)).length;
  return Math.round((100 * known) / allBranches.length);
}
