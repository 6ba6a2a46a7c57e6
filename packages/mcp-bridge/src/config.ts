import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { reasonOf } from "@remit/core";
import {
  findNodeAtLocation,
  getNodeValue,
  type Node as JsonNode,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { z } from "zod";
import { reachedBy, type ServerEntry } from "./config-transport.ts";
import { McpError } from "./errors.ts";
import { type GatewaySection, gatewaySection } from "./gateway/settings.ts";
import { defaultMcpLimits, type McpLimits } from "./limits.ts";
import type { NamePolicy } from "./names.ts";
import { visible } from "./text.ts";
import type { McpToolConfigs } from "./tool-config.ts";
import type { McpTransport } from "./transport.ts";
import { expand } from "./variables.ts";
import { wayComplaint } from "./ways.ts";

/**
 * The file of servers that users have already: `mcpServers` as Claude Desktop, Cursor and others write it, or `servers` as
 * VS Code does, comments allowed. Beside what they know each server may have a member `remit`, which says what is ours to
 * say: its tools and what each does to the outside. A server without it is known and has no tool.
 */
export interface McpConfig {
  readonly file: string;
  /** As {@link connectMcpServers} takes them. A server that is disabled is not among them. */
  readonly servers: Readonly<Record<string, McpServerConfig>>;
  readonly disabled: readonly string[];
  /** The file of pins, where the configuration names one; absolute. */
  readonly pins: string | undefined;
  readonly names: Partial<NamePolicy>;
  /** The member `remit.gateway`, with its defaults: what `remit-mcp gateway` reads. */
  readonly gateway: GatewaySection;
}

export interface McpServerConfig {
  readonly transport: McpTransport;
  /** By our names. */
  readonly tools: McpToolConfigs;
  readonly limits: Partial<McpLimits>;
  /** Without it the start of all fails. */
  readonly required: boolean;
  /** The server's name and `_` stand before the names of its tools. */
  readonly prefix: boolean;
  /** Addresses of resources that may be read, and prompts that may be asked for, by models. */
  readonly resources: { readonly uris: readonly string[] } | undefined;
  readonly prompts: { readonly names: readonly string[] } | undefined;
  /** Every value that came from a variable, and headers that hold a secret, by what is shown instead. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface ReadMcpConfigOptions {
  /** Where variables are looked up; the process's own environment when absent. No server gets any of it by that. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const positive = z.int().positive();
const args = z.record(z.string(), z.union([z.string(), z.strictObject({ value: z.json() })]));
const match = z.strictObject({ at: z.string(), is: z.json().optional() });
const tool = z
  .strictObject({
    effect: z.enum(["read", "write"]),
    risk: z.enum(["low", "medium", "high"]).optional(),
    idempotency: z.enum(["key", "lookup", "none"]).optional(),
    lookup: z
      .strictObject({
        tool: z.string(),
        input: args,
        found: match,
        never: match.optional(),
        output: z.string().optional(),
      })
      .optional(),
    undo: z.strictObject({ tool: z.string(), input: args }).optional(),
    name: z.string().min(1).optional(),
    description: z.string().optional(),
    pin: z
      .string()
      .regex(/^sha256-[\w-]{43}$/, "a pin is sha256- and 43 characters")
      .optional(),
    timeoutMs: positive.optional(),
    resultBytes: positive.optional(),
    protect: z.array(z.string()).optional(),
    labels: z.array(z.string()).optional(),
    reveals: z.array(z.string()).optional(),
    retry: z.strictObject({ attempts: positive, backoffMs: positive, backoffMsMax: positive }).partial().optional(),
    breaker: z.string().optional(),
    version: z.string().optional(),
    reversible: z.boolean().optional(),
    keyValidForMs: positive.optional(),
    settlesWithinMs: positive.optional(),
  })
  .superRefine(({ effect, risk, idempotency, lookup, undo }, check) => {
    if (effect === "write" && (risk === undefined || idempotency === undefined)) {
      check.addIssue({ code: "custom", message: "a tool that writes needs `risk` and `idempotency`" });
    }
    if (effect === "write" && idempotency === "lookup" && lookup === undefined) {
      check.addIssue({ code: "custom", message: "its idempotency is `lookup`, so it needs a `lookup`" });
    }
    if (effect === "read" && (lookup !== undefined || undo !== undefined)) {
      check.addIssue({ code: "custom", message: "a tool that reads has nothing to be looked up or undone" });
    }
  });
const governed = z.strictObject({
  name: z.string().optional(),
  tools: z.record(z.string(), tool).default({}),
  limits: z.record(z.string(), positive).default({}),
  required: z.boolean().default(false),
  prefix: z.boolean().default(true),
  protocol: z.enum(["auto", "legacy", "2026-07-28"]).optional(),
  resources: z.strictObject({ uris: z.array(z.string().min(1)).min(1) }).optional(),
  prompts: z.strictObject({ names: z.array(z.string().min(1)).min(1) }).optional(),
});
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const entry = z.looseObject({
  type: z.enum(["stdio", "http", "sse", "streamable-http", "streamableHttp"]).optional(),
  transport: z.enum(["stdio", "http", "sse", "streamable-http", "streamableHttp"]).optional(),
  command: z.string().min(1).optional(),
  args: z.array(scalar).default([]),
  env: z.record(z.string(), scalar).default({}),
  cwd: z.string().optional(),
  url: z.string().optional(),
  headers: z.record(z.string(), scalar).default({}),
  disabled: z.boolean().default(false),
  enabled: z.boolean().default(true),
  envFile: z.never("it is not read; name the variables in `env`").optional(),
  remit: governed.prefault({}),
});
const whole = z.strictObject({
  pins: z.string().optional(),
  names: z
    .strictObject({
      confusable: z.enum(["refuse", "warn"]).optional(),
      near: z.enum(["refuse", "warn"]).optional(),
      reserved: z.array(z.string()).optional(),
    })
    .default({}),
  gateway: gatewaySection.prefault({}),
});

/**
 * Reads such a file.
 * @throws McpError `mcp/config-missing`, `mcp/config-unreadable` with the line and the member, `mcp/variable-missing`,
 *   `mcp/config-invalid`
 */
export async function readMcpConfig(file: string, options: ReadMcpConfigOptions = {}): Promise<McpConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new McpError("mcp/config-missing", { file, reason: reasonOf(cause) }, { cause });
  }
  return parseMcpConfig(text, file, options);
}

/** The same for a text that is at hand. @param file names it in errors, and is where relative paths begin */
export function parseMcpConfig(
  text: string,
  file: string,
  { env = process.env }: ReadMcpConfigOptions = {},
): McpConfig {
  const place = placesIn(text.replace(/^\ufeff/, ""), file); // Some editors begin what they save with it.
  const root = place.root;
  const section = root && ["mcpServers", "servers"].find((name) => findNodeAtLocation(root, [name]));
  if (section === undefined) throw place.error([], "there is no member `mcpServers`, and no `servers`");
  const listed = place.read([section], z.record(z.string(), z.unknown()));
  const { pins, names, gateway } = place.read(["remit"], whole.prefault({}));
  const servers: [string, McpServerConfig][] = [];
  const disabled: string[] = [];
  for (const key of Object.keys(listed)) {
    const read = place.read([section, key], entry);
    const name = read.remit.name ?? key;
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      const form = "a name has a letter first, then letters, digits, `_` or `-`; give it another one as `remit.name`";
      throw place.error([section, key], form);
    }
    if (read.disabled || !read.enabled) {
      disabled.push(name);
      continue;
    }
    if (servers.some(([other]) => other === name)) throw place.error([section, key], `there are two servers ${name}`);
    servers.push([name, serverOf(name, read, env, (at, reason) => place.error([section, key, ...at], reason))]);
  }
  return {
    file,
    servers: Object.fromEntries(servers),
    disabled,
    pins: pins === undefined ? undefined : resolve(dirname(file), pins),
    names: Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined)),
    gateway: filledTokens(gateway, env),
  };
}

/** Tokens of clients come by variables, so that the file holds no secret. @throws McpError `mcp/variable-missing` */
function filledTokens(gateway: GatewaySection, env: Readonly<Record<string, string | undefined>>): GatewaySection {
  const clients = Object.entries(gateway.clients).map(([name, { token, ...rest }]) => {
    if (token === undefined) return [name, rest] as const;
    const field = `remit.gateway.clients.${name}.token`;
    const { text } = expand(token, env, (variable) => {
      throw new McpError("mcp/variable-missing", { server: name, variable, field });
    });
    return [name, { ...rest, token: text }] as const;
  });
  return { ...gateway, clients: Object.fromEntries(clients) };
}

type Complaint = (at: readonly (string | number)[], reason: string) => McpError;

function serverOf(
  server: string,
  read: z.output<typeof entry>,
  env: Readonly<Record<string, string | undefined>>,
  complain: Complaint,
): McpServerConfig {
  const secrets: Record<string, string> = {};
  const filled = (text: string, ...at: readonly (string | number)[]): string => {
    if (/\$\{(?:input|command|config):/.test(text)) {
      throw complain(at, "only variables of the environment are filled in; an input, a command or a setting is none");
    }
    const field = at.join(".");
    const { text: made, used } = expand(text, env, (variable) => {
      throw new McpError("mcp/variable-missing", { server, variable, field });
    });
    Object.assign(secrets, used);
    return made;
  };
  const filledAll = (texts: Readonly<Record<string, string>>, at: string) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, filled(text, at, key)]));
  const { remit } = read;
  const said = { ...read, args: read.args.map((text, index) => filled(text, "args", index)) };
  const made: ServerEntry = {
    kind: read.type ?? read.transport,
    command: said.command,
    args: said.args,
    env: filledAll(read.env, "env"),
    cwd: read.cwd === undefined ? undefined : filled(read.cwd, "cwd"),
    url: read.url === undefined ? undefined : filled(read.url, "url"),
    headers: filledAll(read.headers, "headers"),
    protocol: remit.protocol,
  };
  for (const [name, value] of Object.entries(made.headers)) {
    if (!/auth|token|key|secret|cookie|session|password/i.test(name)) continue;
    secrets[`header ${name}`] = value;
    const bare = value.replace(/^\w+\s+/, "");
    if (bare !== value) secrets[`header ${name} value`] = bare;
  }
  const noLimit = Object.keys(remit.limits).find((name) => !Object.hasOwn(defaultMcpLimits, name));
  if (noLimit !== undefined) {
    const known = Object.keys(defaultMcpLimits).join(", ");
    throw complain(["remit", "limits", noLimit], `there is no limit of that name; there are ${known}`);
  }
  /** The file calls a tool as its server does; whoever is named twice is told below. */
  const ours = (remoteName: string) =>
    Object.hasOwn(remit.tools, remoteName) ? (remit.tools[remoteName]?.name ?? remoteName) : remoteName;
  const named = <Way extends { readonly tool: string }>(way: Way | undefined) =>
    way && (Object.fromEntries(present({ ...way, tool: ours(way.tool) })) as Way);
  const tools = Object.entries(remit.tools).map(([remoteName, { name, ...config }]) => {
    const { lookup, undo } = config;
    const given = Object.fromEntries(present({ ...config, lookup: named(lookup), undo: named(undo), remoteName }));
    return [name ?? remoteName, given] as const;
  });
  const twice = tools.find(([name], index) => tools.findIndex(([other]) => other === name) !== index);
  if (twice) throw complain(["remit", "tools"], `two tools have the name ${twice[0]}`);
  const configs = Object.fromEntries(tools) as unknown as McpToolConfigs;
  const wrong = wayComplaint(configs);
  if (wrong) throw complain(["remit", "tools", configs[wrong.tool]?.remoteName ?? "", ...wrong.at], wrong.reason);
  return {
    transport: reachedBy(made, complain),
    tools: configs,
    limits: remit.limits as Partial<McpLimits>,
    required: remit.required,
    prefix: remit.prefix,
    resources: remit.resources,
    prompts: remit.prompts,
    secrets,
  };
}

function present(members: object): [string, unknown][] {
  return Object.entries(members).filter(([, value]) => value !== undefined);
}

interface Places {
  readonly root: JsonNode | undefined;
  /** The value at a place, checked. @throws McpError `mcp/config-unreadable` */
  readonly read: <Schema extends z.ZodType>(path: readonly string[], schema: Schema) => z.output<Schema>;
  readonly error: (path: readonly (string | number)[], reason: string) => McpError;
}

/** Where each value of a text of JSON with comments stands. */
function placesIn(text: string, file: string): Places {
  const faults: ParseError[] = [];
  const root = parseTree(text, faults, { allowTrailingComma: true });
  const lineOf = (offset: number) => text.slice(0, offset).split("\n").length;
  const complaint = (offset: number, field: string, reason: string) =>
    new McpError("mcp/config-unreadable", {
      file,
      line: lineOf(offset),
      field: field === "" ? "the whole" : visible(field),
      reason: visible(reason),
    });
  const error: Places["error"] = (path, reason) => {
    let at = [...path];
    while (root && at.length > 0 && !findNodeAtLocation(root, at)) at = at.slice(0, -1);
    const node = root && findNodeAtLocation(root, at);
    return complaint(
      node?.parent?.type === "property" ? node.parent.offset : (node?.offset ?? 0),
      path.join("."),
      reason,
    );
  };
  const [fault] = faults;
  if (fault) throw complaint(fault.offset, "", `it is not JSON (${printParseErrorCode(fault.error)})`);
  const twice = root && doubled(root);
  if (twice) throw complaint(twice.offset, String(twice.value), "this member stands there twice");
  const read: Places["read"] = (path, schema) => {
    const node = root && findNodeAtLocation(root, [...path]);
    const parsed = schema.safeParse(node && getNodeValue(node));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const { path: inside, message } = issue ? told(issue) : { path: [], message: "it has another form" };
    throw error([...path, ...inside.map((part) => (typeof part === "number" ? part : String(part)))], message);
  };
  return { root, read, error };
}

/** What is wrong; where several forms are taken, with the one that comes nearest: whose members are looked at, or whose kind it is. */
function told(issue: z.core.$ZodIssue): Pick<z.core.$ZodIssue, "code" | "path" | "message"> {
  // Of a name that is none, what a name is.
  if (issue.code === "invalid_key") return { ...issue, message: issue.issues[0]?.message ?? issue.message };
  if (issue.code !== "invalid_union") return issue;
  const forms = issue.errors.flatMap(([first]) => (first ? [told(first)] : []));
  const nearest =
    forms.find(({ path }) => path.length > 0) ?? forms.find(({ code }) => code !== "invalid_type") ?? forms[0];
  return nearest ? { ...nearest, path: [...issue.path, ...nearest.path] } : issue;
}

/** The name of a member that an object has twice: which one counts is for nobody to guess. */
function doubled(node: JsonNode): JsonNode | undefined {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    const name = child.type === "property" ? child.children?.[0] : undefined;
    if (name && seen.has(String(name.value))) return name;
    if (name) seen.add(String(name.value));
    const found = doubled(child);
    if (found) return found;
  }
  return undefined;
}
