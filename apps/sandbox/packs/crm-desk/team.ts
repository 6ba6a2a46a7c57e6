import { effectCompliance, effectReviewer } from "@remit/agents";
import {
  type AnyTool,
  defineEscalation,
  defineHandoff,
  defineSupervisor,
  defineThreshold,
  inputOf,
  optional,
  outputOf,
} from "@remit/core";
import { pick } from "../../src/pack.ts";
import {
  type Action,
  action as actionWith,
  dedupe as dedupeWith,
  enrichment as enrichmentWith,
  followUp as followUpWith,
  type Job,
  reader as readerWith,
  reporter,
  type Verdicts,
} from "./agents.ts";
import { approverOf, isSensitive } from "./fields.ts";
import { draftFaults, proposalFaults, surePercentMin, verdictFaults } from "./guard.ts";
import { crmPolicy } from "./policy.ts";
import { deadlineOf, humanWords, type ReviewReason, today, wordOf } from "./review.ts";

const hourMs = 3_600_000;
const deadlines = {
  approval_refused: deadlineOf("approval_refused", today),
  record_changed: deadlineOf("record_changed", today),
};

type Merges = NonNullable<Action["merges"]>;
type Reviews = NonNullable<Action["reviews"]>;

const about = ({ orgId, task, recordId }: Pick<Job, "orgId" | "task" | "recordId">) => ({
  orgId,
  task,
  recordId,
  deadlines,
});
const isDoubtful = ({ pairs }: Pick<Job, "pairs">) => pairs.some(({ verdict }) => verdict === "doubtful");

/** What the rules are certain of, and what the model says is one and is sure of. */
function mergesOf({ pairs }: Pick<Job, "pairs">, verdicts: Verdicts["verdicts"]): Merges {
  const isSame = (keepId: string, goneId: string) =>
    verdicts.some(
      (one) =>
        one.keepId === keepId && one.goneId === goneId && one.verdict === "same" && one.surePercent >= surePercentMin,
    );
  return pairs
    .filter(({ verdict, keepId, goneId }) => verdict === "certain" || isSame(keepId, goneId))
    .map(({ verdict: _, ...pair }) => pair);
}

/** Pairs of which nobody is sure. */
function unsureOf({ pairs }: Pick<Job, "pairs">, verdicts: Verdicts["verdicts"]): Reviews {
  return verdicts
    .filter(({ verdict, surePercent }) => verdict === "unsure" || (verdict === "same" && surePercent < surePercentMin))
    .map(({ keepId, goneId }) => {
      const found = pairs.find((one) => one.keepId === keepId && one.goneId === goneId)?.evidence ?? [];
      return reviewOf(keepId, "unsure_match", [keepId, goneId, ...found]);
    });
}

function reviewOf(recordId: string, reason: ReviewReason, evidence: readonly string[]): Reviews[number] {
  return { recordId, reason, evidence: [...evidence], deadline: deadlineOf(reason, today) };
}

/**
 * The CRM desk: a reader says what of the notes matters, then by the task of the job enrichment proposes values, dedupe looks
 * at what the rules leave open, or follow-up drafts a mail; guards hold what they say against the job, action writes, and the
 * reporter tells. The machine says who is asked: no model is asked about a pair that the rules are certain of.
 */
export function crmTeam(tools: ReadonlyMap<string, AnyTool>) {
  const reader = readerWith(tools);
  const enrichment = enrichmentWith(tools);
  const dedupe = dedupeWith(tools);
  const followUp = followUpWith(tools);
  const action = actionWith(tools);
  const { version } = crmPolicy;
  const asked = inputOf(reader);
  const job = { asked };

  return defineSupervisor({
    name: "crm-desk",
    version: "1",
    agents: { reader, enrichment, dedupe, followUp, action, reporter },
    entry: "reader",
    exit: "reporter",
    onFailure: "escalate",
    thresholds: [defineThreshold({ agent: reader, atLeast: 0.6, read: ({ confidence }) => confidence })],
    judges: { compliance: effectCompliance, reviewer: effectReviewer },
    approvals: [
      ...pick(tools, ["update_sensitive_field"]).map((tool) => ({
        tool,
        by: "human" as const,
        roles: [approverOf.sensitive],
        expiresMs: 24 * hourMs,
      })),
      ...pick(tools, ["merge_records"]).map((tool) => ({
        tool,
        by: "human" as const,
        roles: [approverOf.merge],
        expiresMs: 48 * hourMs,
      })),
      ...pick(tools, ["send_mail"]).map((tool) => ({
        tool,
        by: "human" as const,
        roles: [approverOf.mail],
        expiresMs: 8 * hourMs,
      })),
    ],
    policy: crmPolicy,
    // Our own systems. What people typed into records and notes, and what services say, carries labels beside this.
    trusted: ["mcp:crm-desk"],
    flows: { untrusted: "deny", control: "deny" },
    limits: { steps: 80, handoffs: 16, turns: 24, repeats: 4, writeRepeats: 1 },
    handoffs: [
      defineHandoff({
        from: reader,
        to: enrichment,
        name: "fields to find",
        with: job,
        when: (_, { asked: { task, targets } }) => task === "enrich" && targets.length > 0,
        map: (_, { asked: { orgId, recordId, targets } }) => ({ orgId, recordId, targets }),
      }),
      defineHandoff({
        from: reader,
        to: action,
        name: "noted as different",
        with: job,
        when: ({ flags }, { asked: { task, pairs } }) =>
          task === "dedupe" && pairs.length > 0 && flags.includes("noted_as_different"),
        map: (_, { asked: all }) => ({
          ...about(all),
          reviews: all.pairs.map(({ keepId, goneId, evidence }) =>
            reviewOf(keepId, "noted_as_different", [keepId, goneId, ...evidence]),
          ),
        }),
      }),
      defineHandoff({
        from: reader,
        to: dedupe,
        name: "doubtful pairs",
        with: job,
        when: (_, { asked: all }) => all.task === "dedupe" && isDoubtful(all),
        // The model sees what the rules leave open, and nothing else.
        map: (_, { asked: { orgId, recordId, pairs } }) => ({
          orgId,
          recordId,
          pairs: pairs.filter(({ verdict }) => verdict === "doubtful"),
        }),
      }),
      defineHandoff({
        from: reader,
        to: action,
        name: "certain pairs",
        with: job,
        when: (_, { asked: { task, pairs } }) => task === "dedupe" && pairs.length > 0,
        map: (_, { asked: all }) => ({ ...about(all), merges: mergesOf(all, []) }),
      }),
      defineHandoff({
        from: reader,
        to: action,
        name: "asks not to be contacted",
        with: job,
        when: ({ flags }, { asked: { task } }) => task === "follow_up" && flags.includes("asks_not_to_be_contacted"),
        map: (_, { asked: all }) => ({
          ...about(all),
          reviews: [reviewOf(all.recordId, "no_consent", [all.recordId])],
        }),
      }),
      defineHandoff({
        from: reader,
        to: followUp,
        name: "to be followed up",
        with: job,
        when: (_, { asked: { task, contactId } }) => task === "follow_up" && contactId !== undefined,
        map: ({ language }, { asked: { orgId, recordId, contactId } }) => ({ orgId, recordId, contactId, language }),
      }),
      defineHandoff({
        from: reader,
        to: reporter,
        name: "nothing to do",
        with: job,
        map: ({ flags }, { asked: { task, recordId } }) => ({ task, recordId, flags }),
      }),
      defineHandoff({
        from: enrichment,
        to: action,
        name: "values with a source",
        version,
        with: { ...job, wanted: inputOf(enrichment) },
        when: (found, { wanted }) => proposalFaults(found, wanted).length === 0,
        map: ({ proposals, doubts }, { asked: all }) => ({
          ...about(all),
          changes: proposals.map(({ field, from, value, offerId, surePercent }) => ({
            ...{ field, from, to: value, offerId, surePercent },
            sensitive: isSensitive(field),
          })),
          reviews: doubts.map(({ field, reason, evidence }) => ({
            ...reviewOf(all.recordId, reason, evidence),
            field,
          })),
        }),
      }),
      defineHandoff({
        from: enrichment,
        to: enrichment,
        name: "look again for values",
        version,
        with: { wanted: inputOf(enrichment) },
        max: 1,
        map: (found, { wanted }) => ({ ...wanted, faults: [...proposalFaults(found, wanted)] }),
      }),
      defineEscalation({
        from: enrichment,
        name: "values without a source",
        version,
        with: { wanted: inputOf(enrichment) },
        reason: "unfounded_values",
        packet: (found, { wanted }) => ({ recordId: wanted.recordId, faults: [...proposalFaults(found, wanted)] }),
      }),
      defineHandoff({
        from: dedupe,
        to: action,
        name: "pairs that are one",
        version,
        with: { ...job, wanted: inputOf(dedupe) },
        when: (found, { asked: all, wanted }) =>
          verdictFaults(found, wanted).length === 0 &&
          (mergesOf(all, found.verdicts).length > 0 || unsureOf(all, found.verdicts).length > 0),
        map: ({ verdicts }, { asked: all }) => ({
          ...about(all),
          merges: mergesOf(all, verdicts),
          reviews: unsureOf(all, verdicts),
        }),
      }),
      defineHandoff({
        from: dedupe,
        to: reporter,
        name: "all different",
        version,
        with: { ...job, seen: outputOf(reader), wanted: inputOf(dedupe) },
        when: (found, { wanted }) => verdictFaults(found, wanted).length === 0,
        map: (_, { asked: { task, recordId }, seen: { flags } }) => ({ task, recordId, flags }),
      }),
      defineHandoff({
        from: dedupe,
        to: dedupe,
        name: "look again at pairs",
        version,
        with: { wanted: inputOf(dedupe) },
        max: 1,
        map: (found, { wanted }) => ({ ...wanted, faults: [...verdictFaults(found, wanted)] }),
      }),
      defineEscalation({
        from: dedupe,
        name: "verdicts on nothing",
        version,
        with: { wanted: inputOf(dedupe) },
        reason: "unfounded_match",
        packet: (found, { wanted }) => ({ recordId: wanted.recordId, faults: [...verdictFaults(found, wanted)] }),
      }),
      defineHandoff({
        from: followUp,
        to: action,
        name: "a draft",
        version,
        with: job,
        when: (found, { asked: { contactId } }) =>
          found.decision === "write" && contactId !== undefined && draftFaults(found).length === 0,
        map: ({ decision: _, reason: __, ...draft }, { asked: all }) => ({
          ...about(all),
          draft: { ...draft, contactId: all.contactId ?? "" },
        }),
      }),
      defineHandoff({
        from: followUp,
        to: action,
        name: "cannot be written to",
        version,
        with: job,
        when: (found) => found.decision === "cannot" && draftFaults(found).length === 0,
        map: ({ reason = "no_consent" }, { asked: all }) => ({
          ...about(all),
          reviews: [reviewOf(all.recordId, reason, [all.recordId, all.contactId ?? all.recordId])],
        }),
      }),
      defineHandoff({
        from: followUp,
        to: reporter,
        name: "not yet",
        with: { ...job, seen: outputOf(reader) },
        when: ({ decision }) => decision === "wait",
        map: (_, { asked: { task, recordId }, seen: { flags } }) => ({ task, recordId, flags }),
      }),
      defineHandoff({
        from: followUp,
        to: followUp,
        name: "draft again",
        version,
        with: { wanted: inputOf(followUp) },
        max: 1,
        map: (found, { wanted }) => ({ ...wanted, faults: [...draftFaults(found)] }),
      }),
      defineEscalation({
        from: followUp,
        name: "a draft that does not do",
        version,
        with: { wanted: inputOf(followUp) },
        reason: "unfit_draft",
        packet: (found, { wanted }) => ({ recordId: wanted.recordId, faults: [...draftFaults(found)] }),
      }),
      defineEscalation({
        from: action,
        name: "leaves reviews out",
        with: { handed: inputOf(action) },
        when: ({ queued }, { handed: { reviews } }) => reviews.some(({ reason }) => !queued.includes(reason)),
        reason: "review_left_out",
        packet: (_, { handed: { reviews } }) => ({ reviews }),
      }),
      defineHandoff({
        from: action,
        to: reporter,
        name: "acted",
        with: { ...job, seen: optional(outputOf(reader)) },
        map: (acted, { asked: { task, recordId }, seen }) => ({ task, recordId, flags: seen?.flags ?? [], ...acted }),
      }),
      defineEscalation({
        from: reporter,
        name: "says other than was done",
        with: { told: inputOf(reporter) },
        when: ({ disposition, reason }, { told: { queued = [], done = [] } }) =>
          (disposition === "queued") !== queued.length > 0 ||
          (disposition === "queued" && (reason === undefined || !queued.includes(reason))) ||
          (disposition === "nothing" && done.length > 0),
        reason: "contradiction",
        packet: ({ reply }) => ({ reply }),
      }),
      ...humanWords.map((word) =>
        defineEscalation({
          from: reporter,
          name: `waits: ${word.replaceAll("_", " ")}`,
          version,
          when: ({ disposition, reason }) =>
            disposition === "queued" && reason !== undefined && wordOf(reason) === word,
          reason: word,
          packet: ({ reply, reason = "" }) => ({ reply, reason }),
        }),
      ),
    ],
  });
}
