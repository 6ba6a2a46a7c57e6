import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseMcpConfig, readMcpConfig } from "./config.ts";
import { McpError } from "./errors.ts";

/** As a file has it. */
const variable = (name: string) => `\${${name}}`;
const secret = "s3cr3t-value-of-the-token";
const env = { TOKEN: secret, FOLDER: "/srv/files", EMPTY: "" };
const parse = (value: unknown, more: typeof env | object = env) =>
  parseMcpConfig(typeof value === "string" ? value : JSON.stringify(value, null, 2), "/etc/mcp/mcp.json", {
    env: more as typeof env,
  });
const failureOf = (value: unknown): McpError => {
  try {
    parse(value);
  } catch (thrown) {
    if (McpError.is(thrown)) return thrown;
  }
  throw new Error("it did not fail");
};

test("the forms that users have are read: a process, a URL, VS Code's, with comments", () => {
  const { servers, disabled } = parse(`{
    // As Claude Desktop and Cursor have it.
    "mcpServers": {
      "files": { "command": "npx", "args": ["-y", "files-mcp", "\${FOLDER}"], "env": { "TOKEN": "\${env:TOKEN}", "N": 3 }, "autoApprove": ["x"] },
      "shop": { "url": "https://shop.example/mcp", "headers": { "Authorization": "Bearer \${TOKEN}" } },
      "old": { "transport": "sse", "url": "https://old.example/\${WHERE:-sse}" },
      "off": { "command": "off-mcp", "disabled": true, "env": { "NEVER": "\${NOT_SET}" } },
    },
  }`);
  expect(servers.files?.transport).toEqual({
    kind: "stdio",
    command: "npx",
    args: ["-y", "files-mcp", "/srv/files"],
    env: { TOKEN: secret, N: "3" },
    cwd: undefined,
    protocol: "legacy",
  });
  expect(servers.shop?.transport).toMatchObject({
    kind: "http",
    url: "https://shop.example/mcp",
    headers: { Authorization: `Bearer ${secret}` },
  });
  expect(servers.old?.transport).toMatchObject({ kind: "sse", url: "https://old.example/sse" });
  expect(disabled).toEqual(["off"]);
  expect(servers.files).toMatchObject({ tools: {}, required: false, prefix: true });
  expect(servers.files?.secrets).toEqual({ TOKEN: secret, FOLDER: "/srv/files" });
  expect(servers.shop?.secrets).toEqual({
    TOKEN: secret,
    "header Authorization": `Bearer ${secret}`,
    "header Authorization value": secret,
  });
  const vsCode = parse({ servers: { files: { type: "stdio", command: "files-mcp" } }, inputs: [] });
  expect(vsCode.servers.files?.transport).toMatchObject({ command: "files-mcp" });
});

test("a member `remit` says what is ours to say", () => {
  const { servers, pins, names } = parse({
    mcpServers: {
      "my files": {
        command: "files-mcp",
        remit: {
          name: "files",
          required: true,
          prefix: false,
          limits: { connectTimeoutMs: 5_000 },
          tools: {
            read_file: { effect: "read", resultBytes: 1_000 },
            "write.file": { effect: "write", risk: "high", idempotency: "none", name: "write_file", protect: ["path"] },
          },
          resources: { uris: ["file:///srv/**"] },
        },
      },
    },
    remit: { pins: "pins/mcp.json", names: { near: "refuse" } },
  });
  expect(pins).toBe("/etc/mcp/pins/mcp.json");
  expect(names).toEqual({ near: "refuse" });
  expect(servers.files).toMatchObject({
    required: true,
    prefix: false,
    limits: { connectTimeoutMs: 5_000 },
    resources: { uris: ["file:///srv/**"] },
    tools: {
      read_file: { effect: "read", resultBytes: 1_000, remoteName: "read_file" },
      write_file: { effect: "write", risk: "high", idempotency: "none", remoteName: "write.file", protect: ["path"] },
    },
  });
});

test("a write says by names, pointers and constants how it is looked up and undone", () => {
  const write = { effect: "write", risk: "low" };
  const { servers } = parse(
    server({
      tools: {
        "order.find": { effect: "read", name: "find_order" },
        "order.add": {
          ...write,
          name: "add_order",
          idempotency: "lookup",
          settlesWithinMs: 1_000,
          lookup: {
            tool: "order.find",
            input: { key: "/idempotencyKey", limit: { value: 1 } },
            found: { at: "/orders/0" },
            never: { at: "/orders", is: [] },
            output: "/orders/0",
          },
          undo: { tool: "drop", input: { id: "/output/id" } },
        },
        drop: { ...write, idempotency: "none" },
      },
    }),
  );
  expect(servers.files?.tools.add_order).toEqual({
    ...write,
    remoteName: "order.add",
    idempotency: "lookup",
    settlesWithinMs: 1_000,
    lookup: {
      tool: "find_order",
      input: { key: "/idempotencyKey", limit: { value: 1 } },
      found: { at: "/orders/0" },
      never: { at: "/orders", is: [] },
      output: "/orders/0",
    },
    undo: { tool: "drop", input: { id: "/output/id" } },
  });
});

const base = { effect: "write", risk: "low", idempotency: "lookup" };
const asking = { tool: "find", input: { id: "/input/id" }, found: { at: "/id" } };
const withLookup = (lookup: object, more: object = {}) => ({
  a: { ...base, lookup: { ...asking, ...lookup }, ...more },
});
const withUndo = (undo: object) => ({ a: { ...base, idempotency: "none", undo: { tool: "b", input: {}, ...undo } } });
test.each<readonly [string, object, string, string]>([
  ["idempotency by a look-up that is not said", { a: base }, "", "needs a `lookup`"],
  ["a look-up that nobody asks", withLookup({}, { idempotency: "none" }), "lookup", "nobody asks it"],
  ["a read that is looked up", { a: { effect: "read", lookup: asking } }, "", "nothing to be looked up"],
  ["a look-up by nobody", withLookup({ tool: "gone" }), "lookup.tool", "no tool that is named here"],
  ["a look-up by what every object has", withLookup({ tool: "constructor" }), "lookup.tool", "no tool that is"],
  ["a look-up by a write", withLookup({ tool: "b" }), "lookup.tool", "only a tool that reads"],
  ["a look-up whose label would be lost", withLookup({ tool: "labelled" }), "lookup.tool", "the label pii"],
  ["a pointer that is none", withLookup({ input: { id: "input/id" } }), "lookup.input.id", "no JSON pointer"],
  ["a pointer to what is not known", withLookup({ input: { id: "/output/id" } }), "lookup.input.id", "/idempotencyKey"],
  ["an answer at no pointer", withLookup({ found: { at: "id" } }), "lookup.found.at", "no JSON pointer"],
  ["an output at no pointer", withLookup({ output: "/~2" }), "lookup.output", "no JSON pointer"],
  ["an expression", withLookup({ found: { if: "x" } }), "lookup.found.at", "Invalid"],
  ["`never` that is `found`", withLookup({ never: { at: "/id" } }), "lookup.never", "what `found` is"],
  ["`never` at any time", withLookup({ never: { at: "/id", is: 0 } }), "lookup.never", "settlesWithinMs"],
  ["an undo by nobody", withUndo({ tool: "gone" }), "undo.tool", "no tool that is named here"],
  ["an undo by a read", withUndo({ tool: "find" }), "undo.tool", "undoes nothing"],
  ["an undo by itself", withUndo({ tool: "a" }), "undo.tool", "undone by itself"],
  ["an undo of what is not known", withUndo({ input: { id: "/idempotencyKey" } }), "undo.input.id", "/output"],
])("%s is told with its place", (_, tools, at, reason) => {
  const others = {
    find: { effect: "read" },
    labelled: { effect: "read", labels: ["pii"], reveals: ["email"] },
    b: { ...base, idempotency: "none" },
  };
  const error = failureOf(server({ tools: { ...others, ...tools } }));
  const field = ["mcpServers.files.remit.tools.a", at].filter(Boolean).join(".");
  expect(error).toMatchObject({ code: "mcp/config-unreadable", data: { field } });
  expect(error.message).toContain(reason);
});

const server = (remit: object) => ({ mcpServers: { files: { command: "files-mcp", remit } } });
test.each<readonly [string, unknown, number, string, string]>([
  ["what is not JSON", '{\n  "mcpServers": {\n    "a": nope\n  }\n}', 3, "the whole", "it is not JSON (InvalidSymbol)"],
  ["no servers", { tools: [] }, 1, "the whole", "there is no member `mcpServers`"],
  ["two servers of one name", '{"mcpServers": {\n"a": {"command":"x"},\n"a": {"command":"y"}}}', 3, "a", "twice"],
  [
    "a server without a way to it",
    { mcpServers: { files: { args: [] } } },
    3,
    "mcpServers.files",
    "neither a `command`",
  ],
  ["two ways", { mcpServers: { files: { command: "x", url: "http://x" } } }, 3, "mcpServers.files", "one of them"],
  [
    "a wrong kind of way",
    { mcpServers: { files: { type: "ws", url: "ws://x" } } },
    4,
    "mcpServers.files.type",
    "Invalid",
  ],
  [
    "an address that is none",
    { mcpServers: { files: { url: "ftp://x" } } },
    4,
    "mcpServers.files.url",
    "not an address",
  ],
  ["a name that is none", { mcpServers: { "my files": { command: "x" } } }, 3, "mcpServers.my files", "`remit.name`"],
  [
    "an effect that is none",
    server({ tools: { a: { effect: "both" } } }),
    8,
    "mcpServers.files.remit.tools.a.effect",
    "Invalid",
  ],
  [
    "a write without a risk",
    server({ tools: { a: { effect: "write" } } }),
    7,
    "mcpServers.files.remit.tools.a",
    "needs `risk`",
  ],
  [
    "a member that is none",
    server({ tools: { a: { effect: "read", riks: "low" } } }),
    7,
    "mcpServers.files.remit.tools.a",
    "riks",
  ],
  [
    "a pin that is none",
    server({ tools: { a: { effect: "read", pin: "sha256-x" } } }),
    9,
    "mcpServers.files.remit.tools.a.pin",
    "43 characters",
  ],
  [
    "an input that only an editor asks for",
    { mcpServers: { files: { command: "x", env: { A: variable("input:key") } } } },
    6,
    "mcpServers.files.env.A",
    "only variables",
  ],
  [
    "a limit that is none",
    server({ limits: { connectTimeout: 5 } }),
    7,
    "mcpServers.files.remit.limits.connectTimeout",
    "connectTimeoutMs",
  ],
  [
    "a variable that is no text",
    { mcpServers: { files: { command: "x", env: { A: null } } } },
    6,
    "mcpServers.files.env.A",
    "expected string",
  ],
  [
    "a port that is none",
    { mcpServers: {}, remit: { gateway: { listen: { port: "7411" } } } },
    6,
    "remit.gateway.listen.port",
    "expected number",
  ],
  [
    "a misspelt member of what there are two forms of",
    { mcpServers: {}, remit: { gateway: { listen: { prot: 7411 } } } },
    5,
    "remit.gateway.listen",
    "prot",
  ],
  [
    "a client's name that is none",
    { mcpServers: {}, remit: { gateway: { clients: { "my client": {} } } } },
    6,
    "remit.gateway.clients.my client",
    "a letter first",
  ],
  [
    "a word that is none of two forms",
    { mcpServers: {}, remit: { gateway: { listen: "http" } } },
    5,
    "remit.gateway.listen",
    "stdio",
  ],
  [
    "an argument of a look-up that is neither a pointer nor a value",
    server({
      tools: {
        a: {
          effect: "write",
          risk: "low",
          idempotency: "lookup",
          lookup: { tool: "b", input: { x: { valeu: 1 } }, found: { at: "/x" } },
        },
      },
    }),
    14,
    "mcpServers.files.remit.tools.a.lookup.input.x.value",
    "expected",
  ],
  [
    "a file of variables",
    { mcpServers: { files: { command: "x", envFile: ".env" } } },
    5,
    "mcpServers.files.envFile",
    "it is not read",
  ],
])("%s is told with its line", (_, value, line, field, reason) => {
  const error = failureOf(value);
  expect(error).toMatchObject({ code: "mcp/config-unreadable", data: { file: "/etc/mcp/mcp.json", line, field } });
  expect(error.message).toContain(reason);
});

test("a variable that is missing is told by name, in arguments, environment, headers and addresses, and no value with it", () => {
  const places: readonly (readonly [string, object])[] = [
    ["args.1", { command: "x", args: [`--token=${variable("TOKEN")}`, variable("GONE")] }],
    ["env.KEY", { command: "x", env: { A: variable("TOKEN"), KEY: `x${variable("GONE")}` } }],
    ["headers.X-Key", { url: "https://x.example", headers: { "X-Key": variable("GONE") } }],
    ["url", { url: `https://${variable("GONE")}.example` }],
  ];
  for (const [field, files] of places) {
    const error = failureOf({ mcpServers: { files } });
    expect(error).toMatchObject({ code: "mcp/variable-missing", data: { server: "files", variable: "GONE", field } });
    expect(JSON.stringify(error)).not.toContain(secret);
  }
  const wrong = failureOf({ mcpServers: { files: { url: `ftp://${variable("TOKEN")}` } } });
  expect(wrong.message).not.toContain(secret);
});

test("a file that an editor has saved with a byte order mark is a file like any other", () => {
  expect(Object.keys(parse(`\ufeff${JSON.stringify({ mcpServers: { files: { command: "x" } } })}`).servers)).toEqual([
    "files",
  ]);
});

test("a file is read from where it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-config-"));
  const file = join(folder, "mcp.json");
  await expect(readMcpConfig(file)).rejects.toMatchObject({ code: "mcp/config-missing", data: { file } });
  writeFileSync(file, JSON.stringify({ mcpServers: { a: { command: "x" } }, remit: { pins: "pins.json" } }));
  expect((await readMcpConfig(file, { env: {} })).pins).toBe(join(folder, "pins.json"));
  rmSync(folder, { recursive: true });
});
