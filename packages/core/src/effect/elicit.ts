import type { CallToolCommand } from "../command.ts";
import { questionHash, readQuestion, type ToolAnswer, type ToolQuestion } from "../elicit/question.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputBodies, LabelTable } from "../event.ts";
import type { Json } from "../json.ts";
import type { Limits } from "../limits.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { AnyTool } from "../tool.ts";
import type { Patience } from "./patience.ts";
import { dispatchWindowMs } from "./tries.ts";

/**
 * Brings a question into its run and resolves when its answer is durable there (R1).
 * @throws OrchestrationError `tool/question-withdrawn`, `tool/cancelled` when the signal aborts, and whatever keeps an
 *   event from a run: `bus/mailbox-full`, `engine/closed`, `journal/*`
 */
export type AskPeople = (
  key: RunKey,
  asked: InputBodies["question.asked"],
  about: { readonly tool: string; readonly signal: AbortSignal },
) => Promise<ToldAnswer>;

/** What is told to the tool, and when its run took it down (epoch ms). */
export interface ToldAnswer {
  readonly answer: ToolAnswer;
  readonly at: number;
}

/**
 * What one try of a call may ask: `ToolContext.elicit`. A tool that has answered, or was given up, asks nobody. A write
 * hears its answer soon after it was taken down, and while its key is good, or gets `tool/dispatch-late`: whoever took its
 * run over meanwhile may have found that it never happened (ADR 18).
 */
export function elicitOf(options: {
  readonly key: RunKey;
  readonly command: CallToolCommand;
  readonly tool: AnyTool;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly labels: LabelTable;
  readonly ask: AskPeople;
  readonly sealing?: Sealing | undefined;
  readonly signal: AbortSignal;
  readonly time: Patience;
}): (question: ToolQuestion) => Promise<ToolAnswer> {
  const { key, command, clock, limits, labels, ask, sealing, signal, time } = options;
  const { tool, path, effect, callBefore } = command;
  const assertInTime = (at: number) => {
    if (effect === "read") return;
    const before = options.tool.idempotency === "key" ? callBefore : at + dispatchWindowMs;
    const lateMs = before === undefined ? -1 : clock.now() - before;
    if (lateMs >= 0) throw new OrchestrationError("tool/dispatch-late", { tool, lateMs });
  };
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
    // Its hash is what people sign, so it is sealed before that is made.
    const asks = sealing
      ? ((await sealing.json(key, read.value as unknown as Json)) as unknown as ToolQuestion)
      : read.value;
    const goOn = time.hold();
    try {
      const body = { question, effect: path, command: command.id, asks, hash: questionHash(asks), labels };
      const { answer, at } = await ask(key, body, { tool, signal });
      const { reveals, name } = options.tool;
      const told = sealing ? await sealing.reveal(key, answer, reveals, { kind: "tool", name, path }) : answer;
      assertInTime(at);
      return told;
    } finally {
      goOn();
    }
  };
}
