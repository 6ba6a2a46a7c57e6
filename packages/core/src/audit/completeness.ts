import { type Entry, endStatusOf, type LabelTable, type Tier } from "../event.ts";
import { isSteering } from "../label/label.ts";
import { firstPolicyVersion, rulesOf } from "../policy-version.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { policiesFor } from "../supervisor/policies.ts";

/**
 * Which entries a run must have, and which it has. Pure: from entries alone.
 *
 * M1 A run begins with `run.started` and ends with one end, behind which nothing stands.
 * M2 A model call has an answer or a failure, and where a budget is in force a reservation before it.
 * M3 A write has an intent before its dispatch; the intent the verdict or the approvals that its risk asks for; a dispatch
 *    an outcome, or word that nobody knows it. A proposal comes to an intent or to a refusal.
 * M4 A read has its result, a delivery its return, a question of a tool its close, a granted approval as many decisions of
 *    people.
 * M5 What was under way when its run, its agent or its effect came to an end is not asked for; an intended write always is.
 * M6 A write that an agent wants after it has read text of others has its entry of a plan, an exemption or an approval; the
 *    plan that it names was made before. A call under a policy has the policy's decision, by hash of what was asked; where the
 *    policy wants a person it has the approval. (Exemptions, trusted labels and policies are the definition's.)
 */
export interface Completeness {
  readonly present: number;
  readonly required: number;
  readonly missing: readonly MissingEntry[];
}

export interface MissingEntry {
  /** The entry that asks for it. */
  readonly seq: number;
  readonly path: string;
  /** What is missing: entry types, of which one would do. */
  readonly wants: string;
}

/**
 * @param definition says which tier a write has, whose text is foreign, and who is under a policy; absent, or of another
 *   hash than the run's: tiers are what its risks and proposals say, and nothing is asked of flows and policies
 */
export function completenessOf(entries: Iterable<Entry>, definition?: SupervisorDefinition): Completeness {
  const tally = completenessTally(definition);
  for (const entry of entries) tally.take(entry);
  return tally.close();
}

export interface CompletenessTally {
  /** Takes the next entry, opened; an erased body is an empty object. */
  readonly take: (entry: Entry) => void;
  readonly close: () => Completeness;
}

/** What is waited for at one path. */
interface Wish {
  readonly seq: number;
  readonly wants: string;
  /** Not excused by an end around it. */
  readonly strict: boolean;
}

/** What is known of one effect. */
interface EffectState {
  tier: Tier | undefined;
  allowed: boolean;
  granted: boolean;
  /** Ids of people who have approved. */
  approvers: Set<string>;
  intended: boolean;
  /** When it was proposed, its agent had read text of others; absent: it never was. */
  steered: boolean | undefined;
}

type Kind = "model" | "budget" | "call" | "proposal" | "approval" | "effect" | "delivery";

function nameOf(kind: "ask" | "question", name: string | undefined): string {
  return `${kind} ${name ?? ""}`;
}

/** Path of the agent instance that makes a call; what a person has edited is still its agent's. */
function callerOf(path: string): string {
  return path.replace(/\/tool#\d+(?:\/edit#\d+)*$/, "");
}

/** Edges on which a policy can want a person. */
function isCall(edge: string): boolean {
  return edge === "tool" || edge.startsWith("memory.");
}

export function completenessTally(definition?: SupervisorDefinition): CompletenessTally {
  let present = 0;
  let required = 0;
  const missing: MissingEntry[] = [];
  /** By path, then by kind: at one path one thing of a kind is under way. */
  const open = new Map<string, Map<Kind | string, Wish>>();
  const effects = new Map<string, EffectState>();
  let budget = false;
  let tiers = true;
  let definitionHash = "";
  let flows = false;
  /** What the run was handed is judged by its labels, also where its team reads nothing foreign. */
  let inputs = false;
  /** Policies of all of its teams hold for an agent. */
  let inner = false;
  let planned = 0;
  /** Labels of all that an agent instance was given and has read, by its path. */
  const read = new Map<string, Set<string>>();
  let started = false;
  let ended = false;
  let erased = false;
  let last: { readonly seq: number; readonly path: string } = { seq: 0, path: "" };

  const need = (ok: boolean, entry: { readonly seq: number; readonly path: string }, wants: string) => {
    required++;
    if (ok) present++;
    else missing.push({ seq: entry.seq, path: entry.path, wants });
  };
  const wish = (entry: Entry, kind: Kind | string, wants: string, strict = false) => {
    const at = open.get(entry.path) ?? new Map<string, Wish>();
    open.set(entry.path, at);
    const before = at.get(kind);
    // The same again, with nothing heard of the first: it was lost with its process, or is missing.
    if (before) need(false, { seq: before.seq, path: entry.path }, before.wants);
    at.set(kind, { seq: entry.seq, wants, strict });
  };
  const grant = (path: string, ...kinds: (Kind | string)[]): boolean => {
    const at = open.get(path);
    let found = false;
    for (const kind of kinds) {
      if (!at?.delete(kind)) continue;
      found = true;
      required++;
      present++;
    }
    if (at?.size === 0) open.delete(path);
    return found;
  };
  /** What is answered by name, whatever the answer's path. Without its body it answers what was asked first. */
  const hear = (name: string) => {
    for (const [path, at] of open) if (at.has(name)) return void grant(path, name);
  };
  /** Nothing more is heard of what was under way at a path and below. */
  const excuse = (root: string, own: boolean) => {
    for (const [path, at] of open) {
      if (path === root ? !own : root !== "" && !path.startsWith(`${root}/`)) continue;
      for (const [kind, { strict }] of at) if (!strict) at.delete(kind);
      if (at.size === 0) open.delete(path);
    }
  };
  const effectAt = (path: string): EffectState => {
    const known = effects.get(path) ?? {
      tier: undefined,
      allowed: false,
      granted: false,
      approvers: new Set<string>(),
      intended: false,
      steered: undefined,
    };
    effects.set(path, known);
    return known;
  };
  /** The definition, where it is the one that the run is under. */
  const own = () => (definition?.hash === definitionHash ? definition : undefined);
  const reads = (path: string, table: LabelTable | undefined) => {
    const labels = read.get(path) ?? new Set<string>();
    read.set(path, labels);
    for (const label of Object.values(table ?? {}).flat()) labels.add(label);
  };
  const isSteered = (path: string): boolean => {
    const { trusted = [] } = own() ?? {};
    return [...(read.get(callerOf(path)) ?? [])].some((label) => isSteering(label, trusted));
  };
  /** True for a write that the flow rule lets be made after foreign text without a plan. */
  const isFree = (name: string): boolean => {
    const { tools, flows: rules } = own() ?? {};
    return tools?.get(name)?.memory?.access === "write" || (rules?.exempt ?? []).some(({ tool }) => tool === name);
  };
  const isErased = (entry: Entry) => Object.keys(entry.body).length === 0;
  /** How much had to happen before an intent. */
  const tierOf = ({ body, path }: Entry<"effect.intended">): Tier => {
    const ruled = own()?.approvals.get(body.tool)?.tier;
    const risk = !tiers ? "none" : body.risk === "high" ? "person" : body.risk === "medium" ? "compliance" : "none";
    const all: readonly (Tier | undefined)[] = [tiers ? ruled : undefined, risk, effectAt(path).tier];
    return all.includes("person") ? "person" : all.includes("compliance") ? "compliance" : "none";
  };

  const take = (entry: Entry): void => {
    const { path, type } = entry;
    if (isErased(entry)) erased = true;
    if (ended) need(false, entry, "nothing behind the run's end");
    if (!started) {
      started = true;
      need(type === "run.started" && entry.seq === 1, entry, "run.started as the first entry");
    } else if (type === "run.started") need(false, entry, "one run.started");
    last = entry;
    switch (entry.type) {
      case "run.started":
        budget = entry.body.budget !== undefined;
        tiers = isErased(entry) || (entry.body.policyVersion ?? firstPolicyVersion) !== firstPolicyVersion;
        definitionHash = entry.body.definitionHash ?? "";
        // What undoes writes of another run follows that run's, and asks no agent.
        flows =
          !isErased(entry) &&
          entry.body.compensates === undefined &&
          rulesOf(entry.body.policyVersion ?? firstPolicyVersion).flows;
        inputs = flows && rulesOf(entry.body.policyVersion ?? firstPolicyVersion).inputs;
        inner = rulesOf(entry.body.policyVersion ?? firstPolicyVersion).inner;
        return;
      case "plan.made":
        planned = Math.max(planned, (entry.body.first ?? 0) + (entry.body.steps?.length ?? 0));
        return;
      case "policy.decided":
        if (entry.body.effect === "approve" && isCall(entry.body.edge)) effectAt(path).tier = "person";
        return;
      case "run.migrated":
        definitionHash = entry.body.to ?? "";
        // What waits for people is asked of them again, under the new definition.
        for (const at of open.values()) at.delete("approval");
        return;
      case "model.called":
        if (budget) wish(entry, "budget", "budget.reserved or budget.refused");
        return wish(entry, "model", "model.responded or model.failed");
      case "budget.reserved":
        grant(path, "budget");
        return;
      case "budget.refused":
      case "budget.exceeded":
        // Nobody is asked: the refusal is the outcome.
        grant(path, "budget", "model");
        return;
      case "model.responded":
      case "model.failed":
        grant(path, "model");
        return;
      case "handoff.delivered":
        reads(path, entry.body.labels);
        return wish(entry, "delivery", "handoff.returned or agent.failed");
      case "handoff.returned":
        grant(path, "delivery");
        return;
      case "agent.failed":
        grant(path, "delivery");
        return excuse(path, true);
      case "delegation.sent":
        return wish(entry, "delegation", "delegation.ended, refused or recalled");
      case "delegation.ended":
        reads(path, { "": entry.body.labels ?? [] });
        grant(path, "delegation");
        return;
      case "delegation.refused":
      case "delegation.recalled":
        grant(path, "delegation");
        return;
      case "effect.proposed": {
        const effect = effectAt(path);
        if (effect.tier !== "person") effect.tier = entry.body.tier;
        effect.steered = isSteered(path);
        return wish(entry, "proposal", "effect.intended, tool.denied, approval.edited or effect.settled");
      }
      case "effect.judged":
        if (entry.body.verdict === "allow") effectAt(path).allowed = true;
        return;
      case "approval.requested":
        return wish(entry, "approval", "approval.granted, rejected, edited or expired");
      case "approval.decided":
        if (entry.body.decision === "approve") effectAt(entry.body.effect).approvers.add(entry.body.principal.id);
        return;
      case "approval.granted": {
        const { approvers, ...effect } = effectAt(path);
        need(grant(path, "approval"), entry, "approval.requested");
        const by = entry.body.by ?? [];
        for (const _ of by)
          need(erased || approvers.size >= by.length, entry, "approval.decided by everybody it names");
        effects.set(path, { ...effect, approvers, granted: true });
        return;
      }
      case "approval.rejected":
      case "approval.expired":
        grant(path, "approval");
        return;
      case "approval.edited":
        grant(path, "approval", "proposal");
        return excuse(path, true);
      case "effect.intended": {
        const effect = effectAt(path);
        effect.intended = true;
        grant(path, "proposal");
        const tier = tierOf(entry);
        if (tier === "person") need(effect.granted, entry, "approval.granted");
        if (tier === "compliance") {
          need(effect.granted || effect.allowed || erased, entry, "effect.judged with allow, or approval.granted");
        }
        const { planned: index, tool } = entry.body;
        if (index !== undefined) need(index < planned || erased, entry, "plan.made with the entry that it names");
        const known = own();
        const tracks = known !== undefined && (inputs || known.tracks);
        if (tracks && flows && !erased && (effect.steered ?? isSteered(path)) && !isFree(tool)) {
          need(index !== undefined || effect.granted, entry, "an entry of a plan, an exemption, or approval.granted");
        }
        wish(entry, "dispatch", "tool.called", true);
        return wish(entry, "effect", "effect.settled or effect.uncertain", true);
      }
      case "tool.called": {
        const { intended } = effectAt(path);
        const known = own();
        const policies = known ? policiesFor(known, entry.body.agent, entry.body.tool, inner) : [];
        if (policies.length > 0 && flows && !erased)
          need(entry.body.decision.inputs !== undefined, entry, "the policy's decision");
        if (entry.body.effect === "write") need(intended, entry, "effect.intended");
        // A read for which a policy wanted a person has no intent: its call is what the approval was for.
        else if (grant(path, "proposal") && effectAt(path).tier === "person") {
          need(effectAt(path).granted, entry, "approval.granted");
        }
        grant(path, "dispatch");
        if (entry.body.effect !== "write" && !intended) {
          // Another try, after a failure that is on record or with a process that is gone.
          if (open.get(path)?.has("call")) grant(path, "call");
          wish(entry, "call", "tool.returned or tool.failed");
        }
        return;
      }
      case "tool.returned":
        reads(callerOf(path), entry.body.labels);
        grant(path, "call");
        return;
      case "tool.failed":
        grant(path, "call");
        return;
      case "tool.denied":
        grant(path, "approval", "proposal", "call");
        return excuse(path, true);
      case "effect.uncertain":
      case "effect.settled":
        grant(path, "effect", "proposal", "approval");
        return excuse(path, true);
      case "question.asked":
        return wish(entry, nameOf("question", entry.body.question), "question.closed");
      case "question.closed":
        return hear(nameOf("question", entry.body.question));
      case "input.requested":
        return wish(entry, nameOf("ask", entry.body.ask), "input.received");
      case "input.received":
        return hear(nameOf("ask", entry.body.ask));
      default:
        if (!endStatusOf(type)) return;
        ended = true;
        need(true, entry, "an end");
        if (entry.type !== "run.completed") excuse("", true);
    }
  };
  return {
    take,
    close: () => {
      if (!ended) need(false, last, "an end of the run");
      for (const [path, at] of open) for (const { seq, wants } of at.values()) need(false, { seq, path }, wants);
      open.clear();
      missing.sort((left, right) => left.seq - right.seq);
      return { present, required, missing: [...missing] };
    },
  };
}
