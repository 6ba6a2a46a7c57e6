import { fileURLToPath } from "node:url";
import { createSupervisor, defineAgent, type Engine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { answers, callsAll, scriptedModel } from "@remit/core/testing";
import { connectMcp, type McpLimits, type McpToolConfig, stdio } from "@remit/mcp-bridge";
import { z } from "zod";
import { compileCache } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/** A desk whose one agent calls one tool of a server that asks people in the midst of its calls, on one SQLite file. */

export type Era = "v1" | "v2";

export interface AskingDeskOptions {
  /** The SDK that the server is made with, and so the protocol that it speaks. */
  readonly era: Era;
  readonly path: string;
  /** Where the server notes its calls. */
  readonly log: string;
  readonly tool?: string;
  readonly config?: Partial<McpToolConfig>;
  readonly limits?: Partial<McpLimits>;
}

const script = fileURLToPath(new URL("../../packages/mcp-bridge/src/testing/sdk-server.ts", import.meta.url));

export async function openAskingDesk({ era, path, log, tool = "form", config = {}, limits = {} }: AskingDeskOptions) {
  const connection = await connectMcp({
    name: "sdk",
    transport: stdio(process.execPath, [script, era, log], {
      protocol: era === "v1" ? "legacy" : "2026-07-28",
      env: compileCache(),
    }),
    tools: {
      [tool]: { effect: "write", risk: "low", idempotency: "key", ...config } as McpToolConfig,
      slow: { effect: "read", timeoutMs: 500 },
    },
    limits: { closeGraceMs: 100, ...limits },
  });
  const engine = sqliteEngine({ path });
  return { ...deskOver(engine, connection.tools[tool]!), engine, connection };
}

function deskOver(engine: Engine, tool: Awaited<ReturnType<typeof connectMcp>>["tools"][string]) {
  const clerk = defineAgent({
    name: "clerk",
    description: "Calls the one tool that there is.",
    model: "fast",
    tools: [tool],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Call the tool, then say that you are done.",
  });
  const model = scriptedModel([callsAll(clerk, [[tool.name, { text: "x" }]]), answers(clerk, { text: "done" })]);
  const desk = createSupervisor({
    name: "asking-desk",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { fast: model },
    engine,
  });
  return { desk, model };
}
