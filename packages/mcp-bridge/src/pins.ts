import type { ErrorData } from "@remit/core";
import { changesBetween, type McpDefinition, pinOf } from "./definition.ts";
import { McpError } from "./errors.ts";
import type { Listing } from "./listing.ts";
import { visible } from "./text.ts";
import type { McpToolConfigs } from "./tool-config.ts";

/** The server's name for a tool of the configuration. */
export function remoteNameOf(name: string, { remoteName }: { readonly remoteName?: string }): string {
  return remoteName ?? name;
}

interface Expected {
  readonly pin: string;
  readonly definition: McpDefinition | undefined;
}

/**
 * Remembers what each named tool must look like: its pin, or, without one, what it looked like on the first connection.
 * Nothing that is found later replaces it.
 */
export function createPinBoard(
  server: string,
  tools: McpToolConfigs,
): { readonly inspect: (listing: Listing) => ReadonlyMap<string, McpError> } {
  const expected = new Map<string, Expected>();
  for (const [name, { pin, remoteName = name }] of Object.entries(tools)) {
    if (typeof pin === "string") expected.set(remoteName, { pin, definition: undefined });
    else if (pin !== undefined) expected.set(remoteName, pin);
  }
  /** By the server's names, in the order of the configuration. */
  const inspect = (listing: Listing): ReadonlyMap<string, McpError> => {
    const refused = new Map<string, McpError>();
    for (const [name, config] of Object.entries(tools)) {
      const remoteName = remoteNameOf(name, config);
      const definition = listing.definitions.get(remoteName);
      if (!definition) {
        refused.set(remoteName, absent(server, remoteName, listing));
        continue;
      }
      const pin = pinOf(definition);
      const before = expected.get(remoteName);
      if (before && before.pin !== pin)
        refused.set(remoteName, changed(server, remoteName, before, { pin, definition }));
      // A pin that was given as a hash alone learns here which definition it stands for.
      else expected.set(remoteName, { pin, definition });
    }
    return refused;
  };
  return { inspect };
}

function absent(server: string, tool: string, { definitions, invalid }: Listing): McpError {
  const bad = invalid.find(({ name }) => name === tool);
  if (bad) return new McpError("mcp/tool-invalid", { server, tool, reason: bad.reason });
  const available = [...definitions.keys()].slice(0, 100).map(visible);
  return new McpError("mcp/tool-missing", { server, tool, available });
}

function changed(server: string, tool: string, before: Expected, after: Expected): McpError {
  const changes =
    before.definition && after.definition
      ? changesBetween(before.definition, after.definition).map((change) => ({ ...change }))
      : "only the pin is known of the definition that was accepted";
  const data: ErrorData = { server, tool, pinned: before.pin, found: after.pin, changes };
  return new McpError("mcp/tool-changed", data);
}
