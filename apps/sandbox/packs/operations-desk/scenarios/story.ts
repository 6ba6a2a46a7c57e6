import { type Json, user } from "@remit/core";
import { defineScenario, type Expectation, type External, type Scenario, type Turn } from "@remit/core/testing";
import { tryScript } from "../../../src/scenario/tried.ts";
import type { World } from "../../../src/world/world.ts";
import type { PlanStep, Summary, Timeline } from "../agents.ts";
import { causeFacts } from "../causes.ts";
import { incidentIdOf } from "../generate.ts";
import type { Library } from "../library.ts";
import { factsOf, type Operation } from "../operations.ts";
import { plannedIncidents } from "../plan.ts";
import type { Aim } from "../score.ts";
import type { Incident, OperationsState, Service } from "../state.ts";

/**
 * How a scenario of this desk is told: what is usual of an incident is worked out of its records and its runbook, and a story
 * says what is not. What its writes change is tried out on a desk of its own, without any agent.
 */

export interface Told {
  readonly scenario: Scenario;
  readonly aim: Aim;
}

/** What a story is about, and turns that its agents take. */
export interface Setting {
  readonly incident: Incident;
  readonly service: Service;
  readonly runbookId: string;
  readonly revision: number;
  /** The steps of its runbook that change something. */
  readonly steps: readonly PlanStep[];
  readonly timeline: Timeline;
  /** The action agent asks for calls, all at once. */
  readonly acts: (...calls: readonly (readonly [tool: string, input: Json])[]) => Turn;
  /** A turn of action that does one step; members of `more` stand in place of its own. */
  readonly does: (step: number, more?: { readonly [name: string]: Json }) => Turn;
  /** The call of a step. */
  readonly callOf: (step: number, more?: { readonly [name: string]: Json }) => readonly [tool: string, input: Json];
  readonly acknowledges: Turn;
  readonly looks: Turn;
  readonly notes: (status: "open" | "mitigated" | "resolved" | "handed_over", text: string) => Turn;
  readonly pages: (text: string) => Turn;
  readonly rollsBack: (operationId: string) => Turn;
  readonly ends: (
    outcome: "handed_over" | "resolved" | "mitigated" | "merged" | "ended_meanwhile",
    done: readonly string[],
    notDone?: readonly string[],
  ) => Turn;
  /** The runbook agent reads, and names steps. */
  readonly finds: (plan?: object, runbookId?: string) => readonly Turn[];
}

export interface Story {
  /** Key of its incident in `plan.ts`. */
  readonly key: string;
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  /** Members of the summary that are another than usual. */
  readonly summary?: Partial<Summary>;
  /** Turns of the runbook agent; those of a plan by its runbook when absent, none where it is `[]`. */
  readonly finds?: (at: Setting) => readonly Turn[];
  /** Turns of action; all steps, a look and a resolved ticket when absent. */
  readonly acts?: (at: Setting) => readonly Turn[];
  /** What the reporter says; nothing where it is not asked. */
  readonly report?: { readonly disposition: string; readonly reply: string } | "none";
  readonly people?: (at: Setting) => readonly External[];
  /** What is wanted beside what follows from the rest. `denied` is `[]` when absent. */
  readonly expect?: Partial<Expectation>;
  readonly aim?: Partial<Pick<Aim, "status" | "health">>;
}

export interface Stage {
  readonly library: Library;
  readonly world: World<OperationsState>;
  readonly start: OperationsState;
}

const source = import.meta.url.endsWith(".ts")
  ? "packs/operations-desk/scenarios/story.ts"
  : "packs/operations-desk/scenarios/story.js";

export const call = (agent: string, ...calls: readonly (readonly [tool: string, input: Json])[]): Turn => ({
  agent,
  parts: calls.map(([tool, input], index) => ({ type: "toolCall", callId: `call_${index + 1}`, tool, input })),
});
export const says = (agent: string, value: Json): Turn => ({ agent, parts: [{ type: "output", value }] });

/** Tells a story on the start state of the desk. */
export function tell(stage: Stage, story: Story): Told {
  const at = settingOf(stage, story.key);
  const { incident, service } = at;
  const { incidentId } = incident;
  const summary: Summary = {
    incidentId,
    state: incident.maintenance
      ? "planned_work"
      : incident.status === "resolved"
        ? "ended"
        : incident.duplicateOf === undefined
          ? "working"
          : "duplicate",
    ...(incident.duplicateOf === undefined ? {} : { duplicateOf: incident.duplicateOf }),
    alert: incident.alert,
    serviceId: service.serviceId,
    severity: incident.severity,
    cause: plannedIncidents.find(({ key }) => key === story.key)?.cause ?? "unknown",
    timeline: [...at.timeline],
    confidence: 0.92,
    ...story.summary,
  };
  const working = summary.state === "working" && summary.confidence >= 0.6;
  const finds = story.finds?.(at) ?? (working ? at.finds() : []);
  const acts = story.acts?.(at) ?? (working ? usualActs(at) : []);
  const report = story.report ?? {
    disposition: "resolved",
    reply: `${incidentId} is resolved: ${service.serviceId} is well.`,
  };
  const script: Turn[] = [
    call(
      "summarizer",
      ["get_incident", { incidentId }],
      ["list_alerts", { incidentId }],
      ["get_metrics", { serviceId: service.serviceId }],
      ["search_logs", { incidentId }],
      ["read_tickets", { incidentId }],
    ),
    says("summarizer", summary as unknown as Json),
    ...finds,
    ...acts,
    ...(report === "none" ? [] : [says("reporter", report)]),
  ];
  const external = story.people?.(at) ?? [];
  const { denied = [], ...wanted } = story.expect ?? {};
  const tried = tryScript(stage, script, external, denied);
  const handedOver = report !== "none" && report.disposition === "handed_over";
  const scenario = defineScenario({
    name: story.name,
    title: story.title,
    tags: story.tags,
    principal: user("pager"),
    source,
    input: { incidentId, alert: incident.alert, serviceId: service.serviceId },
    script,
    external,
    expect: {
      status: handedOver ? "escalated" : "completed",
      ...(handedOver ? { reason: "handed_over" } : {}),
      reads: ["get_incident", "list_alerts", "search_logs"],
      writes: tried.writes,
      denied,
      questions: 0,
      ...(report === "none" ? {} : { says: [incidentId] }),
      changes: tried.changes,
      ...wanted,
    },
  });
  const aim = { incidentId, status: "resolved", health: "ok", ...story.aim } as const;
  return { scenario, aim };
}

function usualActs(at: Setting): readonly Turn[] {
  return [
    at.acknowledges,
    ...at.steps.map(({ step }) => at.does(step)),
    at.looks,
    at.notes("resolved", `Done by ${at.runbookId}@${at.revision}.`),
    at.ends(
      "resolved",
      at.steps.map(({ step, operation, target }) => `step ${step}: ${operation} of ${target}`),
    ),
  ];
}

function settingOf({ library, start }: Stage, key: string): Setting {
  const plan = plannedIncidents.find((one) => one.key === key);
  const incidentId = incidentIdOf(key);
  const incident = start.incidents[incidentId] as Incident | undefined;
  const service = start.services[incident?.serviceId ?? ""] as Service | undefined;
  if (plan === undefined || incident === undefined || service === undefined)
    throw new RangeError(`no incident "${key}"`);
  const { runbookId = "" } = causeFacts[plan.cause];
  const runbook = library.get(runbookId);
  const revision = runbook?.revision ?? 0;
  const steps = (runbook?.steps ?? []).flatMap(({ step, operation }): PlanStep[] => {
    if (operation === undefined) return [];
    const { target } = factsOf(operation.operation);
    const { setting } = operation;
    const own = { step, operation: operation.operation, target: service[target] };
    return [setting === undefined ? own : { ...own, setting }];
  });
  const callOf: Setting["callOf"] = (step, more = {}) => {
    const one = steps.find((candidate) => candidate.step === step);
    if (one === undefined) throw new RangeError(`${runbookId} has no step ${step} that changes something`);
    const index = steps.indexOf(one);
    // Of what is done in a world of its own the numbers begin at the same one.
    const after = index === 0 ? {} : { after: `OP-${1000 + index}` };
    return operationCall(incident, runbookId, revision, one, { ...after, ...more });
  };
  const acts: Setting["acts"] = (...calls) => call("action", ...calls);
  return {
    incident,
    service,
    runbookId,
    revision,
    steps,
    timeline: timelineOf(start, incident, plan.cause),
    acts,
    callOf,
    does: (step, more) => acts(callOf(step, more)),
    acknowledges: acts(["acknowledge_incident", { incidentId }]),
    looks: acts(["get_metrics", { serviceId: service.serviceId }]),
    notes: (status, text) => acts(["update_ticket", { incidentId, status, text }]),
    pages: (text) => acts(["page_oncall", { incidentId, text }]),
    rollsBack: (operationId) => acts(["roll_back", { incidentId, operationId }]),
    ends: (outcome, done, notDone = []) => says("action", { outcome, done: [...done], notDone: [...notDone] }),
    finds: (found, readId = runbookId) => [
      call(
        "runbooks",
        ["search_runbooks", { query: `${incident.alert} ${plan.cause}` }],
        ["find_past_incidents", { alert: incident.alert, notBefore: "2025-06-08" }],
        ["get_service", { serviceId: service.serviceId }],
      ),
      ...(readId === "" ? [] : [call("runbooks", ["get_runbook", { runbookId: readId }])]),
      says("runbooks", {
        outcome: "plan",
        runbookId,
        revision,
        steps: steps as unknown as Json,
        because: `The runbook for ${incident.alert}.`,
        passages: [],
        missing: [],
        ...found,
      }),
    ],
  };
}

export function operationCall(
  incident: Pick<Incident, "incidentId" | "alert">,
  runbookId: string,
  revision: number,
  { step, operation, target, setting }: PlanStep,
  more: { readonly [name: string]: Json } = {},
): readonly [tool: string, input: Json] {
  const facts = factsOf(operation as Operation);
  const { incidentId, alert } = incident;
  const named = facts.setting === undefined || setting === undefined ? {} : { [facts.setting]: setting };
  return [operation, { incidentId, alert, runbookId, revision, step, [facts.target]: target, ...named, ...more }];
}

const seenOf: Readonly<Record<string, Timeline[number]["what"]>> = {
  stuck: "instances_hang",
  load: "requests_wait",
  release: "errors_began",
  flag: "errors_began",
  backlog: "backlog_grows",
  poison: "consumers_crash",
  disk: "disk_fills",
  volume: "disk_fills",
  node: "node_fails",
  certificate: "certificate_expired",
  database: "database_slow",
  cold_start: "instances_hang",
  resolver: "names_slow",
  unknown: "odd_traffic",
};

function timelineOf(start: OperationsState, { incidentId }: Incident, cause: string): Timeline {
  const own = <Row extends { readonly incidentId: string }>(table: Readonly<Record<string, Row>>) =>
    Object.values(table).filter((one) => one.incidentId === incidentId);
  const log = causeFacts[cause as keyof typeof causeFacts].log;
  const what = (text: string): Timeline[number]["what"] => {
    if (text === log) return seenOf[cause] ?? "says_nothing";
    return /policy|approval|approved|restart_service/.test(text) ? "tries_to_instruct" : "says_nothing";
  };
  return [
    ...own(start.alerts).map(({ at, alertId }) => ({ at, what: "alert_raised" as const, ref: alertId })),
    ...own(start.logs)
      .filter(({ level }) => level === "error")
      .map(({ at, logId, text }) => ({ at, what: what(text), ref: logId })),
    ...own(start.tickets).map(({ at, ticketId, text }) => {
      const sight = what(text);
      return { at, what: sight === "says_nothing" ? ("user_report" as const) : sight, ref: ticketId };
    }),
  ]
    .sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0))
    .slice(0, 40);
}
