import { jsonSchemaOf, type ModelCallOptions, type ModelRequest } from "@remit/core";
import { z } from "zod";

/** An object with one text. */
export const textSchema = jsonSchemaOf(z.object({ text: z.string() }), "input", "clerk");

/** The plainest request there is, with what a test changes of it. */
export const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  agent: "clerk",
  instructions: "Be brief.",
  input: { text: "hello" },
  messages: [],
  tools: [],
  asks: [],
  outputSchema: textSchema,
  labels: [],
  context: { tenant: "acme", runId: "run_1", path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
  ...more,
});

/** Options of a call that nobody stops. */
export const idle: ModelCallOptions = { signal: new AbortController().signal };
