import { type AnyTool, defineTool, OrchestrationError, type SupervisorDefinition } from "@remit/core";
import { z } from "zod";
import type { Pack } from "../pack.ts";

/**
 * A pack's team without its server: the tools have their names and effects and cannot be called. Good to draw and to
 * ask for names; its hash is not the one that runs are pinned to.
 */
export function offlineTeam(pack: Pack): SupervisorDefinition {
  if (pack.offline) return pack.offline();
  const known = new Map(("openWorld" in pack ? pack.openWorld().tools : []).map((tool) => [tool.name, tool]));
  const tools = Object.entries(pack.tools).map(([name, about]): [string, AnyTool] => {
    const execute = (): never => {
      throw new OrchestrationError("tool/failed", { tool: name, reason: "there is no server behind this drawing" });
    };
    const description = known.get(name)?.description ?? name;
    const input = z.record(z.string(), z.json());
    const labels = [`mcp:${pack.name}`, ...(about.labels ?? [])];
    const common = { name, description, input, output: z.json() };
    const looksUp = about.effect === "write" && about.idempotency === "lookup" ? { lookup: execute } : {};
    const options = { ...common, ...about, ...looksUp, labels, version: "0", execute };
    return [name, defineTool(options as unknown as Parameters<typeof defineTool>[0])];
  });
  return pack.team(new Map(tools));
}
