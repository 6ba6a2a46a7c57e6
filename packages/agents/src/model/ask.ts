import type { Audience, Json, JsonSchema, ModelRequest, ResponsePart, ToolOffer } from "@remit/core";

/** A question to somebody, offered to a model as a tool. What it answers is no tool call but a part of type `ask`. */
export interface AskTool extends ToolOffer {
  readonly of: Audience;
}

const who: Readonly<Record<Audience, string>> = {
  customer: "the customer whom this is about",
  operator: "an operator: a person who runs this service",
};

const questionSchema: JsonSchema = {
  type: "object",
  properties: { question: { type: "string", description: "The question, complete in itself." } },
  required: ["question"],
  additionalProperties: false,
};

/**
 * One tool for each audience: `ask_customer`, `ask_operator`. Where one of `tools` has the name already, the ask takes
 * the first free one of `ask_customer_2`, `ask_customer_3` …
 */
export function askTools(asks: ModelRequest["asks"], tools: readonly ToolOffer[] = []): readonly AskTool[] {
  if (asks.length === 0) return [];
  const taken = new Set(tools.map(({ name }) => name));
  return [...new Set(asks)].map((of) => {
    let name = `ask_${of}`;
    for (let count = 2; taken.has(name); count++) name = `ask_${of}_${count}`;
    return {
      of,
      name,
      description: `Puts one question to ${who[of]}. Ask alone, and only for what you cannot find out otherwise.`,
      inputSchema: questionSchema,
    };
  });
}

/** Whom a tool asks; nobody for any other tool. */
export function askOf(tool: string, asks: readonly AskTool[]): Audience | undefined {
  return asks.find(({ name }) => name === tool)?.of;
}

/**
 * A model's wish for a call, as a part: a question where it names the tool of one. A question without a text stays a tool
 * call, which the gate refuses, so that the model hears of it.
 */
export function callPart(call: CalledTool, asks: readonly AskTool[]): ResponsePart {
  const { callId, tool, input } = call;
  const of = askOf(tool, asks);
  const question = typeof input === "object" && input !== null && "question" in input ? input.question : undefined;
  if (of === undefined || typeof question !== "string" || question === "") {
    return { type: "toolCall", callId, tool, input };
  }
  return { type: "ask", of, question };
}

export interface CalledTool {
  readonly callId: string;
  readonly tool: string;
  readonly input: Json;
}
