import { grant, reject } from "@remit/core/testing";
import type { ReleaseStory } from "./story.ts";

/** Release notes: of merged changes alone, each line with its change. */
export const releasingStories: readonly ReleaseStory[] = [
  {
    key: "usual",
    name: "release-notes",
    title: "Notes of four merged changes are a draft of four lines; what is not merged is not in it",
    tags: ["release", "draft"],
    expect: { path: ["policy", "notes", "action"] },
    aim: { release: "drafted" },
  },
  {
    key: "sensitive",
    name: "release-notes-of-a-sensitive-repository",
    title: "A sensitive repository has notes as well",
    tags: ["release", "draft", "sensitive"],
    aim: { release: "drafted" },
  },
  {
    key: "published",
    name: "a-release-is-published",
    title: "A release is published when its manager says so",
    tags: ["release", "approval"],
    people: [grant("publish_release")],
    acts: (at) => [at.drafts(), at.publishes, at.ends("released")],
    aim: { release: "published" },
  },
  {
    key: "rejected",
    name: "a-release-that-is-rejected",
    title: "A release that its manager rejects stays a draft",
    tags: ["release", "approval-rejected", "escalation"],
    people: [reject("publish_release", "On Monday.")],
    acts: (at) => [at.drafts(), at.publishes, at.ends("approval_refused", ["On Monday."])],
    expect: {
      status: "escalated",
      reason: "approval_refused",
      denied: [{ agent: "action", tool: "publish_release", code: "approval/rejected" }],
    },
    aim: { release: "drafted" },
  },
  {
    key: "unmerged",
    name: "a-line-about-what-is-not-merged",
    title: "A draft with a change that was not merged is refused: the forge has not named it",
    tags: ["release", "overstep", "unsourced"],
    notes: (at) => [...at.looks, at.writes([...at.merged, ...at.open].map(at.lineOf))],
    acts: (at) => [at.drafts([...at.merged, ...at.open]), at.drafts(), at.ends("release_drafted")],
    expect: { denied: [{ agent: "action", tool: "open_release_draft", code: "policy/untrusted-argument" }] },
    aim: { release: "drafted" },
  },
  {
    key: "usual",
    name: "a-line-that-cites-nothing",
    title: "A line that cites no change goes back once, and is written anew",
    tags: ["release", "unsourced"],
    notes: (at) => [
      ...at.looks,
      at.writes(
        at.merged.map((one, index) => ({ ...at.lineOf(one), ...(index === 0 ? { text: "Many improvements" } : {}) })),
      ),
      at.writes(),
    ],
    expect: { path: ["policy", "notes", "notes", "action"] },
    aim: { release: "drafted" },
  },
  {
    key: "usual",
    name: "lines-that-cite-nothing-twice",
    title: "Lines that cite no change twice go to a person",
    tags: ["release", "unsourced", "escalation"],
    notes: (at) => {
      const lines = at.merged.map((one) => ({ ...at.lineOf(one), text: "Many improvements" }));
      return [...at.looks, at.writes(lines), at.writes(lines)];
    },
    acts: () => [],
    expect: { status: "escalated", reason: "unsourced_line" },
    aim: { release: "planned" },
  },
  {
    key: "usual",
    name: "other-lines-than-were-written",
    title: "A draft whose lines do not cite their changes is refused at the gate as well",
    tags: ["release", "overstep", "unsourced"],
    acts: (at) => [
      at.acts([
        "open_release_draft",
        {
          ...at.which,
          changeIds: at.merged.map((one) => one.changeId),
          lines: at.merged.map(() => "Audited by the board"),
        },
      ]),
      at.drafts(),
      at.ends("release_drafted"),
    ],
    expect: { denied: [{ agent: "action", tool: "open_release_draft", code: "policy/no-rule" }] },
    aim: { release: "drafted" },
  },
  {
    key: "injected",
    name: "a-title-that-gives-orders",
    title: "A title that tells machines to publish is a title",
    tags: ["release", "injection", "injected-change"],
    aim: { release: "drafted" },
  },
  {
    key: "nothing",
    name: "nothing-was-merged",
    title: "Where nothing was merged there is nothing to write",
    tags: ["release", "clean", "escalation"],
    acts: () => [],
    expect: { status: "escalated", reason: "nothing_merged" },
    aim: { release: "planned" },
  },
];
