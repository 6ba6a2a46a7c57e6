import type { ConnectMcpOptions } from "./connect.ts";
import { openLink } from "./connect.ts";
import { type McpDefinition, pinOf } from "./definition.ts";
import { resolveMcpLimits } from "./limits.ts";
import type { McpToolConfigs } from "./tool-config.ts";

/** What a server says about itself and its tools. All of it is untrusted text. */
export interface McpInspection {
  readonly server: { readonly name: string; readonly version: string; readonly protocolVersion: string };
  readonly instructions: string | undefined;
  /** Every definition with the pin that accepts it. */
  readonly tools: readonly { readonly pin: string; readonly definition: McpDefinition }[];
  /** What it lists and nobody can use, with the reason. */
  readonly invalid: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Starts a server, reads its list of tools with their pins, and ends it. Calls nothing. For a person to read before a
 * tool is accepted.
 * @throws McpError as `connectMcp` does before it looks at tools
 */
export async function inspectMcp(
  options: Omit<ConnectMcpOptions<McpToolConfigs>, "tools" | "name"> & { readonly name?: string },
): Promise<McpInspection> {
  const name = options.name ?? "inspected";
  const link = openLink({ ...options, name }, resolveMcpLimits(name, options.limits), () => new Map());
  try {
    const { session, listing } = await link.connect(options.signal);
    const { name: peerName, version, protocolVersion, instructions } = session.peer;
    return {
      server: { name: peerName, version, protocolVersion },
      instructions,
      tools: [...listing.definitions.values()].map((definition) => ({ pin: pinOf(definition), definition })),
      invalid: listing.invalid,
    };
  } finally {
    await link.close();
  }
}
