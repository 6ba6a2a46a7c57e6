import { McpError } from "./errors.ts";

/** A server as a child process that speaks MCP over its standard input and output. Made by {@link stdio}; plain data. */
export interface StdioTransport {
  readonly kind: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment beside PATH and HOME. Values of 8 characters and more are masked in logs and errors. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** Ways to reach a server. */
export type McpTransport = StdioTransport;

export interface StdioOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The folder it starts in; ours when absent. */
  readonly cwd?: string;
}

/**
 * A server to start with a command, without a shell. Of our own environment it gets PATH and HOME only.
 * @throws McpError `mcp/config-invalid` when a part is not text, or text that no process can be given
 */
export function stdio(
  command: string,
  args: readonly string[] = [],
  { env = {}, cwd }: StdioOptions = {},
): StdioTransport {
  const texts = [command, ...args, ...Object.keys(env), ...Object.values(env), cwd ?? ""];
  const wrong = texts.find((text) => typeof text !== "string" || text.includes("\0"));
  if (wrong !== undefined || command === "") {
    const reason = `a command, its arguments and its environment are texts without NUL; got ${JSON.stringify(wrong ?? command)}`;
    throw new McpError("mcp/config-invalid", { server: command, reason });
  }
  return { kind: "stdio", command, args: [...args], env: { ...env }, cwd };
}
