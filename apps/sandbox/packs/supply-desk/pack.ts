import { fileURLToPath } from "node:url";
import type { Scenario } from "@remit/core/testing";
import type { Pack, WorldPack } from "../../src/pack.ts";
import { uniqueScenarios } from "../../src/scenario/yaml.ts";
import type { World } from "../../src/world/world.ts";
import { openCatalogue } from "./catalogue.ts";
import { reasonWords } from "./reasons.ts";
import { supplyStories } from "./scenarios/index.ts";
import { type Aim, closingLines, openScoring } from "./score.ts";
import { supplyTeam } from "./team.ts";
import { toolConfigs } from "./tool-config.ts";
import { supplyDeskSeed, supplyDeskWorld } from "./world.ts";

/** The supply desk of "Tarnbrook", who sell camping gear to shops. */
export function supplyDeskPack(): WorldPack {
  const catalogue = openCatalogue(supplyDeskSeed);
  let told: { readonly scenarios: readonly Scenario[]; readonly aims: ReadonlyMap<string, Aim> } | undefined;
  const stories = () => {
    if (told) return told;
    const all = supplyStories();
    const scenarios = uniqueScenarios(all.map(({ scenario }) => scenario));
    told = { scenarios, aims: new Map(all.map(({ scenario, aim }) => [scenario.name, aim])) };
    return told;
  };
  const score = openScoring(() => stories().aims);
  return {
    name: "supply-desk",
    title: "Supply desk",
    description:
      "Forecasts become orders: by formula, within caps, with the approvals that amount, vendor and doubt ask for.",
    server: {
      module: fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js", import.meta.url)),
      export: "supplyDeskWorld",
      options: { seed: supplyDeskSeed },
    },
    openWorld: () => supplyDeskWorld() as unknown as World,
    tools: toolConfigs,
    team: (tools) => supplyTeam({ tools, catalogue }) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => stories().scenarios,
    // What a run is about is said where it is started, and the policy holds every call to it.
    attributes: ({ input }) => {
      const { decisionId, itemId } = input as { readonly decisionId: string; readonly itemId: string };
      return { decisionId, itemId };
    },
    // Its policy goes by the accounts and addresses of vendors that finance has verified, which are constants of it.
    seal: { classes: { iban: "keep", email: "keep" } },
    reasons: reasonWords,
    score: (outcome, _, log) => score(outcome, log),
    closing: closingLines,
  };
}
