import type { Finding } from "./rule.ts";

/** How findings compare with what is wrong. A finding is right when row and rule are those of a planted defect. */
export interface Measured {
  readonly right: number;
  readonly false: number;
  readonly missed: number;
}

type Point = Pick<Finding, "anchor" | "rule">;
const pointOf = ({ anchor, rule }: Point) => `${anchor} ${rule}`;

export function measure(found: readonly Point[], planted: readonly Point[]): Measured {
  const truth = new Set(planted.map(pointOf));
  const said = new Set(found.map(pointOf));
  const right = [...said].filter((point) => truth.has(point)).length;
  return { right, false: said.size - right, missed: truth.size - right };
}

export function sumOf(all: readonly Measured[]): Measured {
  const sum = (member: keyof Measured) => all.reduce((total, one) => total + one[member], 0);
  return { right: sum("right"), false: sum("false"), missed: sum("missed") };
}

/** Right among what was found; 1 where nothing was. */
export function precisionOf({ right, false: wrong }: Measured): number {
  return right + wrong === 0 ? 1 : right / (right + wrong);
}

/** Found among what is wrong; 1 where nothing is. */
export function recallOf({ right, missed }: Measured): number {
  return right + missed === 0 ? 1 : right / (right + missed);
}
