import { OrchestrationError } from "../errors.ts";
import type { Decision, DecisionBodies } from "../event.ts";
import { openBatch, verifyChain } from "../journal/chain.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { openBlobs } from "../run/blob.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import type { PolicyEffect } from "./answer.ts";
import type { Policy } from "./policy.ts";
import type { PolicyEdge } from "./request.ts";

/** One decision of a past run that would be another under a candidate. */
export interface PolicyChange {
  /** Seq of the input that it was decided from. */
  readonly seq: number;
  readonly path: string;
  readonly edge: PolicyEdge;
  readonly agent: string;
  readonly target: string;
  readonly was: { readonly effect: PolicyEffect; readonly decision: Decision };
  readonly would: { readonly effect: PolicyEffect; readonly decision: Decision; readonly because: string };
}

export interface PolicyDiff {
  readonly run: string;
  /** How often the candidate was asked. */
  readonly asked: number;
  readonly changes: readonly PolicyChange[];
}

/**
 * What a candidate would have said in a run of the past: the run is decided again from its journal, offline, and the
 * candidate is asked wherever the policy in force was. Each question is the one that was asked then; what the run would
 * have become behind the first change nobody knows.
 * @throws OrchestrationError `run/unknown`, `journal/broken-chain`, `replay/diverged`, and what binding the candidate throws
 */
export async function diffPolicy(
  journal: Journal,
  key: StreamKey,
  definition: SupervisorDefinition,
  candidate: Policy,
): Promise<PolicyDiff> {
  const batches = await journal.read(key);
  if (batches.length === 0) throw new OrchestrationError("run/unknown", { run: key.id, tenant: key.tenant });
  const { fault } = verifyChain(batches);
  if (fault) throw new OrchestrationError("journal/broken-chain", { stream: key.id, ...fault });
  let asked = 0;
  const bound = candidate.bind(definition);
  const shadow: Policy = {
    ...bound,
    evaluate: (request) => {
      asked++;
      return bound.evaluate(request);
    },
  };
  const [{ RunCore }, { decidedBy, foldBatch }] = await Promise.all([
    import("../run/core.ts"),
    import("../run/fold.ts"),
  ]);
  const tenantKey = await journal.tenantKey(key.tenant);
  const core = new RunCore({ definition, tenant: key.tenant, runId: key.id, tenantKey, shadow });
  const changes: PolicyChange[] = [];
  for (const batch of await decidedBy(definition, batches, journal, key)) {
    foldBatch(core, await openBlobs(openBatch(batch, key.id), journal, key), key.id, (drafts, { seq }) => {
      for (const draft of drafts) {
        if (draft.type !== "policy.shadowed") continue;
        const { edge, agent, target, live, candidate: would } = draft.body as DecisionBodies["policy.shadowed"];
        changes.push({ seq, path: draft.path, edge, agent, target, was: live, would });
      }
    });
  }
  return { run: key.id, asked, changes };
}
