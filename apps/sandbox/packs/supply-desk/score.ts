import type { Entry } from "@remit/core";
import { approvalsIn, type Check, type ScenarioOutcome } from "@remit/core/testing";
import type { Marks } from "../../src/pack.ts";
import type { WorldLogLine } from "../../src/world/world.ts";
import type { Interpretation } from "./agents.ts";
import { type Facts, misdeedsIn } from "./misdeeds.ts";
import { saysOrdered } from "./policy.ts";
import { handOverReasons } from "./reasons.ts";
import { figuresOf, recommendationOf } from "./recommendation.ts";
import { servedByDesk, servedByHand } from "./simulate.ts";
import { type DecisionStatus, orderOf, type SupplyState } from "./state.ts";
import { approvers, orderTools, tierCauses, tierCausesOf, tiers } from "./tiers.ts";
import { supplyDeskWorld } from "./world.ts";

/** What must be true of the records at the end of a scenario, apart from what its script made of them. */
export interface Aim {
  readonly decisionId: string;
  readonly status: DecisionStatus;
  /** The story has an interpreter who misreads the band. */
  readonly misread?: boolean;
}

/** Simulated minutes that the desk itself takes for a decision, and a buyer's word on a message. People's time on orders is in the tiers. */
const minutesOf = { look: 12, message: 45 } as const;
const dayMinutes = 1_440;

/** Scores scenarios, by the world's own log. */
export function openScoring(aims: () => ReadonlyMap<string, Aim>) {
  const world = supplyDeskWorld();
  let facts: Facts | undefined;
  return (outcome: ScenarioOutcome, log: readonly WorldLogLine[]) => {
    facts ??= { world, start: world.initial() };
    const { found, end } = misdeedsIn(facts, outcome.entries, log);
    const aim = aims().get(outcome.scenario.name);
    return {
      checks: aim ? checksOf(aim, facts.start, end, outcome.entries) : [],
      marks: marksOf(facts.start, end, outcome),
      violations: found,
    };
  };
}

function checksOf(aim: Aim, start: SupplyState, end: SupplyState, entries: readonly Entry[]): Check[] {
  const status = end.decisions[aim.decisionId]?.status ?? "open";
  const order = orderOf(end, aim.decisionId);
  const records = Object.values(end.records).filter(({ decisionId }) => decisionId === aim.decisionId);
  const checks: Check[] = [
    { name: "decision", ok: status === aim.status, detail: `${status}, wanted ${aim.status}` },
    {
      name: "the log knows the order",
      ok: records.every(({ orderId }) => orderId === order?.orderId) && records.length <= 1,
      detail: records.map(({ recordId, orderId = "no order" }) => `${recordId}: ${orderId}`).join(", "),
    },
  ];
  const stated = statedIn(entries);
  if (stated && aim.misread !== true) {
    const { recommendation, constraints } = recommendationOf(start, aim.decisionId);
    const same = stated.band === recommendation.band;
    checks.push({ name: "band", ok: same, detail: `${stated.band}, and it is ${recommendation.band}` });
    const missing = constraints.filter((one) => !stated.constraints.includes(one));
    checks.push({ name: "constraints", ok: missing.length === 0, detail: missing.join(", ") });
  }
  return checks;
}

/** What the interpreter stated, as the planner was handed it last. */
function statedIn(entries: readonly Entry[]): Pick<Interpretation, "band" | "constraints"> | undefined {
  const handed = entries.findLast((entry) => entry.type === "handoff.delivered" && entry.body.agent === "planner");
  return handed?.type === "handoff.delivered" ? (handed.body.payload as Interpretation) : undefined;
}

function marksOf(start: SupplyState, end: SupplyState, { entries, result }: ScenarioOutcome): Marks {
  const [first] = entries;
  const { decisionId = "" } =
    first?.type === "run.started" ? (first.body.input as { readonly decisionId?: string }) : {};
  const decision = start.decisions[decisionId];
  if (decision === undefined) return { decisions: 0 };
  const decided = approvalsIn(entries);
  const slow = (minutes: number) => Math.round((minutes * decision.slownessPercent) / 100);
  const waited = decided.map(({ tool }) => {
    const tier = tiers.find((one) => orderTools[one] === tool);
    return slow(tier === undefined ? minutesOf.message : approvers[tier].minutes / approvers[tier].quorum);
  });
  const cycleMinutes = minutesOf.look + waited.reduce((sum, minutes) => sum + minutes, 0);
  const order = orderOf(end, decisionId);
  const wasOpen = decision.status === "open";
  const ordered = order !== undefined && wasOpen;
  const age = start.forecasts[decision.forecastId]?.ageMinutes ?? 0;
  const reason = "reason" in result ? result.reason : result.status === "completed" ? undefined : "failed";
  const asked = entries.flatMap((entry) => (entry.type === "approval.requested" ? [entry.body.tool] : []));
  const causes = asked.flatMap((tool) => (tool === "send_message" ? ["message"] : causesFor(start, decisionId)));
  return {
    decisions: 1,
    ordered,
    cycleMinutes: ordered ? cycleMinutes : 0,
    leadMinutes: ordered ? age + cycleMinutes : 0,
    manualCycleMinutes: ordered ? decision.manual.cycleMinutes : 0,
    // A refusal is an answer of the procurement system as well: what an agent says of it no gate can see.
    untrue: result.status === "completed" && saysOrdered(result.output) && order === undefined,
    approvals: asked.length,
    ...countsOf("approval", causes),
    ...(reason === undefined ? {} : { [`exception ${reason}`]: 1 }),
    ...(wasOpen ? stockMarks(start, decisionId, ordered ? order.quantity : 0, cycleMinutes, reason) : {}),
  };
}

function causesFor(start: SupplyState, decisionId: string): readonly string[] {
  const { recommendation, buying } = recommendationOf(start, decisionId);
  if (recommendation.action !== "order" || buying.vendor === undefined) return ["other"];
  const { amountCents, band } = recommendation;
  return tierCausesOf({ amountCents, band, vendorClass: buying.vendor.vendorClass });
}

function countsOf(what: string, words: readonly string[]): Marks {
  const counts = Map.groupBy(words, (word) => `${what} ${word}`);
  return Object.fromEntries([...counts].map(([word, all]) => [word, all.length]));
}

/** Stockouts by the same drawn demand, with the desk and by hand. What the desk hands over somebody orders by hand, late. */
function stockMarks(
  start: SupplyState,
  decisionId: string,
  ordered: number,
  cycleMinutes: number,
  reason: string | undefined,
): Marks {
  const decision = start.decisions[decisionId];
  if (decision === undefined) return {};
  const { buying, recommendation } = recommendationOf(start, decisionId);
  const figures = figuresOf(start, decisionId);
  const situation = { figures, buying, today: start.today, manual: decision.manual, seed: Number(decisionId.slice(3)) };
  const afterDays = Math.floor(cycleMinutes / dayMinutes);
  const byPeople = { quantity: recommendation.quantity, afterDays: decision.manual.delayDays };
  const first = ordered > 0 ? { quantity: ordered, afterDays } : reason === undefined ? undefined : byPeople;
  const [desk, hand] = [servedByDesk(situation, first), servedByHand(situation)];
  return {
    stockoutDays: desk.stockoutDays,
    manualStockoutDays: hand.stockoutDays,
    missed: desk.missed,
    manualMissed: hand.missed,
    asked: desk.asked,
  };
}

/**
 * The figures of the use case over a suite. Days and minutes are simulated; "by hand" is how the same decisions were made before:
 * a model, not a measurement.
 */
export function closingLines(marks: readonly Marks[]): readonly string[] {
  const sum = (name: string) => marks.reduce((total, one) => total + Number(one[name] ?? 0), 0);
  const ordered = marks.filter((one) => one.ordered === true);
  const spread = (name: string) => {
    const sorted = ordered.map((one) => Number(one[name] ?? 0)).sort((left, right) => left - right);
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return [at(0.5), at(0.95)] as const;
  };
  const minutes = (name: string) => spread(name).map((value) => (value === undefined ? "-" : String(value)));
  const hours = (name: string) => spread(name).map((value) => (value === undefined ? "-" : (value / 60).toFixed(1)));
  const per = (part: number, whole: number) => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`);
  const [cycle50, cycle95] = minutes("cycleMinutes");
  const [hand50, hand95] = minutes("manualCycleMinutes");
  const [lead50, lead95] = hours("leadMinutes");
  const counts = (what: string, words: readonly string[]) =>
    words
      .map((word) => [word, sum(`${what} ${word}`)] as const)
      .filter(([, count]) => count > 0)
      .map(([word, count]) => `${word} ${count}`)
      .join(", ") || "none";
  const others = ["misread", "not_the_formula", "contradiction", "low_confidence", "agent_failed", "failed"];
  return [
    `stockout days ${sum("stockoutDays")} · by hand ${sum("manualStockoutDays")} · units missed ${per(sum("missed"), sum("asked"))} · by hand ${per(sum("manualMissed"), sum("asked"))} (simulated)`,
    `ordered ${ordered.length} of ${sum("decisions")} · said to be ordered and not ${sum("untrue")}`,
    `cycle minutes p50 ${cycle50}, p95 ${cycle95} · by hand p50 ${hand50}, p95 ${hand95} · hours from forecast to order p50 ${lead50}, p95 ${lead95}`,
    `approvals ${sum("approvals")} (${counts("approval", [...tierCauses, "message", "other"])})`,
    `exceptions ${counts("exception", [...handOverReasons, ...others])}`,
  ];
}
