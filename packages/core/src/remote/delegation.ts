import type { Delegation, InputBodies, InputEvent } from "../event.ts";
import { sha256 } from "../hash.ts";
import { canonicalJson } from "../json.ts";

/** What travels with a delegation, and the text that its caller's key signs. */

/** The run that a delivery becomes: the same one however often it is sent, and no other delivery's. */
export function delegatedRun(of: {
  readonly tenant: string;
  readonly specialist: string;
  readonly run: string;
  readonly path: string;
}): string {
  const { tenant, specialist, run, path } = of;
  return `run_${sha256(`${tenant}\n${specialist}\n${run}\n${path}`).slice(0, 22)}`;
}

/** The command that tells a specialist's run to stop, and the event that it comes to there. */
export function recallId(path: string): string {
  return `${path}/recall`;
}

/** The run that has begun this one by its start, and waits until that is durable. */
export function beginnerOf({ type, body }: InputEvent): string | undefined {
  return type === "run.started" ? body.delegation?.parent.run : undefined;
}

/** True for word of a run to stop, to the one that works for it, whose last word it waits for. */
export function isRecall({ type, id }: InputEvent): boolean {
  return type === "cancel.requested" && id.endsWith(recallId(""));
}

/** The start of a specialist's run as its caller sends it. What its owner says of it is added there. */
export type DelegatedStart = InputBodies["run.started"] & { readonly delegation: Delegation };

/**
 * What is signed: everything that the specialist's owner goes by, and nothing that they add. Bound to the run that it
 * begins, so that it begins no other.
 */
export function delegationText(
  { tenant, run }: { readonly tenant: string; readonly run: string },
  { input, principal, labels, attributes, conversationId, delegation }: DelegatedStart,
): string {
  const { signature: _, caller: __, refused: ___, ...said } = delegation;
  return canonicalJson({
    remit: "delegation-1",
    tenant,
    run,
    input,
    principal,
    labels,
    attributes: attributes ?? {},
    conversationId: conversationId ?? null,
    delegation: said,
  });
}
