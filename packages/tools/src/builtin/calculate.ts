import { defineTool, ToolRefusal } from "@remit/core";
import { z } from "zod";
import { ArithmeticError, evaluate } from "./arithmetic.ts";

/** Arithmetic for models, which are bad at it. Reads nothing and changes nothing. */
export const calculate = defineTool({
  name: "calculate",
  description:
    "Calculates an arithmetic expression. Knows + - * / % ^, brackets, pi, e and the functions abs, sqrt, floor, ceil, " +
    "round(value, digits), ln, log10, min, max, sum, avg. Use a point for decimals and no thousands separators.",
  input: z.object({ expression: z.string().min(1).max(1_000).describe("For example (12.50 + 3) * 2") }),
  output: z.object({ value: z.number() }),
  effect: "read",
  timeoutMs: 1_000,
  version: "1",
  execute: ({ expression }) => {
    try {
      return { value: evaluate(expression) };
    } catch (thrown) {
      if (thrown instanceof ArithmeticError) throw new ToolRefusal(thrown.message, { cause: thrown });
      throw thrown;
    }
  },
});
