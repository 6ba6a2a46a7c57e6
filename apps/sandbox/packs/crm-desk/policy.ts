import { definePolicy } from "@remit/core";
import { z } from "zod";
import { editionOfFields, type Field, fields, fits, isField, isSensitive, kindOf } from "./fields.ts";
import { isOfferOf } from "./guard.ts";
import { deadlineOf, reviewReasons, reviews, today } from "./review.ts";
import { pairText } from "./sweep.ts";

/**
 * The rules of the desk, asked where a call is proposed and again where it is made. What a run is about stands in its
 * attributes, which whoever starts it takes from the deterministic pass: its organisation, its task, its records, the
 * fields that were missing or old, and the pairs that the rules have found with their evidence.
 */

export const fieldTools = ["update_field", "update_sensitive_field"] as const;
export const mailTools = ["save_draft", "send_template", "send_mail", "log_activity", "hold_slot"] as const;
const writesOf: Readonly<Record<string, readonly string[]>> = {
  enrich: [...fieldTools, "queue_review"],
  dedupe: ["merge_records", "queue_review"],
  follow_up: [...mailTools, "queue_review"],
};

const change = z.looseObject({
  recordId: z.string(),
  field: z.string(),
  to: z.unknown(),
  offerId: z.string(),
  surePercent: z.number(),
});
const merge = z.looseObject({ keepId: z.string(), goneId: z.string(), evidence: z.array(z.string()) });
const item = z.looseObject({
  reason: z.enum(reviewReasons),
  deadline: z.string(),
  evidence: z.array(z.string()).min(1),
});

const words = (text: string | undefined) => (text ?? "").split(" ").filter((word) => word !== "");

/** True for a change of a field of the job that its tool may make: the form, the source and how sure it is are the field's. */
export function isChangeOf(tool: string, given: unknown, targets: readonly string[]): boolean {
  const read = change.safeParse(given);
  if (!read.success || !isField(read.data.field)) return false;
  const { recordId, field, to, offerId, surePercent } = read.data as typeof read.data & { readonly field: Field };
  return (
    targets.includes(field) &&
    fields[field].of.includes(kindOf(recordId)) &&
    fits(field, to) &&
    isOfferOf(offerId, field) &&
    surePercent >= fields[field].surePercent &&
    isSensitive(field) === (tool === "update_sensitive_field")
  );
}

const idsIn = (given: unknown): readonly string[] => {
  const { recordId, keepId, goneId, contactId, otherId } = given as Readonly<Record<string, unknown>>;
  return [recordId, keepId, goneId, contactId, otherId].filter((id) => id !== undefined).map(String);
};

const isWayBack = (agent: string) => agent === "compensation";

export const crmPolicy = definePolicy({
  name: "crm-desk",
  version: `1.${edition()}`,
  rules: [
    { id: "team", on: ["handoff", "model", "egress"], effect: "allow", because: "the desk works together" },
    {
      id: "look",
      on: "tool",
      effect: "allow",
      when: ({ effect }) => effect === "read",
      because: "looking changes nothing",
    },
    {
      id: "own-organisation",
      on: "tool",
      effect: "deny",
      when: ({ agent, arguments: given, attributes, principal }) => {
        if (isWayBack(agent)) return false;
        const { orgId } = given as { readonly orgId?: unknown };
        return orgId !== attributes.orgId || !principal.roles.includes(`org:${String(orgId)}`);
      },
      because: "records are those of the requester's own organisation",
    },
    {
      id: "own-records",
      on: "tool",
      effect: "deny",
      when: ({ agent, arguments: given, attributes }) =>
        !isWayBack(agent) && idsIn(given).some((id) => !words(attributes.records).includes(id)),
      because: "a run works on the records that it was started for (attribute records)",
    },
    {
      id: "looked-first",
      on: "tool",
      effect: "deny",
      // Who has read what others wrote is held to what trusted systems say; who has read nothing is held to nothing.
      when: ({ agent, effect, flow }) => effect === "write" && !isWayBack(agent) && flow?.clean !== false,
      because: "nobody has read what was written about the record",
    },
    {
      id: "own-task",
      on: "tool",
      effect: "deny",
      when: ({ agent, effect, tool, attributes }) =>
        effect === "write" && !isWayBack(agent) && !(writesOf[attributes.task ?? ""] ?? []).includes(tool),
      because: "the run was started for something else (attribute task)",
    },
    {
      id: "plain-field",
      on: "tool",
      tools: ["update_field"],
      effect: "allow",
      when: ({ tool, arguments: given, attributes }) => isChangeOf(tool, given, words(attributes.targets)),
      because: "a field that is not sensitive, of the job, with a source that is sure enough",
    },
    {
      id: "sensitive-field",
      on: "tool",
      tools: ["update_sensitive_field"],
      effect: "approve",
      when: ({ tool, arguments: given, attributes }) => isChangeOf(tool, given, words(attributes.targets)),
      because: "a sensitive field changes when somebody has agreed to it",
    },
    {
      id: "found-pair",
      on: "tool",
      tools: ["merge_records"],
      effect: "approve",
      when: ({ arguments: given, attributes }) => {
        const read = merge.safeParse(given);
        if (!read.success) return false;
        const { keepId, goneId, evidence } = read.data;
        return words(attributes.pairs).includes(pairText(keepId, goneId, evidence));
      },
      because: "a merge cannot be taken back: somebody agrees to what the rules have found",
    },
    {
      id: "mail",
      on: "tool",
      tools: [...mailTools],
      effect: "allow",
      because: "drafts are the desk's own, and what is sent has a gate of its own",
    },
    {
      id: "review",
      on: "tool",
      tools: ["queue_review"],
      effect: "allow",
      when: ({ arguments: given }) => {
        const read = item.safeParse(given);
        return read.success && read.data.deadline === deadlineOf(read.data.reason, today);
      },
      because: "it says why, what to look at, and by when the table wants it",
    },
    {
      id: "way-back",
      on: "tool",
      tools: ["restore_field"],
      effect: "allow",
      when: ({ agent }) => isWayBack(agent),
      because: "what a field said before may be said again",
    },
  ],
});

/** Another table of fields or deadlines is another policy. */
function edition(): string {
  let sum = 0;
  for (const character of `${editionOfFields()} ${JSON.stringify(reviews)}`) {
    sum = (Math.imul(sum, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  return sum.toString(36);
}
