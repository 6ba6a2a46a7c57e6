import { McpError } from "./errors.ts";
import type { OAuth } from "./oauth/oauth.ts";
import { type Known, strangeIn } from "./strange.ts";
import { createMask } from "./text.ts";

/**
 * The protocol to speak: sessions (`legacy`, versions up to 2025-11-25), the stateless one, or whichever of them the
 * server speaks. To ask a process costs it a round trip, and one that dies of the question is started twice.
 */
export type McpProtocol = "legacy" | "auto" | "2026-07-28";

/** A server as a child process that speaks MCP over its standard input and output. Made by {@link stdio}; plain data. */
export interface StdioTransport {
  readonly kind: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment beside PATH and HOME. Values of 8 characters and more are masked in logs and errors. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  /** `legacy` when absent. */
  readonly protocol?: McpProtocol;
}

/** A server behind an address. Made by {@link http} or {@link sse}; plain data but for `auth`. */
export interface HttpTransport {
  readonly kind: "http" | "sse";
  readonly url: string;
  /** Sent to the server's own origin and nowhere else. Values of 8 characters and more are masked in logs and errors. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: McpProtocol;
  readonly auth: OAuth | undefined;
  /** Where we are told to authorise ourselves may be on a private address. */
  readonly allowPrivate: boolean;
}

/** Ways to reach a server. */
export type McpTransport = StdioTransport | HttpTransport;

export interface StdioOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The folder it starts in; ours when absent. */
  readonly cwd?: string;
  /** `legacy` when absent. */
  readonly protocol?: McpProtocol;
}

export interface HttpOptions {
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** `auto` when absent. */
  readonly protocol?: McpProtocol;
  /** How to get a token when the server wants one. */
  readonly auth?: OAuth;
  /**
   * Servers for authorisation that the MCP server names may be on private and link-local addresses. When absent they may
   * be on private ones where the MCP server itself is on one, and never on link-local ones.
   */
  readonly allowPrivate?: boolean;
}

export type SseOptions = Omit<HttpOptions, "protocol">;

const protocols: readonly unknown[] = ["legacy", "auto", "2026-07-28"] satisfies readonly McpProtocol[];

/**
 * A server to start with a command, without a shell. Of our own environment it gets PATH and HOME only.
 * @throws McpError `mcp/config-invalid` when a part is not text, or text that no process can be given
 */
export function stdio(command: string, args: readonly string[] = [], options: StdioOptions = {}): StdioTransport {
  assertKnown(command, options, { env: true, cwd: true, protocol: true });
  const { env = {}, cwd, protocol = "legacy" } = options;
  const texts = [command, ...args, ...Object.keys(env), ...Object.values(env), cwd ?? ""];
  const wrong = texts.find((text) => typeof text !== "string" || text.includes("\0"));
  if (wrong !== undefined || command === "") {
    const reason = `a command, its arguments and its environment are texts without NUL; got ${JSON.stringify(wrong ?? command)}`;
    throw new McpError("mcp/config-invalid", { server: command, reason });
  }
  checkProtocol(command, protocol);
  return { kind: "stdio", command, args: [...args], env: { ...env }, cwd, protocol };
}

/**
 * A server at an address, by streamable HTTP; one that answers the first message with 404 or 405 is tried by the
 * transport before that ({@link sse}).
 * @throws McpError `mcp/config-invalid` for an address that is none of http or https, or holds a user or a fragment, and
 *   for headers that are none
 */
export function http(options: HttpOptions): HttpTransport {
  const { url, headers = {}, protocol = "auto", auth, allowPrivate = false } = options;
  const address = addressOf(url);
  assertKnown(address, options, { url: true, headers: true, protocol: true, auth: true, allowPrivate: true });
  checkHeaders(address, headers);
  checkProtocol(address, protocol);
  return { kind: "http", url: address, headers: { ...headers }, protocol, auth, allowPrivate };
}

/**
 * A server at an address, by HTTP with one stream for all answers, as it was in 2024-11-05.
 * @throws McpError `mcp/config-invalid` as {@link http} does
 */
export function sse(options: SseOptions): HttpTransport {
  const { url, headers = {}, auth, allowPrivate = false } = options;
  const address = addressOf(url);
  assertKnown(address, options, { url: true, headers: true, auth: true, allowPrivate: true });
  checkHeaders(address, headers);
  return { kind: "sse", url: address, headers: { ...headers }, protocol: "legacy", auth, allowPrivate };
}

/** What a person recognises the server by: its command, or its address without what follows a question mark. */
export function targetOf(transport: McpTransport): string {
  return transport.kind === "stdio" ? transport.command : transport.url.replace(/\?.*$/s, "");
}

/** Replaces the secrets that a transport holds by their names. */
export function maskOf(transport: McpTransport): (text: string) => string {
  if (transport.kind === "stdio") return createMask(transport.env);
  // A scheme before a token is no secret; the token is one wherever it shows up.
  const values = Object.entries(transport.headers).flatMap(([name, value]) => {
    const bare = value.replace(/^(?:Bearer|Basic|Token)\s+/i, "");
    return bare === value ? [[name, value] as const] : [[name, value] as const, [`${name} `, bare] as const];
  });
  const mask = createMask(Object.fromEntries(values));
  const auth = transport.auth?.mask;
  return auth ? (text) => auth(mask(text)) : mask;
}

/** What no compiler has told to who writes JavaScript. @throws McpError `mcp/config-invalid` */
function assertKnown<Options extends object>(server: string, options: Options, known: Known<Options>): void {
  const strange = strangeIn(options, known);
  if (strange !== undefined) throw new McpError("mcp/config-invalid", { server, reason: `of its options ${strange}` });
}

function addressOf(given: string | URL): string {
  const url = URL.parse(String(given));
  const invalid = (reason: string) => new McpError("mcp/config-invalid", { server: "", reason });
  if (!url) throw invalid("the address of a server is a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw invalid(`${url.protocol} is none of http: and https:`);
  if (url.username !== "" || url.password !== "") throw invalid("an address holds no user; set `headers` or `auth`");
  if (url.hash !== "") throw invalid("an address of a server has no fragment");
  return url.href;
}

function checkHeaders(server: string, headers: Readonly<Record<string, string>>): void {
  try {
    new Headers(headers);
  } catch {
    // What the platform says of it may hold the value.
    const reason = `the headers ${JSON.stringify(Object.keys(headers))} are not names and values of HTTP`;
    throw new McpError("mcp/config-invalid", { server, reason });
  }
}

function checkProtocol(server: string, protocol: unknown): void {
  if (protocols.includes(protocol)) return;
  const reason = `the protocol is ${JSON.stringify(protocol)}, none of ${protocols.join(", ")}`;
  throw new McpError("mcp/config-invalid", { server, reason });
}
