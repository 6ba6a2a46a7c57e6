import type { SuiteFile } from "./workspace.ts";

/**
 * The world of one scenario's run. Names of scenarios hold no dot. It is an attribute of the run; where that is sealed, digits are
 * written as letters, for a date and a time beside a word like `card` may be a card number, and a token names no world.
 */
export function worldOf({ id, sealed }: Pick<SuiteFile, "id" | "sealed">, scenario: string): string {
  return `${sealed ? id.replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "") : id}.${scenario}`;
}

/** The scenario whose world this is. */
export function scenarioOf(worldId: string): string {
  return worldId.slice(worldId.lastIndexOf(".") + 1);
}
