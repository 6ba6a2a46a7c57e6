import { defineMemory, defineTool, memoryStore, service, user } from "@remit/core";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { bearerTokens } from "./auth/bearer.ts";
import { httpServer } from "./http-server-options.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
import type { McpAuditEntry } from "./serve-app.ts";
import { send, statelessClient } from "./testing/http-client.ts";

/** What a client may not do by what it says of itself and of its calls. */

const tokens = { ann: "token-of-ann-0123456789", eve: "token-of-eve-0123456789" };
const servings: McpServing[] = [];
afterEach(async () => {
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

async function served(tools: ServeMcpOptions["tools"]) {
  const audit: McpAuditEntry[] = [];
  const serving = await serveMcp({
    name: "shop",
    version: "1",
    tools,
    transport: httpServer({
      authenticate: bearerTokens([
        { token: tokens.ann, client: { principal: user("ann"), tenant: "acme" } },
        { token: tokens.eve, client: { principal: service("eve"), tenant: "acme" } },
      ]),
    }),
    audit: (entry) => void audit.push(entry),
  });
  servings.push(serving);
  const url = serving.address?.url ?? "";
  const as = (who: keyof typeof tokens) => statelessClient(url, { token: tokens[who] });
  return { url, audit, as };
}

test.each(["principal", "conversation"] as const)(
  "what one client keeps in a served memory of its %s is nobody else's, whatever run they name",
  async (of) => {
    const store = memoryStore();
    const notes = defineMemory({
      name: "notes",
      description: "Notes.",
      store,
      of,
      holds: z.object({ text: z.string() }),
      retainMs: 60_000,
    });
    const { as } = await served([notes.remember, notes.recall]);
    const kept = (key: string) => ({ "remit/idempotencyKey": key, "remit/runId": "run_1" });
    const remember = { name: "remember_notes", arguments: { value: { text: "the code is 7" } }, _meta: kept("k1") };
    expect((await as("ann")("tools/call", remember)).body.result.isError).toBeUndefined();
    const recall = { name: "recall_notes", arguments: {}, _meta: { "remit/runId": "run_1" } };
    const itemsOf = async (who: keyof typeof tokens) =>
      (await as(who)("tools/call", recall)).body.result.structuredContent.items;
    expect(await itemsOf("eve")).toEqual([]);
    expect(await itemsOf("ann")).toMatchObject([{ value: { text: "the code is 7" } }]);
  },
);

test("what a client keeps in a served memory is labelled as its word", async () => {
  const seen: (readonly string[] | undefined)[] = [];
  const look = defineTool({
    name: "look",
    description: "Looks.",
    input: z.object({}),
    output: z.object({}),
    effect: "read",
    execute: (_, { labels }) => {
      seen.push(labels);
      return {};
    },
  });
  const { as } = await served([look]);
  for (const who of ["ann", "eve"] as const) await as(who)("tools/call", { name: "look" });
  expect(seen).toEqual([["user"], ["service"]]);
});

test("A3 a call that is refused for its arguments or its state leaves a line of audit too, and says what is wrong", async () => {
  const echo = defineTool({
    name: "echo",
    description: "Gives back.",
    input: z.object({ text: z.json() }),
    output: z.object({ text: z.json() }),
    effect: "read",
    execute: (input) => input,
  });
  const { as, audit, url } = await served([echo]);
  const state = await as("eve")("tools/call", { name: "echo", arguments: { text: 1 }, requestState: "abc.def" });
  expect(state.body.error).toMatchObject({ code: -32602, message: "Invalid or expired requestState" });
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const deep = `${"[".repeat(600)}${"]".repeat(600)}`;
  for (const text of [deep, "1e400"]) {
    const params = `{"name":"echo","arguments":{"text":${text}},"_meta":${JSON.stringify(meta)}}`;
    const { body } = await send(url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`, {
      headers: {
        Authorization: `Bearer ${tokens.eve}`,
        "Mcp-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "echo",
      },
    });
    expect(body.error).toMatchObject({ code: -32602, message: expect.stringContaining("The arguments of echo") });
  }
  expect(audit).toMatchObject(
    Array.from({ length: 3 }, () => ({ principal: "eve", tenant: "acme", tool: "echo", status: "refused" })),
  );
});
