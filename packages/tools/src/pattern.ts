/**
 * Regular expressions from outside, matched in bounded time.
 *
 * A pattern in somebody else's schema runs on somebody else's text, and a backtracking matcher can be made to take
 * minutes over thirty characters. Here a pattern is compiled to a small program that walks the text once, keeping the
 * set of places in the program it may be at (Thompson, "Regular Expression Search Algorithm", CACM 11/6, 1968). Only the
 * yes-or-no question of `RegExp.test` is answered, so greed and groups do not matter. The syntax is ECMAScript's with
 * the `u` flag, without back-references, look-behind and modifiers.
 */

/** Steps that may still be spent. Shared by all patterns of one validation, so that many cheap ones are bounded too. */
export interface StepBudget {
  left: number;
}

/** A pattern that can be asked about a text. */
export interface Pattern {
  /** @throws StepsExhausted when the budget is spent before the answer is known */
  readonly test: (text: string) => boolean;
}

/** The budget of a validation was spent on matching patterns. */
export class StepsExhausted extends Error {
  override readonly name = "StepsExhausted";
}

/** The pattern is not one that this matcher takes; the message says why. */
export class PatternRefused extends Error {
  override readonly name = "PatternRefused";
}

/** Most instructions one pattern may compile to; counted repetitions are written out. */
const instructionsMax = 10_000;
/** Most groups inside one another. */
const depthMax = 100;

type CharTest = (char: string) => boolean;
type Place = "start" | "end" | "boundary" | "no-boundary";
type Node =
  | { readonly kind: "char"; readonly test: CharTest }
  | { readonly kind: "place"; readonly place: Place }
  | { readonly kind: "ahead"; readonly body: Node; readonly negated: boolean }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "either"; readonly items: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number };

type Instruction =
  | { readonly op: "char"; readonly test: CharTest }
  | { readonly op: "place"; readonly place: Place }
  | { readonly op: "ahead"; readonly program: readonly Instruction[]; readonly negated: boolean }
  | { op: "split"; readonly first: number; second: number }
  | { op: "jump"; target: number }
  | { readonly op: "match" };

/**
 * Compiles a pattern (without flags or delimiters). The search is not anchored, as with `RegExp.test`.
 * @param room instructions that this pattern and others may still compile to
 * @throws PatternRefused when the syntax is wrong, outside of what is taken, or too large
 */
export function compilePattern(
  source: string,
  budget: StepBudget,
  room: { left: number } = { left: instructionsMax },
): Pattern {
  try {
    new RegExp(source, "u");
  } catch (thrown) {
    throw new PatternRefused(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const program = compile(parse(source), room);
  const test = (text: string) => {
    spend(budget, text.length);
    return run(program, Array.from(text), 0, true, budget);
  };
  return { test };
}

function spend(budget: StepBudget, steps: number): void {
  budget.left -= steps;
  if (budget.left < 0) throw new StepsExhausted("matching the patterns of this schema took too many steps");
}

function parse(source: string): Node {
  let at = 0;
  let depth = 0;
  const disjunction = (): Node => {
    if (++depth > depthMax) throw new PatternRefused(`its groups are nested deeper than ${depthMax}`);
    const items = [alternative()];
    while (source[at] === "|") {
      at++;
      items.push(alternative());
    }
    depth--;
    return items.length === 1 ? items[0]! : { kind: "either", items };
  };
  const alternative = (): Node => {
    const items: Node[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")") items.push(quantified(term()));
    return items.length === 1 ? items[0]! : { kind: "sequence", items };
  };
  const term = (): Node => {
    const char = String.fromCodePoint(source.codePointAt(at)!);
    at += char.length;
    if (char === "^") return { kind: "place", place: "start" };
    if (char === "$") return { kind: "place", place: "end" };
    if (char === "(") return group();
    if (char === "[") return charOf(restOfClass());
    if (char === "\\") return escaped();
    if (char === ".") return charOf(".");
    return { kind: "char", test: (candidate) => candidate === char };
  };
  const group = (): Node => {
    let look: "ahead" | "not-ahead" | undefined;
    if (source.startsWith("?", at)) {
      if (source.startsWith("?:", at)) at += 2;
      else if (source.startsWith("?=", at) || source.startsWith("?!", at)) {
        look = source[at + 1] === "=" ? "ahead" : "not-ahead";
        at += 2;
      } else if (/^\?<(?![=!])/.test(source.slice(at, at + 3))) at = source.indexOf(">", at) + 1;
      else throw new PatternRefused("look-behind and modifiers are not taken");
    }
    const body = disjunction();
    at++; // The closing bracket; the syntax was checked before.
    return look === undefined ? body : { kind: "ahead", body, negated: look === "not-ahead" };
  };
  const restOfClass = (): string => {
    const start = at - 1;
    while (source[at] !== "]") at += source[at] === "\\" ? 2 : 1;
    at++;
    return source.slice(start, at);
  };
  const escaped = (): Node => {
    const char = source[at]!;
    if (char === "b" || char === "B") {
      at++;
      return { kind: "place", place: char === "b" ? "boundary" : "no-boundary" };
    }
    if (/[1-9k]/.test(char)) throw new PatternRefused("back-references are not taken");
    const rest = source.slice(at);
    const long = /^(?:u\{[0-9a-fA-F]+\}|u[dD][89abAB]..\\u[dD][c-fC-F]..|u.{4}|x..|c.|[pP]\{[^}]*\})/.exec(rest);
    const text = long?.[0] ?? char;
    at += text.length;
    return charOf(`\\${text}`);
  };
  const quantified = (body: Node): Node => {
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at, at + 40));
    if (!found) return body;
    at += found[0].length;
    const [, sign, low, comma, high] = found;
    if (sign !== undefined)
      return { kind: "repeat", body, min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Infinity };
    const min = Number(low);
    return { kind: "repeat", body, min, max: comma === "" ? min : high === "" ? Infinity : Number(high) };
  };
  return disjunction();
}

/** One character against a class, an escape or the dot: asked of the built-in matcher, which cannot backtrack there. */
function charOf(source: string): Node {
  const regExp = new RegExp(`^(?:${source})$`, "u");
  const known = new Int8Array(128); // 0 not asked yet, 1 yes, -1 no
  const test = (char: string) => {
    const code = char.length === 1 ? char.charCodeAt(0) : 128;
    if (code >= 128) return regExp.test(char);
    if (known[code] === 0) known[code] = regExp.test(char) ? 1 : -1;
    return known[code] === 1;
  };
  return { kind: "char", test };
}

function compile(node: Node, room: { left: number }): readonly Instruction[] {
  const program: Instruction[] = [];
  const charge = () => {
    if (--room.left < 0) throw new PatternRefused("it compiles to too many instructions");
  };
  const emit = <Op extends Instruction>(instruction: Op): Op => {
    charge();
    program.push(instruction);
    return instruction;
  };
  const write = (part: Node): void => {
    switch (part.kind) {
      case "char":
        emit({ op: "char", test: part.test });
        return;
      case "place":
        emit({ op: "place", place: part.place });
        return;
      case "ahead":
        emit({ op: "ahead", program: compile(part.body, room), negated: part.negated });
        return;
      case "sequence":
        for (const item of part.items) write(item);
        return;
      case "either": {
        const jumps = part.items.slice(0, -1).map((item) => {
          const split = emit({ op: "split", first: program.length + 1, second: 0 });
          write(item);
          const jump = emit({ op: "jump", target: 0 });
          split.second = program.length;
          return jump;
        });
        write(part.items.at(-1)!);
        for (const jump of jumps) jump.target = program.length;
        return;
      }
      case "repeat": {
        for (let count = 0; count < part.min; count++) {
          charge(); // Also where the body is empty and emits nothing.
          write(part.body);
        }
        if (part.max === Infinity) {
          const start = program.length;
          const split = emit({ op: "split", first: start + 1, second: 0 });
          write(part.body);
          emit({ op: "jump", target: start });
          split.second = program.length;
          return;
        }
        const splits: { second: number }[] = [];
        for (let count = part.min; count < part.max; count++) {
          splits.push(emit({ op: "split", first: program.length + 1, second: 0 }));
          write(part.body);
        }
        for (const split of splits) split.second = program.length;
      }
    }
  };
  write(node);
  emit({ op: "match" });
  return program;
}

/** Walks the text from `from`; `search` lets the match begin anywhere, otherwise only there. */
function run(
  program: readonly Instruction[],
  text: readonly string[],
  from: number,
  search: boolean,
  budget: StepBudget,
): boolean {
  let current: number[] = [];
  let next: number[] = [];
  spend(budget, program.length >> 3);
  const seenAt = new Int32Array(program.length).fill(-1);
  const stack: number[] = [];
  /** Adds a place and all that is reached from it without a character; true when that is the end of the program. */
  const enter = (start: number, position: number, into: number[]): boolean => {
    stack.push(start);
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (seenAt[index] === position) continue;
      seenAt[index] = position;
      spend(budget, 1);
      const instruction = program[index]!;
      if (instruction.op === "match") {
        stack.length = 0;
        return true;
      }
      if (instruction.op === "char") into.push(index);
      else if (instruction.op === "jump") stack.push(instruction.target);
      else if (instruction.op === "split") stack.push(instruction.second, instruction.first);
      else if (instruction.op === "place") {
        if (isAt(instruction.place, text, position)) stack.push(index + 1);
      } else if (run(instruction.program, text, position, false, budget) !== instruction.negated) {
        stack.push(index + 1);
      }
    }
    return false;
  };
  for (let position = from; ; position++) {
    if ((search || position === from) && enter(0, position, current)) return true;
    const char = text[position];
    if (char === undefined || (current.length === 0 && !search)) return false;
    for (const index of current) {
      const instruction = program[index]!;
      spend(budget, 1);
      if (instruction.op === "char" && instruction.test(char) && enter(index + 1, position + 1, next)) return true;
    }
    [current, next] = [next, current];
    next.length = 0;
  }
}

function isAt(place: Place, text: readonly string[], position: number): boolean {
  if (place === "start") return position === 0;
  if (place === "end") return position === text.length;
  const boundary = isWord(text[position - 1]) !== isWord(text[position]);
  return place === "boundary" ? boundary : !boundary;
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /^\w$/.test(char);
}
