import type { AnyAgent } from "../agent.ts";
import type { SupervisorDefinition } from "./compiled.ts";

/** An agent of a team or of a team inside it, or one of their judges. */
export function findAgent(definition: SupervisorDefinition, name: string): AnyAgent | undefined {
  const direct = definition.agents.get(name);
  if (direct && !direct.team) return direct;
  const { compliance, reviewer } = definition.judges ?? {};
  const judge = [compliance, reviewer].find((one) => one?.name === name);
  if (judge) return judge;
  for (const { team } of definition.agents.values()) {
    const inner = team && findAgent(team, name);
    if (inner) return inner;
  }
  return direct;
}
