import { fileURLToPath } from "node:url";
import type { WorldPack } from "../../src/pack.ts";
import type { World } from "../../src/world/world.ts";
import { deskScenarios } from "./scenarios.ts";
import { closingLines, scoreOf } from "./score.ts";
import { invoiceTeam } from "./team.ts";
import { toolConfigs } from "./tool-config.ts";
import { invoiceDeskSeed, invoiceDeskWorld } from "./world.ts";

/** The accounts payable of the group "Fernhollow". */
export function invoiceDeskPack(): WorldPack {
  let scenarios: ReturnType<typeof deskScenarios> | undefined;
  const loaded = () => {
    scenarios ??= deskScenarios(invoiceDeskSeed);
    return scenarios;
  };
  return {
    name: "invoice-desk",
    title: "Invoice desk",
    description: "Accounts payable: e-invoices are read, checked by rule, approved by tier and posted once, or routed.",
    server: {
      module: fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js", import.meta.url)),
      export: "invoiceDeskWorld",
      options: { seed: invoiceDeskSeed },
    },
    openWorld: () => invoiceDeskWorld() as unknown as World,
    tools: toolConfigs,
    team: invoiceTeam,
    scenarios: () => loaded().scenarios,
    // What a run is about is said where it is started, and the policy holds every call to it.
    attributes: ({ input }) => ({ documentId: String((input as { readonly documentId?: string }).documentId) }),
    score: (outcome, _, log) => scoreOf(outcome, log, loaded().truths.get(outcome.scenario.name)),
    closing: closingLines,
  };
}
