import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { operator, type Principal } from "../principal.ts";
import { type OpenCase, refusalOf, requestersOf, voterOf } from "./decide.ts";

const open: OpenCase = {
  run: "run_1",
  effect: "action#1/tool#1",
  binding: "b1",
  requesters: ["alice"],
  roles: ["lead"],
  expiresAt: 1_000,
  approvals: [],
};
const bob = operator("bob", ["lead"]);
const approve = (principal: Principal, binding = "b1") => ({ decision: "approve", binding, principal }) as const;
const codeOf = (...given: Parameters<typeof refusalOf>) => refusalOf(...given)?.code;

describe("a decision", () => {
  test("counts when it comes in time from somebody else who has the role", () => {
    expect(refusalOf(open, approve(bob), 999)).toBeUndefined();
    expect(refusalOf({ ...open, roles: [] }, approve(operator("carol")), 0)).toBeUndefined();
  });

  test("is refused for the first thing that is wrong with it", () => {
    const wrong = approve({ ...operator("alice") }, "b2");
    expect(codeOf(open, wrong, 1_000)).toBe("approval/binding-mismatch");
    expect(codeOf(open, { ...wrong, binding: "b1" }, 1_000)).toBe("approval/expired");
    expect(codeOf(open, { ...wrong, binding: "b1" }, 999)).toBe("approval/self-approval");
    expect(codeOf(open, approve(operator("carol")), 999)).toBe("approval/role-missing");
    expect(codeOf({ ...open, approvals: ["bob"] }, approve(bob), 999)).toBe("approval/already-decided");
  });

  test.each(["approve", "reject", "edit"] as const)("to %s takes the role and another person", (decision) => {
    expect(codeOf(open, { ...approve(operator("carol")), decision }, 0)).toBe("approval/role-missing");
    expect(codeOf(open, { ...approve(operator("alice", ["lead"])), decision }, 0)).toBe("approval/self-approval");
  });

  test("to approve counts once for a person and their delegates; a no may follow a yes", () => {
    const delegate = { ...operator("dan", ["lead"]), onBehalfOf: "bob" };
    expect([voterOf(bob), voterOf(delegate)]).toEqual(["bob", "bob"]);
    const approved = { ...open, approvals: ["bob"] };
    expect(codeOf(approved, approve(delegate), 0)).toBe("approval/already-decided");
    expect(codeOf(approved, { ...approve(bob), decision: "reject" }, 0)).toBeUndefined();
    expect(codeOf(approved, { ...approve(bob), decision: "edit" }, 0)).toBeUndefined();
  });

  test("to approve counts once for somebody who stands for others, whoever they stand for next", () => {
    const delegate = { ...operator("dan", ["lead"]), onBehalfOf: "bob" };
    const approved = { ...open, approvals: ["bob"], voices: ["dan"] };
    expect(codeOf(approved, approve(operator("dan", ["lead"])), 0)).toBe("approval/already-decided");
    expect(codeOf(approved, approve({ ...delegate, onBehalfOf: "carol" }), 0)).toBe("approval/already-decided");
    expect(codeOf(approved, { ...approve(delegate), decision: "reject" }, 0)).toBeUndefined();
  });

  test("says what is missing", () => {
    expect(refusalOf(open, approve(operator("carol", ["clerk"])), 0)?.data).toEqual({
      principal: "carol",
      effect: "action#1/tool#1",
      roles: ["lead"],
    });
  });
});

const arbId = fc.constantFrom("alice", "bob", "carol", "dan");
const arbPrincipal: fc.Arbitrary<Principal> = fc.record(
  {
    id: arbId,
    kind: fc.constantFrom("user" as const, "operator" as const, "service" as const),
    roles: fc.subarray(["lead", "clerk"]),
    authenticated: fc.boolean(),
    onBehalfOf: arbId,
  },
  { requiredKeys: ["id", "kind", "roles", "authenticated"] },
);
const arbDecision = fc.constantFrom("approve" as const, "reject" as const, "edit" as const);

describe("V1 nobody decides on what they asked for", () => {
  test("no requester, delegate of one, or person whose delegate asked ever passes", () => {
    fc.assert(
      fc.property(
        fc.array(arbPrincipal, { minLength: 1, maxLength: 3 }),
        arbPrincipal,
        arbDecision,
        fc.subarray(["lead", "clerk"]),
        fc.array(arbId),
        fc.nat(2_000),
        (asked, principal, decision, roles, approvals, at) => {
          const requesters = asked.flatMap(requestersOf);
          const refusal = refusalOf({ ...open, requesters, roles, approvals }, { ...approve(principal), decision }, at);
          const related = asked.some(
            ({ id, onBehalfOf }) =>
              principal.id === id ||
              principal.onBehalfOf === id ||
              principal.id === onBehalfOf ||
              (onBehalfOf !== undefined && principal.onBehalfOf === onBehalfOf),
          );
          if (related) expect(refusal).toBeDefined();
          if (refusal === undefined) {
            expect(at).toBeLessThan(open.expiresAt);
            expect(roles.length === 0 || roles.some((role) => principal.roles.includes(role))).toBe(true);
          }
        },
      ),
    );
  });

  test("a quorum is never reached by one person and those who stand for them", () => {
    fc.assert(
      fc.property(fc.array(arbPrincipal, { maxLength: 8 }), (voters) => {
        let approvals: string[] = [];
        let voices: string[] = [];
        for (const principal of voters) {
          if (refusalOf({ ...open, requesters: [], roles: [], approvals, voices }, approve(principal), 0)) continue;
          approvals = [...approvals, voterOf(principal)];
          voices = [...voices, principal.id];
        }
        expect(new Set(approvals).size).toBe(approvals.length);
        expect(new Set(voices).size).toBe(voices.length);
      }),
    );
  });

  test("V2 a word for another binding never counts", () => {
    fc.assert(
      fc.property(arbPrincipal, arbDecision, fc.string(), (principal, decision, binding) => {
        fc.pre(binding !== open.binding);
        expect(codeOf(open, { principal, decision, binding }, 0)).toBe("approval/binding-mismatch");
      }),
    );
  });
});
