import type { CallModelCommand } from "../command.ts";
import type { Json } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { Message, Model, ModelRequest } from "../port/model.ts";
import { reasoningClass } from "../seal/sealed-inputs.ts";
import type { Sealing } from "../seal/sealing.ts";

/** A request as this model may see it (W3). Its own thinking it may always have back. */
export function openedFor(
  seals: Sealing,
  key: RunKey,
  { alias, agent, path }: CallModelCommand,
  model: Model,
  request: ModelRequest,
): ModelRequest | Promise<ModelRequest> {
  const classes = [...(model.reveals ?? []), ...seals.rules.model({ alias, agent }), reasoningClass];
  const to = { kind: "model", name: model.id, path } as const;
  const { input, messages } = request;
  const opened = (told: Pick<ModelRequest, "input" | "messages">) =>
    told.input === input && told.messages === messages
      ? request
      : { ...request, input: told.input, messages: told.messages.map(withReasoning) };
  const revealed = seals.reveal(key, { input, messages }, classes, to);
  return revealed instanceof Promise ? revealed.then(opened) : opened(revealed);
}

/** Thinking that was sealed as a text is again what its provider gave. */
function withReasoning(message: Message): Message {
  if (message.role !== "assistant") return message;
  const parts = message.parts.map((part) => {
    if (part.type !== "reasoning" || typeof part.data !== "string" || !/^[[{"]/.test(part.data)) return part;
    try {
      return { ...part, data: JSON.parse(part.data) as Json };
    } catch {
      return part; // A text of its provider's own.
    }
  });
  return { ...message, parts };
}
