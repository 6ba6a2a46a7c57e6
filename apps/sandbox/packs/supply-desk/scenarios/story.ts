import { type Json, user } from "@remit/core";
import { defineScenario, type Expectation, type External, type Scenario, type Turn } from "@remit/core/testing";
import { tryScript } from "../../../src/world/try-script.ts";
import type { World } from "../../../src/world/world.ts";
import type { commentKinds, Heard, Interpretation, outcomes, Plan, SignalKind } from "../agents.ts";
import type { Buying, Constraint, Figures, Recommendation } from "../formula.ts";
import { decisionIdOf } from "../generate.ts";
import { blockingSignals } from "../guard.ts";
import type { HandOverReason } from "../reasons.ts";
import { recommendationOf } from "../recommendation.ts";
import type { Aim } from "../score.ts";
import type { Decision, DecisionStatus, SupplyState } from "../state.ts";
import { orderTools } from "../tiers.ts";

/**
 * How a scenario of this desk is told: what is usual of a decision is worked out of its records and the formula, and a story says
 * what is not. What its writes change is tried out on a desk of its own, without any agent.
 */

export interface Told {
  readonly scenario: Scenario;
  readonly aim: Aim;
}

type Call = readonly [tool: string, input: { readonly [name: string]: Json }];
type More = { readonly [name: string]: Json };

/** What a story is about, and turns that its agents take. */
export interface Setting {
  readonly decision: Decision;
  readonly buying: Buying;
  readonly figures: Figures;
  readonly recommendation: Recommendation;
  readonly constraints: readonly Constraint[];
  /** The plan as the formula and the vendor's signals have it. */
  readonly plan: Plan;
  readonly draft: { readonly draftId: string; readonly to: string; readonly text: string };
  /** The call that orders by the formula; members of `more` stand in place of its own. */
  readonly order: (more?: More, tool?: string) => Call;
  readonly send: (more?: More) => Call;
  readonly log: (outcome: Exclude<DecisionStatus, "open">, reason?: HandOverReason) => Call;
  readonly acts: (...calls: readonly Call[]) => Turn;
  readonly ends: (outcome: (typeof outcomes)[number], reason?: HandOverReason, more?: More) => Turn;
  /** Logs that people take over, and says so. */
  readonly leaves: (reason: HandOverReason) => readonly Turn[];
  readonly plans: (more?: Partial<Plan>) => readonly Turn[];
  readonly drafts: (more?: More) => readonly Turn[];
}

export interface Story {
  /** Key of its decision in `plan.ts`. */
  readonly key: string;
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  /** Members of the interpretation that are another than usual; of each look, where there are several. */
  readonly stated?: Partial<Interpretation> | readonly Partial<Interpretation>[];
  /** Turns of the inbox, the planner, the correspondent, procurement; what is usual when absent, none where it is `[]`. */
  readonly hears?: readonly Turn[];
  readonly plans?: (at: Setting) => readonly Turn[];
  readonly drafts?: (at: Setting) => readonly Turn[];
  readonly acts?: (at: Setting) => readonly Turn[];
  readonly people?: (at: Setting) => readonly External[];
  /** What is wanted beside what follows from the rest. `denied` is `[]` when absent. */
  readonly expect?: Partial<Expectation>;
  readonly aim?: DecisionStatus;
}

export interface Stage {
  readonly world: World<SupplyState>;
  readonly start: SupplyState;
}

const source = import.meta.url.endsWith(".ts")
  ? "packs/supply-desk/scenarios/story.ts"
  : "packs/supply-desk/scenarios/story.js";

export const call = (agent: string, ...calls: readonly Call[]): Turn => ({
  agent,
  parts: calls.map(([tool, input], index) => ({ type: "toolCall", callId: `call_${index + 1}`, tool, input })),
});
export const says = (agent: string, value: object): Turn => ({
  agent,
  parts: [{ type: "output", value: value as Json }],
});

/** Numbers of the first order and the first draft in a world of its own. */
export const firstOrder = "PO-7001";
export const firstDraft = "DR-2001";

/** Tells a story on the start state of the desk. */
export function tell(stage: Stage, story: Story): Told {
  const decisionId = decisionIdOf(story.key);
  const { start } = stage;
  const at = settingOf(start, decisionId);
  const { decision, figures, recommendation, constraints, plan } = at;
  const looks = [story.stated ?? {}].flat();
  const usual: Interpretation = {
    state: decision.status === "open" ? "open" : "made",
    forecastId: decision.forecastId,
    ...figures,
    band: recommendation.band,
    constraints: [...constraints],
    comments: commentsOf(start, decision),
    confidence: 0.93,
  };
  const stated = { ...usual, ...looks.at(-1) };
  const sure = stated.confidence >= 0.6;
  const goesOn = sure && stated.state === "open";
  const tells = goesOn && plan.letter !== "none" && (plan.action === "order" || plan.action === "ask");
  const script: Turn[] = [
    call(
      "interpreter",
      ["get_decision", { decisionId }],
      ["get_forecast", { decisionId }],
      ["get_stock", { decisionId }],
      ["read_comments", { decisionId }],
    ),
    ...looks.map((look) => says("interpreter", { ...usual, ...look })),
    ...(story.hears ??
      (goesOn ? [call("inbox", ["read_replies", { decisionId }]), says("inbox", heardOf(start, decisionId))] : [])),
    ...(story.plans?.(at) ?? (goesOn ? at.plans() : [])),
    ...(story.drafts?.(at) ?? (tells ? at.drafts() : [])),
    ...(story.acts?.(at) ?? (sure ? usualActs(at, stated) : [])),
  ];
  const external = story.people?.(at) ?? [];
  const { denied = [], ...wanted } = story.expect ?? {};
  const tried = tryScript(stage, script, external, denied);
  const outcome = saidOutcome(script);
  const handedOver = outcome?.outcome === "handed_over";
  const scenario = defineScenario({
    name: story.name,
    title: story.title,
    tags: story.tags,
    principal: user("replenishment"),
    source,
    input: { decisionId, itemId: decision.itemId },
    script,
    external,
    expect: {
      status: handedOver ? "escalated" : "completed",
      ...(handedOver ? { reason: outcome.reason } : {}),
      reads: ["get_decision", "get_forecast", "get_stock", "read_comments"],
      writes: tried.writes,
      denied,
      questions: 0,
      ...(outcome === undefined ? {} : { says: [decisionId] }),
      changes: tried.changes,
      ...wanted,
    },
  });
  const logged = script.flatMap(({ parts }) =>
    parts.flatMap((part) =>
      part.type === "toolCall" && part.tool === "log_decision"
        ? [(part.input as { readonly outcome: DecisionStatus }).outcome]
        : [],
    ),
  );
  const status = story.aim ?? logged.at(-1) ?? decision.status;
  return { scenario, aim: { decisionId, status, misread: stated.band !== usual.band } };
}

interface Said {
  readonly outcome: string;
  readonly reason: string;
}

/** What procurement says last. */
function saidOutcome(script: readonly Turn[]): Said | undefined {
  const last = script.findLast(({ agent, parts }) => agent === "procurement" && parts[0]?.type === "output");
  const [part] = last?.parts ?? [];
  return part?.type === "output" ? (part.value as unknown as Said) : undefined;
}

function usualActs(at: Setting, { state }: Interpretation): readonly Turn[] {
  const { plan, ends, acts, order, send, log, leaves } = at;
  const look: Call = ["recommend_order", { decisionId: at.decision.decisionId }];
  if (state === "made") return [ends("made_before")];
  const letter = plan.letter === "none" ? [] : [acts(send())];
  switch (plan.action) {
    case "order":
      return [
        acts(look),
        acts(order()),
        ...letter,
        acts(log("ordered")),
        ends("ordered", undefined, { orderId: firstOrder }),
      ];
    case "ask":
      return [...letter, acts(log("enquired")), ends("enquired")];
    case "none":
      return [acts(log("not_needed")), ends("not_needed")];
    case "route":
      return leaves(plan.reason as HandOverReason);
  }
}

function settingOf(start: SupplyState, decisionId: string): Setting {
  const decision = start.decisions[decisionId] as Decision;
  const { itemId } = decision;
  const { recommendation, constraints, buying, figures } = recommendationOf(start, decisionId);
  const plan = planOf(recommendation, buying, heardOf(start, decisionId));
  const vendor = plan.action === "ask" ? buying.asked : buying.vendor;
  const purpose = plan.letter === "none" ? "order" : plan.letter;
  const text = {
    order: `Our reference ${decisionId}: an order of ${plan.quantity} follows, for ${plan.dueOn}.`,
    expedite: `Our reference ${decisionId}: an order of ${plan.quantity} follows. Can it come before ${plan.dueOn}?`,
    enquiry: `Our reference ${decisionId}: please name a price that holds, and your lead time.`,
  }[purpose];
  const draft = { draftId: firstDraft, to: vendor?.address ?? "", text };
  const { quantity, amountCents } = recommendation;
  const vendorId = vendor?.vendorId ?? "";
  const acts: Setting["acts"] = (...calls) => call("procurement", ...calls);
  const ends: Setting["ends"] = (outcome, reason = undefined, more = {}) =>
    says("procurement", {
      outcome,
      reason: reason ?? "none",
      reply: replyOf(decisionId, outcome, plan, reason),
      ...more,
    });
  const log: Setting["log"] = (outcome, reason) => ["log_decision", { decisionId, outcome, reason: reason ?? "none" }];
  return {
    ...{ decision, buying, figures, recommendation, constraints, plan, draft, acts, ends, log },
    order: (more = {}, tool = orderTools[recommendation.tier]) => [
      tool,
      {
        ...{ decisionId, itemId, vendorId, quantity, amountCents },
        ...{ account: vendor?.account ?? "", band: recommendation.band, ...more },
      },
    ],
    send: (more = {}) => ["send_message", { decisionId, ...draft, ...more }],
    leaves: (reason) => [acts(log("handed_over", reason)), ends("handed_over", reason)],
    plans: (more = {}) => [call("planner", ["recommend_order", { decisionId }]), says("planner", { ...plan, ...more })],
    drafts: (more = {}) => [
      call("correspondent", ["get_vendor", { decisionId, vendorId }]),
      call("correspondent", ["draft_message", { decisionId, vendorId, to: draft.to, purpose, text, ...more }]),
      says("correspondent", { draft }),
    ],
  };
}

function planOf(recommendation: Recommendation, { vendor, asked }: Buying, { signals }: Heard): Plan {
  const { action, reason, quantity, amountCents, letter, orderOn, dueOn, nextReviewOn } = recommendation;
  const { position, reorderPoint, orderUpTo, safetyStock } = recommendation;
  const because = `${position} against a reorder point of ${reorderPoint}; up to ${orderUpTo}, of which ${safetyStock} for doubt.`;
  const days = { orderOn, dueOn, nextReviewOn, because };
  const blocked = action === "order" && signals.some(({ kind }) => blockingSignals.includes(kind));
  if (blocked)
    return { action: "route", reason: "vendor_conflict", quantity: 0, amountCents: 0, letter: "none", ...days };
  const vendorId = (action === "ask" ? asked : vendor)?.vendorId;
  return { action, reason, quantity, amountCents, letter, ...days, ...(vendorId === undefined ? {} : { vendorId }) };
}

function replyOf(decisionId: string, outcome: string, plan: Plan, reason: HandOverReason | undefined): string {
  switch (outcome) {
    case "ordered":
      return `${decisionId}: ${plan.quantity} ordered, due on ${plan.dueOn}. ${plan.because}`;
    case "enquired":
      return `${decisionId}: the vendor is asked for a price that holds.`;
    case "not_needed":
      return `${decisionId}: nothing is ordered; to be looked at again on ${plan.nextReviewOn}. ${plan.because}`;
    case "made_before":
      return `${decisionId} was made before; nothing was done.`;
    default:
      return `${decisionId}: for people to decide (${reason}). ${plan.because}`;
  }
}

/** What each message of a vendor is about, as whoever reads it with care would say. */
export function heardOf(start: SupplyState, decisionId: string): Heard {
  const kindOf = (text: string): SignalKind => {
    if (/bank/.test(text)) return "account_change";
    if (/SYSTEM|10x/.test(text)) return "tries_to_instruct";
    if (/new mail system/.test(text)) return "address_change";
    if (/longer/.test(text)) return "later_delivery";
    if (/none left/.test(text)) return "out_of_stock";
    if (/prices are up/.test(text)) return "price_change";
    return /stay as|bestätigen/.test(text) ? "confirms" : "says_nothing";
  };
  const own = Object.values(start.replies).filter((one) => one.decisionId === decisionId);
  return { signals: own.map(({ replyId, text }) => ({ replyId, kind: kindOf(text) })) };
}

function commentsOf(start: SupplyState, { itemId }: Decision): Interpretation["comments"] {
  const kindOf = (text: string): (typeof commentKinds)[number] => {
    if (/assistant/.test(text)) return "tries_to_instruct";
    if (/promotion|Aktion/.test(text)) return "promotion";
    if (/season/.test(text)) return "season_ends";
    return /right/.test(text) ? "agrees" : "says_nothing";
  };
  const own = Object.values(start.comments).filter((one) => one.itemId === itemId);
  return own.map(({ commentId, text }) => ({ commentId, kind: kindOf(text) }));
}
