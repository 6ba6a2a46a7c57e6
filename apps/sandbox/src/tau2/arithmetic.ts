/**
 * Numbers as the published data set has them: floats that are rounded to cents at fixed points, the way Python does it,
 * because end states are compared to the last digit.
 */
import { WorldRefusal } from "../world/world.ts";

/** Rounds to 2 decimals: nearest by the exact binary value, a true tie to the even cent, never negative zero. */
export function roundCents(value: number): number {
  const eighths = value * 8;
  const isTie = Number.isInteger(eighths) && eighths % 2 !== 0;
  if (!isTie) return Number(value.toFixed(2)) + 0;
  const below = Math.floor(value * 100);
  return (below % 2 === 0 ? below : below + 1) / 100 + 0;
}

/** A float in the notation that the tool's answers use: `4.0`, `0.25`, `1e+16`. */
export function floatText(value: number): string {
  if (Math.abs(value) >= 1e16) return value.toExponential();
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Parentheses and signs nest at most this deep, so that no expression can exhaust the stack. */
const maxDepth = 200;

/**
 * The value of an arithmetic expression over digits, `+ - * / ( ) .` and spaces; never evaluated as code.
 * @throws WorldRefusal for any other character, for an expression that is not well formed, for a division by zero and
 *   for a result that is too large for a float
 */
export function evaluate(expression: string): number {
  if (!/^[0-9+\-*/(). ]*$/.test(expression)) throw new WorldRefusal("Invalid characters in expression");
  const tokens = expression.match(/\d+\.?\d*|\.\d+|[^ ]/g) ?? [];
  let at = 0;
  const malformed = (): WorldRefusal => new WorldRefusal("Invalid expression");

  const sum = (depth: number): number => {
    let value = product(depth);
    while (tokens[at] === "+" || tokens[at] === "-") value += tokens[at++] === "+" ? product(depth) : -product(depth);
    return value;
  };
  const product = (depth: number): number => {
    let value = factor(depth);
    while (tokens[at] === "*" || tokens[at] === "/") {
      const times = tokens[at++] === "*";
      const right = factor(depth);
      if (!times && right === 0) throw new WorldRefusal("Division by zero");
      value = times ? value * right : value / right;
    }
    return value;
  };
  const factor = (depth: number): number => {
    if (depth > maxDepth) throw malformed();
    const token = tokens[at++];
    if (token === "+") return factor(depth + 1);
    if (token === "-") return -factor(depth + 1);
    if (token === "(") {
      const value = sum(depth + 1);
      if (tokens[at++] !== ")") throw malformed();
      return value;
    }
    if (token === undefined || !/\d/.test(token)) throw malformed();
    return Number(token);
  };

  const value = sum(0);
  if (at !== tokens.length) throw malformed();
  if (!Number.isFinite(value)) throw new WorldRefusal("The result is too large");
  return value;
}
