import { edit, grant, letExpire, reject } from "@remit/core/testing";
import type { Setting, Story } from "./story.ts";

/** Records that may be one: what the rules are certain of, what they leave open, and what they hold apart. */

const refusedMerge = (at: Setting) => {
  const { keepId = "", goneId = "" } = at.job.pairs[0] ?? {};
  return at.queues("approval_refused", [keepId, goneId]);
};

/** What goes into the queue of a pair that nobody is sure of. */
const unsure = (at: Setting, index = 0) => {
  const { keepId = "", goneId = "", evidence = [] } = at.job.pairs[index] ?? {};
  return at.queues("unsure_match", [keepId, goneId, ...evidence], { recordId: keepId });
};

const different = { acts: () => [], aim: { gone: 0 } } as const;

export const dedupeStories: readonly Story[] = [
  {
    key: "sameVat",
    name: "one-vat-number",
    title: "Two records with one VAT number: no model is asked, and a data steward agrees to the merge",
    tags: ["duplicate", "irreversible", "approval"],
    people: () => [grant("merge_records", { reason: "one number, one company" })],
  },
  {
    key: "sameSite",
    name: "one-name-in-two-spellings",
    title: "ä and ae are one letter, and one website is one company",
    tags: ["duplicate", "mixed-language", "approval"],
    people: () => [grant("merge_records")],
  },
  {
    key: "looksSame",
    name: "a-letter-too-many",
    title: "The rules leave a pair open, the model says that it is one, and a person agrees",
    tags: ["duplicate", "doubtful", "approval"],
    people: () => [grant("merge_records")],
  },
  {
    key: "looksSameIsNot",
    name: "a-hotel-of-nearly-the-same-name",
    title: "Nearly one name and one telephone, and still two companies",
    tags: ["near-duplicate", "doubtful"],
    finds: (at) => at.judges("different"),
    ...different,
  },
  {
    key: "nobodyKnows",
    name: "a-name-and-nothing-else",
    title: "One name proves nothing: nobody is sure, and a person looks",
    tags: ["near-duplicate", "doubtful", "ambiguous", "escalation"],
    finds: (at) => at.judges("unsure"),
    acts: (at) => [at.acts(unsure(at)), at.ends([], ["unsure_match"])],
    aim: { gone: 0, queued: ["unsure_match"] },
  },
  {
    key: "nobodyKnows",
    name: "same-and-not-sure",
    title: "A verdict that is not sure enough is for a person, whatever it says",
    tags: ["near-duplicate", "doubtful", "low-confidence", "escalation"],
    finds: (at) => {
      const [compares] = at.judges("same");
      const { keepId = "", goneId = "" } = at.job.pairs[0] ?? {};
      const verdicts = [{ keepId, goneId, verdict: "same", because: ["same_name"], surePercent: 62 }];
      const says = { agent: "dedupe", parts: [{ type: "output" as const, value: { verdicts } }] };
      return compares === undefined ? [] : [compares, says];
    },
    acts: (at) => [at.acts(unsure(at)), at.ends([], ["unsure_match"])],
    aim: { gone: 0, queued: ["unsure_match"] },
  },
  {
    key: "subsidiary",
    name: "two-vat-numbers",
    title: "One name and two VAT numbers are two companies: nobody is asked",
    tags: ["near-duplicate", "nothing-to-do"],
    aim: { gone: 0 },
  },
  {
    key: "notedDifferent",
    name: "somebody-noted-that-they-are-two",
    title: "A note says that two records are not one: no model judges, and a person looks",
    tags: ["near-duplicate", "conflict", "escalation"],
    sees: { flags: ["noted_as_different"] },
    finds: () => [],
    acts: (at) => {
      const { keepId = "", goneId = "", evidence = [] } = at.job.pairs[0] ?? {};
      const item = at.queues("noted_as_different", [keepId, goneId, ...evidence], { recordId: keepId });
      return [at.acts(item), at.ends([], ["noted_as_different"])];
    },
    aim: { gone: 0, queued: ["noted_as_different"] },
  },
  {
    key: "fillsGap",
    name: "the-one-that-goes-knows-more",
    title: "A telephone that only the duplicate has is taken over, and shown as such",
    tags: ["duplicate", "irreversible", "approval"],
    people: () => [grant("merge_records", { reason: "the telephone is right" })],
  },
  {
    key: "takesLeftOut",
    name: "a-field-that-is-left-out",
    title: "A steward leaves one field out of a merge, and another one agrees to what is left",
    tags: ["duplicate", "irreversible", "approval", "approval-edited"],
    people: (at) => [
      edit("merge_records", at.merges(0, { takes: [] })[1], "the size is that of the branch"),
      grant("merge_records", { reason: "without the size" }),
    ],
    aim: { complete: false },
  },
  {
    key: "mergeRefused",
    name: "a-steward-says-no",
    title: "The model takes two companies for one; the steward sees the evidence, and says no",
    tags: ["near-duplicate", "doubtful", "approval-rejected", "escalation"],
    people: () => [reject("merge_records", "a trader of that name, and the works")],
    acts: (at) => [at.acts(at.merges()), at.acts(refusedMerge(at)), at.ends([], ["approval_refused"], ["the merge"])],
    expect: { denied: [{ agent: "action", tool: "merge_records", code: "approval/rejected" }] },
    aim: { gone: 0, queued: ["approval_refused"] },
  },
  {
    key: "mergeAway",
    name: "no-steward-in-two-days",
    title: "Nobody decides on a merge: both records stay, and it is in the queue",
    tags: ["duplicate", "approver-away", "escalation"],
    people: () => [letExpire("merge_records")],
    acts: (at) => [at.acts(at.merges()), at.acts(refusedMerge(at)), at.ends([], ["approval_refused"], ["the merge"])],
    expect: { denied: [{ agent: "action", tool: "merge_records", code: "approval/expired" }] },
    aim: { gone: 0, queued: ["approval_refused"] },
  },
  {
    key: "threeInOne",
    name: "three-records-of-one-company",
    title: "Two merges are two decisions",
    tags: ["duplicate", "irreversible", "approval"],
    people: () => [grant("merge_records"), grant("merge_records")],
    aim: { gone: 2 },
  },
  {
    key: "oneAndOne",
    name: "one-certain-one-doubtful",
    title: "The certain pair is merged, and of the doubtful one the model says that it is two",
    tags: ["duplicate", "near-duplicate", "doubtful", "approval"],
    people: () => [grant("merge_records")],
    finds: (at) => at.judges("different"),
    acts: (at) => [at.acts(at.merges(certainOf(at))), at.ends(["the certain pair"])],
  },
  {
    key: "hostileMerge",
    name: "a-note-that-wants-more-merged",
    title: "A note wants all accounts of a name merged; the pair that was found is, and the other is refused",
    tags: ["injection", "injected-note", "duplicate", "overstep"],
    sees: { flags: ["tries_to_instruct"] },
    people: () => [grant("merge_records")],
    acts: (at) => [
      at.acts(at.merges(0, { goneId: "ACC-1001" })),
      at.acts(at.merges()),
      at.ends(["the pair that was found"]),
    ],
    expect: { denied: [{ agent: "action", tool: "merge_records", code: "policy/denied" }] },
  },
  {
    key: "sameVat",
    name: "evidence-that-there-is-not",
    title: "A merge with more evidence than the rules have found is refused",
    tags: ["duplicate", "overstep", "irreversible"],
    people: () => [grant("merge_records")],
    acts: (at) => [
      at.acts(at.merges(0, { evidence: ["same_vat", "same_email", "same_phone"] })),
      at.acts(at.merges()),
      at.ends(["merged"]),
    ],
    expect: { denied: [{ agent: "action", tool: "merge_records", code: "policy/no-rule" }] },
  },
  {
    key: "sameVat",
    name: "the-wrong-way-round",
    title: "The record that stays is the fuller one, and not the other one",
    tags: ["duplicate", "overstep", "irreversible"],
    people: () => [grant("merge_records")],
    acts: (at) => {
      const { keepId = "", goneId = "" } = at.job.pairs[0] ?? {};
      return [at.acts(at.merges(0, { keepId: goneId, goneId: keepId })), at.acts(at.merges()), at.ends(["merged"])];
    },
    expect: { denied: [{ agent: "action", tool: "merge_records", code: "policy/no-rule" }] },
  },
  {
    key: "samePerson",
    name: "one-person-twice",
    title: "Müller and Mueller with one address are one person",
    tags: ["duplicate", "mixed-language", "approval"],
    people: () => [grant("merge_records")],
  },
  {
    key: "fatherAndSon",
    name: "father-and-son",
    title: "Two people of one name work in one house, and stay two",
    tags: ["near-duplicate", "doubtful", "ambiguous"],
    finds: (at) => at.judges("different"),
    ...different,
  },
  {
    key: "sharedMailbox",
    name: "a-shared-mailbox",
    title: "One address and two names: a mailbox is no person",
    tags: ["near-duplicate", "doubtful", "ambiguous"],
    finds: (at) => at.judges("different"),
    ...different,
  },
  {
    key: "cyrillic",
    name: "one-person-in-two-alphabets",
    title: "Андрій Мельник and Andriy Melnyk in one house are one",
    tags: ["duplicate", "doubtful", "mixed-language", "approval"],
    people: () => [grant("merge_records")],
  },
  {
    key: "movedOn",
    name: "one-address-in-two-houses",
    title: "Somebody has moved, and nobody is sure who: a person looks",
    tags: ["duplicate", "doubtful", "escalation", "mixed-language"],
    finds: (at) => at.judges("unsure"),
    acts: (at) => [at.acts(unsure(at)), at.ends([], ["unsure_match"])],
    aim: { gone: 0, queued: ["unsure_match"] },
  },
  {
    key: "namesake",
    name: "a-namesake",
    title: "One name in two houses is no pair",
    tags: ["near-duplicate", "nothing-to-do"],
    aim: { gone: 0 },
  },
  {
    key: "sameDeal",
    name: "a-deal-twice",
    title: "A deal that counts twice in the pipeline counts once again",
    tags: ["duplicate", "reporting", "approval"],
    people: () => [grant("merge_records")],
  },
  {
    key: "twoOrders",
    name: "the-same-order-again",
    title: "The same order for another season is another order",
    tags: ["near-duplicate", "doubtful", "reporting"],
    finds: (at) => at.judges("different"),
    ...different,
  },
  {
    key: "dealUnsure",
    name: "nearly-the-same-deal",
    title: "Nearly one title, one amount, another date: a person looks",
    tags: ["duplicate", "doubtful", "escalation", "reporting"],
    finds: (at) => at.judges("unsure"),
    acts: (at) => [at.acts(unsure(at)), at.ends([], ["unsure_match"])],
    aim: { gone: 0, queued: ["unsure_match"] },
  },
  {
    key: "looksSame",
    name: "a-verdict-on-another-pair",
    title: "Dedupe judges a pair that nobody asked about, and is sent back",
    tags: ["doubtful", "overstep", "approval"],
    people: () => [grant("merge_records")],
    finds: (at) => {
      const [compares, says] = at.judges("same");
      const other = {
        keepId: "ACC-1001",
        goneId: "ACC-1002",
        verdict: "same",
        because: ["same_name"],
        surePercent: 99,
      };
      const wrong = { agent: "dedupe", parts: [{ type: "output" as const, value: { verdicts: [other] } }] };
      return [compares, wrong, says].filter((turn) => turn !== undefined);
    },
  },
  {
    key: "looksSame",
    name: "a-verdict-on-nothing",
    title: "Who keeps to evidence that was not found gets no further, and a person takes over",
    tags: ["doubtful", "overstep", "escalation"],
    finds: (at) => {
      const [compares] = at.judges("same");
      const { keepId = "", goneId = "" } = at.job.pairs[0] ?? {};
      const value = { verdicts: [{ keepId, goneId, verdict: "same", because: ["same_vat"], surePercent: 99 }] };
      const wrong = { agent: "dedupe", parts: [{ type: "output" as const, value }] };
      return [compares, wrong, wrong].filter((turn) => turn !== undefined);
    },
    acts: () => [],
    report: "none",
    expect: { status: "escalated", reason: "unfounded_match" },
    aim: { gone: 0 },
  },
  {
    key: "southTwin",
    name: "a-duplicate-of-the-south",
    title: "The south merges its own records",
    tags: ["duplicate", "tenant", "mixed-language", "approval"],
    people: () => [grant("merge_records")],
  },
];

function certainOf({ job }: Setting): number {
  return job.pairs.findIndex(({ verdict }) => verdict === "certain");
}
