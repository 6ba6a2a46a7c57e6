import { OrchestrationError, reasonOf } from "@remit/core";
import type { Violations } from "./violation.ts";

/** Errors that a caller of a system under faults has to live with. */
const expected: ReadonlySet<string> = new Set([
  "journal/conflict",
  "journal/unavailable",
  "engine/closed",
  "run/not-waiting",
  "run/already-ended",
  "run/unknown",
  "bus/mailbox-full",
  "policy/revoked",
  "specialist/not-heard",
]);

/** Files an error under the promise that it breaks, if it breaks one. */
export function judge(violations: Violations, error: unknown, also: readonly string[] = []): void {
  if (!OrchestrationError.is(error)) return violations.add("R11", `a throw that is not ours: ${reasonOf(error)}`);
  if (!also.includes(error.code)) judgeCode(violations, error.code, error.message);
}

/** The same for an error of which only its code and its sentence are known. */
export function judgeCode(violations: Violations, code: string, sentence: string): void {
  if (expected.has(code)) return;
  violations.add(
    code.startsWith("replay/") ? "R13" : code.startsWith("journal/") ? "R1" : "R11",
    `${code}: ${sentence}`,
  );
}
