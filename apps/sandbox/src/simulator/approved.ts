import { canonicalJson, type Entry, type Principal } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import type { RuleSpec } from "./specs.ts";

type Requested = Entry<"approval.requested">;

/**
 * R8, from people's own words, the journal's order and what reached the world: every write that needed somebody's yes had
 * it, from enough different people, none of whom had asked for it, in time, for exactly what was made.
 */
export function assertApprovals({ entries, known, fault }: Audited, evidence: Evidence): void {
  const { rules, world, people, steady } = evidence;
  const intents = new Map<string, Entry<"effect.intended">>();
  const requests = new Map<string, Requested[]>();
  const votes: Entry<"approval.decided">[] = [];
  const allowed = new Set<string>();
  const refused = new Map<string, string>();
  const editors = new Map<string, Principal[]>();
  const keys = new Set<string>();
  const used = new Set<string>();

  for (const entry of entries) {
    switch (entry.type) {
      case "effect.intended": {
        const { effect, approval } = entry.body;
        if (intents.has(effect)) fault("R7", `${effect} was intended twice`);
        intents.set(effect, entry);
        if (approval === undefined) break;
        if (used.has(approval)) fault("R8", `the approval of ${effect} was used before`);
        used.add(approval);
        const asked = requests.get(effect)?.at(-1);
        if (asked?.body.binding !== approval) fault("R8", `${effect} rests on an approval of something else`);
        break;
      }
      case "approval.requested": {
        const { effect, expiresAt, tool } = entry.body;
        requests.set(effect, [...(requests.get(effect) ?? []), entry]);
        const rule = rules.get(tool);
        if (rule && expiresAt !== entry.at + rule.expiresMs)
          fault("R8", `${effect} does not expire when its rule says`);
        break;
      }
      case "approval.decided": {
        const { key, effect, decision, binding, principal } = entry.body;
        if (keys.has(key)) fault("R8", `the word ${key} is in the journal twice`);
        keys.add(key);
        const word = people.words.get(key);
        const said =
          word &&
          word.run === known.id &&
          word.effect === effect &&
          word.decision === decision &&
          word.binding === binding &&
          word.principal.id === principal.id;
        if (said) votes.push(entry);
        else fault("R8", `nobody said ${decision} to ${effect} under ${key}`);
        break;
      }
      case "effect.judged":
        if (entry.body.verdict === "allow") allowed.add(entry.body.effect);
        if (entry.body.verdict === "revise") refused.set(entry.body.effect, "revised");
        break;
      case "approval.rejected":
        refused.set(entry.body.effect, "rejected");
        break;
      case "approval.expired": {
        const asked = requests.get(entry.body.effect)?.at(-1);
        if (!asked || (steady && entry.at < asked.body.expiresAt))
          fault("R8", `${entry.body.effect} expired before its time`);
        refused.set(entry.body.effect, "expired");
        break;
      }
      case "approval.edited": {
        const { effect, next } = entry.body;
        refused.set(effect, "edited");
        const vote = votes.findLast(({ body }) => body.effect === effect && body.decision === "edit");
        if (!vote) fault("R8", `${effect} was edited by nobody`);
        else editors.set(next, [...(editors.get(effect) ?? []), vote.body.principal]);
        break;
      }
      default:
    }
  }

  for (const [key, word] of people.words) {
    if (word.run === known.id && word.acknowledged && !keys.has(key)) {
      fault("R8", `a decision on ${word.effect} was acknowledged and is not in the journal`);
    }
  }

  for (const { run, path, agent, tool, kind, id } of world.calls) {
    if (run !== known.id || kind === "read") continue;
    const why = refused.get(path);
    if (why !== undefined) fault("R8", `${path} (${tool}) was ${why} and reached the world`);
    const intent = intents.get(path);
    if (!intent) continue; // R7 says so.
    if (canonicalJson({ id }) !== canonicalJson(intent.body.input)) {
      fault("R8", `${path} (${tool}) reached the world with other arguments than were intended`);
    }
    const rule = rules.get(tool);
    if (!rule) continue;
    const mayBeAllowed = rule.tier === "compliance" && agent !== "compensation";
    if (mayBeAllowed && allowed.has(path)) continue;
    const requesters = [known.principal, ...(editors.get(path) ?? [])].flatMap(idsOf);
    const asked = requests.get(path)?.findLast(({ seq }) => seq < intent.seq);
    const voters = asked ? votersFor({ asked, intent, votes, requesters, rule, words: people.words }) : new Set();
    if (voters.size >= rule.quorum) continue;
    fault("R8", `${path} (${tool}) reached the world with ${voters.size} of ${rule.quorum} approvals`);
  }
}

/** Whose approvals count, each person once. */
function votersFor(about: {
  readonly asked: Requested;
  readonly intent: Entry<"effect.intended">;
  readonly votes: readonly Entry<"approval.decided">[];
  readonly requesters: readonly string[];
  readonly rule: RuleSpec;
  readonly words: Evidence["people"]["words"];
}): ReadonlySet<string> {
  const { asked, intent, votes, requesters, rule, words } = about;
  const voters = new Set<string>();
  for (const { seq, at, body } of votes) {
    const { effect, decision, principal, binding, key } = body;
    if (effect !== asked.body.effect || decision !== "approve" || binding !== asked.body.binding) continue;
    if (seq < asked.seq || seq > intent.seq || at >= asked.at + rule.expiresMs) continue;
    if (idsOf(principal).some((id) => requesters.includes(id))) continue;
    if (rule.roles.length > 0 && !rule.roles.some((role) => principal.roles.includes(role))) continue;
    if (canonicalJson(words.get(key)?.saw ?? null) !== canonicalJson(intent.body.input)) continue;
    voters.add(principal.onBehalfOf ?? principal.id);
  }
  return voters;
}

function idsOf({ id, onBehalfOf }: Principal): string[] {
  return onBehalfOf === undefined ? [id] : [id, onBehalfOf];
}
