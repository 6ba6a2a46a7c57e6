import { expect, test } from "vitest";
import { connectMcp } from "./connect.ts";
import { serveMcp } from "./serve.ts";
import { stdio } from "./transport.ts";

/** As JavaScript calls them: no compiler looks at what is given. */
type Untyped = (...given: readonly unknown[]) => Promise<unknown>;
const connect = connectMcp as unknown as Untyped;
const serve = serveMcp as unknown as Untyped;
const transport = stdio("nobody-starts-this");

test.each<readonly [string, unknown, string]>([
  ["nothing", undefined, "no options"],
  ["no name", {}, "name"],
  ["no transport", { name: "shop", tools: {} }, "transport"],
  ["an address", { name: "shop", transport: "http://127.0.0.1/mcp", tools: {} }, "transport"],
  ["no tools", { name: "shop", transport }, "tools"],
  ["names of tools", { name: "shop", transport, tools: ["echo"] }, "tools"],
  ["a tool of which nothing is said", { name: "shop", transport, tools: { echo: "read" } }, "tools"],
])("connectMcp of %s is refused before anything is started", async (_, options, member) => {
  const thrown = await connect(options).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "mcp/config-invalid", data: { reason: expect.stringContaining(member) } });
});

test.each<readonly [string, unknown, string]>([
  ["nothing", undefined, "no options"],
  ["no name", {}, "name"],
  ["no tools", { name: "desk", version: "1" }, "tools"],
  ["an object of tools", { name: "desk", version: "1", tools: {} }, "tools"],
  ["a tool that is not there", { name: "desk", version: "1", tools: [undefined] }, "tools"],
])("serveMcp of %s is refused", async (_, options, member) => {
  const thrown = await serve(options).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "mcp/serving-invalid", data: { reason: expect.stringContaining(member) } });
});
