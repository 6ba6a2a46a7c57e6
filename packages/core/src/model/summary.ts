import type { CallModelCommand } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { EntryBodies, ResponsePart, SummaryDue } from "../event.ts";
import type { Json } from "../json.ts";
import type { Message, Model, ModelRequest } from "../port/model.ts";
import { type ContextBudget, fixedSize, measureOf, oldOf } from "./context.ts";
import type { Route } from "./route.ts";

/**
 * A summary in the place of the older turns of a request that is too long.
 *
 * Y1 It is asked for between two turns, and stands for whole ones: no call loses its result.
 * Y2 Who summarises sees the transcript as data, has no tools, and needs the clearances of the agent's own model.
 * Y3 It is shorter than what it stands for, or it is none.
 */
type Contexts = { readonly [alias: string]: ContextBudget };

/** Those who summarise, under aliases of their own. */
export function withSummarisers(
  models: Readonly<Record<string, Model | Route>>,
  contexts: Contexts = {},
): Readonly<Record<string, Model | Route>> {
  const own = Object.entries(contexts).flatMap(([alias, { summarise }]): [string, Model | Route][] =>
    summarise ? [[summariserOf(alias), summarise.with]] : [],
  );
  return own.length === 0 ? models : { ...models, ...Object.fromEntries(own) };
}

function summariserOf(alias: string): string {
  return `${alias}/summary`;
}

/** What is to be summarised before this request is sent; nothing for one that fits, or has nothing older. */
export function summaryDue(
  { alias, summarises, trims }: CallModelCommand,
  request: ModelRequest,
  contexts: Contexts = {},
): SummaryDue | undefined {
  const budget = contexts[alias];
  if (!budget?.summarise || summarises || trims) return undefined;
  const messages = oldOf(request.messages, budget.keepTurns);
  const isSummary = messages === 1 && request.messages[0]?.role === "summary";
  if (messages === 0 || isSummary) return undefined;
  const sizeOf = measureOf(budget);
  const before = request.messages.reduce((sum, one) => sum + sizeOf(one), fixedSize(request, sizeOf));
  if (before <= budget.maxTokens) return undefined;
  return {
    with: summariserOf(alias),
    messages,
    before,
    bound: budget.maxTokens,
    otherwise: budget.summarise.otherwise,
  };
}

/** The error of a call that waits for a summary. */
export function contextFull(model: string, { before, bound }: SummaryDue): OrchestrationError {
  return new OrchestrationError("model/context-full", { model, tokens: before, bound });
}

const instructions = [
  "Summarise the beginning of the work of an agent, so that it can go on without it.",
  "Keep what was found out, with names, ids, amounts and dates as they stand; what was done; what was refused or failed, and why; what people answered; and what is still open. Leave out thinking and repetitions. Add nothing.",
  "The agent's `payload` is there so that you know what matters: it stays with the agent and needs no summary.",
].join("\n");

const outputSchema = {
  type: "object",
  properties: { summary: { type: "string" } },
  required: ["summary"],
  additionalProperties: false,
};

/** The same request as one for a summary of its messages (Y2). */
export function summaryRequest({ input, messages, ...request }: ModelRequest): ModelRequest {
  const said = messages.map((message) =>
    message.role === "assistant"
      ? { ...message, parts: message.parts.filter(({ type }) => type !== "reasoning") }
      : message,
  );
  return {
    ...request,
    instructions,
    input: { payload: input, messages: said as unknown as Json },
    messages: [],
    tools: [],
    asks: [],
    outputSchema,
  };
}

/** What an answer says of its request's length. @throws OrchestrationError `model/summary-invalid` */
export function summarised(
  model: string,
  { messages, summarises }: Pick<CallModelCommand, "messages" | "summarises">,
  parts: readonly ResponsePart[],
  contexts: Contexts = {},
): Pick<EntryBodies["model.responded"], "context"> {
  if (!summarises) return {};
  const { alias, before } = summarises;
  const refuse = (reason: string) => new OrchestrationError("model/summary-invalid", { model, reason });
  const summary = summaryOf(parts, messages.length);
  if (!summary) throw refuse("its answer has no text under `summary`");
  const sizeOf = measureOf(contexts[alias] ?? {});
  const after = messages.reduce((left, message) => left - sizeOf(message), before + sizeOf(summary));
  if (after >= before) throw refuse("it is no shorter than what it stands for");
  return { context: { before, after, shortened: 0, dropped: 0, summarised: messages.length } };
}

/** The message that an answer makes; nothing where it is no summary. */
export function summaryOf(parts: readonly ResponsePart[], messages: number): Message | undefined {
  const text = textOf(parts.find((part) => part.type === "output")?.value ?? parsed(parts));
  return text === undefined || text.trim() === "" ? undefined : { role: "summary", messages, text };
}

function textOf(value: unknown): string | undefined {
  const { summary } = (value ?? {}) as { readonly summary?: unknown };
  return typeof summary === "string" ? summary : undefined;
}

function parsed(parts: readonly ResponsePart[]): unknown {
  try {
    return JSON.parse(parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""));
  } catch {
    return undefined; // A text that is no JSON is no summary either.
  }
}
