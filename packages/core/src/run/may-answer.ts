import type { Audience } from "../audience.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { Principal } from "../principal.ts";

/** A question of a run, and who would answer it. */
export interface Answering {
  readonly run: string;
  readonly ask: string;
  readonly of: Audience;
  readonly principal: Principal;
}

/**
 * Who answers is who was asked. A question to an operator is no customer's to answer, whatever their roles. One to a customer
 * is answered by whoever started the run, or on whose behalf it was started; where neither is a customer, by any. Everybody
 * else says a person's word, as with approvals, and needs the role for that where roles are given.
 *
 * It is asked at the door, before anything is written: what a journal holds was let in already.
 *
 * @throws OrchestrationError `run/answer-not-allowed`, `policy/operator-not-allowed`
 */
export function assertMayAnswer(
  { run, ask, of, principal }: Answering,
  begun: Entry | undefined,
  may: AssertOperator,
): void {
  const starter = begun?.type === "run.started" ? begun.body.principal : undefined;
  if (of === "customer") {
    if (starter && principal.kind === starter.kind && principal.id === starter.id) return;
    if (principal.kind === "user" && isTheirs(principal, starter)) return;
  }
  if (principal.kind === "user") {
    throw new OrchestrationError("run/answer-not-allowed", { run, ask, of, principal: principal.id });
  }
  may("approve", principal);
}

function isTheirs({ id, onBehalfOf }: Principal, starter: Principal | undefined): boolean {
  if (!starter || (starter.kind !== "user" && starter.onBehalfOf === undefined)) return true;
  const theirs = [starter.id, starter.onBehalfOf];
  return theirs.includes(id) || (onBehalfOf !== undefined && theirs.includes(onBehalfOf));
}
