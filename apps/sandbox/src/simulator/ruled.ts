import type { Entry } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { idOf, wantedOf } from "./rules.ts";
import { answerAfter, type PolicySpec, policySpecs } from "./specs.ts";
import { heldBy } from "./team.ts";

interface Returned {
  readonly seq: number;
  readonly tool: string;
  readonly id: string;
}

/**
 * R4: nothing reached the world that the policy denies, and nothing before what has to come first; nor was anything held up
 * for what had come. R13: a run remembers its calls whatever becomes of its process.
 */
export function assertRules({ entries, known, fault }: Audited, { seed, definitions, world }: Evidence): void {
  const specs = policySpecs(seed);
  if (!specs) return;
  const held = new Set(heldBy([...(definitions[0]?.agents.values() ?? [])]));
  const specOf = new Map(specs.map((spec) => [spec.tool, { ...spec, after: wantedOf(spec, held) }]));
  const returned = returnedIn(entries);
  /** Where a call with an argument was first made. */
  const calledAt = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type !== "tool.called") continue;
    const place = `${entry.path} ${idOf(entry.body.input)}`;
    if (!calledAt.has(place)) calledAt.set(place, entry.seq);
  }
  const came = (spec: PolicySpec, id: string, before: number) =>
    returned.some((one) => one.seq < before && spec.after.includes(one.tool) && (!spec.same || one.id === id));
  for (const { run, path, tool, kind, id } of world.calls) {
    const spec = run === known.id && held.has(tool) ? specOf.get(tool) : undefined;
    if (!spec) continue;
    if (spec.denies.includes(id)) fault("R4", `${tool} of ${id} reached the world, which the policy denies`);
    const at = calledAt.get(`${path} ${id}`);
    // A read waits for no disk (D2): what it rested on may have been undone, and with it the call.
    if (at === undefined && kind === "read") continue;
    if (spec.after.length > 0 && !came(spec, id, at ?? 0)) {
      fault("R4", `${path} (${tool}) reached the world before ${spec.after.join(" or ")} had returned`);
    }
  }
  const said = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type === "model.responded") said.set(entry.path, entry.seq);
    if (entry.type !== "tool.denied" || entry.body.error.code !== "policy/not-yet") continue;
    const spec = specOf.get(entry.body.tool);
    // What returns between a wish and its call may be too late for it.
    const wished = said.get(entry.path.slice(0, Math.max(0, entry.path.lastIndexOf("/tool#")))) ?? 0;
    if (!spec || came(spec, idOf(entry.body.input), wished)) {
      fault("R13", `${entry.path} (${entry.body.tool}) was held up for what had come before`);
    }
  }
  const answer = answerAfter(seed);
  const [first] = entries;
  const answers = first?.type === "run.started" && !first.body.compensates && entries.at(-1)?.type === "run.completed";
  if (answers && answer !== undefined && held.has(answer) && !returned.some(({ tool }) => tool === answer)) {
    fault("R4", `the run has answered before ${answer} had returned`);
  }
}

/** Calls that have returned, by whatever way their answers came; what was done and gave an answer that is none has not. */
function returnedIn(entries: readonly Entry[]): readonly Returned[] {
  const calls = new Map<string, Omit<Returned, "seq">>();
  const returned: Returned[] = [];
  for (const entry of entries) {
    const { seq, path } = entry;
    if (entry.type === "tool.called") calls.set(path, { tool: entry.body.tool, id: idOf(entry.body.input) });
    const call = isBack(entry) ? calls.get(path) : undefined;
    if (call) returned.push({ seq, ...call });
  }
  return returned;
}

function isBack(entry: Entry): boolean {
  if (entry.type === "effect.looked-up") return entry.body.outcome === "found";
  return entry.type === "tool.returned" || (entry.type === "effect.decided" && entry.body.outcome === "happened");
}
