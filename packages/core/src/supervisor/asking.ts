import { leftAnswers } from "../approval/left.ts";
import type { AskPeople, ToldAnswer } from "../effect/elicit.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import { searchable } from "../journal/unsealed.ts";
import type { Engine } from "../port/engine.ts";
import type { Batch } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import { regularly } from "../regularly.ts";
import { openBlobs } from "../run/blob.ts";

/**
 * How a tool under way asks people: its question goes into its run as any event from outside does, and what is told to the
 * tool is the entry that closes it, once that is durable. Nothing is kept here but a promise; the run is the truth.
 */
export function askingPeople(
  engine: Engine,
  deliver: Engine["deliver"],
  definition: string,
  logger: Logger,
): AskPeople {
  return async (key, body, { tool, signal }) => {
    const { question, command } = body;
    const closed = Promise.withResolvers<ToldAnswer>();
    closed.promise.catch(() => {}); // Whoever gave up asking does not hear of it.
    const withdrawn = () => new OrchestrationError("tool/question-withdrawn", { tool, question });
    const stream = { tenant: key.tenant, kind: "run", id: key.runId } as const;
    const hear = async (batch: Batch) => {
      for (const entry of await openBlobs(openBatch(batch, key.runId), engine.journal, stream)) {
        if (entry.type !== "question.closed") continue;
        if (entry.body.question !== question || entry.body.command !== command) continue;
        if (entry.body.answer) closed.resolve({ answer: entry.body.answer, at: entry.at });
        else closed.reject(withdrawn());
      }
    };
    const unwatch = engine.watch(key, {
      batch: (batch) => {
        if (searchable(batch).includes('"type":"question.closed"')) hear(batch).catch(closed.reject);
      },
      stopped: () => closed.reject(withdrawn()),
    });
    const onAbort = () => closed.reject(new OrchestrationError("tool/cancelled", { tool }));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const { effect: path } = body;
    let after = 0;
    /** What people have said in other processes comes in here, where the call is. */
    const look = async () => {
      const { answers, seq } = await leftAnswers(engine.journal, key, { question, after });
      for (const said of answers) {
        const heard: InputEvent = { id: `question:${said.key}`, type: "question.answered", path, body: said };
        await deliver(key, definition, heard);
      }
      after = seq;
    };
    const lookIn = () => {
      look().catch((thrown: unknown) => {
        logger.warn({ runId: key.runId, question, reason: reasonOf(thrown) }, "left answers could not be read");
      });
    };
    const event: InputEvent = { id: `${command}:${question}`, type: "question.asked", path, body };
    const looking = engine.shared ? regularly(engine.clock, lookIn) : undefined;
    try {
      deliver(key, definition, event).then(() => {
        if (engine.shared) lookIn();
      }, closed.reject);
      return await closed.promise;
    } finally {
      looking?.cancel();
      unwatch();
      signal.removeEventListener("abort", onAbort);
    }
  };
}
