import { appendFileSync, existsSync } from "node:fs";
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

/** Books, and does not live to say so. */
const bookings = new Map<string, { seat: string }>();
const book = defineTool({
  name: "book",
  description: "Books a seat.",
  input: z.object({ seat: z.string() }),
  output: z.object({ seat: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "none",
  execute: ({ seat }) => {
    appendFileSync(log, `${JSON.stringify({ seat })}\n`);
    bookings.set(seat, { seat });
    throw new Error("the printer is on fire");
  },
});
const findBooking = defineTool({
  name: "find_booking",
  description: "Finds the booking of a seat.",
  input: z.object({ seat: z.string() }),
  output: z.object({ bookings: z.array(z.object({ seat: z.string() })) }),
  effect: "read",
  execute: ({ seat }) => ({ bookings: [bookings.get(seat) ?? []].flat() }),
});
const freeSeat = defineTool({
  name: "free_seat",
  description: "Frees a seat.",
  input: z.object({ seat: z.string() }),
  output: z.object({ freed: z.boolean() }),
  effect: "write",
  risk: "low",
  idempotency: "none",
  execute: ({ seat }) => ({ freed: bookings.delete(seat) }),
});

const plain = { type: "object", properties: {} } as const;
const served = (name: string, call: ServedTool["call"]): ServedTool => ({
  kind: "served-tool",
  definition: { name, description: `The tool ${name}.`, inputSchema: plain },
  call,
});
const text = (value: string) => ({ content: [{ type: "text", text: value }] });

/** From then on `pay` is described differently, also by other processes of this desk. */
const changed = `${log}.changed`;
const payAnew = { ...pay, description: "Pays an amount, in cents." };
const change = served("change", async () => {
  appendFileSync(changed, "");
  serving.setTools([payAnew, ...tools.slice(1)]);
  return text("done");
});

const tools = [
  existsSync(changed) ? payAnew : pay,
  change,
  book,
  findBooking,
  freeSeat,
  served("name", async (_, { elicit }) => {
    const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    const { action, content } = await elicit({ mode: "form", message: "Who are you?", schema });
    return text(action === "accept" ? `You are ${String(content?.name)}.` : `You said ${action}.`);
  }),
  served("think", async (_, { sample }) => text(JSON.stringify(await sample({ messages: [], maxTokens: 1 })))),
  served("meta", async (_, { rawMeta }) => text(JSON.stringify(rawMeta))),
  served("draw", async () => ({ content: [{ type: "image", data: "aGk=", mimeType: "image/png" }] })),
  // It dies in the midst of a call, with words that are meant for its operator.
  served("crash", async () => {
    process.stderr.write("at /srv/desk/ledger.ts: the ledger of customer 4711 is locked\n");
    setTimeout(() => process.exit(7), 20);
    return new Promise(() => {});
  }),
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
