import { fileURLToPath } from "node:url";
import type { Scenario } from "@remit/core/testing";
import type { Pack, PackTool, WorldPack } from "../../src/pack.ts";
import { uniqueScenarios } from "../../src/scenario/yaml.ts";
import type { World } from "../../src/world/world.ts";
import { crmConduct } from "./conduct.ts";
import { crmStories, type Told } from "./scenarios/index.ts";
import { closingLines, openScoring } from "./score.ts";
import type { CrmState } from "./state.ts";
import { crmTeam } from "./team.ts";
import { answers } from "./tools/tool.ts";
import { crmDeskSeed, crmDeskWorld } from "./world.ts";

const read = { effect: "read", labels: [] } as const;
const low = { effect: "write", risk: "low", idempotency: "key", labels: [] } as const;
const high = { ...low, risk: "high" } as const;
const source = { protect: ["to", "offerId", "surePercent"] } as const;

/** What a field said before it was written is put back. */
const restores = {
  tool: "restore_field",
  input: ({ orgId = null, recordId = null, field = null, from = null }: Readonly<Record<string, unknown>>) =>
    ({ orgId, recordId, field, to: from }) as never,
} as const;

/**
 * What each tool is to us. Names, notes and what services say are whoever's; fields of a fixed form, our own check and the
 * desk's own drafts are what our systems assign.
 */
const tools: Readonly<Record<string, PackTool>> = {
  get_record: { ...read, labels: ["records"] },
  read_notes: { ...read, labels: ["notes"] },
  get_facts: { ...read, answer: answers.facts },
  compare_records: { ...read, labels: ["records"] },
  look_up: { ...read, labels: ["enrichment"] },
  check_offers: { ...read, answer: answers.check, reveals: ["phone", "email"] },
  list_activities: read,
  get_calendar: read,
  update_field: { ...low, ...source, reveals: ["phone", "email"], reversible: true, undo: restores },
  update_sensitive_field: { ...high, ...source, reversible: true, undo: restores },
  restore_field: low,
  merge_records: { ...high, reversible: false, reveals: ["phone", "email"] },
  save_draft: { ...low, answer: answers.draft },
  send_template: { ...low, risk: "medium", reversible: false, protect: ["to", "draftId"], reveals: ["email"] },
  send_mail: { ...high, reversible: false, reveals: ["email"], protect: ["to", "draftId"] },
  log_activity: { ...low, protect: ["draftId"] },
  hold_slot: { ...low, protect: ["draftId"] },
  queue_review: low,
};

/** Why a person takes over where agents said what does not do; the other words are reasons by themselves. */
const reasons = {
  unfounded_values: "contract-broken",
  unfounded_match: "contract-broken",
  unfit_draft: "contract-broken",
  review_left_out: "contract-broken",
  contradiction: "contract-broken",
} as const;

/** The CRM desk of "Tarnbeck", who make water meters. */
export function crmDeskPack(): WorldPack {
  let told: ReadonlyMap<string, Told> | undefined;
  let scenarios: readonly Scenario[] = [];
  const stories = () => {
    if (told === undefined) {
      const all = crmStories();
      scenarios = uniqueScenarios(all.map(({ scenario }) => scenario));
      told = new Map(all.map((one) => [one.scenario.name, one]));
    }
    return told;
  };
  let start: CrmState | undefined;
  const begin = () => {
    start ??= crmDeskWorld().initial();
    return start;
  };
  const score = openScoring(() => new Map([...stories()].map(([name, { aim }]) => [name, aim])));
  return {
    name: "crm-desk",
    title: "CRM desk",
    description:
      "A CRM is kept clean: gaps are filled from sources, duplicates merged, deals followed up, doubts queued.",
    server: {
      module: fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js", import.meta.url)),
      export: "crmDeskWorld",
      options: { seed: crmDeskSeed },
    },
    openWorld: () => crmDeskWorld() as unknown as World,
    tools,
    team: (all) => crmTeam(all) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => {
      stories();
      return scenarios;
    },
    // What a run is about is said where it is started, and the policy holds every call to it.
    attributes: ({ name }) => ({ ...stories().get(name)?.attributes }),
    conduct: crmConduct(begin),
    reasons,
    tells: ({ tool, input }) =>
      tool === "send_mail" || tool === "send_template" ? (input as { readonly body: string }).body : undefined,
    score: (outcome, _, log) => score(outcome, log),
    closing: closingLines,
  };
}
