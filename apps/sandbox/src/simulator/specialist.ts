import { canonicalJson, defineSupervisor, type Entry, type SupervisorDefinition } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { endOf } from "./history.ts";
import { isGranted } from "./specs.ts";
import { edgeGrants, type randomSpecialist } from "./team.ts";

/** The definition of a specialist's runs, said here anew: what serves it makes its own. */
export function specialistDefinition(hired: NonNullable<ReturnType<typeof randomSpecialist>>): SupervisorDefinition {
  const { specialist, agent, ...rules } = hired;
  return defineSupervisor({
    ...rules,
    name: specialist.name,
    agents: { [agent.name]: agent },
    entry: agent.name,
    exit: agent.name,
    handoffs: [],
  } as never) as unknown as SupervisorDefinition;
}

/**
 * What a run hands on to a specialist becomes one run of its own, with the same starter, that does no more than its caller was
 * granted (R6) and whose end is what the caller's journal says of it (R1); when a run has ended, nothing of it is still to end
 * (R11).
 */
export function assertDelegations(audited: Audited, evidence: Evidence, others: ReadonlyMap<string, Audited>): void {
  const { entries, fault } = audited;
  const sent = new Map<string, Entry<"delegation.sent">>();
  const closed = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "delegation.sent") sent.set(entry.body.run, entry);
    if (entry.type === "delegation.refused" || entry.type === "delegation.recalled") closed.add(entry.path);
    if (entry.type !== "delegation.ended") continue;
    const { run, end, seq, hash } = entry.body;
    if (closed.has(entry.path)) fault("R11", `${entry.path} has ended twice`);
    closed.add(entry.path);
    const other = others.get(run);
    const last = other?.entries.at(-1);
    if (!last || last.seq !== seq || other?.hash !== hash || endOf(last.type) !== end.status) {
      fault(
        "R1",
        `${entry.path} is said to have ended as ${end.status} at ${seq}, its run ends with ${last?.type} at ${last?.seq}`,
      );
    } else if (end.status === "completed" && last.type === "run.completed") {
      if (canonicalJson(end.output) !== canonicalJson(last.body.output))
        fault("R5", `${entry.path} was given what its specialist has not said`);
    }
  }
  for (const { path, body } of sent.values()) {
    // A run that ended in the same moment has sent nothing.
    if (!closed.has(path) && others.has(body.run)) fault("R11", `${path} was handed on to ${body.run} and has no end`);
  }
  assertWorkedFor(audited, evidence, others);
}

function assertWorkedFor(
  { entries: [first], known, fault }: Audited,
  { seed, definitions, world }: Evidence,
  others: ReadonlyMap<string, Audited>,
): void {
  if (first?.type !== "run.started" || !first.body.delegation) return;
  const { parent } = first.body.delegation;
  const caller = others.get(parent.run);
  const asked = caller?.entries.find((entry) => entry.type === "delegation.sent" && entry.path === parent.path);
  if (!caller || asked?.type !== "delegation.sent" || asked.body.run !== known.id) {
    return fault("R11", `nobody has handed on what ${known.id} works for`);
  }
  const [start] = caller.entries;
  if (start?.type === "run.started" && start.body.principal.id !== first.body.principal.id) {
    fault("R8", `${known.id} works for ${first.body.principal.id}, its caller for ${start.body.principal.id}`);
  }
  const byEdge = edgeGrants(seed, definitions[0] as SupervisorDefinition);
  const grants = caller.entries.flatMap((entry) => {
    if (entry.type !== "handoff.delivered") return [];
    const isAbove = parent.path === entry.path || parent.path.startsWith(`${entry.path}/`);
    const grant = isAbove ? byEdge.get(entry.body.edge) : undefined;
    return grant ? [grant] : [];
  });
  if (caller.known.grant) grants.push(caller.known.grant);
  for (const call of world.calls) {
    // Who judges a write was not delegated anything.
    if (call.run !== known.id || /\/(compliance|reviewer)#\d+\//.test(call.path)) continue;
    if (grants.some((grant) => !isGranted(grant, call))) {
      fault(
        "R6",
        `${call.tool} of ${call.id} was called at ${call.path} of ${known.id}, which its caller was not granted`,
      );
    }
  }
}
