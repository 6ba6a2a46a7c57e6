import type { SupervisorDefinition } from "./definition.ts";

/** Addresses of the specialists elsewhere that work for a team, by their supervisors: what they wait for stands in its inbox too. */
export function specialistsOf({ agents }: SupervisorDefinition): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { remote, team } of agents.values()) {
    const [name] = remote?.specialist.split("@") ?? [];
    if (remote && name !== undefined) found.set(name, remote.specialist);
    if (team) for (const [inner, address] of specialistsOf(team)) found.set(inner, address);
  }
  return found;
}
