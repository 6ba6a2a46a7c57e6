import type { CallToolCommand } from "../command.ts";
import { questionHash, readQuestion, type ToolAnswer, type ToolQuestion } from "../elicit/question.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputBodies, LabelTable } from "../event.ts";
import type { Json } from "../json.ts";
import type { Limits } from "../limits.ts";
import type { RunKey } from "../port/engine.ts";
import type { Patience } from "./patience.ts";

/**
 * Brings a question into its run and resolves when its answer is durable there (R1).
 * @throws OrchestrationError `tool/question-withdrawn`, `tool/cancelled` when the signal aborts, and whatever keeps an
 *   event from a run: `bus/mailbox-full`, `engine/closed`, `journal/*`
 */
export type AskPeople = (
  key: RunKey,
  asked: InputBodies["question.asked"],
  about: { readonly tool: string; readonly signal: AbortSignal },
) => Promise<ToolAnswer>;

/** What one try of a call may ask: `ToolContext.elicit`. A tool that has answered, or was given up, asks nobody. */
export function elicitOf(options: {
  readonly key: RunKey;
  readonly command: CallToolCommand;
  readonly limits: Limits;
  readonly labels: LabelTable;
  readonly ask: AskPeople;
  readonly signal: AbortSignal;
  readonly time: Patience;
}): (question: ToolQuestion) => Promise<ToolAnswer> {
  const { key, command, limits, labels, ask, signal, time } = options;
  const { tool, path } = command;
  let asked = 0;
  return async (given) => {
    if (signal.aborted || time.isOver()) throw new OrchestrationError("tool/cancelled", { tool });
    const bound = limits.questions;
    if (++asked > bound) throw new OrchestrationError("tool/questions-exceeded", { tool, bound });
    const question = `${path}/question#${asked}`;
    const read = readQuestion(given);
    if (!read.ok) {
      throw new OrchestrationError("tool/question-invalid", { tool, question, issues: read.issues as unknown as Json });
    }
    const asks = read.value;
    const goOn = time.hold();
    try {
      const body = { question, effect: path, command: command.id, asks, hash: questionHash(asks), labels };
      return await ask(key, body, { tool, signal });
    } finally {
      goOn();
    }
  };
}
