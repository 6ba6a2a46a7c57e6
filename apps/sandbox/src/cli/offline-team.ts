import { type AnyTool, defineTool, OrchestrationError, type SupervisorDefinition } from "@remit/core";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import type { Pack, PackTool } from "../pack.ts";

type OfServer = { readonly [Name in "pin" | "remoteName" | "resultBytes"]?: unknown };

/**
 * A pack's team without its server: the tools have their names and effects and cannot be called. Good to draw and to
 * ask for names; its hash is not the one that runs are pinned to.
 */
export function offlineTeam(pack: Pack): SupervisorDefinition {
  if (pack.offline) return pack.offline();
  const known = new Map(("openWorld" in pack ? pack.openWorld().tools : []).map((tool) => [tool.name, tool]));
  const made = new Map<string, AnyTool>();
  const make = (name: string): AnyTool => {
    const drawn = made.get(name);
    if (drawn) return drawn;
    const found = pack.tools[name];
    if (found === undefined) throw new SandboxError("pack/tool-unknown", { pack: pack.name, tool: name });
    // What is about a server is nothing to a drawing.
    const { answer: _a, pin: _p, remoteName: _n, resultBytes: _b, ...about } = found as PackTool & OfServer;
    const execute = (): never => {
      throw new OrchestrationError("tool/failed", { tool: name, reason: "there is no server behind this drawing" });
    };
    const description = known.get(name)?.description ?? name;
    const input = z.record(z.string(), z.json());
    const common = { name, description, input, output: z.json() };
    const labels = [`mcp:${pack.name}`, ...(about.labels ?? [])];
    const looksUp = about.effect === "write" && about.idempotency === "lookup" ? { lookup: execute } : {};
    const undo = about.effect === "write" && about.undo ? { undo: { ...about.undo, tool: make(about.undo.tool) } } : {};
    const options = { ...common, ...about, labels, ...looksUp, ...undo, version: "0", execute };
    const tool = defineTool(options as unknown as Parameters<typeof defineTool>[0]);
    made.set(name, tool);
    return tool;
  };
  return pack.team(new Map(Object.keys(pack.tools).map((name) => [name, make(name)])));
}
