import type { AnyAgent } from "./agent.ts";
import { OrchestrationError } from "./errors.ts";
import type { AnyTool, Effect } from "./tool.ts";

/**
 * What somebody may do at most: a bound on top of an agent's own allowlist. A member that is left out bounds nothing.
 * Grants only ever narrow (R6): the one in force is the role's allowlist ∩ the tenant's ∩ the run's ∩ that of every
 * delegation on the way down. There is no way to write one that adds a tool.
 */
export interface Grant<Tools extends string = string> {
  readonly tools?: readonly Tools[];
  /** `read`: nothing that writes. */
  readonly effects?: Effect;
}

/** Bounds nothing. */
export const fullGrant: Grant = {};

/** The intersection of two grants. */
export function narrow(left: Grant, right: Grant | undefined): Grant {
  if (right === undefined || (right.tools === undefined && right.effects !== "read")) return left;
  const tools =
    left.tools === undefined
      ? right.tools
      : right.tools === undefined
        ? left.tools
        : left.tools.filter((name) => right.tools?.includes(name));
  const effects = left.effects === "read" || right.effects === "read" ? "read" : undefined;
  return {
    ...(tools === undefined ? {} : { tools: [...new Set(tools)].sort() }),
    ...(effects === undefined ? {} : { effects }),
  };
}

/** True when a tool lies inside a grant. */
export function covers(grant: Grant, tool: Pick<AnyTool, "name" | "effect">): boolean {
  if (grant.effects === "read" && tool.effect === "write") return false;
  return grant.tools === undefined || grant.tools.includes(tool.name);
}

/** True when a grant bounds anything. */
export function isBound(grant: Grant): boolean {
  return grant.tools !== undefined || grant.effects === "read";
}

/** The tools that an agent may be granted: its own, or its team's. */
export function grantable(agent: AnyAgent): ReadonlyMap<string, AnyTool> {
  return agent.team ? agent.team.tools : new Map(agent.tools.map((tool) => [tool.name, tool]));
}

/**
 * Refuses a grant that names a tool which nobody there has: it would silently grant less than was meant.
 * @throws OrchestrationError `policy/grant-unknown-tool`
 */
export function checkGrant(grant: Grant | undefined, tools: ReadonlyMap<string, AnyTool>, where: string): void {
  for (const tool of grant?.tools ?? []) {
    if (!tools.has(tool)) throw new OrchestrationError("policy/grant-unknown-tool", { tool, where });
  }
}
