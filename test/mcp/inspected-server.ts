import { createSupervisor, defineAgent, defineTool, memoryEngine } from "@remit/core";
import { answers, scriptedModel } from "@remit/core/testing";
import { httpServer, serveMcp, supervisorTool } from "@remit/mcp-bridge";
import { z } from "zod";

/** A small shop that the Inspector looks at: `inspected-server.ts [--stdio]`. Says its address on the first line. */

const readOrder = defineTool({
  name: "read_order",
  description: "Reads one order.",
  input: z.object({ orderId: z.string() }),
  output: z.object({ orderId: z.string(), cents: z.int() }),
  effect: "read",
  execute: ({ orderId }) => ({ orderId, cents: 900 }),
});
const clerk = defineAgent({
  name: "clerk",
  description: "Answers.",
  model: "fast",
  tools: [readOrder],
  input: z.object({ text: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Answer.",
});
const desk = createSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  models: { fast: scriptedModel([answers(clerk, { reply: "It is on its way." })]) },
  engine: memoryEngine(),
});

const serving = await serveMcp({
  name: "shop",
  version: "1.0.0",
  tools: [readOrder, supervisorTool(desk, { name: "ask_desk", description: "Answers a customer." })],
  resources: {
    list: async () => [{ uri: "shop://hours", name: "hours", description: "When we are open." }],
    read: async (uri) => (uri === "shop://hours" ? { contents: [{ uri, text: "Always." }] } : undefined),
  },
  prompts: {
    list: async () => [
      { name: "greet", description: "Greets somebody.", arguments: [{ name: "name", required: true }] },
    ],
    get: async (name, { name: who = "" }) =>
      name === "greet" ? { messages: [{ role: "user", content: { type: "text", text: `Greet ${who}.` } }] } : undefined,
  },
  transport: process.argv.includes("--stdio") ? "stdio" : httpServer(),
});
if (serving.address) console.log(serving.address.url);
process.once("SIGTERM", () => void serving.close());
await serving.closed;
