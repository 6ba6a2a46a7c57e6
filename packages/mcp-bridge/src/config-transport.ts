import { McpError } from "./errors.ts";
import { http, type McpProtocol, type McpTransport, sse, stdio } from "./transport.ts";

/** How a file says that a server is reached, variables filled in. */
export interface ServerEntry {
  readonly kind: "stdio" | "http" | "sse" | "streamable-http" | "streamableHttp" | undefined;
  readonly command: string | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: McpProtocol | undefined;
}

/**
 * The transport of such an entry. Without a kind a command means a process and a URL streamable HTTP.
 * @throws McpError what `complain` makes, for an entry that says neither or both
 */
export function reachedBy(
  { kind, command, args, env, cwd, url, headers, protocol }: ServerEntry,
  complain: (at: readonly string[], reason: string) => McpError,
): McpTransport {
  if (command !== undefined && url !== undefined) throw complain([], "it has a `command` and a `url`; one of them");
  const said = protocol === undefined ? {} : { protocol };
  if (url !== undefined || (kind !== undefined && kind !== "stdio")) {
    if (url === undefined) throw complain([], "a server that is reached by HTTP needs a `url`");
    if (kind === "stdio") throw complain([], "a process is started by a `command`, not by a `url`");
    return valid(() => (kind === "sse" ? sse({ url, headers }) : http({ url, headers, ...said })), "url", complain);
  }
  if (command === undefined) throw complain([], "it has neither a `command` nor a `url`");
  return valid(
    () => stdio(command, args, { env, ...said, ...(cwd === undefined ? {} : { cwd }) }),
    "command",
    complain,
  );
}

function valid(
  make: () => McpTransport,
  at: string,
  complain: (at: readonly string[], reason: string) => McpError,
): McpTransport {
  try {
    return make();
  } catch (thrown) {
    if (!McpError.is(thrown, "mcp/config-invalid")) throw thrown;
    // Not its own words: they may hold what a variable held.
    throw complain([at], at === "url" ? "it is not an address of a server with its headers" : "it cannot be started");
  }
}
