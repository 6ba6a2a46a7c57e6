import { type AnyReadTool, type AnyTool, defineAgent, type Json, type ToolInput, type ToolOutput } from "@remit/core";
import type { JsonObject } from "@remit/tools";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { connectMcp } from "./connect.ts";
import { stdio } from "./transport.ts";

const transport = stdio("shop-server", ["--quiet"], { env: { SHOP: "1" }, cwd: "." });
const issue = z.object({ title: z.string(), count: z.int().default(1) });

const { tools } = await connectMcp({
  name: "shop",
  transport,
  tools: {
    read_order: { effect: "read" },
    create_issue: {
      effect: "write",
      risk: "low",
      idempotency: "key",
      input: issue,
      output: z.object({ id: z.string() }),
    },
  },
});

// The keys are the tools, and each has its own name, effect and schemas.
expectTypeOf(tools).toHaveProperty("read_order");
expectTypeOf<keyof typeof tools>().toEqualTypeOf<"read_order" | "create_issue">();
expectTypeOf(tools.create_issue.name).toEqualTypeOf<"create_issue">();
expectTypeOf(tools.create_issue.effect).toEqualTypeOf<"write">();
expectTypeOf<ToolInput<typeof tools.create_issue>>().toEqualTypeOf<{ title: string; count?: number | undefined }>();
expectTypeOf<ToolOutput<typeof tools.create_issue>>().toEqualTypeOf<{ id: string }>();
expectTypeOf<ToolInput<typeof tools.read_order>>().toEqualTypeOf<JsonObject>();
expectTypeOf<ToolOutput<typeof tools.read_order>>().toEqualTypeOf<Json>();
expectTypeOf(tools.read_order).toExtend<AnyReadTool>();
expectTypeOf(tools.create_issue).toExtend<AnyTool>();
// @ts-expect-error a tool that was not named does not exist
tools.delete_order;

const agent = {
  name: "reader",
  description: "Reads.",
  model: "fast",
  input: z.object({}),
  output: z.object({}),
  instructions: "Read.",
  effects: "read",
} as const;
const reader = defineAgent({ ...agent, tools: [tools.read_order] });
expectTypeOf(reader.tools[0].name).toEqualTypeOf<"read_order">();
// @ts-expect-error an agent that may only read cannot hold a tool that we say writes
defineAgent({ ...agent, tools: [tools.create_issue] });

// @ts-expect-error what a tool does to the outside is ours to say
await connectMcp({ name: "shop", transport, tools: { read_order: {} } });
// @ts-expect-error a write needs its risk
await connectMcp({ name: "shop", transport, tools: { create_issue: { effect: "write", idempotency: "key" } } });
// @ts-expect-error a write says how an unknown outcome is settled
await connectMcp({ name: "shop", transport, tools: { create_issue: { effect: "write", risk: "low" } } });
const deleting = { effect: "delete", risk: "low", idempotency: "key" } as const;
// @ts-expect-error there is no such effect
await connectMcp({ name: "shop", transport, tools: { create_issue: deleting } });
