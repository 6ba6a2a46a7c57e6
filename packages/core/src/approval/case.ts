import { z } from "zod";
import type { AnyAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import { type Issue, parseWith } from "../schema.ts";

/**
 * What judges of effects are given and what they give: a case, a verdict by rule, a packet for a person. The members of
 * the schemas are getters, which zod reads when a schema is first used: most processes never have a judge.
 */

/** What compliance says about one proposed write. */
export const effectVerdict = z.object({
  /** `allow`: it may go on; `revise`: the agent shall propose something else; `escalate`: a person decides. */
  get verdict() {
    return z.enum(["allow", "revise", "escalate"]);
  },
  /** Ids of the rules that the verdict rests on. */
  get ruleIds() {
    return z.array(z.string().min(1).max(100)).min(1).max(20);
  },
  get reasons() {
    return z.array(z.string().max(1_000)).max(20);
  },
  /** With `revise`: what has to be different. */
  get conditions() {
    return z.array(z.string().max(1_000)).max(20).default([]);
  },
});
export type EffectVerdict = z.output<typeof effectVerdict>;

/** One write that somebody has to judge. Bounds nothing: all of it passed the run's own limits before. */
export const effectCase = z.object({
  /** Path of the effect in its run. */
  get effect() {
    return z.string();
  },
  get agent() {
    return z.string();
  },
  get tool() {
    return z.string();
  },
  /** What the tool says that it does. */
  get description() {
    return z.string();
  },
  /** The exact arguments. */
  get input() {
    return z.json();
  },
  get risk() {
    return z.enum(["low", "medium", "high"]);
  },
  get reversible() {
    return z.boolean();
  },
  get tier() {
    return z.enum(["compliance", "person"]);
  },
  /** Where the data came from that the agent had read when it proposed this. */
  get labels() {
    return z.array(z.string());
  },
  /** Id of the principal for whom the run works. */
  get requestedBy() {
    return z.string();
  },
  /** What compliance said; for the reviewer, where it said something. */
  get verdict() {
    return effectVerdict.optional();
  },
});
export type EffectCase = z.output<typeof effectCase>;

/** What the reviewer makes of a case: from this alone a person can decide. */
export const approvalPacket = z.object({
  /** What would be done, in a sentence. */
  get what() {
    return z.string().min(1).max(2_000);
  },
  /** Why it came to a person. */
  get why() {
    return z.string().max(2_000);
  },
  /** Where to look: ids of sources, records and rules. */
  get evidence() {
    return z.array(z.string().max(200)).max(100);
  },
  /** What would be another than it is now. */
  get diff() {
    const change = { what: z.string().min(1).max(500), from: z.string().max(500).optional(), to: z.string().max(500) };
    return z.array(z.object(change)).max(50);
  },
  get risk() {
    return z.enum(["low", "medium", "high"]);
  },
  /** ISO 8601, where the matter has one. */
  get deadline() {
    return z.iso.datetime().optional();
  },
});
export type ApprovalPacket = z.output<typeof approvalPacket>;

/** Who judges: `compliance` gives a verdict, `reviewer` a packet. */
export type JudgeKind = "compliance" | "reviewer";

/**
 * Refuses an agent that could not judge when it is needed. Checked by trying: its input takes sample cases, its output
 * takes sample answers and gives what the kernel can read. So a judge's own schemas may add optional members and
 * defaults, and not narrow what is there.
 * @param names names that are taken: of the team's agents and of the other judge
 * @throws OrchestrationError `supervisor/judge-invalid`
 */
export function checkJudge(kind: JudgeKind, agent: AnyAgent, names: { has(name: string): boolean }): void {
  const { name } = agent;
  const invalid = (reason: string) => new OrchestrationError("supervisor/judge-invalid", { agent: name, reason });
  if (names.has(name)) throw invalid("another agent has its name");
  if (agent.effects !== "read") throw invalid("it is not bound to reads");
  if (agent.team) throw invalid("it is a team");
  if (agent.remote) throw invalid("it works elsewhere");
  if (agent.asks.length > 0) throw invalid("it asks people, who would decide for it");
  for (const sample of kind === "compliance" ? bareCases : [...bareCases, ...judgedCases]) {
    const taken = parseWith(agent.input, sample);
    if (!taken.ok) throw invalid(`its input does not take an effect case${firstOf(taken.issues)}`);
  }
  const [what, wanted, samples] =
    kind === "compliance"
      ? (["verdict", effectVerdict, verdicts] as const)
      : (["packet", approvalPacket, packets] as const);
  for (const sample of samples) {
    const given = parseWith(agent.output, sample);
    if (!given.ok) throw invalid(`its output does not take every ${what}${firstOf(given.issues)}`);
    const read = parseWith(wanted, given.value);
    if (!read.ok) throw invalid(`its output is not a ${what}${firstOf(read.issues)}`);
  }
}

function firstOf([issue]: readonly Issue[]): string {
  return issue ? `: ${issue.pointer || "the whole"}: ${issue.message}` : "";
}

const verdicts: readonly EffectVerdict[] = [
  { verdict: "allow", ruleIds: ["rule-1"], reasons: [], conditions: [] },
  { verdict: "revise", ruleIds: ["rule-1", "rule-2"], reasons: ["too much"], conditions: ["at most half"] },
  { verdict: "escalate", ruleIds: ["no-rule"], reasons: ["no rule applies"], conditions: [] },
];

const packets: readonly ApprovalPacket[] = [
  { what: "refund order 7", why: "", evidence: [], diff: [], risk: "low" },
  {
    what: "refund order 7",
    why: "it is a change of high risk",
    evidence: ["order 7"],
    diff: [
      { what: "balance", from: "0", to: "900" },
      { what: "note", to: "refunded" },
    ],
    risk: "high",
    deadline: "2030-01-01T00:00:00Z",
  },
];

const inputs: readonly Json[] = [{}, { id: "7", amountCents: 900, lines: [{ open: true, note: null }] }, "text"];

const bareCases: readonly EffectCase[] = inputs.flatMap((input, index) =>
  (["low", "medium", "high"] as const).map((risk) => ({
    effect: "action#1/tool#1",
    agent: "action",
    tool: "refund_order",
    description: index === 0 ? "" : "Refunds an order.",
    input: input as EffectCase["input"],
    risk,
    reversible: index === 0,
    tier: risk === "high" ? ("person" as const) : ("compliance" as const),
    labels: index === 0 ? [] : ["user", "web"],
    requestedBy: "u_17",
  })),
);
const judgedCases: readonly EffectCase[] = verdicts.flatMap((verdict) =>
  bareCases.slice(0, 1).map((bare) => ({ ...bare, tier: "person" as const, verdict })),
);
