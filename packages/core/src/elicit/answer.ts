import { z } from "zod";
import { notJsonText, plainJson } from "../json.ts";
import { once } from "../once.ts";
import { escapePointer } from "../pointer.ts";
import type { Issue, Parsed } from "../schema.ts";
import type { FormContent, FormField, ToolAnswer, ToolQuestion } from "./question.ts";

/** Whether a person's answer fits the question. Pure: the inbox asks it, the core asks it again, and so does a replay. */

const textChars = 10_000;
const formats = once(() => ({
  email: z.email(),
  uri: z.url(),
  date: z.iso.date(),
  "date-time": z.iso.datetime({ offset: true, local: true }),
}));

/**
 * An answer as it reaches the tool: fields that were left open have the form's own defaults. What a field is not asked
 * for is refused, and so is content with a page or a no.
 */
export function readToolAnswer(question: ToolQuestion, given: unknown): Parsed<ToolAnswer> {
  const plain = plainJson(given);
  const wrong = (issue: Issue): Parsed<ToolAnswer> => ({ ok: false, issues: [issue] });
  if (!plain.ok) return wrong({ pointer: plain.fault.pointer, message: notJsonText(plain.fault) });
  const answer = plain.value as { readonly action?: unknown; readonly content?: unknown } | null;
  const action = answer?.action;
  if (action !== "accept" && action !== "decline" && action !== "cancel") {
    return wrong({ pointer: "/action", message: "neither accept nor decline nor cancel" });
  }
  const content = answer?.content;
  if (action !== "accept" || question.mode === "url") {
    if (content !== undefined) return wrong({ pointer: "/content", message: "only an accepted form has content" });
    return { ok: true, value: { action } };
  }
  if (content !== undefined && (typeof content !== "object" || content === null || Array.isArray(content))) {
    return wrong({ pointer: "/content", message: "not an object" });
  }
  return readContent(question, (content ?? {}) as Readonly<Record<string, unknown>>);
}

function readContent(
  { schema: { properties, required = [] } }: Extract<ToolQuestion, { mode: "form" }>,
  content: Readonly<Record<string, unknown>>,
): Parsed<ToolAnswer> {
  const issues: Issue[] = [];
  const made: Record<string, unknown> = {};
  const at = (name: string) => `/content/${escapePointer(name)}`;
  for (const name of Object.keys(content)) {
    if (!Object.hasOwn(properties, name)) issues.push({ pointer: at(name), message: "nobody asked for it" });
  }
  for (const [name, field] of Object.entries(properties)) {
    const value = Object.hasOwn(content, name) ? content[name] : field.default;
    if (value === undefined) {
      if (required.includes(name)) issues.push({ pointer: at(name), message: "required" });
      continue;
    }
    const message = faultOf(field, value);
    if (message === undefined) made[name] = value;
    else issues.push({ pointer: at(name), message });
  }
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, 20) };
  return { ok: true, value: { action: "accept", content: made as FormContent } };
}

/** What is wrong with a value, or nothing. */
function faultOf(field: FormField, value: unknown): string | undefined {
  switch (field.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "neither true nor false";
    case "number":
    case "integer": {
      if (typeof value !== "number") return "not a number";
      if (field.type === "integer" && !Number.isInteger(value)) return "not a whole number";
      if (field.minimum !== undefined && value < field.minimum) return `less than ${field.minimum}`;
      if (field.maximum !== undefined && value > field.maximum) return `more than ${field.maximum}`;
      return undefined;
    }
    case "string":
      if (typeof value !== "string") return "not text";
      return textFault(field, value);
    case "array": {
      if (!Array.isArray(value)) return "not a list";
      const choices = choicesOf(field) ?? [];
      if (value.some((one) => !choices.some((choice) => choice.value === one))) return "not among the choices";
      if (new Set(value).size < value.length) return "a choice is there twice";
      if (field.minItems !== undefined && value.length < field.minItems) return `fewer than ${field.minItems}`;
      if (field.maxItems !== undefined && value.length > field.maxItems) return `more than ${field.maxItems}`;
      return undefined;
    }
  }
}

function textFault(field: Extract<FormField, { type: "string" }>, value: string): string | undefined {
  const choices = choicesOf(field);
  if (choices) return choices.some((choice) => choice.value === value) ? undefined : "not among the choices";
  if (!("format" in field || "minLength" in field || "maxLength" in field)) {
    return value.length > textChars ? `longer than ${textChars} characters` : undefined;
  }
  const { minLength = 0, maxLength = textChars, format } = field;
  if (value.length < minLength) return `shorter than ${minLength} characters`;
  if (value.length > Math.min(maxLength, textChars)) {
    return `longer than ${Math.min(maxLength, textChars)} characters`;
  }
  if (format !== undefined && !formats()[format].safeParse(value).success) return `not a ${format}`;
  return undefined;
}

/** What may be chosen in a field, with the words for it; nothing for a field that takes any value. */
export function choicesOf(field: FormField): readonly { readonly value: string; readonly title: string }[] | undefined {
  if (field.type === "array") {
    const { items } = field;
    if ("enum" in items) return items.enum.map((value) => ({ value, title: value }));
    return items.anyOf.map(({ const: value, title }) => ({ value, title }));
  }
  if (field.type !== "string") return undefined;
  if ("enum" in field) return field.enum.map((value, index) => ({ value, title: field.enumNames?.[index] ?? value }));
  if ("oneOf" in field) return field.oneOf.map(({ const: value, title }) => ({ value, title }));
  return undefined;
}
