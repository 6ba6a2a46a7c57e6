import { canonicalJson, type Entry, type Json, parseWith, type SupervisorDefinition } from "@remit/core";
import type { WorldLogLine } from "../world/world.ts";
import { agentsIn } from "./agents-in.ts";

type Intent = Extract<Entry, { readonly type: "effect.intended" }>;

/**
 * Looks at a run from outside, by code that shares nothing with the gates: allowlists come from the pack's agents,
 * payloads are read with their schemas, writes are counted in the world's own log, and what each had to wait for is told
 * by its tool's risk and read from the journal.
 */
export function auditRun(
  entries: readonly Entry[],
  definition: SupervisorDefinition,
  /** Absent: the servers keep no log; what the journal alone shows is still looked at. */
  log: readonly WorldLogLine[] = [],
): string[] {
  const found: string[] = [];
  const agents = agentsIn(definition);
  const intents = new Map<string, Intent>();
  for (const entry of entries) {
    switch (entry.type) {
      case "tool.called": {
        const { agent, tool } = entry.body;
        if (!agents.get(agent)?.tools.some(({ name }) => name === tool) && !isUndo(entries)) {
          found.push(`entry ${entry.seq}: ${agent} called ${tool}, which is not its tool`);
        }
        break;
      }
      case "handoff.delivered": {
        const agent = agents.get(entry.body.agent);
        if (!agent || !parseWith(agent.input, entry.body.payload).ok) {
          found.push(`entry ${entry.seq}: ${entry.body.agent} was given a payload outside its contract`);
        }
        break;
      }
      case "effect.intended":
        intents.set(entry.body.key, entry);
        break;
      default:
    }
  }
  const done = new Map<string, number>();
  for (const { effect, outcome, key, tool, input, by } of log) {
    if (effect !== "write") continue;
    const intent = key === undefined ? undefined : intents.get(key);
    if (by !== undefined) {
      // What people do on their own is no effect of the run, and must not look like one.
      if (intent) found.push(`the world saw ${tool} of the ${by} under the key of ${intent.body.effect}`);
      continue;
    }
    if (!intent || key === undefined) {
      found.push(`the world saw ${tool} under a key that no intent has`);
      continue;
    }
    if (outcome === "done") done.set(key, (done.get(key) ?? 0) + 1);
    const missing = gateMissing(entries, intent, tool, input, definition);
    if (missing !== undefined) found.push(`the world saw ${tool} of ${intent.body.effect} ${missing}`);
  }
  for (const [key, times] of done) if (times > 1) found.push(`the write ${key} happened ${times} times`);
  return found;
}

/** What a write that the world saw should have waited for and did not; nothing where it did. */
function gateMissing(
  entries: readonly Entry[],
  { seq, body: { effect, input: intended } }: Intent,
  tool: string,
  seen: Json,
  { tools, approvals }: SupervisorDefinition,
): string | undefined {
  const [start] = entries;
  // A run from before there were gates goes on as it began.
  if (start?.type !== "run.started" || start.body.policyVersion === undefined) return undefined;
  const risk = tools.get(tool)?.risk ?? "high";
  if (risk === "low" && !approvals.has(tool)) return undefined;
  const before = entries.filter((entry) => entry.seq < seq);
  const fits = (input: Json) => [intended, seen].every((one) => canonicalJson(one) === canonicalJson(input));

  const asked = before.findLast((entry) => entry.type === "approval.requested" && entry.body.effect === effect);
  const granted = before.findLast((entry) => entry.type === "approval.granted" && entry.body.effect === effect);
  if (asked?.type === "approval.requested" && granted?.type === "approval.granted") {
    const { quorum, requesters, input, binding } = asked.body;
    const people = new Set(granted.body.by);
    if (granted.body.binding !== binding || !fits(input)) return "with other arguments than were approved";
    if (people.size < quorum) return `with ${people.size} of ${quorum} approvals`;
    if (requesters.some((one) => people.has(one))) return "approved by who had asked for it";
    return undefined;
  }
  if (risk === "high" || approvals.get(tool)?.tier === "person") return "without an approval before it";
  const proposed = before.findLast((entry) => entry.type === "effect.proposed" && entry.body.effect === effect);
  const judged = before.findLast((entry) => entry.type === "effect.judged" && entry.body.effect === effect);
  if (judged?.type !== "effect.judged" || judged.body.verdict !== "allow") return "without a verdict before it";
  if (proposed?.type !== "effect.proposed" || !fits(proposed.body.input))
    return "with other arguments than were judged";
  return undefined;
}

/** A run that undoes another one's writes has no agents of its own. */
function isUndo([start]: readonly Entry[]): boolean {
  return start?.type === "run.started" && start.body.compensates !== undefined;
}
