import { z } from "zod";
import { edit, put } from "../../../src/world/table.ts";
import type { CrmState } from "../state.ts";
import { isTemplate, templates, templatesAndFree } from "../templates.ts";
import { contactId, crmTool, draftId, mailable, orgId, recordId, recordOf, refuse, slotId } from "./tool.ts";

/** Mail, the calendar, and what is on record of both. */

const listActivities = crmTool({
  name: "list_activities",
  description: "Lists what was done about a record, newest first: kinds and days, no texts.",
  input: z.strictObject({ orgId, recordId }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    return Object.values(state.activities)
      .filter((one) => one.recordId === record.recordId)
      .sort((left, right) => (left.on < right.on ? 1 : -1))
      .map(({ on, kind, outcome }) => ({ on, kind, outcome }));
  },
});

const getCalendar = crmTool({
  name: "get_calendar",
  description: "Lists the slots of the organisation's calendar, with those that are taken.",
  input: z.strictObject({ orgId }),
  effect: "read",
  run: (state, asked) =>
    Object.values(state.slots)
      .filter((one) => one.orgId === asked.orgId)
      .map(({ slotId: id, at, draftId: taken }) => ({ slotId: id, at, free: taken === undefined })),
});

const text = { subject: z.string().min(1).max(120), body: z.string().min(1).max(4_000) };

const saveDraft = crmTool({
  name: "save_draft",
  description: "Saves a draft of a mail about a deal. Nothing is sent.",
  input: z.strictObject({ orgId, recordId, contactId, template: z.enum(templatesAndFree), ...text }),
  effect: "write",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    if (record.contactId !== asked.contactId)
      return refuse(`${asked.contactId} is not whom ${asked.recordId} is with.`);
    const { template, subject, body } = asked;
    const id = `DRF-${state.counters.draft}`;
    state.counters = { ...state.counters, draft: state.counters.draft + 1 };
    put(state.drafts, id, {
      draftId: id,
      recordId: record.recordId,
      contactId: asked.contactId,
      template,
      subject,
      body,
    });
    return { draftId: id, template };
  },
});

function sent(
  state: CrmState,
  asked: {
    readonly orgId: string;
    readonly recordId: string;
    readonly draftId: string;
    readonly to: string;
    readonly subject: string;
    readonly body: string;
  },
) {
  const record = recordOf(state, asked);
  const draft = state.drafts[asked.draftId];
  if (draft === undefined || draft.recordId !== record.recordId)
    return refuse(`${asked.recordId} has no draft ${asked.draftId}.`);
  // A draft that was changed after somebody agreed is another one.
  if (draft.subject !== asked.subject || draft.body !== asked.body) return refuse(`${asked.draftId} has another text.`);
  if (Object.values(state.mails).some((one) => one.draftId === asked.draftId))
    return refuse(`${asked.draftId} was sent already.`);
  const mailId = `MAI-${state.counters.mail}`;
  state.counters = { ...state.counters, mail: state.counters.mail + 1 };
  const { recordId: about, contactId: to } = draft;
  put(state.mails, mailId, {
    mailId,
    draftId: asked.draftId,
    recordId: about,
    contactId: to,
    to: asked.to,
    text: asked.body,
  });
  return { mailId, draftId: asked.draftId };
}

const sendTemplate = crmTool({
  name: "send_template",
  description: "Sends a draft that is a released template, as it is.",
  input: z.strictObject({
    orgId,
    recordId,
    contactId,
    draftId,
    to: mailable,
    template: z.enum(templates),
    ...text,
  }),
  effect: "write",
  run: (state, asked) => {
    const draft = state.drafts[asked.draftId];
    if (draft !== undefined && (draft.template !== asked.template || !isTemplate(draft)))
      return refuse(`${asked.draftId} is not the template ${asked.template}.`);
    return sent(state, asked);
  },
});

const sendMail = crmTool({
  name: "send_mail",
  description: "Sends a draft of one's own words. Somebody has to agree to its subject and its text.",
  input: z.strictObject({ orgId, recordId, contactId, draftId, to: mailable, ...text }),
  effect: "write",
  run: sent,
});

const logActivity = crmTool({
  name: "log_activity",
  description: "Puts on record what became of a draft. Each draft is on record once.",
  input: z.strictObject({
    orgId,
    recordId,
    draftId,
    kind: z.enum(["mail", "meeting"]),
    outcome: z.enum(["sent", "not_sent"]),
  }),
  effect: "write",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const draft = state.drafts[asked.draftId];
    if (draft?.recordId !== record.recordId) return refuse(`${asked.recordId} has no draft ${asked.draftId}.`);
    const known = Object.values(state.activities).find((one) => one.draftId === asked.draftId);
    if (known !== undefined) return refuse(`${asked.draftId} is on record as ${known.activityId}.`);
    const isSent = Object.values(state.mails).some((one) => one.draftId === asked.draftId);
    if (isSent !== (asked.outcome === "sent")) return refuse(`${asked.draftId} was ${isSent ? "" : "not "}sent.`);
    const activityId = `ACT-${state.counters.activity}`;
    state.counters = { ...state.counters, activity: state.counters.activity + 1 };
    const { kind, outcome } = asked;
    put(state.activities, activityId, {
      activityId,
      recordId: record.recordId,
      on: state.today,
      kind,
      outcome,
      draftId: asked.draftId,
    });
    return { activityId };
  },
});

const holdSlot = crmTool({
  name: "hold_slot",
  description: "Keeps a free slot of the calendar for what a draft offers.",
  input: z.strictObject({ orgId, recordId, draftId, slotId }),
  effect: "write",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const slot = state.slots[asked.slotId];
    if (slot === undefined || slot.orgId !== asked.orgId) return refuse(`${asked.orgId} has no slot ${asked.slotId}.`);
    if (slot.draftId !== undefined) return refuse(`${asked.slotId} is taken.`);
    if (state.drafts[asked.draftId]?.recordId !== record.recordId)
      return refuse(`${asked.recordId} has no draft ${asked.draftId}.`);
    edit(state.slots, asked.slotId, (row) => {
      row.draftId = asked.draftId;
    });
    return { slotId: asked.slotId, at: slot.at };
  },
});

export const mailTools = [listActivities, getCalendar, saveDraft, sendTemplate, sendMail, logActivity, holdSlot];
