import { defineMemory, defineTool, memoryStore, service, user } from "@remit/core";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { bearerTokens } from "./auth/bearer.ts";
import { httpServer } from "./http-server-options.ts";
import { type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
import type { McpAuditEntry } from "./serve-app.ts";
import { statelessClient } from "./testing/http-client.ts";

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
