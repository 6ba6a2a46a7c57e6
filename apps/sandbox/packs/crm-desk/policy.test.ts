import { testPolicy } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { draftFaults, proposalFaults, verdictFaults } from "./guard.ts";
import { crmPolicy } from "./policy.ts";
import { deadlineOf, today } from "./review.ts";
import { bodyOf, subjectOf } from "./templates.ts";

const attributes = {
  ...{ orgId: "TB-N", task: "enrich", records: "ACC-1001 ACC-1002", targets: "phone vatId" },
  pairs: "ACC-1001+ACC-1002=same_vat,same_name",
};
const principal = { id: "hygiene", kind: "user" as const, roles: ["org:TB-N"], authenticated: true };
const read = { untrusted: [], planned: false, clean: false };
const own = { orgId: "TB-N", recordId: "ACC-1001" };
const phone = { ...own, field: "phone", from: null, to: "+49301001741", offerId: "OFF-phone-50001", surePercent: 93 };
const vat = { ...phone, field: "vatId", to: "DE100100100", offerId: "OFF-vatId-50001" };

describe("the policy", () => {
  const asks = (
    tool: string,
    given: object,
    expected: "allow" | "approve" | "deny",
    rule: string,
    more: object = {},
  ) => ({
    name: `${tool} ${JSON.stringify(given)}`,
    request: {
      ...{ edge: "tool" as const, agent: "action", tool, effect: "write" as const, arguments: given as never },
      ...{ attributes, principal, flow: read, ...more },
    },
    expect: expected,
    rule,
  });
  const as = (change: object) => ({ attributes: { ...attributes, ...change } });

  test.each([
    asks("update_field", phone, "allow", "plain-field"),
    asks("update_sensitive_field", vat, "approve", "sensitive-field"),
    // The sensitive list is the table of fields: no tool goes round it.
    asks("update_field", vat, "deny", "no-rule"),
    asks("update_sensitive_field", phone, "deny", "no-rule"),
    asks("update_field", { ...phone, to: "housing" }, "deny", "no-rule"),
    asks("update_field", { ...phone, offerId: "OFF-vatId-50001" }, "deny", "no-rule"),
    asks("update_field", { ...phone, surePercent: 79 }, "deny", "no-rule"),
    asks("update_field", { ...phone, field: "size", to: "1-10", offerId: "OFF-size-50001" }, "deny", "no-rule"),
    asks("update_field", { ...phone, recordId: "ACC-1003" }, "deny", "own-records"),
    asks("update_field", { ...phone, orgId: "TB-S" }, "deny", "own-organisation"),
    asks("update_field", { field: "phone" }, "deny", "own-organisation"),
    asks("update_field", phone, "deny", "own-organisation", { principal: { ...principal, roles: ["org:TB-S"] } }),
    asks("update_field", { ...phone, orgId: "TB-S" }, "deny", "own-organisation", {
      principal: { ...principal, roles: ["org:TB-N", "org:TB-S"] },
    }),
    // A field of contacts is none of an account's, whatever the job says.
    asks(
      "update_field",
      { ...phone, field: "language", to: "de", offerId: "OFF-language-50001" },
      "deny",
      "no-rule",
      as({ targets: "language" }),
    ),
    asks("update_field", phone, "deny", "own-records", { attributes: { orgId: "TB-N", task: "enrich" } }),
    asks("update_field", phone, "deny", "looked-first", { flow: { ...read, clean: true } }),
    asks("update_field", phone, "deny", "own-task", as({ task: "dedupe" })),
    asks("restore_field", { ...own, field: "phone", to: null }, "deny", "own-task"),
    asks("restore_field", { ...own, field: "phone", to: null }, "allow", "way-back", { agent: "compensation" }),
    asks("get_record", { ...own, recordId: "ACC-1003" }, "deny", "own-records", { effect: "read", agent: "reader" }),
    asks("compare_records", { ...own, otherId: "ACC-1003" }, "deny", "own-records", {
      effect: "read",
      agent: "dedupe",
    }),
    asks("get_record", own, "allow", "look", { effect: "read", agent: "reader" }),
  ])("$name: $expect", (one) => {
    expect(testPolicy(crmPolicy, [one])).toMatchObject([{ ok: true }]);
  });

  const merge = {
    orgId: "TB-N",
    keepId: "ACC-1001",
    goneId: "ACC-1002",
    evidence: ["same_name", "same_vat"],
    takes: [],
  };
  const dedupe = as({ task: "dedupe" });
  test.each([
    asks("merge_records", merge, "approve", "found-pair", dedupe),
    asks("merge_records", { ...merge, evidence: ["same_vat"] }, "deny", "no-rule", dedupe),
    asks("merge_records", { ...merge, evidence: ["same_vat", "same_name", "same_phone"] }, "deny", "no-rule", dedupe),
    asks("merge_records", { ...merge, keepId: "ACC-1002", goneId: "ACC-1001" }, "deny", "no-rule", dedupe),
    asks("merge_records", { ...merge, goneId: "ACC-1009" }, "deny", "own-records", dedupe),
    asks("merge_records", merge, "deny", "no-rule", as({ task: "dedupe", pairs: "" })),
  ])("$name: $expect", (one) => {
    expect(testPolicy(crmPolicy, [one])).toMatchObject([{ ok: true }]);
  });

  const item = { ...own, reason: "no_source", evidence: ["ACC-1001"], deadline: deadlineOf("no_source", today) };
  test.each([
    asks("queue_review", item, "allow", "review"),
    asks("queue_review", { ...item, deadline: "2027-01-01" }, "deny", "no-rule"),
    asks("queue_review", { ...item, evidence: [] }, "deny", "no-rule"),
    asks("send_template", own, "allow", "mail", as({ task: "follow_up" })),
    asks("send_mail", own, "deny", "own-task"),
  ])("$name: $expect", (one) => {
    expect(testPolicy(crmPolicy, [one])).toMatchObject([{ ok: true }]);
  });
});

describe("the guards", () => {
  const proposal = {
    field: "phone" as const,
    from: null,
    value: "+49301001741",
    offerId: "OFF-phone-50001",
    provider: "atlas" as const,
    surePercent: 93,
  };
  const doubt = { field: "vatId" as const, reason: "no_source" as const, evidence: ["ACC-1001"] };
  const job = { recordId: "ACC-1001", targets: ["phone", "vatId"] as ("phone" | "vatId")[] };
  test("let values pass that have a source, and name what is wrong with others", () => {
    const faults = (proposals: readonly object[], doubts: readonly object[] = [doubt]) =>
      proposalFaults({ proposals, doubts } as never, job).join("; ");
    expect(faults([proposal])).toBe("");
    expect(faults([])).toBe("phone is left out");
    expect(faults([proposal, proposal])).toBe("phone is there more than once");
    expect(faults([proposal, { ...proposal, field: "vatId" }])).toMatch(
      /vatId is there more than once; .* is no vatId; OFF-phone-50001 says nothing of vatId/,
    );
    expect(faults([{ ...proposal, surePercent: 60 }])).toBe("60% is too little for phone");
    expect(faults([proposal, { ...proposal, field: "email" }])).toMatch(
      /nobody asked for email.*ACC-1001 has no email/,
    );
  });

  test("let verdicts pass that rest on what the rules have found", () => {
    const pair = {
      keepId: "ACC-1001",
      goneId: "ACC-1002",
      verdict: "doubtful" as const,
      evidence: ["same_name" as const],
      takes: [],
    };
    const said = { keepId: "ACC-1001", goneId: "ACC-1002", verdict: "same", because: ["same_name"], surePercent: 90 };
    const faults = (verdicts: readonly object[], pairs = [pair] as readonly object[]) =>
      verdictFaults({ verdicts } as never, { pairs } as never).join("; ");
    expect(faults([said])).toBe("");
    expect(faults([])).toBe("ACC-1001+ACC-1002 has 0 verdicts");
    expect(faults([{ ...said, because: [] }])).toMatch(/rests on nothing/);
    expect(faults([{ ...said, because: ["same_vat"] }])).toMatch(/rests on same_vat, which was not found/);
    expect(faults([said], [{ ...pair, verdict: "certain" }])).toMatch(/do not leave .* open/);
  });

  test("let templates pass word for word, and no links", () => {
    const mail = {
      decision: "write" as const,
      template: "check_in" as const,
      subject: subjectOf("check_in", "de"),
      body: bodyOf("check_in", "de"),
    };
    expect(draftFaults(mail)).toEqual([]);
    expect(draftFaults({ ...mail, body: `${mail.body} Now!` })).toEqual(["it is not the text of check_in"]);
    expect(draftFaults({ ...mail, template: "free", body: "see https://collector.test" })).toEqual([
      "it holds a link or an address",
    ]);
    expect(draftFaults({ ...mail, decision: "cannot" })).toHaveLength(1);
    expect(draftFaults({ ...mail, decision: "wait" })).toEqual([]);
  });
});
