import { expect, test } from "vitest";
import { connectMcp } from "./connect.ts";
import { httpServer } from "./http-server-options.ts";
import { serveMcp } from "./serve.ts";
import { connectMcpServers } from "./servers.ts";
import { http, sse, stdio } from "./transport.ts";

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
  ["a misspelt option", { name: "shop", transport, tools: {}, pinns: {} }, "`pinns` is none of name"],
  [
    "a misspelt pin of a tool",
    { name: "shop", transport, tools: { echo: { effect: "read", pinn: "sha256-x" } } },
    "of what is said of the tool echo, `pinn` is none of",
  ],
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
  ["a misspelt option", { name: "desk", version: "1", tools: [], adit: () => {} }, "`adit` is none of"],
])("serveMcp of %s is refused", async (_, options, member) => {
  const thrown = await serve(options).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "mcp/serving-invalid", data: { reason: expect.stringContaining(member) } });
});

test.each<readonly [string, unknown, string]>([
  ["nothing", undefined, "servers"],
  ["a misspelt option", { servers: {}, pin: {} }, "`pin` is none of"],
  [
    "a misspelt option of a server",
    { servers: { shop: { transport, tools: {}, require: true } }, trustOnFirstUse: true },
    "`require`",
  ],
])("connectMcpServers of %s is refused before anything is started", async (_, options, member) => {
  const thrown = await (connectMcpServers as unknown as Untyped)(options).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "mcp/config-invalid", data: { reason: expect.stringContaining(member) } });
});

test("an address at which nobody is asked who they are, since that is misspelt, is refused", () => {
  expect(() => httpServer({ authentication: {} } as never)).toThrow("`authentication` is none of");
});

test.each<readonly [string, () => unknown, string]>([
  ["a process", () => stdio("node", [], { environment: {} } as never), "`environment` is none of env"],
  ["an address", () => http({ url: "http://127.0.0.1/mcp", header: {} } as never), "`header` is none of url"],
  [
    "an elder server",
    () => sse({ url: "http://127.0.0.1/sse", protocol: "auto" } as never),
    "`protocol` is none of url",
  ],
])("a misspelt option of the way to %s is refused", (_, make, reason) => {
  expect(make).toThrow(reason);
});
