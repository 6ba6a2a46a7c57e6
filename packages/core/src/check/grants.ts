import { covers } from "../grant.ts";
import { type Team, toolsOf } from "./ground.ts";
import type { Rule } from "./rule.ts";

/** What deliveries and tenants let through. */
export const checkGrants: Rule = ({ root, teams, visited }, note, { tenants }) => {
  for (const team of teams) {
    const { definition, path, deliveries } = team;
    for (const agent of definition.agents.values()) {
      const grants = (deliveries.get(agent.name) ?? []).map(({ grant }) => grant ?? {});
      // Where one delivery bounds nothing, nothing is left out.
      if (grants.length === 0 || grants.some(({ tools, effects }) => tools === undefined && effects !== "read"))
        continue;
      for (const tool of toolsOf(agent)) {
        visited.tools++;
        if (grants.some((grant) => covers(grant, tool))) continue;
        note("check/tool-ungranted", [...path, agent.name, tool.name], {
          agent: agent.name,
          tool: tool.name,
          by: "delivery",
        });
      }
    }
    for (const [from, to, tool] of widened(team)) {
      note("check/grant-widens", [...path, from, to, tool.name], { from, agent: to, tool: tool.name, risk: tool.risk });
    }
  }
  const served = Object.values(tenants ?? {});
  if (served.length === 0) return;
  for (const { agents } of teams.map(({ definition }) => definition)) {
    for (const agent of agents.values()) {
      for (const tool of agent.tools) {
        if (served.some((grant) => covers(grant, tool))) continue;
        note("check/tool-ungranted", [root.name, agent.name, tool.name], {
          agent: agent.name,
          tool: tool.name,
          by: "tenant",
        });
      }
    }
  }
};

/** Agents that are only ever delivered to as readers, and whom they hand high risk to. */
function widened({ definition, deliveries }: Team) {
  const isReader = (name: string) => {
    const all = deliveries.get(name) ?? [];
    return all.length > 0 && all.every(({ grant }) => grant?.effects === "read");
  };
  const found: (readonly [from: string, to: string, tool: { readonly name: string; readonly risk: string }])[] = [];
  for (const [to, all] of deliveries) {
    const agent = definition.agents.get(to);
    const readers = new Set(all.flatMap(({ from }) => (from !== undefined && isReader(from) ? [from] : [])));
    if (!agent || readers.size === 0) continue;
    for (const tool of toolsOf(agent)) {
      if (tool.effect !== "write" || tool.risk !== "high") continue;
      for (const from of readers) {
        if (all.some((one) => one.from === from && covers(one.grant ?? {}, tool))) found.push([from, to, tool]);
      }
    }
  }
  return found;
}
