import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createSupervisor, defineAgent, memoryEngine, parseWith, user } from "@remit/core";
import { answers, calls, scriptedModel } from "@remit/core/testing";
import {
  type AnyMcpConnection,
  type ConnectMcpOptions,
  connectMcp,
  type McpToolConfigs,
  stdio,
} from "@remit/mcp-bridge";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { compileCache, contextOf, isAlive } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/** Servers that people use, over stdio, with calls that do something. Nothing here reaches a network. */

const require = createRequire(import.meta.url);
const read = { effect: "read" } as const;
const write = { effect: "write", risk: "low", idempotency: "none" } as const;
const limits = { connectTimeoutMs: 60_000, checkMs: 20_000 };

const folders: string[] = [];
const connections: AnyMcpConnection[] = [];
afterEach(async () => {
  const processIds = connections.map((connection) => connection.status().processId);
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  expect(processIds.filter((id) => id !== undefined && isAlive(id))).toEqual([]);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "remit-servers-"));
  folders.push(made);
  return made;
}

interface Started {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server of a package, started by the Node that runs the test. */
async function started<const Tools extends McpToolConfigs>(
  name: string,
  tools: Tools,
  { args = [], env = {}, ...more }: Started & Partial<ConnectMcpOptions<Tools>> = {},
) {
  const manifest = join(dirname(import.meta.filename), "node_modules", name, "package.json");
  const { bin } = require(manifest) as { readonly bin: Readonly<Record<string, string>> };
  const program = join(dirname(manifest), Object.values(bin)[0] ?? "");
  const transport = stdio(process.execPath, [program, ...args], { env: { NO_COLOR: "1", ...compileCache(), ...env } });
  const connection = await connectMcp({ name: "real", transport, tools, limits, ...more });
  connections.push(connection);
  return connection;
}

/** One call as a dispatcher makes it: parsed on the way in and on the way out. */
async function called(
  tool: { readonly input: z.ZodType; readonly output: z.ZodType; readonly execute: (...given: never[]) => unknown },
  input: unknown,
): Promise<unknown> {
  const given = parseWith(tool.input, input);
  if (!given.ok) throw new Error(`arguments: ${JSON.stringify(given.issues)}`);
  const answer = parseWith(tool.output, await tool.execute(given.value as never, contextOf() as never));
  if (!answer.ok) throw new Error(`answer: ${JSON.stringify(answer.issues)}`);
  return answer.value;
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error("it did not fail");
}

test("server-filesystem: a run writes and reads a file, each call is journaled, and the sandbox of the server holds", async () => {
  const root = folder();
  writeFileSync(join(root, "a.txt"), "one\ntwo\n");
  const { tools, status } = await started(
    "@modelcontextprotocol/server-filesystem",
    { read_text_file: read, write_file: write, list_directory: read },
    { args: [root] },
  );
  expect(status().server).toMatchObject({ protocolVersion: "2025-11-25" });
  const clerk = defineAgent({
    name: "clerk",
    description: "Keeps files.",
    model: "fast",
    tools: [tools.read_text_file, tools.write_file],
    input: z.object({}),
    output: z.object({}),
    instructions: "Copy the file.",
  });
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    // The files are our own.
    trusted: ["mcp:real"],
    models: {
      fast: scriptedModel([
        calls(clerk, "read_text_file", { path: join(root, "a.txt") }),
        calls(clerk, "write_file", { path: join(root, "b.txt"), content: "two\n" }),
        answers(clerk, {}),
      ]),
    },
    engine: memoryEngine(),
  });
  const run = await desk.start({}, { tenant: "acme", principal: user("u_1") });
  expect(await run.result()).toMatchObject({ status: "completed" });
  const returned = (await run.entries()).filter(({ type }) => type === "tool.returned");
  expect(returned.map(({ body }) => (body as { readonly output: unknown }).output)).toMatchObject([
    { content: "one\ntwo\n" },
    { content: expect.stringContaining("b.txt") },
  ]);
  expect(readFileSync(join(root, "b.txt"), "utf8")).toBe("two\n");
  const outside = await failureOf(called(tools.read_text_file, { path: "/etc/passwd" }));
  expect(outside.name).toBe("ToolRefusal");
  expect(outside.message).toContain("Access denied");
});

test("server-memory: what is written is read again, by another process of it", async () => {
  const env = { MEMORY_FILE_PATH: join(folder(), "memory.jsonl") };
  const tools = { create_entities: write, read_graph: read } as const;
  const entities = [{ name: "Ada", entityType: "person", observations: ["wrote the first program"] }];
  const first = await started("@modelcontextprotocol/server-memory", tools, { env });
  expect(await called(first.tools.create_entities, { entities })).toMatchObject({ entities });
  await first.close();
  const second = await started("@modelcontextprotocol/server-memory", tools, { env });
  expect(await called(second.tools.read_graph, {})).toMatchObject({ entities, relations: [] });
});

test("server-everything: every kind of content arrives as what it is", async () => {
  const configs = {
    echo: read,
    sum: { ...read, remoteName: "get-sum" },
    image: { ...read, remoteName: "get-tiny-image" },
    links: { ...read, remoteName: "get-resource-links" },
    resource: { ...read, remoteName: "get-resource-reference" },
    structured: { ...read, remoteName: "get-structured-content" },
    annotated: { ...read, remoteName: "get-annotated-message" },
    long: { ...read, remoteName: "trigger-long-running-operation", timeoutMs: 20_000 },
  } as const;
  const { tools } = await started("@modelcontextprotocol/server-everything", configs, { args: ["stdio"] });
  expect(await called(tools.echo, { message: "hello" })).toEqual({ text: "Echo: hello" });
  expect(await called(tools.sum, { a: 2, b: 3 })).toMatchObject({ text: expect.stringContaining("5") });
  expect(JSON.stringify(await called(tools.image, {}))).toContain("image/png");
  expect(JSON.stringify(await called(tools.links, { count: 2 }))).toContain("resource_link");
  expect(JSON.stringify(await called(tools.resource, { resourceType: "Text", resourceId: 1 }))).toContain("resource");
  expect(await called(tools.structured, { location: "New York" })).toMatchObject({ temperature: expect.any(Number) });
  expect(JSON.stringify(await called(tools.annotated, { messageType: "error", includeImage: true }))).toContain(
    "priority",
  );
  expect(await called(tools.long, { duration: 0.2, steps: 2 })).toMatchObject({ text: expect.any(String) });
  expect(parseWith(tools.sum.input, { a: "two" }).ok).toBe(false);
});

test("git-mcp-server: large schemas are read, and a repository is looked at", async () => {
  const root = join(folder(), "repository");
  mkdirSync(root);
  const git = (...args: string[]) => execFileSync("git", ["-C", root, ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  writeFileSync(join(root, "a.txt"), "one\n");
  const { tools } = await started(
    "@cyanheads/git-mcp-server",
    { git_status: read, git_log: read, git_add: write },
    { env: { MCP_TRANSPORT_TYPE: "stdio", MCP_LOG_LEVEL: "error", GIT_BASE_DIR: root, OTEL_ENABLED: "false" } },
  );
  const status = await called(tools.git_status, { path: root });
  expect(JSON.stringify(status)).toContain("a.txt");
  await called(tools.git_add, { path: root, paths: ["a.txt"] });
  expect(execFileSync("git", ["-C", root, "status", "--porcelain"], { encoding: "utf8" })).toContain("A  a.txt");
});

test("mcp-server-sqlite-npx: a table is made, filled and read", async () => {
  const file = join(folder(), "shop.db");
  const { tools } = await started(
    "mcp-server-sqlite-npx",
    { read_query: read, write_query: write, create_table: write },
    { args: [file] },
  );
  await called(tools.create_table, { query: "CREATE TABLE orders (id INTEGER, name TEXT)" });
  await called(tools.write_query, { query: "INSERT INTO orders VALUES (7, 'lamp')" });
  expect(JSON.stringify(await called(tools.read_query, { query: "SELECT * FROM orders" }))).toContain("lamp");
});

test("server-postgres: a peer of the first protocol version is spoken to, and a database that is not there is told", async () => {
  const { tools, status } = await started(
    "@modelcontextprotocol/server-postgres",
    { query: { ...read, timeoutMs: 20_000 } },
    { args: ["postgresql://127.0.0.1:1/none"] },
  );
  expect(status().server).toMatchObject({ protocolVersion: "2024-11-05" });
  const error = await failureOf(called(tools.query, { sql: "SELECT 1" }));
  expect(error).toMatchObject({ code: "mcp/call-failed", mayHaveExecuted: true });
  expect(error.message).toContain("ECONNREFUSED");
});
