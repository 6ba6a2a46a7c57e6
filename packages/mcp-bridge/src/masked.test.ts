import { expect, test } from "vitest";
import { McpError } from "./errors.ts";
import type { Link } from "./link.ts";
import { maskedLink } from "./masked.ts";
import { createMask } from "./text.ts";

test("a status says no secret, nor do the reasons for which tools are refused", () => {
  const secret = "s3cr3t-value";
  const said = new McpError("mcp/tool-invalid", { server: "shop", tool: "a", reason: `no ${secret}` });
  const plain = new McpError("mcp/tool-invalid", { server: "shop", tool: "b", reason: "no" });
  const status = { lastError: said, refreshError: said, refused: new Map(Object.entries({ a: said, b: plain })) };
  const link = { status: () => status } as unknown as Link;
  const shown = maskedLink(link, createMask({ TOKEN: secret })).status();
  const errors = [shown.lastError, shown.refreshError, ...shown.refused.values()];
  expect(JSON.stringify(errors.map((error) => error?.toRecord()))).not.toContain(secret);
  expect(shown.refused.get("a")?.message).toContain("[TOKEN]");
  expect(shown.refused.get("b")).toBe(plain);
  // A value that only came by a variable may be what changed.
  const told = maskedLink(link, createMask({ PLACE: secret }), createMask({})).status();
  expect(told.refused.get("a")).toBe(said);
  expect(told.lastError?.message).toContain("[PLACE]");
});
