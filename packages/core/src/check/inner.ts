import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import type { Rule } from "./rule.ts";

/** What a team was given to hold by itself and does not hold inside of another one, where that of the outermost does. */
export const checkInner: Rule = ({ root, teams }, note) => {
  for (const { definition, path } of teams) {
    if (definition === root) continue;
    for (const setting of lostIn(definition, root))
      note("check/setting-of-inner", [...path, setting], {
        supervisor: definition.name,
        setting,
        outermost: root.name,
      });
  }
};

function lostIn(inner: SupervisorDefinition, { cleared, flows, budget }: SupervisorDefinition): string[] {
  const lost: string[] = [];
  // Of what is not cleared, more would have to be held back.
  if (inner.cleared !== undefined && !cleared?.every((label) => inner.cleared?.includes(label)))
    lost.push("answers.cleared");
  for (const why of ["untrusted", "control", "egress"] as const) {
    const outside = flows[why] ?? (why === "egress" ? "deny" : "approve");
    if (inner.flows[why] === "deny" && outside !== "deny") lost.push(`flows.${why}`);
  }
  for (const member of ["microUsd", "tokens"] as const) {
    const [own, all] = [inner.budget?.run?.[member], budget?.run?.[member]];
    if (own !== undefined && (all === undefined || all > own)) lost.push(`budget.run.${member}`);
  }
  return lost;
}
