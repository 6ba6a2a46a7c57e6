import { OrchestrationError } from "../errors.ts";
import { sha256 } from "../hash.ts";

/**
 * A key makes one of what is said twice. One that whoever has none sends as well would make one of what strangers say.
 * @throws OrchestrationError `run/key-invalid`
 */
export function assertKey(value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw new OrchestrationError("run/key-invalid", { value: JSON.stringify(value) ?? String(value) });
}

/** The id of the run that somebody begins under a key. */
export function keyedRunId(tenant: string, supervisor: string, idempotencyKey: string): string {
  return named(`${tenant}\n${supervisor}\n${idempotencyKey}`);
}

/**
 * The id of a run that a supervisor begins by itself, for what it says. No tenant begins with a line break, so it is never
 * what somebody's key comes to.
 */
export function ownRunId(tenant: string, supervisor: string, what: string): string {
  return named(`\n${tenant}\n${supervisor}\n${what}`);
}

function named(text: string): string {
  return `run_${sha256(text).slice(0, 22)}`;
}
