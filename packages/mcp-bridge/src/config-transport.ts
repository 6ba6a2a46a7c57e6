import type { McpError } from "./errors.ts";
import { type McpTransport, stdio } from "./transport.ts";

/** How a file says that a server is reached, variables filled in. */
export interface ServerEntry {
  readonly kind: "stdio" | "http" | "sse" | "streamable-http" | "streamableHttp" | undefined;
  readonly command: string | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: "auto" | "legacy" | "2026-07-28" | undefined;
}

/**
 * The transport of such an entry. Without a kind a command means a process and a URL streamable HTTP.
 * @throws McpError what `complain` makes, for an entry that says neither or both
 */
export function reachedBy(
  { kind, command, args, env, cwd, url, headers: _, protocol: __ }: ServerEntry,
  complain: (at: readonly string[], reason: string) => McpError,
): McpTransport {
  if (command !== undefined && url !== undefined) throw complain([], "it has a `command` and a `url`; one of them");
  if (url !== undefined || (kind !== undefined && kind !== "stdio")) {
    if (url === undefined) throw complain([], "a server that is reached by HTTP needs a `url`");
    throw complain(["url"], "servers that are reached by HTTP are not supported yet");
  }
  if (command === undefined) throw complain([], "it has neither a `command` nor a `url`");
  return stdio(command, args, { env, ...(cwd === undefined ? {} : { cwd }) });
}
