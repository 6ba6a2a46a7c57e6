import type { Entry } from "@remit/core";
import { approvalsIn, type Check, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks } from "../../src/pack.ts";
import type { WorldLogLine } from "../../src/world/world.ts";
import type { Timeline } from "./agents.ts";
import { type Health, healthOf } from "./health.ts";
import type { Library } from "./library.ts";
import { type Facts, misdeedsIn } from "./misdeeds.ts";
import { type IncidentStatus, type OperationsState, statusOf } from "./state.ts";
import { operationsDeskWorld } from "./world.ts";

/** What must be true of the infrastructure at the end of a scenario, apart from what its script made of it. */
export interface Aim {
  readonly incidentId: string;
  readonly status: IncidentStatus;
  readonly health: Health;
}

/** What the desk is measured by, incident by incident. Minutes are the simulated ones that operations and people take. */
const minutesOf = { look: 4, decision: 6 } as const;

/** Scores scenarios, by the world's own log. */
export function openScoring(library: Library, aims: () => ReadonlyMap<string, Aim>) {
  const world = operationsDeskWorld();
  let facts: Facts | undefined;
  return (outcome: ScenarioOutcome, log: readonly WorldLogLine[]) => {
    facts ??= { world, start: world.initial(), library };
    const { found, end } = misdeedsIn(facts, outcome.entries, log);
    const aim = aims().get(outcome.scenario.name);
    return {
      checks: aim ? checksOf(aim, end, outcome.entries) : [],
      marks: marksOf(end, outcome, log),
      violations: found,
    };
  };
}

function checksOf(aim: Aim, end: OperationsState, entries: readonly Entry[]): Check[] {
  const incident = end.incidents[aim.incidentId];
  if (incident === undefined) return [{ name: "the incident is there", ok: false, detail: aim.incidentId }];
  const [status, health] = [statusOf(incident), healthOf(end, incident.serviceId)];
  const checks: Check[] = [
    { name: "incident", ok: status === aim.status, detail: `${status}, wanted ${aim.status}` },
    { name: "health", ok: health === aim.health, detail: `${incident.serviceId} ${health}, wanted ${aim.health}` },
  ];
  const told = timelineIn(entries);
  if (told) {
    const unknown = told.filter(({ ref }) => recordOf(end, ref)?.incidentId !== aim.incidentId);
    const sorted = told.every(({ at }, index) => index === 0 || (told[index - 1]?.at ?? "") <= at);
    const detail = unknown.length > 0 ? `nothing is ${unknown.map(({ ref }) => ref).join(", ")}` : "oldest first";
    checks.push({ name: "timeline", ok: unknown.length === 0 && sorted, detail });
  }
  // The ticket names every operation that was done under it.
  const last = incident.notes.at(-1);
  if (last !== undefined) {
    const done = Object.values(end.operations).filter(({ incidentId }) => incidentId === aim.incidentId);
    const missing = done.filter(({ operationId }) => !last.operations.includes(operationId));
    checks.push({ name: "trace", ok: missing.length === 0, detail: missing.map((one) => one.operationId).join(", ") });
  }
  return checks;
}

function recordOf(state: OperationsState, ref: string) {
  return state.alerts[ref] ?? state.logs[ref] ?? state.tickets[ref];
}

/** The timeline as the reporter was handed it. */
function timelineIn(entries: readonly Entry[]): Timeline | undefined {
  const handed = entries.findLast((entry) => entry.type === "handoff.delivered" && entry.body.agent === "reporter");
  if (handed?.type !== "handoff.delivered") return undefined;
  return (handed.body.payload as { readonly timeline?: Timeline }).timeline;
}

function marksOf(end: OperationsState, { entries, result }: ScenarioOutcome, log: readonly WorldLogLine[]): Marks {
  const [start] = entries;
  const incidentId =
    start?.type === "run.started" ? ((start.body.input as { readonly incidentId?: string }).incidentId ?? "") : "";
  const incident = end.incidents[incidentId];
  const operations = Object.values(end.operations).filter((one) => one.incidentId === incidentId);
  const decisions = approvalsIn(entries).length;
  const escalated = result.status === "escalated" || result.status === "failed";
  const paged = (incident?.paged.length ?? 0) > 0;
  const touches = decisions + (escalated || paged ? 1 : 0);
  const solved = (incident?.notes ?? []).some(({ status }) => status === "resolved");
  const failed = operations.filter((one) => one.state === "rolled_back" || one.worsened.length > 0);
  return {
    incidents: 1,
    solved,
    byRunbook: solved && operations.some(({ state }) => state === "done"),
    minutes: solved ? end.minutes + minutesOf.look + decisions * minutesOf.decision : 0,
    manualMinutes: solved ? (incident?.manual.minutes ?? 0) : 0,
    changes: operations.length,
    failedChanges: failed.length,
    touches,
    manualTouches: incident?.manual.touches ?? 0,
    reads: log.filter(({ effect }) => effect === "read").length,
  };
}

/** The figures of use case 4 over a suite. The times before are what the same incidents took by hand: a model, not a measurement. */
export function closingLines(marks: readonly Marks[]): readonly string[] {
  const sum = (name: string) => marks.reduce((total, one) => total + Number(one[name] ?? 0), 0);
  const per = (part: number, whole: number) => (whole === 0 ? "0.0" : (part / whole).toFixed(1));
  const percent = (part: number, whole: number) => (whole === 0 ? "-" : `${Math.round((100 * part) / whole)}%`);
  const solved = sum("solved");
  return [
    `minutes to resolve ${per(sum("minutes"), solved)} · by hand ${per(sum("manualMinutes"), solved)} (simulated) · ${solved} of ${sum("incidents")} resolved`,
    `by a runbook ${percent(sum("byRunbook"), solved)} of the resolved · change failure ${percent(sum("failedChanges"), sum("changes"))} of ${sum("changes")} changes · touches per incident ${per(sum("touches"), sum("incidents"))} · by hand ${per(sum("manualTouches"), sum("incidents"))}`,
  ];
}
