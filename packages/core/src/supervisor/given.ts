import type { z } from "zod";
import type { AnyAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import { isIdText } from "../ids.ts";
import { type Json, notJsonText, plainJson } from "../json.ts";
import { assertBound } from "../limits.ts";
import { type Issue, parseWith } from "../schema.ts";
import type { SupervisorDefinition } from "./definition.ts";
import type { StartOptions } from "./options.ts";

/** @throws OrchestrationError `run/id-invalid` */
export function assertId(what: string, value: string): void {
  if (typeof value !== "string" || !isIdText(value)) {
    throw new OrchestrationError("run/id-invalid", { what, value: String(value).slice(0, 200) });
  }
}

/** The name of one tenant. @throws OrchestrationError `run/id-invalid` */
export function oneTenant(tenant: string): string {
  assertId("tenant", tenant);
  return tenant;
}

/** When a run shall begin, if not at once. @throws OrchestrationError `limits/not-a-bound` */
export function startOf({ startAt, delayMs }: StartOptions, now: number): number | undefined {
  if (startAt !== undefined) assertBound("startAt", startAt, 0);
  if (delayMs !== undefined) assertBound("delayMs", delayMs, 0);
  return startAt ?? (delayMs === undefined ? undefined : now + delayMs);
}

/** An input that no run of a supervisor starts with. */
export function inputInvalid({ name, entry }: SupervisorDefinition, issues: readonly Issue[]): OrchestrationError {
  return new OrchestrationError("run/input-invalid", {
    supervisor: name,
    agent: entry,
    first: sentenceOf(issues[0]),
    issues: issues as unknown as Json,
  });
}

/** The first issue for the message: who prints an error sees no further than that. */
function sentenceOf(issue: Issue | undefined): string {
  if (!issue) return "it is refused";
  return `${issue.pointer.slice(0, 100) || "/"}: ${issue.message}`;
}

/** What a run starts with: JSON, of a bearable size, as its first agent takes it. */
export function readInput(
  definition: SupervisorDefinition,
  given: unknown,
  attributes: StartOptions["attributes"],
): Json {
  const { entry, limits } = definition;
  const refuse = (issues: readonly Issue[]) => inputInvalid(definition, issues);
  const toPlain = (value: unknown): Json => {
    const plain = plainJson(value);
    if (plain.ok) return plain.value;
    throw refuse([{ pointer: plain.fault.pointer, message: notJsonText(plain.fault) }]);
  };
  const input = toPlain(given);
  const parsed = parseWith((definition.agents.get(entry) as AnyAgent).input as z.ZodType, input);
  if (!parsed.ok) throw refuse(parsed.issues);
  toPlain(parsed.value);
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > limits.payloadBytes) {
    throw refuse([{ pointer: "", message: `${bytes} bytes, more than the limit of ${limits.payloadBytes}` }]);
  }
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value !== "string") throw refuse([{ pointer: "", message: `the attribute ${name} is not text` }]);
  }
  return input;
}
