import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Json } from "../json.ts";
import { isName } from "../name.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { unheard } from "../unheard.ts";
import { assertKnown, assertOptions, type Known, list, object } from "../wanted.ts";
import { failedRule, type PolicyAnswer, type PolicyEffect, strictness } from "./answer.ts";
import { type LateRule, lateRulesOf, neverAllows } from "./beforehand.ts";
import { namesIn } from "./names.ts";
import { type EarlierCall, type PolicyEdge, type PolicyRequest, policyEdges, type RequestOn } from "./request.ts";
import { type AnyAfter, type AnyPolicyRule, aftersOf } from "./rule.ts";

/**
 * One policy, asked on every edge (R4). A policy is a pure function of a request: no clock, no memory, nothing outside.
 *
 * P1 What no rule allows is denied (`policy/no-rule`).
 * P2 A rule that denies overrides all others; one that asks for a person overrides those that allow.
 * P3 A rule that cannot be evaluated denies (`policy/evaluation-failed`), whatever others say. So does one whose answer is
 *    no boolean: a promise is none.
 * P4 What has to come before (`after`) only opens: a rule that denies has none, so a call that nobody remembers takes away.
 *    What a person would be asked about once it has come is allowed by no other rule until then.
 */

/** Something that can be asked; made by {@link definePolicy} or by `cedarPolicy`. */
export interface Policy {
  readonly kind: "policy";
  readonly name: string;
  readonly version: string;
  /** Pure. What it throws is a denial, and so is what is no answer, such as a promise. */
  readonly evaluate: Evaluate;
  /**
   * The same policy for one compiled supervisor, whose names and schemas it is held against.
   * @throws OrchestrationError `policy/unknown-name`, `policy/cedar-invalid`
   */
  readonly bind: (definition: SupervisorDefinition) => Policy;
  /** What a definition's hash covers of it beside name and version. */
  readonly data: Json;
  /** Texts of its functions: they tell when one changed under an unchanged version (D4). */
  readonly text: string;
  /** Tools of whose calls it can be said beforehand that none is ever allowed, by the agents that list them. */
  readonly neverAllows?: (agent: string, tool: string) => boolean;
  /** Which earlier calls of a run it has to be told about; absent where its rules look at none. */
  readonly looksBack?: LooksBack;
  /** Its rules that want calls to come before, by their names: for who looks beforehand whether they can. */
  readonly lateRules?: readonly LateRule[];
}

export interface LooksBack {
  /** Tools whose calls a run keeps for it. */
  readonly to: ReadonlySet<string>;
  /** Those of them that rules on one edge look at; on that of calls, rules about one tool. */
  readonly about: (edge: PolicyEdge, tool?: string) => ReadonlySet<string>;
}

/** How a policy is asked. */
export interface Evaluate {
  (request: PolicyRequest): PolicyAnswer;
  /**
   * What it says by names alone: to every request of this agent on this edge, whatever else there is in it; `undefined` where
   * that depends. Of the function itself, so that a policy whose `evaluate` is replaced has no other's.
   */
  readonly byName?: (edge: PolicyEdge, agent: string) => PolicyAnswer | undefined;
}

interface RuleCommon<Edge extends PolicyEdge> {
  /** A word of its own within the policy: journals name it. */
  readonly id: string;
  readonly on: Edge | readonly Edge[];
  /** Names of agents that it is about; all when absent. One that the supervisor has not is an error. */
  readonly agents?: readonly string[];
  /** Names of tools that it is about, where it is about tools; all when absent. */
  readonly tools?: readonly string[];
  /** Pure. Always, when absent. */
  readonly when?: (request: RequestOn<Edge>) => boolean;
  /** Told to whoever is refused, and to the person who is asked. */
  readonly because: string;
}

/** Edges on which something can have to come before: calls, deliveries and the final answer. */
export type LateEdge = "tool" | "handoff" | "egress";
const lateEdges: readonly PolicyEdge[] = ["tool", "handoff", "egress"] satisfies LateEdge[];

/** A call that has to have returned in this run before a rule holds, whoever of its agents made it. */
export interface After<Edge extends LateEdge = "tool"> {
  /** Names of tools, one of which it is of. One that the supervisor has not is an error. */
  readonly tools: readonly string[];
  /** Pure. Whether that call is the one that is wanted for what is asked about; any of these tools, when absent. */
  readonly when?: (earlier: EarlierCall, asked: RequestOn<Edge>) => boolean;
}

/** One rule. A person can be asked about calls of tools alone. */
export type PolicyRule<Edge extends PolicyEdge = PolicyEdge> = RuleCommon<Edge> & {
  readonly effect: "allow" | "deny" | ([Edge] extends ["tool"] ? "approve" : never);
  /** Every one of these has to come first. Not with `deny`. */
  readonly after?: [Edge] extends [LateEdge] ? After<Edge & LateEdge> | readonly After<Edge & LateEdge>[] : never;
};

/** A rule that was written apart from its policy. */
export interface WrittenRule {
  readonly kind: "policy-rule";
  /** As in the rule, so that a compiler understands those that stand beside it in a list. */
  readonly on: PolicyEdge | readonly PolicyEdge[];
  readonly rule: AnyPolicyRule;
}

/** A rule apart from its policy, and any rule that is on several edges and has a `when`, which gets one of their requests. */
export function definePolicyRule<const Edge extends PolicyEdge>(rule: PolicyRule<Edge>): WrittenRule {
  return { kind: "policy-rule", on: rule?.on, rule: rule as unknown as AnyPolicyRule };
}

type RuleOn<Edges> = Edges extends readonly PolicyEdge[]
  ? PolicyRule<Edges[number]>
  : Edges extends PolicyEdge
    ? PolicyRule<Edges>
    : never;

export interface PolicyOptions<Edges extends readonly (PolicyEdge | readonly PolicyEdge[])[]> {
  readonly name: string;
  /** Raise it when a rule changes its meaning (D4). */
  readonly version: string;
  readonly rules: {
    readonly [Index in keyof Edges]: (RuleOn<Edges[Index]> & { readonly on: Edges[Index] }) | WrittenRule;
  };
}

interface IndexedRule {
  readonly rule: AnyPolicyRule;
  readonly agents: ReadonlySet<string> | undefined;
  readonly tools: ReadonlySet<string> | undefined;
  readonly after: readonly IndexedAfter[];
  readonly answer: PolicyAnswer;
}

interface IndexedAfter extends Pick<AnyAfter, "when"> {
  readonly tools: ReadonlySet<string>;
}

const knownInRule: Known<AnyPolicyRule> = {
  ...{ id: true, on: true, effect: true, agents: true, tools: true, when: true, after: true, because: true },
};
const knownInAfter: Known<AnyAfter> = { tools: true, when: true };

/**
 * Defines a policy of TypeScript rules. Deny overrides, then approve, then allow; what nothing matches is denied.
 * @throws OrchestrationError `policy/rule-invalid`, `options/unknown`, `options/invalid`
 */
export function definePolicy<const Edges extends readonly (PolicyEdge | readonly PolicyEdge[])[]>(
  options: PolicyOptions<Edges>,
): Policy {
  assertOptions("definePolicy", options, { rules: list("a list of rules", object("a rule")) });
  assertKnown("a policy", options, { name: true, version: true, rules: true });
  const { name, version } = options;
  const given = options.rules as unknown as readonly (AnyPolicyRule | WrittenRule)[];
  const rules = given.map((one) => ("kind" in one ? one.rule : one));
  checkRules(name, version, rules);
  const byEdge = new Map<PolicyEdge, readonly IndexedRule[]>();
  for (const edge of policyEdges) {
    const own = rules.filter(({ on }) => (typeof on === "string" ? on === edge : on.includes(edge)));
    byEdge.set(
      edge,
      // Stable: rules of one effect keep their order.
      [...own]
        .sort((left, right) => strictness[right.effect] - strictness[left.effect])
        .map((rule) => ({
          rule,
          agents: rule.agents && new Set(rule.agents),
          tools: rule.tools && new Set(rule.tools),
          after: aftersOf(rule).map(({ tools, when }) => ({ tools: new Set(tools), ...(when ? { when } : {}) })),
          answer: answerBy(rule),
        })),
    );
  }
  const rulesOn = (edge: PolicyEdge) => byEdge.get(edge) ?? [];
  const looksBack = looksBackOf(rules);
  const policy: Policy = {
    kind: "policy",
    name,
    version,
    evaluate: Object.assign((request: PolicyRequest) => evaluate(rulesOn(request.edge), request), {
      byName: (edge: PolicyEdge, agent: string) => byName(rulesOn(edge), agent),
    }),
    bind: (definition) => {
      checkNames(policy, rules, definition);
      return policy;
    },
    data: rules.map(({ id, on, effect, agents, tools, ...rule }) => ({
      id,
      on: on as Json,
      effect,
      ...(agents === undefined ? {} : { agents: [...agents] }),
      ...(tools === undefined ? {} : { tools: [...tools] }),
      ...(rule.after === undefined ? {} : { after: aftersOf(rule).map((after) => [...after.tools]) }),
    })),
    text: rules
      .flatMap(({ id, when, ...rule }) => [
        `${id}: ${when === undefined ? "" : String(when)}`,
        ...aftersOf(rule).flatMap((after) => (after.when === undefined ? [] : `${id} after: ${String(after.when)}`)),
      ])
      .join("\n"),
    neverAllows: (agent, tool) => neverAllows(rules, agent, tool),
    ...(looksBack === undefined ? {} : { looksBack, lateRules: lateRulesOf(rules) }),
  };
  return policy;
}

function looksBackOf(rules: readonly AnyPolicyRule[]): LooksBack | undefined {
  const to = new Set(rules.flatMap((rule) => aftersOf(rule).flatMap(({ tools }) => tools)));
  if (to.size === 0) return undefined;
  const about = (edge: PolicyEdge, tool?: string) =>
    new Set(
      rules
        .filter(({ on }) => (typeof on === "string" ? on === edge : on.includes(edge)))
        .filter(({ tools }) => tool === undefined || tools === undefined || tools.includes(tool))
        .flatMap((rule) => aftersOf(rule).flatMap(({ tools }) => tools)),
    );
  return { to, about };
}

const noRule: PolicyAnswer = {
  effect: "deny",
  ruleId: "no-rule",
  because: "no rule allows it",
  code: "policy/no-rule",
};

function answerBy({ id, effect, because }: AnyPolicyRule): PolicyAnswer {
  const answer = { effect, ruleId: id, because };
  return effect === "deny" ? { ...answer, code: "policy/denied" } : answer;
}

/** What these rules say where none of those that are about this agent looks at anything else. */
function byName(rules: readonly IndexedRule[], agent: string): PolicyAnswer | undefined {
  let found: PolicyAnswer | undefined;
  for (const { rule, agents, tools, answer } of rules) {
    if (agents !== undefined && !agents.has(agent)) continue;
    if (rule.when !== undefined || rule.after !== undefined || tools !== undefined) return undefined;
    if (rule.effect === "deny") return answer;
    found ??= answer;
  }
  return found ?? noRule;
}

function evaluate(rules: readonly IndexedRule[], request: PolicyRequest): PolicyAnswer {
  let found: PolicyAnswer | undefined;
  let early: { readonly answer: PolicyAnswer; readonly asks: boolean } | undefined;
  for (const { rule, agents, tools, after, answer } of rules) {
    if (agents !== undefined && !agents.has(request.agent)) continue;
    if (tools !== undefined && (request.edge !== "tool" || !tools.has(request.tool))) continue;
    let matches: unknown = true;
    try {
      if (rule.when !== undefined) matches = rule.when(request);
    } catch (thrown) {
      return failedRule(rule.id, reasonOf(thrown));
    }
    if (typeof matches !== "boolean") {
      unheard(matches);
      return failedRule(rule.id, `it gave a ${typeof matches}, not a boolean`);
    }
    if (!matches) continue;
    // A denial is final; behind any other rule there may be one that cannot be evaluated (P3).
    if (rule.effect === "deny") return answer;
    const wanted = missingBefore(after, request);
    if (typeof wanted === "string") return failedRule(rule.id, wanted);
    if (wanted === undefined) found ??= answer;
    else early ??= { answer: tooEarly(rule, wanted), asks: rule.effect === "approve" };
  }
  // Of rules that ask a person those that hold come first; where none does, one that will holds the others up.
  if (early?.asks && found?.effect !== "approve") return early.answer;
  return found ?? early?.answer ?? noRule;
}

/** The first thing that has to come before and has not; a text where that cannot be said, which tells why. */
function missingBefore(afters: readonly IndexedAfter[], asked: PolicyRequest): IndexedAfter | string | undefined {
  const before = "earlier" in asked ? (asked.earlier ?? []) : [];
  for (const after of afters) {
    let came = false;
    for (const earlier of before) {
      if (!after.tools.has(earlier.tool)) continue;
      let matches: unknown = true;
      try {
        if (after.when !== undefined) matches = after.when(earlier, asked);
      } catch (thrown) {
        return reasonOf(thrown);
      }
      if (typeof matches !== "boolean") {
        unheard(matches);
        return `its \`after\` gave a ${typeof matches}, not a boolean`;
      }
      if (!matches) continue;
      came = true;
      break;
    }
    if (!came) return after;
  }
  return undefined;
}

function tooEarly({ id, because }: AnyPolicyRule, { tools }: IndexedAfter): PolicyAnswer {
  const first = `a call of ${[...tools].join(" or ")} that fits has to come before`;
  return { effect: "deny", ruleId: id, because: `${because}; ${first}`, code: "policy/not-yet" };
}

/** What a policy says, whatever it does: what is no answer is a denial (P3). */
export function answerOf(policy: Policy, request: PolicyRequest): PolicyAnswer {
  try {
    const answer: unknown = policy.evaluate(request);
    if (isAnswer(answer)) return answer;
    unheard(answer);
    return failedRule(policy.name, "it gave no answer");
  } catch (thrown) {
    return failedRule(policy.name, reasonOf(thrown));
  }
}

function isAnswer(answer: unknown): answer is PolicyAnswer {
  if (typeof answer !== "object" || answer === null || !("effect" in answer)) return false;
  const { effect } = answer;
  return effect === "allow" || effect === "approve" || effect === "deny";
}

/** How a policy is called in a journal: `refunds@3`. */
export function versionOf({ name, version }: Policy): string {
  return `${name}@${version}`;
}

/** What several policies say together: the strictest of them, the first of those. */
export function strictestAnswer(
  policies: readonly Policy[],
  request: PolicyRequest,
): { readonly policy: Policy; readonly answer: PolicyAnswer } | undefined {
  let strictest: { readonly policy: Policy; readonly answer: PolicyAnswer } | undefined;
  for (const policy of policies) {
    const answer = answerOf(policy, request);
    if (!strictest || strictness[answer.effect] > strictness[strictest.answer.effect]) strictest = { policy, answer };
  }
  return strictest;
}

/**
 * The first of these policies and its answer, where each of them allows by names alone what this agent does on this edge;
 * else they have to be asked. Never for calls of tools, of which it is on record what was asked.
 */
export function allowedByName(
  policies: readonly Policy[],
  edge: PolicyEdge,
  agent: string,
): { readonly policy: Policy; readonly answer: PolicyAnswer } | undefined {
  if (edge === "tool") return undefined;
  let first: { readonly policy: Policy; readonly answer: PolicyAnswer } | undefined;
  for (const policy of policies) {
    const answer = policy.evaluate.byName?.(edge, agent);
    if (answer?.effect !== "allow") return undefined;
    first ??= { policy, answer };
  }
  return first;
}

/** A person can be asked about a call alone; elsewhere nobody would wait for them, so it is a no. */
export function assertAskable(request: PolicyRequest, answer: PolicyAnswer): PolicyAnswer {
  if (answer.effect !== "approve" || request.edge === "tool") return answer;
  return failedRule(answer.ruleId, `nobody can approve on the edge ${request.edge}`);
}

function checkRules(name: string, version: string, rules: readonly AnyPolicyRule[]): void {
  const invalid = (rule: string, reason: string) =>
    new OrchestrationError("policy/rule-invalid", { policy: String(name), rule, reason });
  if (!isName(name)) throw invalid("", "the policy's name is not a name");
  if (typeof version !== "string" || version === "") throw invalid("", "the policy has no version");
  const ids = new Set<string>();
  for (const rule of rules) {
    const { id, on, effect, when, because, agents, tools } = rule;
    if (typeof id !== "string" || id === "") throw invalid(String(id), "a rule has no id");
    if (ids.has(id)) throw invalid(id, "another rule has this id");
    ids.add(id);
    const edges = typeof on === "string" ? [on] : on;
    if (!Array.isArray(edges)) throw invalid(id, "it does not say what it is about (`on`)");
    for (const edge of edges) if (!policyEdges.includes(edge)) throw invalid(id, `there is no edge ${String(edge)}`);
    if (edges.length === 0) throw invalid(id, "it is on no edge");
    if (!Object.hasOwn(strictness, effect)) throw invalid(id, `there is no effect ${String(effect)}`);
    if (effect === "approve" && edges.some((edge) => edge !== "tool")) {
      throw invalid(id, "a person can be asked about calls of tools alone");
    }
    if (tools !== undefined && edges.some((edge) => edge !== "tool")) {
      throw invalid(id, "it names tools and is on other edges too");
    }
    if (when !== undefined && typeof when !== "function") throw invalid(id, "`when` is no function");
    checkAfter(rule, edges, effect, (reason) => invalid(id, reason));
    if (typeof because !== "string" || because === "") throw invalid(id, "it does not say why (`because`)");
    // A misspelt condition would be none, and the rule would hold for everybody.
    assertKnown(`the rule ${id}`, rule, knownInRule);
    for (const list of [agents, tools]) {
      if (list !== undefined && !Array.isArray(list)) throw invalid(id, "`agents` and `tools` are lists of names");
      if (list?.some((one) => typeof one !== "string")) throw invalid(id, "a name is no text");
      // A list that somebody made and that came out empty: the rule would keep nobody from anything.
      if (list?.length === 0 && effect !== "allow")
        throw invalid(id, "`agents` or `tools` is empty: it is about nobody");
    }
  }
}

function checkAfter(
  rule: Pick<AnyPolicyRule, "after">,
  edges: readonly PolicyEdge[],
  effect: PolicyEffect,
  invalid: (reason: string) => OrchestrationError,
): void {
  if (rule.after === undefined) return;
  if (edges.some((edge) => !lateEdges.includes(edge))) throw invalid(`\`after\` is for ${lateEdges.join(", ")} alone`);
  if (effect === "deny") throw invalid("a denial has no `after`: what is not remembered would allow");
  const afters = aftersOf(rule);
  if (afters.length === 0) throw invalid("its `after` is empty");
  for (const after of afters) {
    const { tools, when } = (after ?? {}) as Partial<AnyAfter>;
    if (!Array.isArray(tools) || tools.length === 0) throw invalid("its `after` names no tool");
    assertKnown("the `after` of a rule", after, knownInAfter);
    if (tools.some((one) => typeof one !== "string")) throw invalid("a name is no text");
    if (when !== undefined && typeof when !== "function") throw invalid("the `when` of its `after` is no function");
  }
}

/** @throws OrchestrationError `policy/unknown-name` for a rule about somebody or something that is not there */
function checkNames(policy: Policy, rules: readonly AnyPolicyRule[], definition: SupervisorDefinition): void {
  const { agents } = namesIn(definition);
  const unknown = (rule: string, what: string, name: string) =>
    new OrchestrationError("policy/unknown-name", {
      policy: policy.name,
      rule,
      what,
      name,
      supervisor: definition.name,
    });
  for (const { id, agents: named = [], tools = [], ...rule } of rules) {
    for (const name of named) if (!agents.has(name)) throw unknown(id, "agent", name);
    for (const name of [...tools, ...aftersOf(rule).flatMap((after) => after.tools)])
      if (!definition.tools.has(name)) throw unknown(id, "tool", name);
  }
}
