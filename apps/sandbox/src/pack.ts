import type { AnyTool, Idempotency, Risk, SupervisorDefinition } from "@remit/core";
import type { Check, Scenario, ScenarioOutcome } from "@remit/core/testing";
import { SandboxError } from "./errors.ts";
import type { WorldServerOptions } from "./world/launch.ts";
import type { World } from "./world/world.ts";

/** What we say about one tool of the world's server; the server's own annotations count for nothing. */
export type PackTool =
  | { readonly effect: "read" }
  | { readonly effect: "write"; readonly risk: Risk; readonly idempotency: Idempotency };

/** What a pack's own scoring made of one scenario, beside the checks. Summed by name over a suite. */
export type Marks = Readonly<Record<string, boolean>>;

/** A domain: a world behind an MCP server, a team that works on it, and scenarios. */
export interface Pack {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** How the world's server process is started. */
  readonly server: Omit<WorldServerOptions, "dir">;
  /** The same world here, to read end states from its log. */
  readonly openWorld: () => World;
  /** The tools that exist for this pack; nothing else of the server does. */
  readonly tools: Readonly<Record<string, PackTool>>;
  readonly team: (tools: ReadonlyMap<string, AnyTool>) => SupervisorDefinition;
  readonly scenarios: () => readonly Scenario[];
  /** What people of this domain answer when a scenario's own replies are used up. */
  readonly otherwise?: (of: "customer" | "operator", question: string) => string | undefined;
  /** Scoring of its own, for domains that come with one. */
  readonly score?: (
    outcome: ScenarioOutcome,
    endState: unknown,
  ) => { readonly checks: readonly Check[]; readonly marks: Marks };
  /** The lines that a suite of this pack ends with, in addition to the common ones. */
  readonly closing?: (marks: readonly Marks[]) => readonly string[];
}

/** Picks an agent's tools by name; a name that the pack does not have is a mistake of the pack. */
export function pick(tools: ReadonlyMap<string, AnyTool>, names: readonly string[]): AnyTool[] {
  return names.map((name) => {
    const tool = tools.get(name);
    if (!tool) throw new SandboxError("pack/tool-unknown", { pack: "this pack", tool: name });
    return tool;
  });
}
