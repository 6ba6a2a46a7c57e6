import { appendFileSync } from "node:fs";
import { defineTool } from "@remit/core";
import { z } from "zod";
import { serveMcp } from "../serve.ts";
import type { ServedTool } from "../served.ts";

/**
 * A server behind a gateway, for tests: `DESK_LOG=<log file> node gateway-desk.ts`. `pay` writes, `name` asks its client, `meta` says
 * what came beside the call, `draw` answers with a picture. Every payment is a line of JSON in the log file.
 */
const { DESK_LOG: log = "/dev/null" } = process.env;

const pay = defineTool({
  name: "pay",
  description: "Pays an amount.",
  input: z.object({ cents: z.int().positive() }),
  output: z.object({ paid: z.int() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ cents }, { idempotencyKey }) => {
    appendFileSync(log, `${JSON.stringify({ cents, idempotencyKey })}\n`);
    return { paid: cents };
  },
});

const plain = { type: "object", properties: {} } as const;
const served = (name: string, call: ServedTool["call"]): ServedTool => ({
  kind: "served-tool",
  definition: { name, description: `The tool ${name}.`, inputSchema: plain },
  call,
});
const text = (value: string) => ({ content: [{ type: "text", text: value }] });

const tools = [
  pay,
  served("name", async (_, { elicit }) => {
    const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    const { action, content } = await elicit({ mode: "form", message: "Who are you?", schema });
    return text(action === "accept" ? `You are ${String(content?.name)}.` : `You said ${action}.`);
  }),
  served("think", async (_, { sample }) => text(JSON.stringify(await sample({ messages: [], maxTokens: 1 })))),
  served("meta", async (_, { rawMeta }) => text(JSON.stringify(rawMeta))),
  served("draw", async () => ({ content: [{ type: "image", data: "aGk=", mimeType: "image/png" }] })),
  served("unlisted", async () => text("nobody should hear this")),
];
const serving = await serveMcp({
  name: "desk",
  version: "1.0.0",
  tools,
  resources: {
    list: async () => [
      { uri: "desk://rules", name: "rules" },
      { uri: "desk://secret", name: "secret" },
    ],
    read: async (uri) => ({ contents: [{ uri, text: `text of ${uri}` }] }),
    // It changes again and again: what changes before a client's stream is there is told to nobody.
    watch: async (uri) => {
      setInterval(() => serving.changed({ kind: "resource-updated", uri }), 100).unref();
    },
  },
});
await serving.closed;
