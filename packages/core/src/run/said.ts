import type { z } from "zod";
import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { type Json, plainJson } from "../json.ts";
import { type Issue, parseWith } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { questionEdge } from "./question-edge.ts";
import type { OpenQuestion } from "./run.ts";

/** What somebody says to a question. @throws OrchestrationError `run/answer-invalid` */
export function readAnswer(
  definition: SupervisorDefinition,
  all: readonly Entry[],
  question: OpenQuestion,
  answer: Json,
): Json {
  const fault = (issues: readonly Issue[]) =>
    new OrchestrationError("run/answer-invalid", { ask: question.ask, issues: issues as unknown as Json });
  const plain = plainJson(answer);
  if (!plain.ok) throw fault([{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }]);
  const bytes = Buffer.byteLength(JSON.stringify(plain.value));
  const { payloadBytes } = definition.limits;
  if (bytes > payloadBytes)
    throw fault([{ pointer: "", message: `${bytes} bytes, more than the limit of ${payloadBytes}` }]);
  // An agent's own question takes any JSON.
  const edge = questionEdge(definition, all, question.ask);
  const parsed = edge && parseWith(edge.answer, plain.value);
  if (parsed && !parsed.ok) throw fault(parsed.issues);
  return plain.value;
}

/** What a person says that a tool would have answered. @throws OrchestrationError `tool/output-invalid` */
export function readOutput(definition: SupervisorDefinition, tool: string, output: Json): Json {
  const schema = definition.tools.get(tool)?.output as z.ZodType | undefined;
  const parsed = schema ? parseWith(schema, output) : ({ ok: true, value: output } as const);
  const plain = parsed.ok ? plainJson(parsed.value) : undefined;
  if (plain?.ok) return plain.value;
  const issues = parsed.ok ? [] : parsed.issues;
  throw new OrchestrationError("tool/output-invalid", { tool, issues: issues as unknown as Json });
}
