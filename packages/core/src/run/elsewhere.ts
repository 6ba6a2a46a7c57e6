import { type Entry, endStatusOf } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import type { Journal } from "../port/journal.ts";
import type { OpenQuestion } from "./run.ts";

/** A question, and the run that waits for its answer. */
export interface PlacedQuestion extends OpenQuestion {
  readonly run: string;
  /** Its name there. */
  readonly own: string;
}

/** How deep specialists are looked into that have asked others in turn. */
const depthMax = 8;

/** Questions of the specialists that work for a run elsewhere, each under the path of who was asked. */
export async function questionsElsewhere(
  journal: Journal,
  tenant: string,
  entries: readonly Entry[],
  questionsOf: (entries: readonly Entry[]) => readonly OpenQuestion[],
  depth = 1,
): Promise<readonly PlacedQuestion[]> {
  if (depth > depthMax) return [];
  const found: PlacedQuestion[] = [];
  for (const { path, run } of openDelegationsOf(entries)) {
    const there = await openRun(journal, tenant, run);
    const under = (ask: string) => `${path}/${ask}`;
    for (const question of questionsOf(there)) {
      found.push({ ...question, ask: under(question.ask), run, own: question.ask });
    }
    for (const question of await questionsElsewhere(journal, tenant, there, questionsOf, depth + 1)) {
      found.push({ ...question, ask: under(question.ask) });
    }
  }
  return found;
}

/** Delegations of a run that it waits for. */
function openDelegationsOf(entries: readonly Entry[]): readonly { readonly path: string; readonly run: string }[] {
  const open = new Map<string, string>();
  for (const { type, path, body } of entries) {
    if (endStatusOf(type)) return [];
    if (type === "delegation.sent") open.set(path, body.run);
    if (type === "delegation.ended" || type === "delegation.refused" || type === "delegation.recalled")
      open.delete(path);
  }
  return [...open].map(([path, run]) => ({ path, run }));
}
