/** A small MCP server made of three Remit tools. */
import { defineTool } from "@remit/core";
import { serveMcp } from "@remit/mcp-bridge";
import { z } from "zod";

const shelf = new Map([["leg", 4]]);
const taken = new Map<string, number>();
const part = z.object({ part: z.string() });

await serveMcp({
  name: "stock",
  version: "1.0.0",
  transport: "stdio",
  tools: [
    defineTool({
      name: "count_parts",
      description: "How many of a part are on the shelf.",
      input: part,
      output: z.object({ parts: z.int() }),
      effect: "read",
      execute: ({ part: name }) => ({ parts: shelf.get(name) ?? 0 }),
    }),
    defineTool({
      name: "take_part",
      description: "Take one part from the shelf, once per key.",
      input: part,
      output: z.object({ left: z.int() }),
      effect: "write",
      risk: "medium",
      idempotency: "key",
      execute: ({ part: name }, { idempotencyKey }) => {
        const left = taken.get(idempotencyKey) ?? (shelf.get(name) ?? 0) - 1;
        taken.set(idempotencyKey, left);
        shelf.set(name, left);
        return { left };
      },
    }),
    defineTool({
      name: "empty_shelf",
      description: "Throw everything away.",
      input: z.object({}),
      output: z.object({ thrown: z.int() }),
      effect: "write",
      risk: "high",
      idempotency: "none",
      execute: () => ({ thrown: shelf.size }),
    }),
  ],
});
