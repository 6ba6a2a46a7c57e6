import {
  type AnyTool,
  defineTool,
  type Model,
  OrchestrationError,
  runSupervisor,
  type Supervisor,
  type SupervisorDefinition,
} from "@remit/core";
import { z } from "zod";
import type { Pack } from "../pack.ts";
import { offlineTools } from "../suite/catalog.ts";
import { sandboxSealing } from "../suite/sealing.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { openPack } from "./packs.ts";
import type { Store } from "./store.ts";

/**
 * A pack's team without its server: the tools have their names and effects and cannot be called. Good to draw and to
 * ask for names; its hash is not the one that runs are pinned to.
 */
export function offlineTeam(pack: Pack): SupervisorDefinition {
  const known = new Map(("openWorld" in pack ? pack.openWorld().tools : []).map((tool) => [tool.name, tool]));
  const tools = Object.entries(pack.tools).map(([name, about]): [string, AnyTool] => {
    const execute = (): never => {
      throw new OrchestrationError("tool/failed", { tool: name, reason: "there is no server behind this drawing" });
    };
    const description = known.get(name)?.description ?? name;
    const common = { name, description, input: z.json(), output: z.json(), labels: [`mcp:${pack.name}`] };
    const looksUp = about.effect === "write" && about.idempotency === "lookup" ? { lookup: execute } : {};
    const options = { ...common, ...about, ...looksUp, version: "0", execute };
    return [name, defineTool(options as Parameters<typeof defineTool>[0])];
  });
  return pack.team(new Map(tools));
}

/** Stands where a replay may not ask a model. */
export const noModel: Model = {
  id: "none",
  cost: "zero",
  generate: () => {
    throw new OrchestrationError("model/failed", { model: "none", reason: "a replay asks no model" });
  },
};

/** The suite's supervisor, made of the tools' kept definitions. It can decide and cannot act. */
export async function offlineSupervisor(
  { engine, workspace }: Pick<Store, "engine" | "workspace">,
  suite: SuiteFile,
): Promise<Supervisor> {
  const pack = await openPack(suite.pack);
  const definition = pack.team(offlineTools(suite.catalog));
  return runSupervisor(definition, {
    engine,
    waitingRuns: "leave",
    ...(suite.sealed ? sandboxSealing(workspace.dir) : {}),
    models: Object.fromEntries(definition.aliases.map((alias) => [alias, noModel])),
  });
}
