import { sha256 } from "../hash.ts";

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
