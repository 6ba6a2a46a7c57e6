import { fileURLToPath } from "node:url";
import type { Scenario } from "@remit/core/testing";
import type { Pack, PackTool, WorldPack } from "../../src/pack.ts";
import { uniqueScenarios } from "../../src/scenario/yaml.ts";
import type { World } from "../../src/world/world.ts";
import { openLibrary } from "./library.ts";
import { factsOf, type Operation, operationNames } from "./operations.ts";
import { operationsDeskReason } from "./reasons.ts";
import { operationsStories } from "./scenarios/index.ts";
import { type Aim, closingLines, openScoring } from "./score.ts";
import { operationsTeam } from "./team.ts";
import { answers } from "./tools/tool.ts";
import { operationsDeskSeed, operationsDeskWorld } from "./world.ts";

const read = { effect: "read", labels: [] } as const;
const note = { effect: "write", risk: "low", idempotency: "key", labels: [], protect: ["incidentId"] } as const;

/** One operation of the infrastructure, as the table says it is. Its way back is known before it is done. */
function operationTool(operation: Operation): PackTool {
  const { risk, target, reversible } = factsOf(operation);
  return {
    effect: "write",
    risk,
    idempotency: "key",
    labels: [],
    protect: ["incidentId", "alert", "runbookId", "after", target],
    answer: answers.operation,
    ...(reversible
      ? {
          undo: {
            tool: "roll_back",
            input: (asked, answer) => ({
              incidentId: asked.incidentId ?? null,
              operationId: (answer as { readonly operationId: string }).operationId,
            }),
          },
        }
      : {}),
  };
}

/** What each tool is to us. Log lines and tickets are whoever's; all else is what the systems themselves assign. */
const tools: Readonly<Record<string, PackTool>> = {
  get_incident: { ...read, answer: answers.incident },
  list_alerts: read,
  get_metrics: read,
  search_logs: { ...read, labels: ["logs"] },
  read_tickets: { ...read, labels: ["tickets"] },
  get_service: { ...read, protect: ["serviceId"], answer: answers.service },
  search_runbooks: read,
  get_runbook: { ...read, answer: answers.runbook },
  find_past_incidents: read,
  acknowledge_incident: note,
  update_ticket: note,
  merge_incident: { ...note, protect: ["incidentId", "intoIncidentId"] },
  page_oncall: note,
  ...Object.fromEntries(operationNames.map((name) => [name, operationTool(name)])),
  roll_back: note,
};

const ticketWrites = ["acknowledge_incident", "update_ticket", "merge_incident", "page_oncall"];

/** The operations desk of the ticket shop "Ferrywise". */
export function operationsDeskPack(): WorldPack {
  const library = openLibrary(operationsDeskSeed);
  let told: { readonly scenarios: readonly Scenario[]; readonly aims: ReadonlyMap<string, Aim> } | undefined;
  const stories = () => {
    if (told) return told;
    const all = operationsStories(library);
    const scenarios = uniqueScenarios(all.map(({ scenario }) => scenario));
    told = { scenarios, aims: new Map(all.map(({ scenario, aim }) => [scenario.name, aim])) };
    return told;
  };
  const score = openScoring(library, () => stories().aims);
  return {
    name: "operations-desk",
    title: "Operations desk",
    description: "Incidents of a ticket shop's infrastructure: timelines, runbooks, and changes that are approved.",
    server: {
      module: fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js", import.meta.url)),
      export: "operationsDeskWorld",
      options: { seed: operationsDeskSeed },
    },
    openWorld: () => operationsDeskWorld() as unknown as World,
    tools,
    team: (all) => operationsTeam({ tools: all, library, ticketWrites }) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => stories().scenarios,
    reasons: operationsDeskReason,
    score: (outcome, _, log) => score(outcome, log),
    closing: closingLines,
  };
}
