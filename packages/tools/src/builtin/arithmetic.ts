/**
 * Arithmetic on text: numbers, `+ - * / % ^`, brackets, `pi`, `e` and a few functions. Nothing else can be said in it,
 * so a text from a model can be evaluated safely. `^` binds tightest and to the right; a sign binds looser than `^`.
 */

/** The text is not an expression, or it has no finite value; the message says what and where. */
export class ArithmeticError extends Error {
  override readonly name = "ArithmeticError";
}

const lengthMax = 1_000;
const depthMax = 50;

const constants: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["e", Math.E],
]);

interface Function {
  readonly least: number;
  readonly most: number;
  readonly of: (...values: number[]) => number;
}
const one = (of: (value: number) => number): Function => ({ least: 1, most: 1, of });
const many = (of: (...values: number[]) => number): Function => ({ least: 1, most: 100, of });

const functions: ReadonlyMap<string, Function> = new Map([
  ["abs", one(Math.abs)],
  ["sqrt", one(Math.sqrt)],
  ["floor", one(Math.floor)],
  ["ceil", one(Math.ceil)],
  ["ln", one(Math.log)],
  ["log10", one(Math.log10)],
  ["min", many(Math.min)],
  ["max", many(Math.max)],
  ["sum", many((...values) => values.reduce((total, value) => total + value, 0))],
  ["avg", many((...values) => values.reduce((total, value) => total + value, 0) / values.length)],
  ["round", { least: 1, most: 2, of: (value, digits = 0) => roundTo(value, digits) }],
]);

/**
 * The value of an expression, rounded to 15 significant digits, so that `0.1 + 0.2` is `0.3`.
 * @throws ArithmeticError on anything that is not an expression of at most 1,000 characters with a finite value
 */
export function evaluate(text: string): number {
  if (text.length > lengthMax) throw new ArithmeticError(`the expression has more than ${lengthMax} characters`);
  const tokens = tokensOf(text);
  let at = 0;
  let depth = 0;

  const fail = (expected: string): never => {
    const token = tokens[at];
    throw new ArithmeticError(
      token
        ? `expected ${expected} at character ${token.at + 1}, found "${token.text}"`
        : `expected ${expected} at the end`,
    );
  };
  const take = (...wanted: readonly string[]): string | undefined => {
    const token = tokens[at];
    if (!token || !wanted.includes(token.text)) return undefined;
    at++;
    return token.text;
  };
  const sum = (): number => {
    if (++depth > depthMax) throw new ArithmeticError(`brackets are nested deeper than ${depthMax}`);
    let value = product();
    for (let sign = take("+", "-"); sign; sign = take("+", "-")) value += sign === "+" ? product() : -product();
    depth--;
    return value;
  };
  const product = (): number => {
    let value = signed();
    for (let sign = take("*", "/", "%"); sign; sign = take("*", "/", "%")) {
      const right = signed();
      if (sign !== "*" && right === 0) throw new ArithmeticError("division by zero");
      value = sign === "*" ? value * right : sign === "/" ? value / right : value % right;
    }
    return value;
  };
  const signed = (): number => {
    let negative = false;
    for (let sign = take("+", "-"); sign; sign = take("+", "-")) negative = (sign === "-") !== negative;
    const value = power();
    return negative ? -value : value;
  };
  const power = (): number => {
    const base = atom();
    if (!take("^")) return base;
    if (++depth > depthMax) throw new ArithmeticError(`powers are nested deeper than ${depthMax}`);
    const value = base ** signed();
    depth--;
    return value;
  };
  const atom = (): number => {
    const token = tokens[at];
    if (token?.value !== undefined) {
      at++;
      return token.value;
    }
    if (take("(")) {
      const value = sum();
      return take(")") ? value : fail('")"');
    }
    if (token && /^[a-z]/.test(token.text)) return named(token.text);
    return fail("a number");
  };
  const named = (name: string): number => {
    const constant = constants.get(name);
    const found = functions.get(name);
    if (constant === undefined && !found) {
      throw new ArithmeticError(`"${name}" is none of ${[...constants.keys(), ...functions.keys()].join(", ")}`);
    }
    at++;
    if (!found) return constant!;
    if (!take("(")) return fail('"("');
    const values = [sum()];
    while (take(",")) values.push(sum());
    if (!take(")")) fail('")"');
    if (values.length < found.least || values.length > found.most) {
      throw new ArithmeticError(`${name} takes ${found.least} to ${found.most} numbers, not ${values.length}`);
    }
    return found.of(...values);
  };

  const value = sum();
  if (at < tokens.length) fail("an operator");
  if (!Number.isFinite(value)) throw new ArithmeticError("the value is not a finite number");
  const rounded = Number(value.toPrecision(15));
  return rounded === 0 ? 0 : rounded;
}

interface Token {
  readonly text: string;
  readonly at: number;
  readonly value?: number;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|([a-z][a-z0-9]*)|([-+*/%^(),])/y;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new ArithmeticError(`character ${at + 1}, "${[...text.slice(at)][0]}", has no meaning here`);
    const [whole, number] = found;
    if (whole.trim() === "") continue;
    tokens.push(number === undefined ? { text: whole, at } : { text: whole, at, value: Number(number) });
  }
  return tokens;
}

function roundTo(value: number, digits: number): number {
  if (!Number.isInteger(digits) || Math.abs(digits) > 15) {
    throw new ArithmeticError(`cannot round to ${digits} digits; give a whole number from -15 to 15`);
  }
  const shift = (number: number, by: number) => {
    const [mantissa, exponent = "0"] = String(number).split("e");
    return Number(`${mantissa}e${Number(exponent) + by}`);
  };
  // Half away from zero, on the decimal digits a person sees: round(1.005, 2) is 1.01.
  return Math.sign(value) * shift(Math.round(shift(Math.abs(value), digits)), -digits);
}
