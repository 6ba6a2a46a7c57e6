import { beforeEach, describe, expect, test } from "vitest";
import { openTrial, type Trial } from "../../src/world/trial.ts";
import { fieldNames, fields, fits, kindOf } from "./fields.ts";
import { generateCrm } from "./generate.ts";
import { deadlineOf, reviewReasons, today } from "./review.ts";
import type { CrmState } from "./state.ts";
import { missingOf } from "./sweep.ts";
import { bodyOf, isTemplate, subjectOf } from "./templates.ts";
import { crmDeskWorld } from "./world.ts";

const world = crmDeskWorld();
const { state: start, recordsOf } = generateCrm(1);
let crm: Trial<CrmState>;
beforeEach(() => {
  crm = openTrial(world, start);
});

const idsOf = (key: string) => recordsOf.get(key) ?? [];
const idOf = (key: string) => idsOf(key)[0] ?? "";
const calls = (tool: string, key: string, more: object = {}) =>
  crm.call(tool, { orgId: "TB-N", recordId: idOf(key), ...more });

test("the same seed makes the same CRM, another one another, and every value has the form of its field", () => {
  expect(generateCrm(1).state).toEqual(start);
  expect(generateCrm(2).state).not.toEqual(start);
  for (const { recordId, fields: known } of Object.values(start.records)) {
    for (const [field, value] of Object.entries(known))
      expect([recordId, field, fits(field as never, value)]).toEqual([recordId, field, true]);
  }
});

test("two fields of one kind of record have no value in common", () => {
  for (const { recordId, fields: known } of Object.values(start.records)) {
    for (const [field, value] of Object.entries(known)) {
      const others = fieldNames.filter((name) => name !== field && fields[name].of.includes(kindOf(recordId)));
      expect([recordId, field, others.filter((name) => fits(name, value))]).toEqual([recordId, field, []]);
    }
  }
});

describe("UC2-T2 services", () => {
  test("are down, used up, or take two fields at once; and say nothing of another organisation's record", () => {
    const looks = (key: string, provider: string, names: readonly string[]) =>
      calls("look_up", key, { provider, fields: names });
    expect(looks("down", "registry", ["phone"])).toMatch(/^refused: 503/);
    expect(looks("usedUp", "registry", ["phone"])).toMatch(/^refused: 429 .* used up/);
    expect(looks("limited", "registry", ["phone", "industry", "size"])).toMatch(/^refused: 429 .* at most 2 fields/);
    expect(looks("limited", "registry", ["phone", "industry"])).toHaveLength(2);
    expect(crm.call("look_up", { orgId: "TB-S", recordId: idOf("gap"), provider: "atlas", fields: ["phone"] })).toMatch(
      /^refused: TB-S has no record/,
    );
  });

  test("are checked by rule, also those that nobody names; an offer of another record is none", () => {
    const check = (key: string, names: readonly string[], offerIds: readonly string[] = []) =>
      calls("check_offers", key, { fields: names, offerIds });
    const [first, second] = Object.values(start.offers).filter(({ recordId }) => recordId === idOf("disagree"));
    expect(check("disagree", ["phone"], [first?.offerId ?? ""])).toMatchObject({
      cleared: [],
      doubted: [{ reason: "sources_disagree", evidence: [idOf("disagree"), first?.offerId, second?.offerId] }],
    });
    expect(check("gap", ["phone"], [first?.offerId ?? ""])).toMatch(/^refused: No service has said/);
    // What nobody has looked up is not cleared, though it would be.
    expect(check("gap", ["phone"])).toMatchObject({ cleared: [], doubted: [], unasked: ["phone"] });
    expect(check("gap", ["phone"], ["OFF-phone-50001"])).toMatchObject({
      ...{ cleared: [{ field: "phone", surePercent: 93, from: null }], doubted: [], unasked: [] },
    });
  });
});

describe("UC2-T1 the CRM", () => {
  test("writes over what was shown, and over nothing else", () => {
    const writes = (more: object) =>
      calls("update_field", "gap", {
        field: "phone",
        from: null,
        to: "+49301001741",
        offerId: "OFF-phone-50001",
        surePercent: 93,
        ...more,
      });
    expect(writes({ from: "+49301001742" })).toMatch(/^refused: phone of ACC-1001 is empty/);
    expect(writes({ field: "email", to: "a@b.example" })).toMatch(/^refused: ACC-1001 has no field email/);
    expect(writes({ to: "housing" })).toMatch(/^refused: housing is no phone/);
    expect(writes({})).toMatchObject({ from: null, to: "+49301001741" });
    expect(missingOf(crm.state().records[idOf("gap")] as never)).toEqual(["industry"]);
    expect(writes({})).toMatch(/^refused: phone of ACC-1001 is \+49301001741, not empty/);
    const back = (to: string | null) => calls("restore_field", "gap", { field: "phone", to });
    expect(back("+49301001742")).toMatch(/^refused: phone of/);
    expect(back(null)).toMatchObject({ to: null });
    expect(crm.state().records[idOf("gap")]?.fields).toEqual(start.records[idOf("gap")]?.fields);
    // What somebody has written since then is not overwritten.
    writes({});
    const { records } = crm.state();
    const gap = records[idOf("gap")];
    crm.set({
      records: { ...records, [idOf("gap")]: { ...gap, fields: { ...gap?.fields, phone: "+49301009999" } } } as never,
    });
    expect(back(null)).toMatch(/^refused: phone of ACC-1001 is not what was written/);
  });

  test("merges for good: what belonged to the one that goes belongs to the one that stays", () => {
    const [keepId = "", goneId = ""] = idsOf("fillsGap");
    const to = start.records[goneId]?.fields.phone ?? "";
    const merge = (takes: readonly object[]) =>
      crm.call("merge_records", { orgId: "TB-N", keepId, goneId, evidence: ["same_vat"], takes });
    expect(merge([{ field: "phone", from: "+49301055000", to }])).toMatch(/^refused: phone is empty here/);
    expect(merge([{ field: "phone", from: null, to }])).toMatchObject({ keepId, goneId, took: 1 });
    expect(crm.state().records[keepId]?.fields.phone).toBe(to);
    expect(Object.values(crm.state().records).filter(({ accountId }) => accountId === goneId)).toEqual([]);
    expect(merge([])).toMatch(/^refused: .* was merged into/);
    expect(crm.call("get_record", { orgId: "TB-N", recordId: goneId })).toMatch(/^refused: .* was merged into/);
  });

  test("finds under the one that stays what was written and done about the one that goes", () => {
    const [keepId = "", goneId = ""] = idsOf("fillsGap");
    const about = { recordId: goneId };
    crm.set({
      notes: { "NOT-1": { noteId: "NOT-1", ...about, on: "2026-01-05", by: "web form", text: "Call me." } },
      activities: { "ACT-1": { activityId: "ACT-1", ...about, on: "2026-01-07", kind: "mail", outcome: "sent" } },
      drafts: {
        "DRF-1": {
          draftId: "DRF-1",
          recordId: "OPP-9999",
          contactId: goneId,
          template: "free",
          subject: "a",
          body: "b",
        },
      },
      mails: {
        "MAI-1": { mailId: "MAI-1", draftId: "DRF-0", ...about, contactId: "CON-9999", to: "a@b.de", text: "b" },
      },
    });
    const merged = crm.call("merge_records", { orgId: "TB-N", keepId, goneId, evidence: ["same_vat"], takes: [] });
    expect(merged).toMatchObject({ keepId, goneId });
    const kept = { orgId: "TB-N", recordId: keepId };
    expect(crm.call("read_notes", kept)).toMatchObject([{ noteId: "NOT-1", recordId: keepId }]);
    expect(crm.call("list_activities", kept)).toEqual([{ on: "2026-01-07", kind: "mail", outcome: "sent" }]);
    const { drafts, mails } = crm.state();
    expect(drafts["DRF-1"]).toMatchObject({ recordId: "OPP-9999", contactId: keepId });
    expect(mails["MAI-1"]).toMatchObject({ recordId: keepId, contactId: "CON-9999" });
  });

  test("says which address may be written to only of those who have agreed", () => {
    const facts = (key: string) => crm.call("get_facts", { orgId: "TB-N", recordId: idsOf(key)[1] ?? "" });
    expect(facts("quiet")).toHaveProperty("mailableAddress");
    for (const key of ["noConsent", "withdrawn", "noAddress"]) expect(facts(key)).not.toHaveProperty("mailableAddress");
    // Names are typed by anybody, and are no facts.
    expect(JSON.stringify(facts("quiet"))).not.toContain("Buyer");
  });
});

describe("UC2-T3 UC2-L3 mail and calendar", () => {
  const mail = { template: "check_in", subject: subjectOf("check_in", "de"), body: bodyOf("check_in", "de") };
  const save = (more: object = {}) =>
    calls("save_draft", "quiet", { contactId: idsOf("quiet")[1] ?? "", ...mail, ...more });
  const send = (tool: string, more: object = {}) =>
    calls(tool, "quiet", {
      contactId: idsOf("quiet")[1] ?? "",
      draftId: "DRF-7001",
      to: "a@b.example",
      subject: mail.subject,
      body: mail.body,
      ...more,
    });
  const log = (outcome: string, kind = "mail") =>
    calls("log_activity", "quiet", { draftId: "DRF-7001", kind, outcome });

  test("a draft is of whom the deal is with, is sent once with its own text, and is on record once", () => {
    expect(save({ contactId: idsOf("meeting")[1] ?? "" })).toMatch(/^refused: .* is not whom/);
    expect(send("send_template", { template: "check_in" })).toMatch(/^refused: .* has no draft/);
    expect(save()).toMatchObject({ draftId: "DRF-7001" });
    expect(log("sent")).toMatch(/^refused: DRF-7001 was not sent/);
    expect(send("send_template", { template: "check_in", body: `${mail.body}!` })).toMatch(
      /^refused: .* has another text/,
    );
    // Who agrees to a text agrees to its subject, and to the template that it is said to be.
    expect(send("send_template", { template: "check_in", subject: "Urgent" })).toMatch(/^refused: .* has another text/);
    expect(send("send_mail", { subject: "Urgent" })).toMatch(/^refused: .* has another text/);
    expect(send("send_template", { template: "quote_reminder" })).toMatch(/^refused: .* is not the template/);
    expect(send("send_template", { template: "check_in" })).toMatchObject({ mailId: "MAI-8001" });
    expect(send("send_template", { template: "check_in" })).toMatch(/^refused: .* was sent already/);
    expect(log("not_sent")).toMatch(/^refused: DRF-7001 was sent/);
    expect(log("sent")).toMatchObject({ activityId: "ACT-6501" });
    expect(log("sent", "meeting")).toMatch(/^refused: DRF-7001 is on record as ACT-6501/);
  });

  test("words of one's own are no template, and a slot is kept once", () => {
    save({ template: "free", subject: "Hello", body: "Our own words." });
    expect(send("send_template", { template: "check_in", body: "Our own words." })).toMatch(
      /^refused: .* is not the template/,
    );
    const hold = (slotId: string, draftId = "DRF-7001") => calls("hold_slot", "quiet", { draftId, slotId });
    expect(hold("SLT-N1")).toMatch(/^refused: SLT-N1 is taken/);
    expect(hold("SLT-S2")).toMatch(/^refused: TB-N has no slot/);
    expect(hold("SLT-N2", "DRF-7009")).toMatch(/^refused: .* has no draft/);
    expect(hold("SLT-N2")).toMatchObject({ slotId: "SLT-N2" });
    expect(hold("SLT-N2")).toMatch(/^refused: SLT-N2 is taken/);
    expect(isTemplate({ ...mail, body: `${mail.body} ` })).toBe(false);
  });
});

describe("UC2-L4 the review queue", () => {
  test("takes no item without a reason, evidence and a day to come", () => {
    const item = { reason: "no_source", evidence: [idOf("gap")], deadline: "2026-09-28" };
    expect(calls("queue_review", "gap", item)).toMatchObject({ reviewId: "REV-9001" });
    expect(calls("queue_review", "gap", { ...item, deadline: today })).toMatch(/^refused: .* still to come/);
    expect(() => calls("queue_review", "gap", { ...item, evidence: [] })).toThrow(/evidence/);
    expect(() => calls("queue_review", "gap", { ...item, reason: "because" })).toThrow(/reason/);
  });

  test("counts working days", () => {
    expect(deadlineOf("record_changed", today)).toBe("2026-09-15");
    expect(deadlineOf("low_confidence", today)).toBe("2026-09-21");
    expect(deadlineOf("no_consent", "2026-09-18")).toBe("2026-09-21");
    for (const reason of reviewReasons) expect(deadlineOf(reason, today) > today).toBe(true);
  });
});
