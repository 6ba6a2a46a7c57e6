/**
 * What a number is worked out by: `{0} * 19.5 / 100 + 5.29`, over numbers that stand for slots. Four kinds of sums,
 * parentheses, no names and no calls.
 */
export interface Formula {
  /** Slots that occur, ascending. */
  readonly slots: readonly number[];
  /** The result for numbers by slot; not finite where it has none. */
  readonly result: (numbers: readonly number[]) => number;
}

type Term = (numbers: readonly number[]) => number;

const word = /\s*(?:(\d+(?:\.\d+)?)|\{(\d)\}|([-+*/()]))/y;
const depthMax = 16;

/** Reads a formula; nothing: it is none. */
export function readFormula(text: string): Formula | undefined {
  const words: (number | { readonly slot: number } | string)[] = [];
  const slots = new Set<number>();
  let at = 0;
  while (text.slice(at).trim() !== "") {
    word.lastIndex = at;
    const found = word.exec(text);
    if (!found) return undefined;
    at = word.lastIndex;
    const [, number, slot, sign] = found;
    if (slot !== undefined) slots.add(Number(slot));
    words.push(number !== undefined ? Number(number) : slot !== undefined ? { slot: Number(slot) } : (sign ?? ""));
  }
  let next = 0;
  const taken = (...signs: readonly string[]): string | undefined => {
    const sign = words[next];
    if (typeof sign !== "string" || !signs.includes(sign)) return undefined;
    next++;
    return sign;
  };
  const factor = (depth: number): Term | undefined => {
    if (depth > depthMax) return undefined;
    if (taken("-")) {
      const of = factor(depth + 1);
      return of && ((numbers) => -of(numbers));
    }
    if (taken("(")) {
      const inner = sum(depth + 1);
      return inner && taken(")") ? inner : undefined;
    }
    const found = words[next++];
    if (typeof found === "number") return () => found;
    if (typeof found === "object") return (numbers) => numbers[found.slot] ?? Number.NaN;
    return undefined;
  };
  const chain = (of: (depth: number) => Term | undefined, depth: number, ...signs: readonly string[]) => {
    let left = of(depth);
    for (let sign = taken(...signs); left && sign; sign = taken(...signs)) {
      const [one, other] = [left, of(depth)];
      left = other && combined(sign, one, other);
    }
    return left;
  };
  const product = (depth: number) => chain(factor, depth, "*", "/");
  const sum = (depth: number): Term | undefined => chain(product, depth, "+", "-");
  const result = sum(0);
  if (!result || next !== words.length) return undefined;
  return { slots: [...slots].sort(), result };
}

function combined(sign: string, one: Term, other: Term): Term {
  switch (sign) {
    case "+":
      return (numbers) => one(numbers) + other(numbers);
    case "-":
      return (numbers) => one(numbers) - other(numbers);
    case "*":
      return (numbers) => one(numbers) * other(numbers);
    default:
      return (numbers) => one(numbers) / other(numbers);
  }
}

/** Combinations of numbers that are tried at most. */
const triesMax = 20_000;

/**
 * Numbers for the slots with which a formula gives a value, to the cent; nothing: there are none among the first ones.
 * @param candidates by slot, the likeliest first
 */
export function solved(
  { slots, result }: Formula,
  value: number,
  candidates: readonly (readonly number[])[],
): readonly number[] | undefined {
  const numbers: number[] = [];
  let tries = 0;
  const fill = (index: number): boolean => {
    const slot = slots[index];
    if (slot === undefined) return ++tries <= triesMax && Math.abs(result(numbers) - value) < 0.005;
    for (const one of candidates[slot] ?? []) {
      numbers[slot] = one;
      if (fill(index + 1)) return true;
      if (tries > triesMax) return false;
    }
    return false;
  };
  return fill(0) ? slots.map((slot) => numbers[slot] as number) : undefined;
}
