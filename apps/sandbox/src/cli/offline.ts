import { type Model, OrchestrationError, runSupervisor, type Supervisor } from "@remit/core";
import { offlineTools } from "../suite/catalog.ts";
import { sandboxSealing } from "../suite/sealing.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { openPack } from "./packs.ts";
import type { Store } from "./store.ts";

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
  const definition = pack.offline?.() ?? pack.team(offlineTools(suite.catalog));
  return runSupervisor(definition, {
    engine,
    waitingRuns: "leave",
    ...(suite.sealed ? sandboxSealing(workspace.dir, pack) : {}),
    models: Object.fromEntries(definition.aliases.map((alias) => [alias, noModel])),
  });
}
