import { OrchestrationError } from "../errors.ts";
import type { InputBodies } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import { canonicalJson } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { type Fold, openStream } from "../stream/stream.ts";

/**
 * Answers that were left for a tool under way in another process. A run is driven by one process at a time, and to send it
 * an event from elsewhere is to take it over, which cuts off the very call that asks. So the answer waits in a stream of
 * its own, durable, until the process that makes the call, or the one that makes it again, finds it there and puts it into
 * the run. Whether it counts is decided there, as ever.
 */

type Answered = InputBodies["question.answered"];

const fold: Fold<Map<string, Answered>> = {
  initial: () => new Map(),
  apply: (state, entry) => (entry.type === "answer.left" ? state.set(entry.body.key, entry.body) : state),
};

/**
 * Leaves an answer; the same one twice is left once.
 * @throws OrchestrationError `approval/binding-mismatch` for a key that another answer has; `journal/*`
 */
export async function leaveAnswer(
  key: RunKey,
  body: Answered,
  { journal, now, salt }: { readonly journal: Journal; readonly now: () => number; readonly salt: () => string },
): Promise<void> {
  const stream = openStream({ journal, key: leftStream(key), now, salt, fold });
  const wordOf = ({ question, answer, principal }: Answered) => canonicalJson([question, answer, principal.id]);
  const isOther = await stream.append((left) => {
    const earlier = left.get(body.key);
    if (earlier) return { answer: wordOf(earlier) !== wordOf(body) };
    return { drafts: [{ type: "answer.left", body }], answer: false };
  });
  if (isOther) throw new OrchestrationError("approval/binding-mismatch", { effect: body.question, key: body.key });
}

/** Answers to one question that were left for a run, behind an entry of their stream; with the seq to go on from. */
export async function leftAnswers(
  journal: Journal,
  key: RunKey,
  { question, after }: { readonly question: string; readonly after: number },
): Promise<{ readonly answers: readonly Answered[]; readonly seq: number }> {
  const batches = await journal.read(leftStream(key), after + 1);
  const entries = batches.flatMap((batch) => openBatch(batch, key.runId)).filter(({ seq }) => seq > after);
  return {
    answers: entries.flatMap((entry) =>
      entry.type === "answer.left" && entry.body.question === question ? [entry.body] : [],
    ),
    seq: entries.at(-1)?.seq ?? after,
  };
}

/** Where answers for a run are left. */
export function leftStream({ tenant, runId }: RunKey): StreamKey {
  return { tenant, kind: "answers", id: runId };
}
