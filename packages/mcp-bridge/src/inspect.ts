import type { ConnectMcpOptions } from "./connect.ts";
import { maskFor, openLink } from "./connect.ts";
import { type McpDefinition, pinOf } from "./definition.ts";
import { resolveMcpLimits } from "./limits.ts";
import { type LookAlike, lookAlikes } from "./look-alike.ts";
import { maskedLink } from "./masked.ts";
import { builtInNames } from "./names.ts";
import { proposalFor, type ToolProposal } from "./proposal.ts";
import { identityOf, type ServerIdentity } from "./server-identity.ts";
import { type Signal, signalsOf, textSignals } from "./signals.ts";
import type { McpToolConfigs } from "./tool-config.ts";
import { turn } from "./turn.ts";

/** What a server says about itself and its tools. All of it is untrusted text. */
export interface McpInspection {
  readonly server: { readonly name: string; readonly version: string; readonly protocolVersion: string };
  /** What is behind it, as a file of pins would hold it. */
  readonly identity: ServerIdentity;
  readonly instructions: string | undefined;
  /** What stands out in its instructions. */
  readonly signals: readonly Signal[];
  /** Every definition with the pin that accepts it. */
  readonly tools: readonly InspectedTool[];
  /** What it lists and nobody can use, with the reason. */
  readonly invalid: readonly { readonly name: string; readonly reason: string }[];
  /** Its names that look like another one of them, or like one of a ready-made tool. */
  readonly lookAlikes: readonly LookAlike[];
}

export interface InspectedTool {
  readonly pin: string;
  readonly definition: McpDefinition;
  /** What stands out in its texts. Reasons to read them; nothing is decided by them. */
  readonly signals: readonly Signal[];
  /** What might be said of it in a configuration, for a person to correct. */
  readonly proposal: ToolProposal;
}

/**
 * Starts a server, reads its list of tools with their pins, and ends it. Calls nothing. For a person to read before a
 * tool is accepted.
 * @throws McpError as `connectMcp` does before it looks at tools
 */
export async function inspectMcp(
  options: Omit<ConnectMcpOptions<McpToolConfigs>, "tools" | "name" | "pins" | "trustOnFirstUse" | "artifacts"> & {
    readonly name?: string;
  },
): Promise<McpInspection> {
  const name = options.name ?? "inspected";
  const { transport, secrets = {} } = options;
  const mask = maskFor(transport, secrets);
  const link = maskedLink(
    openLink({ ...options, name }, resolveMcpLimits(name, options.limits), () => new Map()),
    mask,
  );
  try {
    const { session, listing } = await link.connect(options.signal);
    const { name: peerName, version, protocolVersion, instructions } = session.peer;
    const names = [...listing.definitions.keys()];
    const tools: InspectedTool[] = [];
    for (const definition of listing.definitions.values()) {
      await turn(); // There may be megabytes of them.
      const signals = signalsOf(definition, names);
      tools.push({ pin: pinOf(definition), definition, signals, proposal: proposalFor(definition) });
    }
    return {
      server: { name: peerName, version, protocolVersion },
      identity: identityOf(transport, mask),
      instructions,
      signals: instructions === undefined ? [] : textSignals(instructions, "/instructions", names),
      tools,
      invalid: listing.invalid,
      lookAlikes: lookAlikes(
        names.map((tool) => ({ server: name, tool, name: tool })),
        builtInNames,
      ),
    };
  } finally {
    await link.close();
  }
}
