import type { Context } from "hono";
import type { Complaint } from "../cli/complaint.ts";
import { SandboxError } from "../errors.ts";
import type { Word } from "./words.ts";

/** What comes in: forms of our pages and JSON, and what HTTP calls that which is wrong with it. */

/** @throws SandboxError `console/request-invalid` */
export async function jsonOf(context: Context): Promise<Readonly<Record<string, unknown>>> {
  const text = await context.req.text();
  try {
    const given: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof given === "object" && given !== null && !Array.isArray(given)) return given as Record<string, unknown>;
  } catch (cause) {
    throw new SandboxError("console/request-invalid", { reason: "it is not JSON" }, { cause });
  }
  throw new SandboxError("console/request-invalid", { reason: "it is no JSON object" });
}

const fieldPrefix = "field:";

/** A form's members as they were typed; those of a question's form by field. */
export function formOf(name: Word, text: string): Readonly<Record<string, unknown>> {
  const members = new URLSearchParams(text);
  const given = new Map<string, unknown>();
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [member, value] of members) {
    if (!member.startsWith(fieldPrefix)) {
      given.set(member, value);
      continue;
    }
    const field = member.slice(fieldPrefix.length);
    fields[field] = [...(fields[field] ?? []), value];
  }
  return { ...Object.fromEntries(given), ...(name === "answer" ? { fields: { ...fields } } : {}) };
}

/** The same as a word: JSON that was typed into a form is read, and each button of a form has a key of its own. */
export function readyOf(name: Word, given: Readonly<Record<string, unknown>>, isJson: boolean): unknown {
  if (isJson) return given;
  const { json, ...rest } = given;
  if (name === "decide" && rest.decision === "edit")
    return { ...rest, input: typedJson(rest.input, "the arguments are") };
  if (name === "decide") return { ...rest, key: `${String(rest.key)}-${String(rest.decision)}` };
  if (name === "reply" && json === "true") return { ...rest, answer: typedJson(rest.answer, "the answer is") };
  return rest;
}

function typedJson(text: unknown, what: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    const reason = `${what} not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new SandboxError("console/request-invalid", { reason }, { cause });
  }
}

/** What HTTP calls it. What came too late is a conflict with what stands. */
export function statusOf({ code, unforeseen }: Complaint): number {
  if (unforeseen) return 500;
  if (code === "console/nothing-there" || code === "run/unknown" || code === "letter/unknown") return 404;
  if (/^(console|tool|question|run)\/.*invalid$/.test(code) || code === "run/subtree-unknown") return 422;
  if (code.startsWith("policy/") || code === "approval/self-approval" || code === "approval/role-missing") return 403;
  if (code === "approval/reveal-not-allowed") return 403;
  return code === "journal/unavailable" || code === "state/unusable" ? 503 : 409;
}
