// Claims about `defineTool`, checked by the compiler.
import { z } from "zod";
import { defineTool, type ToolInput, type ToolName, type ToolOutput } from "./tool.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;

const text = { description: "", input: z.object({ id: z.string() }), output: z.object({ n: z.int() }) };

export const read = defineTool({ ...text, name: "read_it", effect: "read", execute: ({ id }) => ({ n: id.length }) });
export const write = defineTool({
  ...text,
  name: "write_it",
  effect: "write",
  risk: "high",
  idempotency: "key",
  protect: ["id"],
  execute: async ({ id }, { idempotencyKey, signal }) => ({
    n: id.length + idempotencyKey.length + Number(signal.aborted),
  }),
});
claim<Equal<(typeof read)["name"], "read_it">>();
claim<Equal<(typeof read)["effect"], "read">>();
claim<Equal<(typeof write)["effect"], "write">>();
claim<Equal<ToolInput<typeof write>, { id: string }>>();
claim<Equal<ToolOutput<typeof write>, { n: number }>>();
claim<Equal<ToolName<{ readonly tools: readonly [typeof read, typeof write] }>, "read_it" | "write_it">>();

// @ts-expect-error a write says its risk
defineTool({ ...text, name: "w", effect: "write", idempotency: "key", execute: () => ({ n: 1 }) });
// @ts-expect-error a write says how an unknown outcome is settled
defineTool({ ...text, name: "w", effect: "write", risk: "low", execute: () => ({ n: 1 }) });
// @ts-expect-error the output has another shape
defineTool({ ...text, name: "r", effect: "read", execute: () => ({ n: "1" }) });
// @ts-expect-error the input has no such member
defineTool({ ...text, name: "r", effect: "read", execute: ({ other }) => ({ n: other }) });
// @ts-expect-error only arguments can be protected
defineTool({ ...text, name: "r", effect: "read", protect: ["amount"], execute: () => ({ n: 1 }) });
// @ts-expect-error an effect is read or write
defineTool({ ...text, name: "r", effect: "maybe", execute: () => ({ n: 1 }) });

// What is wrong stands where it is, and speaks of the tool that is defined.
defineTool({
  ...text,
  name: "r",
  // @ts-expect-error an effect is read or write
  effect: "reads",
  execute: () => ({ n: 1 }),
});
defineTool({
  ...text,
  name: "r",
  effect: "read",
  // @ts-expect-error the output has another shape, and nothing else is wrong
  execute: () => ({ n: "1" }),
});
defineTool({
  ...text,
  name: "r",
  effect: "read",
  // @ts-expect-error a read has nothing to undo
  undo: { tool: write, input: ({ id }) => ({ id }) },
  execute: () => ({ n: 1 }),
});
defineTool({
  ...text,
  name: "w",
  effect: "write",
  risk: "low",
  idempotency: "lookup",
  undo: { tool: write, input: ({ id }, { n }) => ({ id: `${id.length} ${n.toFixed()}` }) },
  lookup: ({ id }) => ({ outcome: "found", output: { n: id.length } }),
  execute: () => ({ n: 1 }),
});
// @ts-expect-error an output is missing; `execute` gets its input all the same
defineTool({
  name: "r",
  description: "",
  input: text.input,
  effect: "read",
  execute: ({ id }) => ({ n: id.length }),
});
