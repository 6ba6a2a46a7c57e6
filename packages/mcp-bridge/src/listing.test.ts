import { expect, test } from "vitest";
import { defaultMcpLimits } from "./limits.ts";
import { listTools } from "./listing.ts";
import type { WireSession } from "./wire/port.ts";

test.each([[null], [""]])("a list that goes on at %j is over", async (nextCursor) => {
  let asked = 0;
  const session = {
    request: async () => {
      asked++;
      return { tools: [{ name: "echo", inputSchema: { type: "object" } }], nextCursor };
    },
    objectionTo: () => undefined,
  } as unknown as WireSession;
  const { definitions, invalid } = await listTools(session, defaultMcpLimits, new AbortController().signal);
  expect([[...definitions.keys()], invalid, asked]).toEqual([["echo"], [], 1]);
});
