import type { SuiteFile } from "./workspace.ts";

/** The world of one scenario's run. Names of scenarios hold no dot. */
export function worldOf(suite: Pick<SuiteFile, "id">, scenario: string): string {
  return `${suite.id}.${scenario}`;
}

/** The scenario whose world this is. */
export function scenarioOf(worldId: string): string {
  return worldId.slice(worldId.lastIndexOf(".") + 1);
}
