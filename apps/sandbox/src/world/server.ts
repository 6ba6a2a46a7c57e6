import { Console } from "node:console";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { WorldError } from "./errors.ts";
import { openWorldStore, type WorldAnswer, type WorldStore } from "./store.ts";
import type { World } from "./world.ts";

/**
 * A world as an MCP server process over stdio:
 * `node server.ts --world <module> --export <name> --options <json> --dir <folder>`.
 *
 * The export is a world, or a function that takes the options and returns one. Which run a call belongs to comes in
 * `_meta["remit/worldId"]`, its idempotency key in `_meta["remit/idempotencyKey"]`. A refusal of the domain is an answer
 * with `isError`; an unknown tool, a missing world id and a broken log are protocol errors. Standard output carries the
 * protocol only; the process ends when its input does.
 */

const worldIdMeta = "remit/worldId";
const keyMeta = "remit/idempotencyKey";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      world: { type: "string" },
      export: { type: "string", default: "default" },
      options: { type: "string", default: "{}" },
      dir: { type: "string" },
    },
  });
  if (values.world === undefined || values.dir === undefined) {
    throw definitionError("--world <module> and --dir <folder> are needed", values.world ?? "");
  }
  // Standard output belongs to the protocol, also when a world's module prints something.
  globalThis.console = new Console(process.stderr);
  const world = await importWorld(values.world, values.export, values.options);
  const store = openWorldStore({ world, dir: resolve(values.dir) });
  const server = worldServer(world, store);
  // Nothing waits inside a call, so at the end of the input every call that came before it has been answered.
  const leave = () => {
    store.close();
    process.exit(0);
  };
  process.stdin.once("end", () => setImmediate(leave)).once("close", () => setImmediate(leave));
  process.stdout.on("error", leave);
  await server.connect(new StdioServerTransport());
}

async function importWorld(specifier: string, name: string, options: string): Promise<World> {
  const path = specifier.startsWith(".") || isAbsolute(specifier);
  let module: { readonly [name: string]: unknown };
  let parsed: unknown;
  try {
    module = await import(path ? pathToFileURL(resolve(specifier)).href : specifier);
  } catch (error) {
    throw definitionError(`the module "${specifier}" cannot be loaded: ${reason(error)}`, specifier, error);
  }
  try {
    parsed = JSON.parse(options);
  } catch (error) {
    throw definitionError(`--options is not JSON: ${reason(error)}`, specifier, error);
  }
  const exported = module[name];
  const world: unknown = typeof exported === "function" ? await exported(parsed) : exported;
  if (!isWorld(world)) throw definitionError(`"${name}" of "${specifier}" is not a world`, specifier);
  return world;
}

function isWorld(value: unknown): value is World {
  return typeof value === "object" && value !== null && "initial" in value && "clone" in value && "tools" in value;
}

function worldServer(world: World, store: WorldStore): Server {
  const server = new Server({ name: `world-${world.name}`, version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: world.tools.filter(({ by }) => by === undefined).map(describe),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const worldId = params._meta?.[worldIdMeta];
    const key = params._meta?.[keyMeta];
    if (typeof worldId !== "string") {
      throw new McpError(ErrorCode.InvalidParams, `_meta["${worldIdMeta}"] must name the run's world`);
    }
    if (key !== undefined && typeof key !== "string") {
      throw new McpError(ErrorCode.InvalidParams, `_meta["${keyMeta}"] must be a string`);
    }
    try {
      return toResult(store.call(worldId, params.name, params.arguments ?? {}, { key }));
    } catch (error) {
      throw toProtocolError(error);
    }
  });
  server.onerror = (error) => note("The protocol reported an error.", { reason: error.message });
  return server;
}

function describe(tool: World["tools"][number]): Tool {
  const inputSchema = z.toJSONSchema(tool.input, { io: "input" }) as Tool["inputSchema"];
  const reads = tool.effect === "read";
  const annotations = { readOnlyHint: reads, idempotentHint: reads, openWorldHint: false };
  return { name: tool.name, description: tool.description, inputSchema, annotations };
}

function toResult(answer: WorldAnswer): CallToolResult {
  if (answer.status === "refused") return { isError: true, content: [{ type: "text", text: answer.message }] };
  return {
    structuredContent: { result: answer.result },
    content: [{ type: "text", text: JSON.stringify(answer.result) }],
  };
}

function toProtocolError(error: unknown): McpError {
  if (!(error instanceof WorldError)) return new McpError(ErrorCode.InternalError, reason(error));
  const caller = error.code === "world/tool-unknown" || error.code === "world/id-invalid";
  if (!caller) note("A call failed.", { code: error.code, reason: error.message });
  return new McpError(caller ? ErrorCode.InvalidParams : ErrorCode.InternalError, error.message, {
    code: error.code,
    hint: error.hint,
    ...error.data,
  });
}

function definitionError(message: string, module: string, cause?: unknown): WorldError {
  return new WorldError("world/definition-invalid", message, { module }, cause);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line of JSON on standard error. */
function note(message: string, fields: { readonly [name: string]: string }): void {
  process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`);
}

try {
  await main();
} catch (error) {
  const code = error instanceof WorldError ? { code: error.code, hint: error.hint } : {};
  note("The world could not start.", { reason: reason(error), ...code });
  process.exitCode = 1;
}
