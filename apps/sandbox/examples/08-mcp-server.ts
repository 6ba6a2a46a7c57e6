/** A tool server of one's own over stdio, plugged into an agent: only what is named exists, and we say what it does. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createSupervisor, defineAgent, memoryEngine, operator, user } from "@remit/core";
import { answers, calls, scriptedModel } from "@remit/core/testing";
import { connectMcp, stdio } from "@remit/mcp-bridge";
import { z } from "zod";

const server = fileURLToPath(new URL("support/stock-server.ts", import.meta.url));
await using stock = await connectMcp({
  name: "stock",
  transport: stdio(process.execPath, ["--conditions=@remit/source", server]),
  tools: {
    count_parts: { effect: "read", output: z.object({ parts: z.int() }) },
    take_part: { effect: "write", risk: "medium", idempotency: "key", output: z.object({ left: z.int() }) },
    // The server also offers `empty_shelf`. It is not named, so it does not exist.
  },
});

const clerk = defineAgent({
  name: "clerk",
  description: "Hands out parts.",
  model: "fast",
  tools: [stock.tools.count_parts, stock.tools.take_part],
  input: z.object({ part: z.string() }),
  output: z.object({ left: z.int() }),
  instructions: "Hand out one part if there is one.",
});
const desk = createSupervisor({
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  approvals: [{ tool: stock.tools.take_part, by: "human" }],
  models: {
    fast: scriptedModel([
      calls(clerk, "count_parts", { part: "leg" }),
      calls(clerk, "take_part", { part: "leg" }),
      answers(clerk, { left: 3 }),
    ]),
  },
  engine: memoryEngine(),
});
const run = await desk.start({ part: "leg" }, { tenant: "acme", principal: user("u_17") });
// A write of medium risk would do with a judge's verdict; the rule has a person decide.
await run.settled();
for (const { tenant, address } of await run.approvals()) {
  await desk.approvals.approve(tenant, address, { reason: "it is in stock", principal: operator("op_1") });
}
const result = await run.result();
for (const entry of await run.entries()) {
  if (entry.type === "tool.returned") console.log(entry.path, entry.body.output);
}
assert.equal(result.status, "completed");
assert.deepEqual(Object.keys(stock.tools).sort(), ["count_parts", "take_part"]);
