import type { ApprovalCase, ApprovalDecision, DecisionTaken, Json, Principal, Run, Supervisor } from "@remit/core";

/**
 * What people do to runs, by command or in the console: one code path for both. A word is said to a supervisor that can
 * act, and the run goes on in this process until it ends or waits again.
 */
export interface Acting {
  readonly supervisor: Supervisor;
  /** Lets a run go on here until it ends or waits for somebody. */
  readonly goOn: (run: Run) => Promise<WentOn>;
  /** Told at once of a word that does not count, where the run may yet go on because of what it has heard meanwhile. */
  readonly refused?: (thrown: unknown) => void;
}

/** What a run has come to. */
export interface WentOn {
  readonly run: string;
  readonly status: string;
  readonly reason: string;
  /** Addresses of writes that wait. */
  readonly waiting: readonly string[];
  /** Questions that wait. */
  readonly questions: readonly string[];
}

/** A word that counts, and the run that goes on after it. Whoever does not wait for `went` has to hear its rejection. */
export interface Said<Taken> {
  readonly taken: Taken;
  readonly went: Promise<WentOn>;
}

interface Step {
  readonly principal: Principal;
}

/** Says a person's word on one write. @throws OrchestrationError as `approvals.decide` */
export async function decideOn(
  { supervisor, goOn, refused }: Acting,
  { tenant, run: runId, address }: Pick<ApprovalCase, "tenant" | "run" | "address">,
  said: ApprovalDecision,
): Promise<Said<DecisionTaken>> {
  const { principal } = said;
  const run = await supervisor.find(runId, { tenant, ...(principal === undefined ? {} : { principal }) });
  const taken = await supervisor.approvals.decide(tenant, address, said).catch(async (thrown: unknown) => {
    refused?.(thrown);
    // What the run has heard of meanwhile, such as a restriction, may have set it going.
    await goOn(run);
    throw thrown;
  });
  return { taken, went: goOn(run) };
}

/** Cancels a run, or one agent of it with all that works for it. @throws OrchestrationError as `run.cancel` */
export async function cancelRun(
  { supervisor, goOn }: Acting,
  { tenant, run: runId }: { readonly tenant: string; readonly run: string },
  { reason, subtree, principal }: Step & { readonly reason: string; readonly subtree?: string | undefined },
): Promise<Said<undefined>> {
  const run = await supervisor.find(runId, { tenant, principal });
  await run.cancel(reason, { principal, ...(subtree === undefined ? {} : { subtree }) });
  return { taken: undefined, went: goOn(run) };
}

/** Starts a new run in the place of a failed one. `taken` is its id. @throws OrchestrationError as `deadLetters.redrive` */
export async function redriveRun(
  { supervisor, goOn }: Acting,
  { tenant, run: failed }: { readonly tenant: string; readonly run: string },
  { principal }: Step,
): Promise<Said<string>> {
  const as = await supervisor.deadLetters.redrive(tenant, failed, { principal });
  const run = await supervisor.find(as, { tenant, principal });
  return { taken: as, went: goOn(run) };
}

/** Answers a question of a run. @throws OrchestrationError as `run.send` */
export async function replyTo(
  { supervisor, goOn }: Acting,
  { tenant, run: runId, ask }: { readonly tenant: string; readonly run: string; readonly ask: string },
  { answer, key, principal }: Step & { readonly answer: Json; readonly key: string },
): Promise<Said<undefined>> {
  const run = await supervisor.find(runId, { tenant, principal });
  await run.send(answer, { ask, key, principal });
  return { taken: undefined, went: goOn(run) };
}
