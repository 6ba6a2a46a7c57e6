import { describe, expect, test } from "vitest";
import type { Entry, EntryBodies, EntryType } from "../event.ts";
import type { ApprovalPacket } from "./case.ts";
import { addressOf, openCasesOf, parseAddress, whyNotOpen } from "./open-cases.ts";

const record = { tenant: "acme", runId: "run_1", supervisor: "desk", startedAt: 5 };
const first = "action#1/tool#1";
const second = "action#1/tool#2";

/** Entries in a row, each at its own seq and time. */
function journal(...given: readonly (readonly [EntryType, object, (string | undefined)?])[]): Entry[] {
  return given.map(([type, body, path = ""], index) => {
    return { seq: index + 1, type, at: 100 + index, path, cause: 1, body } as Entry;
  });
}

const asked = (effect: string, more: Partial<EntryBodies["approval.requested"]> = {}) =>
  [
    "approval.requested",
    {
      effect,
      agent: "action",
      tool: "refund",
      input: { amountCents: 900 },
      inputHash: "h",
      binding: "b1",
      risk: "high",
      reversible: false,
      quorum: 2,
      roles: ["lead"],
      requesters: ["alice"],
      expiresAt: 1_000,
      labels: ["user"],
      ...more,
    } satisfies EntryBodies["approval.requested"],
  ] as const;
const addresses = (entries: readonly Entry[]) => openCasesOf(entries, record).map(({ effect }) => effect);

describe("an address", () => {
  test("is the run and the path of the effect", () => {
    expect(addressOf("run_1", first)).toBe("run_1/action#1/tool#1");
    expect(parseAddress("run_1/action#1/tool#1")).toEqual({ run: "run_1", effect: first });
  });
  test.each(["", "run_1", "run_1/", "/tool#1", "/"])("is not %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("an open case", () => {
  test("holds all that was asked", () => {
    expect(openCasesOf(journal(asked(first)), record)).toEqual([
      {
        address: "run_1/action#1/tool#1",
        tenant: "acme",
        run: "run_1",
        supervisor: "desk",
        startedAt: 5,
        effect: first,
        agent: "action",
        tool: "refund",
        input: { amountCents: 900 },
        risk: "high",
        reversible: false,
        why: "a change of high risk waits for a person",
        evidence: [],
        diff: [],
        quorum: 2,
        approvals: [],
        roles: ["lead"],
        requesters: ["alice"],
        requestedAt: 100,
        expiresAt: 1_000,
        because: [],
        labels: ["user"],
        binding: "b1",
      },
    ]);
  });

  test("says why by its packet, else by compliance's reasons", () => {
    const verdict = {
      effect: first,
      verdict: "escalate",
      ruleIds: ["r1"],
      reasons: ["too much", "too late"],
      conditions: [],
    } as const;
    const packet: ApprovalPacket = { what: "refund", why: "more than 5", evidence: ["o7"], diff: [], risk: "high" };
    const told = (more: object) => openCasesOf(journal(asked(first, more)), record)[0];
    expect(told({ verdict })).toMatchObject({ why: "too much; too late", verdict, evidence: [] });
    expect(told({ verdict, packet })).toMatchObject({ why: "more than 5", verdict, packet, evidence: ["o7"] });
    expect(told({ verdict, packet: { text: "old" } })).not.toHaveProperty("packet");
  });

  test("counts the approvals that are not yet enough", () => {
    const entries = journal(asked(first), ["approval.recorded", { effect: first, by: "bob", approvals: 1, quorum: 2 }]);
    expect(openCasesOf(entries, record)[0]?.approvals).toEqual(["bob"]);
  });

  test("stays open after a word that does not count", () => {
    const refused = ["approval.refused", { effect: first, by: "alice", error: {} }] as const;
    expect(addresses(journal(asked(first), refused, ["run.parked", { waitingFor: [first] }]))).toEqual([first]);
  });

  test.each<[EntryType, object, string?]>([
    ["approval.granted", { effect: first }],
    ["approval.rejected", { effect: first }],
    ["approval.edited", { effect: first, next: second }],
    ["approval.expired", { effect: first }],
    ["effect.settled", { effect: first }],
    ["tool.denied", {}, first],
  ])("is closed by %s, and no other one is", (type, body, path) => {
    expect(addresses(journal(asked(first), asked(second), [type, body, path]))).toEqual([second]);
    expect(addresses(journal(asked(first), [type, body, path], asked(first)))).toEqual([first]);
  });

  test.each<[EntryType]>([["run.completed"], ["run.denied"], ["run.escalated"], ["run.failed"], ["run.cancelled"]])(
    "is closed by %s",
    (type) => {
      expect(addresses(journal(asked(first), asked(second), [type, {}]))).toEqual([]);
    },
  );

  test.each<[EntryType, object, string, string?]>([
    ["approval.granted", { effect: first, by: ["ann", "bob"] }, "it was granted by ann, bob"],
    ["approval.rejected", { effect: first, by: "ann" }, "it was rejected by ann"],
    ["approval.edited", { effect: first, by: "ann", next: second }, `ann edited it, and ${second} took its place`],
    ["approval.expired", { effect: first }, "nobody decided in time"],
    ["effect.settled", { effect: first, outcome: "cancelled" }, "its agent does not wait for it any more"],
    [
      "tool.denied",
      { error: { code: "policy/revoked", message: "tool:refund was taken away" } },
      "tool:refund was taken away",
      first,
    ],
    ["run.denied", { reason: "revoked" }, "the run ended as denied before"],
  ])("tells a word that comes after %s why nothing is open", (type, body, why, path) => {
    const entries = journal(asked(first), asked(second), [type, body, path]);
    expect(whyNotOpen(entries, first)).toBe(why);
    expect(whyNotOpen(entries, "action#9")).toBe("nobody was asked about it");
    // What follows later is not how it ended.
    const later = journal(["run.completed", {}]).map((entry) => ({ ...entry, cause: 99 }));
    expect(whyNotOpen([...entries, ...later], first)).toBe(why);
  });

  test("says that the run ended where its agent was taken away for that", () => {
    const cancelled = journal(asked(first), ["effect.settled", { effect: first }], ["run.cancelled", {}]);
    const entries = cancelled.map((entry, index) => ({ ...entry, cause: index === 0 ? 1 : 2 }));
    expect(whyNotOpen(entries as typeof cancelled, first)).toBe("the run ended as cancelled before");
  });

  test("of an edit says what the edit changed", () => {
    const entries = journal(
      ["effect.proposed", { effect: first, input: { amountCents: 900, orderId: "7" } }],
      asked(first),
      ["approval.edited", { effect: first, by: "bob", next: second }],
      [
        "effect.proposed",
        { effect: second, input: { amountCents: 450, orderId: "7" }, edits: { effect: first, by: "bob" } },
      ],
      asked(second, { input: { amountCents: 450, orderId: "7" }, requesters: ["alice", "bob"] }),
    );
    expect(openCasesOf(entries, record)).toMatchObject([
      { effect: second, diff: [{ path: "/amountCents", before: 900, after: 450 }] },
    ]);
  });
});
