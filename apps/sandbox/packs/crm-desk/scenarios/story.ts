import { type Json, user } from "@remit/core";
import { defineScenario, type Expectation, type External, type Scenario, type Turn } from "@remit/core/testing";
import { call, says } from "../../../src/scenario/told.ts";
import { tryScript } from "../../../src/world/try-script.ts";
import type { World } from "../../../src/world/world.ts";
import { type Job, jobInput, type Proposals } from "../agents.ts";
import { type Field, isSensitive } from "../fields.ts";
import type { Generated } from "../generate.ts";
import { checkOffers, isHeard } from "../offers.ts";
import { plannedJobs } from "../plan.ts";
import type { JobPlan } from "../plans/job-plan.ts";
import { deadlineOf, type ReviewReason, today, wordOf } from "../review.ts";
import type { Aim } from "../score.ts";
import type { CrmRecord, CrmState, Offer, Provider } from "../state.ts";
import { type JobAttributes, jobOf } from "../sweep.ts";
import { bodyOf, subjectOf, type templates } from "../templates.ts";

/**
 * How a scenario of this desk is told: what is usual of a job follows from its records and from what the pass finds, and a
 * story says what is not. What its writes change is tried out on a CRM of its own, without any agent.
 */

export interface Told {
  readonly scenario: Scenario;
  readonly attributes: JobAttributes;
  readonly aim: Aim;
}

export interface Stage extends Pick<Generated, "recordsOf"> {
  readonly world: World<CrmState>;
  readonly start: CrmState;
}

export type Call = readonly [tool: string, input: Json];
type More = { readonly [name: string]: Json };

/** What a story is about, and turns that its agents take. */
export interface Setting {
  readonly plan: JobPlan;
  readonly job: Job;
  readonly record: CrmRecord;
  readonly contact: CrmRecord | undefined;
  /** What services say of the record. */
  readonly offers: readonly Offer[];
  /** The action agent asks for calls, all at once. */
  readonly acts: (...calls: readonly Call[]) => Turn;
  /** The call that writes a field as the check has cleared it; members of `more` stand in place of its own. */
  readonly writes: (field: Field, more?: More) => Call;
  /** Enrichment looks services up, has them checked, and proposes what was cleared. */
  readonly finds: (more?: Partial<Proposals>) => readonly Turn[];
  /** Dedupe compares the doubtful pairs and says what they are, in their order. */
  readonly judges: (...verdicts: readonly ("same" | "different" | "unsure")[]) => readonly Turn[];
  readonly merges: (index?: number, more?: More) => Call;
  readonly queues: (reason: ReviewReason, evidence: readonly string[], more?: More) => Call;
  /** Follow-up looks, and drafts. */
  readonly drafts: (draft: More) => readonly Turn[];
  /** A released template in the language of the contact. */
  readonly template: (name: (typeof templates)[number]) => {
    readonly template: string;
    readonly subject: string;
    readonly body: string;
  };
  readonly saves: (draft: More) => Turn;
  readonly looksUp: Turn;
  readonly sends: (draft: More, more?: More) => Call;
  readonly logs: (outcome: "sent" | "not_sent", more?: More) => Call;
  readonly ends: (done: readonly string[], queued?: readonly ReviewReason[], notDone?: readonly string[]) => Turn;
}

export interface Story {
  /** Key of its job in `plan.ts`. */
  readonly key: string;
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  /** Members of what the reader says that are another than usual. */
  readonly sees?: More;
  /** Turns of the agent that proposes; by the task and the records when absent. */
  readonly finds?: (at: Setting) => readonly Turn[];
  /** Turns of action; what was proposed and then what was doubted when absent. */
  readonly acts?: (at: Setting) => readonly Turn[];
  readonly report?: { readonly disposition: string; readonly reply: string; readonly reason?: string } | "none";
  readonly people?: (at: Setting) => readonly External[];
  /** What is wanted beside what follows from the rest. `denied` is `[]` when absent. */
  readonly expect?: Partial<Expectation>;
  readonly aim?: Partial<Aim>;
  /** Who starts it; somebody of the record's organisation when absent. */
  readonly principal?: Scenario["principal"];
}

const source = import.meta.url.endsWith(".ts")
  ? "packs/crm-desk/scenarios/story.ts"
  : "packs/crm-desk/scenarios/story.js";

/** Tells a story on the start state of the CRM. */
export function tell(stage: Stage, story: Story): Told {
  const { at, attributes } = settingOf(stage, story.key);
  const { job, record } = at;
  const { orgId, recordId, task } = job;
  const seen = { flags: ["says_nothing"], language: languageOf(at), confidence: 0.9, ...story.sees };
  const usual = usualOf(stage, at);
  const goesOn = seen.confidence >= 0.6;
  const script: Turn[] = [
    call("reader", ["get_record", { orgId, recordId }], ["read_notes", { orgId, recordId }]),
    says("reader", seen as Json),
    ...(story.finds?.(at) ?? (goesOn ? usual.finds : [])),
    ...(story.acts?.(at) ?? (goesOn ? usual.acts : [])),
  ];
  const queued = queuedIn(script);
  const did = script.some(({ agent, parts }) => agent === "action" && parts.some(isDone));
  const report = story.report ?? {
    disposition: queued.length > 0 ? "queued" : did ? "done" : "nothing",
    ...(queued[0] === undefined ? {} : { reason: queued[0] }),
    reply: `${recordId}: ${queued.length > 0 ? "somebody has to look" : did ? "done" : "there was nothing to do"}.`,
  };
  if (report !== "none") script.push(says("reporter", report));
  const external = story.people?.(at) ?? [];
  const { denied = [], ...wanted } = story.expect ?? {};
  const tried = tryScript(stage, script, external, denied);
  const waits = report !== "none" && report.disposition === "queued";
  const scenario = defineScenario({
    name: story.name,
    title: story.title,
    tags: [task.replace("_", "-"), ...story.tags],
    principal: story.principal ?? user("hygiene", ["sales-operations", `org:${record.orgId}`]),
    source,
    input: job as unknown as Json,
    script,
    external,
    expect: {
      status: waits ? "escalated" : "completed",
      ...(waits && report.reason !== undefined ? { reason: wordOf(report.reason as ReviewReason) } : {}),
      reads: ["get_record", "read_notes"],
      writes: tried.writes,
      denied,
      questions: 0,
      ...(report === "none" ? {} : { says: [recordId] }),
      changes: tried.changes,
      ...wanted,
    },
  });
  return { scenario, attributes, aim: { ...aimOf(task), ...story.aim } };
}

function aimOf(task: Job["task"]): Aim {
  return { complete: true, gone: task === "dedupe" ? 1 : 0, mails: task === "follow_up" ? 1 : 0, queued: [] };
}

const isDone = (part: Turn["parts"][number]) =>
  part.type === "output" && ((part.value as { readonly done?: readonly string[] }).done ?? []).length > 0;

/** Reasons that action says are in the queue. */
function queuedIn(script: readonly Turn[]): readonly string[] {
  const last = script.findLast(({ agent, parts }) => agent === "action" && parts.some(({ type }) => type === "output"));
  const output = last?.parts.find((part) => part.type === "output");
  return output?.type === "output" ? ((output.value as { readonly queued?: readonly string[] }).queued ?? []) : [];
}

function languageOf({ contact, record }: Setting): string {
  return String(contact?.fields.language ?? record.fields.language ?? "de");
}

/** What the agents of a job do where nothing is unusual. */
function usualOf({ start }: Stage, at: Setting): { readonly finds: readonly Turn[]; readonly acts: readonly Turn[] } {
  const { job, record } = at;
  switch (job.task) {
    case "enrich": {
      if (job.targets.length === 0) return { finds: [], acts: [] };
      const { cleared, doubted } = checkOffers(start, record, job.targets);
      const calls = [
        ...cleared.map(({ field }) => at.writes(field)),
        ...doubted.map(({ reason, evidence, field }) => at.queues(reason, evidence, { field })),
      ];
      const done = cleared.map(({ field, offerId }) => `${field} by ${offerId}`);
      return {
        finds: at.finds(),
        acts: [
          at.acts(...calls),
          at.ends(
            done,
            doubted.map(({ reason }) => reason),
          ),
        ],
      };
    }
    case "dedupe": {
      if (job.pairs.length === 0) return { finds: [], acts: [] };
      const open = job.pairs.filter(({ verdict }) => verdict === "doubtful");
      const done = job.pairs.map(({ keepId, goneId }) => `${goneId} merged into ${keepId}`);
      return {
        finds: open.length === 0 ? [] : at.judges(...open.map(() => "same" as const)),
        acts: [at.acts(...job.pairs.map((_, index) => at.merges(index))), at.ends(done)],
      };
    }
    case "follow_up": {
      const mail = at.template("check_in");
      return {
        finds: at.drafts(mail),
        acts: [
          at.saves(mail),
          at.looksUp,
          at.acts(at.sends(mail)),
          at.acts(at.logs("sent")),
          at.ends(["check_in sent"]),
        ],
      };
    }
  }
}

function settingOf(
  { start, recordsOf }: Stage,
  key: string,
): { readonly at: Setting; readonly attributes: JobAttributes } {
  const plan = plannedJobs.find((one) => one.key === key);
  const [recordId = ""] = recordsOf.get(key) ?? [];
  const record = start.records[recordId] as CrmRecord | undefined;
  if (plan === undefined || record === undefined) throw new RangeError(`no job "${key}"`);
  const { job: found, attributes } = jobOf(start, plan.task, recordId);
  const job = jobInput.parse(found);
  const { orgId } = job;
  const contactId = job.contactId ?? "";
  const contact = start.records[contactId] as CrmRecord | undefined;
  const acts: Setting["acts"] = (...calls) => call("action", ...calls);
  const draftId = "DRF-7001";
  const checked = () => checkOffers(start, record, job.targets);
  const at: Setting = {
    ...{ plan, job, record, contact, acts },
    offers: Object.values(start.offers).filter((one) => one.recordId === recordId),
    writes: (field, more = {}) => {
      const one = checked().cleared.find((cleared) => cleared.field === field);
      const from = record.fields[field] ?? null;
      const given = {
        field,
        from,
        to: one?.value ?? "",
        offerId: one?.offerId ?? "",
        surePercent: one?.surePercent ?? 0,
      };
      return [isSensitive(field) ? "update_sensitive_field" : "update_field", { orgId, recordId, ...given, ...more }];
    },
    finds: (more = {}) => {
      const { cleared, doubted } = checked();
      const offers = Object.values(start.offers).filter(
        (one) => one.recordId === recordId && job.targets.includes(one.field),
      );
      const asked = [...new Set(offers.map(({ provider }) => provider))];
      const heard = offers.filter(({ provider }) => isHeard(start, recordId, provider)).map(({ offerId }) => offerId);
      return [
        call(
          "enrichment",
          ["get_record", { orgId, recordId }],
          ...asked.map((provider) => lookUp(job, provider, job.targets)),
        ),
        call("enrichment", ["check_offers", { orgId, recordId, fields: job.targets, offerIds: heard }]),
        says("enrichment", {
          proposals: cleared.map(({ value, ...one }) => ({ ...one, from: record.fields[one.field] ?? null, value })),
          doubts: doubted.map((one) => ({ ...one, evidence: [...one.evidence] })),
          ...(more as object),
        }),
      ];
    },
    judges: (...said) => {
      const open = job.pairs.filter(({ verdict }) => verdict === "doubtful");
      const verdicts = open.map(({ keepId, goneId, evidence }, index) => {
        const verdict = said[index] ?? "unsure";
        return { keepId, goneId, verdict, because: evidence.slice(0, 2), surePercent: verdict === "unsure" ? 50 : 91 };
      });
      return [
        call(
          "dedupe",
          ...open.map(({ keepId, goneId }): Call => ["compare_records", { orgId, recordId: keepId, otherId: goneId }]),
        ),
        says("dedupe", { verdicts }),
      ];
    },
    merges: (index = 0, more = {}) => {
      const { keepId = "", goneId = "", evidence = [], takes = [] } = job.pairs[index] ?? {};
      return ["merge_records", { orgId, keepId, goneId, evidence, takes, ...more } as Json];
    },
    queues: (reason, evidence, more = {}) => [
      "queue_review",
      { orgId, recordId, reason, evidence: [...evidence], deadline: deadlineOf(reason, today), ...more },
    ],
    drafts: (draft) => [
      call(
        "followUp",
        ["get_facts", { orgId, recordId }],
        ["get_facts", { orgId, recordId: contactId }],
        ["list_activities", { orgId, recordId }],
        ["get_calendar", { orgId }],
      ),
      says("followUp", { decision: "write", ...draft }),
    ],
    template: (name) => {
      const language = String(contact?.fields.language ?? "en");
      return { template: name, subject: subjectOf(name, language), body: bodyOf(name, language) };
    },
    saves: ({ template = "free", subject = "", body = "" }) =>
      acts(["save_draft", { orgId, recordId, contactId, template, subject, body }]),
    looksUp: acts(["get_facts", { orgId, recordId: contactId }]),
    sends: ({ template = "free", subject = "", body = "" }, more = {}) => {
      const common = { orgId, recordId, contactId, draftId, to: contact?.fields.email ?? "", subject, body };
      return template === "free"
        ? ["send_mail", { ...common, ...more }]
        : ["send_template", { ...common, template, ...more }];
    },
    logs: (outcome, more = {}) => ["log_activity", { orgId, recordId, draftId, kind: "mail", outcome, ...more }],
    ends: (done, queued = [], notDone = []) =>
      says("action", { done: [...done], notDone: [...notDone], queued: [...queued] }),
  };
  return { at, attributes };
}

export function lookUp(
  { orgId, recordId }: Pick<Job, "orgId" | "recordId">,
  provider: Provider,
  fields: readonly Field[],
): Call {
  return ["look_up", { orgId, recordId, provider, fields: [...fields] }];
}
