import type { Rule } from "./rule.ts";

/** Whether those who are waited for can come: approvers, and whoever answers. */
export const checkPeople: Rule = ({ root, teams, agents }, note, { approvers, people, audiences }) => {
  const { deadlineMs } = root.limits;
  for (const [tool, { tier, quorum, roles, expiresMs }] of root.approvals) {
    const path = [root.name, tool];
    // Also a write that is judged by rule goes to people where the judge says so.
    const eligible = eligibleFor(roles, approvers?.principals, people);
    if (eligible !== undefined && eligible < quorum) {
      const named = roles.length === 0 ? ["any"] : [...roles];
      note("check/approval-impossible", path, { tool, quorum, eligible, roles: named });
    }
    if (tier === "person" && expiresMs > deadlineMs) {
      note("check/approval-outlives-run", path, { tool, expiresMs, deadlineMs });
    }
  }
  if (!audiences) return;
  for (const { agent, path } of agents.values()) {
    for (const audience of agent.asks) {
      if (!audiences.includes(audience)) note("check/asks-nobody", path, { by: agent.name, audience });
    }
  }
  for (const { live, path } of teams) {
    for (const edge of [...live.values()].flat()) {
      if (edge.kind !== "question" || audiences.includes(edge.of)) continue;
      note("check/asks-nobody", [...path, edge.from, edge.name], { by: edge.name, audience: edge.of });
    }
  }
};

/** How many could approve; undefined where nobody said who there is. Of registered people roles are known by `people` alone. */
function eligibleFor(
  roles: readonly string[],
  registered: readonly string[] | undefined,
  people: readonly { readonly id: string; readonly roles: readonly string[] }[] | undefined,
): number | undefined {
  if (!people) return registered?.length;
  const fit = people.filter((one) => roles.length === 0 || one.roles.some((role) => roles.includes(role)));
  return new Set(fit.map(({ id }) => id).filter((id) => !registered || registered.includes(id))).size;
}
