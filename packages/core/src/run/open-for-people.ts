import { type Entry, endStatusOf } from "../event.ts";
import { type PlacedQuestion, questionsElsewhere } from "./elsewhere.ts";
import { type Held, record } from "./held.ts";
import type { OpenQuestion, UncertainEffect } from "./run.ts";

/** What a run waits for people with, as its entries say. */

/** Questions of the run itself, then those of specialists that work for it elsewhere. */
export async function ownQuestions(held: Held, all: readonly Entry[]): Promise<readonly PlacedQuestion[]> {
  const {
    key,
    parts: { engine },
  } = held;
  const asked = questionsOf(all);
  // A run that comes to its end may go on to wait for a write under way: its entries say so with the end alone, its record at once.
  const run = asked.length > 0 ? await record(held) : undefined;
  const open = run?.status === "parked" || run?.waits?.includes("question") ? asked : [];
  return [
    ...open.map((question) => ({ ...question, run: key.runId, own: question.ask })),
    ...(await questionsElsewhere(engine.journal, key.tenant, all, questionsOf)),
  ];
}

/** The same question as the customer may read it; to anybody else it is put as it stands. */
export async function asTold(held: Held, question: PlacedQuestion): Promise<PlacedQuestion> {
  const {
    key,
    parts: { principals, sealing },
  } = held;
  if (!sealing || question.of !== "customer") return question;
  const to = { kind: "caller", name: principals.current().id, path: "" } as const;
  // A specialist's run has a vault of its own.
  const text = await sealing.reveal({ ...key, runId: question.run }, question.question, sealing.rules.answers, to);
  return { ...question, question: text };
}

function questionsOf(all: readonly Entry[]): OpenQuestion[] {
  const waiting = new Map<string, { readonly from: string; readonly question: OpenQuestion }>();
  /** Whoever works at or under a path asks nothing any more. */
  const gone = (path: string) => {
    for (const [ask, { from }] of waiting) if (from === path || from.startsWith(`${path}/`)) waiting.delete(ask);
  };
  for (const entry of all) {
    if (entry.type === "input.requested") waiting.set(entry.body.ask, { from: entry.path, question: entry.body });
    if (entry.type === "input.received") waiting.delete(entry.body.ask);
    // Of an agent that was stopped, or a team that gave up, and of judges of an effect that is settled.
    if (entry.type === "agent.failed" || entry.type === "tool.denied" || entry.type === "effect.settled")
      gone(entry.path);
    // A run that was cancelled may go on to wait for a write under way, but for nobody's word.
    if (entry.type === "cancel.requested" && entry.body.subtree === undefined) waiting.clear();
    if (endStatusOf(entry.type)) waiting.clear();
  }
  return [...waiting.values()].map(({ question }) => question);
}

/** Writes that wait for a person to say what became of them. */
export function uncertainOf(all: readonly Entry[]): UncertainEffect[] {
  const open = new Map<string, UncertainEffect>();
  for (const entry of all) {
    if (entry.type === "effect.uncertain" && entry.body.next === "person") {
      open.set(entry.body.effect, { effect: entry.body.effect, tool: entry.body.tool });
    }
    if (entry.type === "effect.settled" || entry.type === "effect.decided") open.delete(entry.body.effect);
  }
  return [...open.values()];
}
