import { z } from "zod";
import { edit, put } from "../../../src/world/table.ts";
import { anyValue, type Field, fieldsOf, fits, kindOf, type Value } from "../fields.ts";
import { matchOf, signs } from "../match.ts";
import type { CrmState } from "../state.ts";
import { missingOf, staleOf } from "../sweep.ts";
import {
  clearedOfferId,
  clearedPercent,
  clearedValue,
  crmTool,
  field,
  orgId,
  recordId,
  recordOf,
  refuse,
} from "./tool.ts";

/** The CRM itself. It does what it is told: who may tell it what, is decided before. */

const value = anyValue;

const getRecord = crmTool({
  name: "get_record",
  description: "Shows a record as people and forms have filled it: its name, its fields, what is missing or old.",
  input: z.strictObject({ orgId, recordId }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const { name, fields, accountId, contactId } = record;
    return {
      ...{ recordId: record.recordId, kind: kindOf(record.recordId), name, fields: { ...fields } },
      ...{ accountId: accountId ?? null, contactId: contactId ?? null },
      ...{ missing: missingOf(record), stale: staleOf(state, record) },
    };
  },
});

const readNotes = crmTool({
  name: "read_notes",
  description: "Shows what anybody wrote about a record, oldest first.",
  input: z.strictObject({ orgId, recordId }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    return Object.values(state.notes).filter((one) => one.recordId === record.recordId);
  },
});

const getFacts = crmTool({
  name: "get_facts",
  description:
    "Shows of a record only what has a fixed form: kind, fields, and of a contact the address that may be written to. `mailableAddress` is there when the contact has agreed to mail.",
  input: z.strictObject({ orgId, recordId }),
  effect: "read",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const { email, consent } = record.fields;
    const known = fieldsOf(kindOf(record.recordId)).filter((name) => fits(name, record.fields[name]));
    return {
      recordId: record.recordId,
      kind: kindOf(record.recordId),
      fields: Object.fromEntries(known.filter((name) => name !== "email").map((name) => [name, record.fields[name]])),
      contactId: record.contactId ?? null,
      hasAddress: email !== undefined,
      ...(consent === "granted" && typeof email === "string" ? { mailableAddress: email } : {}),
    } as never;
  },
});

const compareRecords = crmTool({
  name: "compare_records",
  description:
    "Puts two records beside each other, with what the rules find in favour of their being one and against it.",
  input: z.strictObject({ orgId, recordId, otherId: recordId }),
  effect: "read",
  run: (state, asked) => {
    const left = recordOf(state, asked);
    const right = recordOf(state, { orgId: asked.orgId, recordId: asked.otherId });
    const { verdict, evidence } = matchOf(left, right);
    const names = fieldsOf(kindOf(left.recordId));
    return {
      ...{ verdict, evidence, names: [left.name, right.name] },
      fields: names.map((name) => ({
        field: name,
        left: left.fields[name] ?? null,
        right: right.fields[name] ?? null,
      })),
    };
  },
});

const change = {
  orgId,
  recordId,
  field,
  from: value.nullable().describe("What the field says now; null where it is empty."),
  to: clearedValue,
  offerId: clearedOfferId,
  surePercent: clearedPercent,
};

function updated(
  state: CrmState,
  asked: {
    readonly orgId: string;
    readonly recordId: string;
    readonly field: Field;
    readonly from: Value | null;
    readonly to: Value;
    readonly offerId: string;
  },
) {
  const record = recordOf(state, asked);
  const now = record.fields[asked.field] ?? null;
  if (!fieldsOf(kindOf(record.recordId)).includes(asked.field)) {
    return refuse(`${asked.recordId} has no field ${asked.field}.`);
  }
  // What was shown to whoever agreed has to be what is there.
  if (now !== asked.from)
    return refuse(`${asked.field} of ${asked.recordId} is ${now ?? "empty"}, not ${asked.from ?? "empty"}.`);
  if (!fits(asked.field, asked.to)) return refuse(`${asked.to} is no ${asked.field}.`);
  edit(state.records, record.recordId, (row) => {
    row.fields[asked.field] = asked.to;
    row.verifiedOn[asked.field] = state.today;
  });
  put(state.provenance, `${record.recordId}.${asked.field}`, {
    ...{ recordId: record.recordId, field: asked.field, before: asked.from, value: asked.to, offerId: asked.offerId },
  });
  return { recordId: record.recordId, field: asked.field, from: asked.from, to: asked.to };
}

const updateField = crmTool({
  name: "update_field",
  description: "Writes one field of a record that is not sensitive, with the source that says so.",
  input: z.strictObject(change),
  effect: "write",
  run: updated,
});

const updateSensitive = crmTool({
  name: "update_sensitive_field",
  description: "Writes one sensitive field of a record, with the source that says so. Somebody has to agree to each.",
  input: z.strictObject(change),
  effect: "write",
  run: updated,
});

const restoreField = crmTool({
  name: "restore_field",
  description: "Puts back what a field said before it was written, where it still says what was written.",
  input: z.strictObject({ orgId, recordId, field, to: value.nullable() }),
  effect: "write",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    const written = state.provenance[`${record.recordId}.${asked.field}`];
    if (written === undefined || written.value !== record.fields[asked.field] || written.before !== asked.to) {
      return refuse(`${asked.field} of ${asked.recordId} is not what was written over ${asked.to ?? "nothing"}.`);
    }
    edit(state.records, record.recordId, (row) => {
      if (asked.to === null) delete row.fields[asked.field];
      else row.fields[asked.field] = asked.to;
    });
    delete state.provenance[`${record.recordId}.${asked.field}`];
    return { recordId: record.recordId, field: asked.field, to: asked.to };
  },
});

const mergeRecords = crmTool({
  name: "merge_records",
  description:
    "Makes one record of two, for good: what belongs to the one that goes belongs to the one that stays. `takes` are the fields whose value comes from the one that goes.",
  input: z.strictObject({
    orgId,
    keepId: recordId,
    goneId: recordId,
    evidence: z.array(z.enum(signs)).min(1).max(signs.length).describe("What the rules have found, all of it."),
    takes: z
      .array(z.strictObject({ field, from: value.nullable(), to: value }))
      .max(14)
      .describe("Field by field: what it says, and what it will say."),
  }),
  effect: "write",
  run: (state, asked) => {
    const stays = recordOf(state, { orgId: asked.orgId, recordId: asked.keepId });
    const goes = recordOf(state, { orgId: asked.orgId, recordId: asked.goneId });
    if (stays.recordId === goes.recordId || kindOf(stays.recordId) !== kindOf(goes.recordId)) {
      return refuse(`${asked.goneId} cannot be merged into ${asked.keepId}.`);
    }
    for (const take of asked.takes) {
      const [now, other] = [stays.fields[take.field] ?? null, goes.fields[take.field]];
      if (now !== take.from || other !== take.to)
        return refuse(`${take.field} is ${now ?? "empty"} here and ${other ?? "empty"} there.`);
    }
    edit(state.records, stays.recordId, (row) => {
      for (const take of asked.takes) row.fields[take.field] = take.to;
    });
    put(state.merged, goes.recordId, {
      goneId: goes.recordId,
      keepId: stays.recordId,
      record: structuredClone(goes) as never,
    });
    delete state.records[goes.recordId];
    moveHistory(state, goes.recordId, stays.recordId);
    for (const { recordId: id, accountId, contactId } of Object.values(state.records)) {
      if (accountId !== goes.recordId && contactId !== goes.recordId) continue;
      edit(state.records, id, (row) => {
        if (accountId === goes.recordId) row.accountId = stays.recordId;
        if (contactId === goes.recordId) row.contactId = stays.recordId;
      });
    }
    return { keepId: stays.recordId, goneId: goes.recordId, took: asked.takes.length };
  },
});

/** What was written and done about a record is found under the one that is left: nobody can ask for the other any more. */
function moveHistory(state: CrmState, from: string, to: string): void {
  for (const { noteId, recordId } of Object.values(state.notes)) {
    if (recordId === from) edit(state.notes, noteId, (row) => moved(row, from, to));
  }
  for (const { activityId, recordId } of Object.values(state.activities)) {
    if (recordId === from) edit(state.activities, activityId, (row) => moved(row, from, to));
  }
  for (const { draftId, recordId, contactId } of Object.values(state.drafts)) {
    if (recordId === from || contactId === from) edit(state.drafts, draftId, (row) => moved(row, from, to));
  }
  for (const { mailId, recordId, contactId } of Object.values(state.mails)) {
    if (recordId === from || contactId === from) edit(state.mails, mailId, (row) => moved(row, from, to));
  }
}

function moved(row: { recordId: string; contactId?: string }, from: string, to: string): void {
  if (row.recordId === from) row.recordId = to;
  if (row.contactId === from) row.contactId = to;
}

export const recordTools = [
  getRecord,
  readNotes,
  getFacts,
  compareRecords,
  updateField,
  updateSensitive,
  restoreField,
  mergeRecords,
];
