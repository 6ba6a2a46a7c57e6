import {
  type AnyTool,
  defineTool,
  type Issue,
  type Json,
  type LookupAnswer,
  parseWith,
  type ReadToolOptions,
  type Tool,
  type ToolContext,
  type WriteToolOptions,
} from "@remit/core";
import { type JsonObject, type SchemaValidator, ToolsError } from "@remit/tools";
import { z } from "zod";
import type { Answers } from "./answering.ts";
import type { ArtifactKeeper } from "./artifacts.ts";
import { partsOf } from "./content.ts";
import { type McpDefinition, pinOf } from "./definition.ts";
import { McpError } from "./errors.ts";
import { fittingOf } from "./fitting.ts";
import type { McpLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import type { Listing } from "./listing.ts";
import { argumentsOf, type McpLookup, matches, valueAt } from "./mapped.ts";
import { metaOf } from "./meta.ts";
import { type PinBoard, unexpected } from "./pins.ts";
import { outputAtOnce, outputOf, rawOfValue, rawResultOf, resultSchema, unlessTooDeep, valueOfRaw } from "./result.ts";
import { type Mask, visible } from "./text.ts";
import type { McpToolConfig } from "./tool-config.ts";

export interface RemoteTool {
  readonly server: string;
  /** Our name. */
  readonly name: string;
  readonly remoteName: string;
  readonly config: McpToolConfig;
  /** What was accepted. Absent while nobody has, or while nobody could look; then no word of the server is in the tool. */
  readonly definition: McpDefinition | undefined;
  /** Why it cannot be used as it is defined; then every call is this error. */
  readonly broken?: McpError | undefined;
  /** Its output is the result as the protocol has it, an `isError` too. */
  readonly raw?: boolean;
}

export interface RemoteToolPorts {
  readonly link: Link;
  readonly board: PinBoard;
  readonly validator: SchemaValidator;
  readonly limits: McpLimits;
  readonly artifacts: ArtifactKeeper | undefined;
  readonly mask: Mask;
  /** Another tool of the same connection. */
  readonly toolOf: (name: string) => AnyTool | undefined;
  readonly answers: Answers;
}

const timeoutMsDefault = 30_000;
const lastWordMs = 1_000;
const modelBytesDefault = 256 * 1024;
const anyArguments = z.record(z.string(), z.json());

/**
 * A tool of a server as an ordinary tool. Its `execute` gives what the server answered, not yet checked: whoever calls a
 * tool parses its output, here as everywhere.
 * @throws McpError `mcp/tool-invalid`, `mcp/config-invalid`
 * @throws OrchestrationError `tool/name-invalid`, `tool/schema-not-representable`, `tool/lookup-missing`
 */
export function remoteTool(
  { server, name, remoteName, config, definition, broken, raw = false }: RemoteTool,
  ports: RemoteToolPorts,
): Tool {
  const { link, board, validator, limits, artifacts, toolOf, answers, mask } = ports;
  const timeoutMs = config.timeoutMs ?? timeoutMsDefault;
  const owner = `${server}.${name}`;
  const { inputSchema = { type: "object" }, outputSchema = {} } = definition ?? {};
  const asked =
    config.input || !definition ? undefined : usable(server, name, () => validator.readObject(inputSchema, owner));
  const given = config.output ? undefined : usable(server, name, () => validator.read(outputSchema, owner));
  const input = config.input ?? asked?.schema ?? anyArguments;
  const output = config.output ?? (given && !raw ? resultSchema(given.schema) : z.json());
  const fitting = fittingOf({ server, tool: name, input: asked, output: given });
  if (definition) board.made(definition);
  const about = {
    server,
    tool: name,
    resultBytes: limits.resultBytes,
    modelBytes: config.resultBytes ?? modelBytesDefault,
    mediaBytes: limits.mediaBytes,
    typed: config.output !== undefined,
    mask,
  };
  // Made before its definition was known, so the arguments are checked when it is.
  const isLate = !definition && !config.input;
  const execute = async (value: unknown, context: ToolContext) => {
    if (broken) throw broken;
    // What need not be waited for is not: each wait costs, and most calls wait for their answer alone.
    const again = board.again(remoteName);
    if (again) await again;
    const before = fitting.before(value);
    if (before) await before;
    const asking = answers.begin(context);
    let answer: unknown;
    try {
      answer = await link.call({
        tool: name,
        remoteName,
        input: value,
        meta: metaOf(context),
        timeoutMs,
        signal: context.signal,
        repeatable: config.effect === "read",
        tag: asking.tag,
        can: asking.can,
        onProgress: asking.onProgress,
        check: isLate ? (listing) => checkLate(listing, value, owner) : checkMade,
      });
    } finally {
      answers.end(asking);
    }
    if (raw) return rawOf(answer);
    let found: Json;
    try {
      const { tenant } = context;
      found =
        outputAtOnce(answer, about) ??
        (await outputOf(answer, { ...about, keep: artifacts && ((artifact) => artifacts.put(tenant, artifact)) }));
    } catch (thrown) {
      throw unlessTooDeep(server, name, thrown);
    }
    const after = fitting.after(found);
    if (after) await after;
    return found;
  };
  const rawOf = async (answer: unknown): Promise<Json> => {
    let result: Json;
    try {
      result = await rawResultOf(answer, about);
    } catch (thrown) {
      throw unlessTooDeep(server, name, thrown);
    }
    const { structuredContent } = result as { readonly structuredContent?: Json };
    if (structuredContent === undefined) return result;
    const fits = given && parseWith(given.schema, structuredContent);
    if (fits && !fits.ok) throw new McpError("mcp/result-invalid", { server, tool: name, reason: saying(fits.issues) });
    await fitting.after(structuredContent);
    return result;
  };
  const made = definition && { pin: pinOf(definition), definition };
  let seen = definition;
  /** What is accepted may have changed, and another tool may have been made of that. */
  const checkMade = ({ definitions }: Listing) => {
    const found = definitions.get(remoteName);
    if (!made || !found || found === seen) return;
    const refusal = unexpected(server, remoteName, made, found);
    if (refusal) throw refusal;
    seen = found;
  };
  const checkLate = ({ definitions }: Listing, value: unknown, owner: string) => {
    const found = definitions.get(remoteName);
    const read =
      found && parseWith(usable(server, name, () => validator.readObject(found.inputSchema, owner)).schema, value);
    if (read === undefined || read.ok) return;
    throw new McpError("mcp/call-rejected", { server, tool: name, rpcCode: -32602, reason: saying(read.issues) });
  };
  const common = {
    name,
    description: config.description ?? descriptionOf(server, remoteName, definition),
    input,
    output,
    ...(config.input ? {} : { inputSchema }),
    ...(config.output || raw ? {} : { outputSchema }),
    // Silence is watched by the link, which hears of progress; here is the most there is, and a little for its word on it.
    timeoutMs: Math.max(timeoutMs, limits.callMsMax) + lastWordMs,
    protect: config.protect ?? [],
    labels: [...new Set([`mcp:${server}`, ...(config.labels ?? [])])],
    ...(config.reveals === undefined ? {} : { reveals: config.reveals }),
    // They stand and fall with their server, so one breaker serves them all.
    breaker: config.breaker ?? `mcp:${server}`,
    ...(config.retry === undefined ? {} : { retry: config.retry }),
    version: config.version ?? made?.pin ?? "unseen",
    execute,
  };
  const form: OutputForm = raw
    ? {
        valueOf: (output) => valueOfRaw(output, { server, tool: name }),
        outputOf: (value) => {
          // Who is told of a structured value relies on its schema.
          const fits =
            value !== undefined && (!definition?.outputSchema || !given || parseWith(given.schema, value).ok);
          return rawOfValue(fits ? value : "It was carried out; what it answered is not known.");
        },
      }
    : { valueOf: (output) => partsOf(output).value, outputOf: (value) => value ?? null };
  const tool =
    config.effect === "read" ? readTool(common, config.risk) : writeTool(common, config, { server, toolOf, form });
  if (definition || config.input) checkProtected(server, tool);
  return tool;
}

function saying(issues: readonly Issue[]): string {
  return visible(issues.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join("; "));
}

function descriptionOf(server: string, remoteName: string, definition: McpDefinition | undefined): string {
  return visible(
    definition?.description ??
      definition?.title ??
      `The tool ${remoteName} of the server ${server}; not described yet.`,
  );
}

type Common = Omit<Parameters<typeof defineTool>[0], "effect" | "risk" | "idempotency" | "execute" | "protect"> & {
  readonly protect: readonly string[];
  readonly execute: (input: unknown, context: ToolContext) => Promise<Json>;
};

function readTool(common: Common, risk: McpToolConfig["risk"]): Tool {
  const options = { ...common, effect: "read", ...(risk === undefined ? {} : { risk }) };
  return defineTool(options as ReadToolOptions<string, z.ZodType, z.ZodType>) as Tool;
}

/** How the outputs of a connection's tools hold the values of the server. */
interface OutputForm {
  /** Without what came beside it; nothing where it was too long to be there. */
  readonly valueOf: (output: Json) => Json | undefined;
  /** `undefined`: the write was made, and nobody knows what it answered. */
  readonly outputOf: (value: Json | undefined) => Json;
}

interface WriteTies {
  readonly server: string;
  readonly toolOf: RemoteToolPorts["toolOf"];
  readonly form: OutputForm;
}

function writeTool(common: Common, config: Extract<McpToolConfig, { effect: "write" }>, ties: WriteTies): Tool {
  const { risk, idempotency, reversible, keyValidForMs, settlesWithinMs, lookup } = config;
  const options = {
    ...common,
    effect: "write" as const,
    risk,
    idempotency,
    ...(reversible === undefined ? {} : { reversible }),
    ...(keyValidForMs === undefined ? {} : { keyValidForMs }),
    ...(settlesWithinMs === undefined ? {} : { settlesWithinMs }),
    ...undoOf(common.name, config, ties),
    ...(lookup === undefined
      ? {}
      : {
          lookup: (input: unknown, context: ToolContext) => {
            const call = (name: string, value: JsonObject) =>
              readThrough(ties.server, ties.toolOf(name), name, value, context);
            if (typeof lookup === "function") return lookup(input as JsonObject, context, call);
            return lookedUp(lookup, { input: input as Json, idempotencyKey: context.idempotencyKey }, call, ties.form);
          },
        }),
  };
  return defineTool(options as WriteToolOptions<string, z.ZodType, z.ZodType>) as Tool;
}

/** @throws McpError `mcp/config-invalid` */
function undoOf(
  name: string,
  { undo }: Extract<McpToolConfig, { effect: "write" }>,
  { server, toolOf, form }: WriteTies,
): Pick<Tool, "undo"> | object {
  if (!undo) return {};
  const tool = toolOf(undo.tool);
  if (!tool) {
    const reason = `the undo of "${name}" is "${undo.tool}", which is no tool of it, or undoes the other way round`;
    throw new McpError("mcp/config-invalid", { server, reason });
  }
  const { input: mapping } = undo;
  if (typeof mapping === "function") return { undo: { tool, input: mapping } };
  const input = (asked: Json, answered: Json) => {
    const output = form.valueOf(answered);
    return argumentsOf(mapping, output === undefined ? { input: asked } : { input: asked, output });
  };
  return { undo: { tool, input } };
}

/** What a look-up comes to that is said as data. An answer that fits neither form, or both, has found nothing out. */
async function lookedUp(
  { tool, input, found, never, output }: McpLookup,
  asked: { readonly input: Json; readonly idempotencyKey: string },
  call: (tool: string, input: JsonObject) => Promise<Json>,
  form: OutputForm,
): Promise<LookupAnswer<Json>> {
  const answer = form.valueOf(await call(tool, argumentsOf(input, asked)));
  if (answer === undefined) return { outcome: "unknown" };
  const isFound = matches(found, answer);
  const isNever = never !== undefined && matches(never, answer);
  if (isFound === isNever) return { outcome: "unknown" };
  if (isNever) return { outcome: "never" };
  return { outcome: "found", output: form.outputOf(valueAt(answer, output ?? "")) };
}

/** A call that a look-up makes. Only reads: a look-up must not change what it looks for. */
async function readThrough(
  server: string,
  tool: AnyTool | undefined,
  name: string,
  value: JsonObject,
  context: ToolContext,
): Promise<Json> {
  if (tool?.effect !== "read") {
    throw new McpError("mcp/config-invalid", {
      server,
      reason: `a look-up calls "${name}", which is no read tool of it`,
    });
  }
  const input = parseWith(tool.input, value);
  if (!input.ok) {
    const reason = `a look-up calls "${name}" with arguments that do not fit: ${JSON.stringify(input.issues)}`;
    throw new McpError("mcp/config-invalid", { server, reason });
  }
  const output = parseWith(tool.output, await tool.execute(input.value, { ...context, idempotencyKey: "" }));
  if (output.ok) return output.value as Json;
  throw new McpError("mcp/result-invalid", { server, tool: name, reason: JSON.stringify(output.issues) });
}

/** A name in `protect` that is no argument would protect nothing, and nobody would notice. */
function checkProtected(server: string, tool: Tool): void {
  checkArguments(server, tool, tool.protect, `\`protect\` of ${tool.name}`);
}

/**
 * That every name is one of a tool's arguments, where its schema says which there are.
 * @param where says in the error who names it
 * @throws McpError `mcp/config-invalid`
 */
export function checkArguments(
  server: string,
  { inputSchema }: Pick<AnyTool, "inputSchema">,
  names: readonly string[],
  where: string,
): void {
  const { properties } = inputSchema;
  const open = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"].some((keyword) => keyword in inputSchema);
  if (open || typeof properties !== "object" || properties === null) return;
  const unknown = names.find((argument) => !Object.hasOwn(properties, argument));
  if (unknown === undefined) return;
  const reason = `${where} names "${unknown}", which is none of its arguments (${Object.keys(properties).join(", ")})`;
  throw new McpError("mcp/config-invalid", { server, reason });
}

function usable<Schema>(server: string, tool: string, read: () => Schema): Schema {
  try {
    return read();
  } catch (cause) {
    if (!ToolsError.is(cause)) throw cause;
    throw new McpError("mcp/tool-invalid", { server, tool, reason: visible(cause.message) }, { cause });
  }
}
