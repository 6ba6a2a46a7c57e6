import { canonicalJson, type Entry, type SupervisorDefinition } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { type GrantSpec, isGranted } from "./specs.ts";
import { edgeGrants } from "./team.ts";
import type { WorldCall } from "./world.ts";

/** What bounds a run: what it was granted (R6), how often it may do something, and when it may try again (R11). */
export function assertBounds(audited: Audited, evidence: Evidence, others: ReadonlyMap<string, Audited>): void {
  assertGranted(audited, evidence, others);
  assertCounts(audited, evidence.definitions[0] as SupervisorDefinition);
  assertLeftAlone(audited);
  assertUndone(audited, others);
}

/** R6: no call reached the world that the start of its run, or a delegation on the way down to it, does not grant. */
function assertGranted(
  { entries, known, fault }: Audited,
  { seed, definitions, world }: Evidence,
  others: ReadonlyMap<string, Audited>,
): void {
  const byEdge = edgeGrants(seed, definitions[0] as SupervisorDefinition);
  const delegated = new Map<string, GrantSpec>();
  for (const entry of entries) {
    if (entry.type !== "handoff.delivered") continue;
    const grant = byEdge.get(entry.body.edge);
    if (grant) delegated.set(entry.path, grant);
  }
  const started = startedWith(known.id, others);
  for (const call of world.calls) {
    if (call.run !== known.id) continue;
    if (started && !isGranted(started, call)) fault("R6", `${what(call)}, which its run was not granted`);
    // Who judges a write was not delegated anything by the way on which its agent came.
    if (/\/(compliance|reviewer)#\d+\//.test(call.path)) continue;
    for (const [path, grant] of delegated) {
      if (call.path.startsWith(`${path}/`) && !isGranted(grant, call)) {
        fault("R6", `${what(call)}, which ${path} was not granted`);
      }
    }
  }
}

function what({ agent, tool, id, path }: WorldCall): string {
  return `${agent} called ${tool} of ${id} at ${path}`;
}

/** What a run was granted at its start; one that takes the place of another what that one was. */
function startedWith(run: string, others: ReadonlyMap<string, Audited>): GrantSpec | undefined {
  const audited = others.get(run);
  const [first] = audited?.entries ?? [];
  const redrives = first?.type === "run.started" && !first.body.compensates ? first.body.redrives : undefined;
  return redrives === undefined ? audited?.known.grant : startedWith(redrives, others);
}

/** R11: nothing is handed on, and nothing read, more often than the limits say. */
function assertCounts({ entries, fault }: Audited, { limits }: SupervisorDefinition): void {
  const delivered = entries.filter(({ type }) => type === "handoff.delivered").length;
  if (delivered > limits.handoffs) fault("R11", `${delivered} handoffs, more than the limit of ${limits.handoffs}`);
  const reads = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type !== "tool.called" || entry.body.effect !== "read" || entry.body.attempt !== 1) continue;
    const pair = `${entry.body.tool} ${canonicalJson(entry.body.input)}`;
    const times = (reads.get(pair) ?? 0) + 1;
    reads.set(pair, times);
    if (times > limits.repeats)
      fault("R11", `${pair} was read ${times} times, more than the limit of ${limits.repeats}`);
  }
}

/** R11: whoever said when to come again is left alone until then. */
function assertLeftAlone({ entries, fault }: Audited): void {
  for (const entry of entries) {
    if (entry.type !== "step.retried") continue;
    const { step, dueAt, error } = entry.body;
    const wished = error.data?.retryAfterMs;
    if (typeof wished === "number" && dueAt < entry.at + wished) {
      fault("R11", `${step} is tried again after ${dueAt - entry.at} ms, and ${wished} ms were asked for`);
    }
  }
}

/** R7: what was done last is undone first. */
function assertUndone({ entries, fault }: Audited, others: ReadonlyMap<string, Audited>): void {
  const [first] = entries;
  if (first?.type !== "run.started" || !first.body.compensates) return;
  const { run, undos } = first.body.compensates;
  const order = new Map<string, number>();
  for (const entry of others.get(run)?.entries ?? ([] as readonly Entry[])) {
    if (entry.type !== "effect.proposed" && entry.type !== "effect.intended") continue;
    if (!order.has(entry.body.effect)) order.set(entry.body.effect, entry.seq);
  }
  const seqs = undos.map(({ effect }) => order.get(effect) ?? 0);
  if (seqs.some((seq, index) => index > 0 && seq >= (seqs[index - 1] ?? 0))) {
    fault(
      "R7",
      `${undos.map(({ effect }) => effect).join(", ")} of ${run} are undone in the order in which they were done`,
    );
  }
}
