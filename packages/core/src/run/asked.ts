import type { AskedFacts } from "../command.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Decision } from "../event.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json } from "../json.ts";
import type { PolicyAnswer } from "../policy/answer.ts";
import { edgesBeside } from "../policy/beside.ts";
import { denialOf } from "../policy/error.ts";
import { allowedByName, answerOf, assertAskable, type Policy, strictestAnswer, versionOf } from "../policy/policy.ts";
import {
  type CallFlow,
  type EdgeRequest,
  type PolicyEdge,
  type PolicyFacts,
  type PolicyPrincipal,
  type PolicyRequest,
  type RequestOn,
  targetOf,
} from "../policy/request.ts";
import type { Principal } from "../principal.ts";
import { policiesFor } from "../supervisor/policies.ts";
import type { AnyTool } from "../tool.ts";
import { earlierFor } from "./earlier.ts";
import type { AllowedCall, Work } from "./state.ts";

/**
 * The core's side of a policy: asked on every edge, with what the run knows, and put on record. Where a supervisor has no
 * policy of its own, its allowlists, contracts and grants are all there is, and nothing is noted here.
 */

/** What the policy said. An entry that follows from it carries `decision`. */
export type Judged =
  | { readonly effect: "allow" | "approve"; readonly decision: Decision; readonly because: string }
  | { readonly effect: "deny"; readonly decision: Decision; readonly error: ErrorRecord };

/** Who asks, from where, and what was read before. */
export interface Asking {
  readonly agent: string;
  readonly path: string;
  readonly labels: readonly string[];
  /** The canonical text of a handoff's payload, where it is known. */
  readonly payloadText?: string;
}

export function policyPrincipal({ id, kind, roles, authenticated }: Principal): PolicyPrincipal {
  return { id, kind, roles: [...roles], authenticated };
}

/**
 * Asks the policies that an agent is under. Nothing where there are none. A denial on an edge that is no call is noted, for
 * what follows from it does not tell the rule; so is what a candidate says otherwise.
 * @param tool what is called, where this is about a call
 */
export function askPolicy(
  work: Work,
  { agent, path, labels, payloadText }: Asking,
  edge: EdgeRequest,
  tool = edge.edge === "tool" ? edge.tool : undefined,
): Judged | undefined {
  const policies = policiesFor(work.root, agent, tool, work.rules.inner);
  if (policies.length === 0 && work.shadow === undefined) return undefined;
  const { tenant, runId: run, principal } = work.state;
  const supervisor = work.root.name;
  const named = work.rules.names ? allowedByName(policies, edge.edge, agent) : undefined;
  if (named !== undefined && work.shadow === undefined) return judgedByName(named);
  // Of a call the gate is told as well, so who asks about one has looked it up.
  const before = edge.edge === "tool" ? {} : earlierFor(work, policies, edge.edge);
  const facts = { tenant, run, supervisor, principal, agent, path, labels, attributes: work.attributes };
  const request = { ...edge, ...before, ...facts };
  const asked = Object.freeze(request) as PolicyRequest;
  const judged = named === undefined ? judge(work, policies, asked, payloadText) : judgedByName(named);
  const target = targetOf(edge);
  if (work.shadow) shadowed(work, work.shadow, asked, judged);
  if (judged?.effect === "deny" && edge.edge !== "tool") {
    const { decision, error } = judged;
    const because = typeof error.data?.because === "string" ? error.data.because : error.message;
    work.note("policy.decided", path, { edge: edge.edge, agent, target, effect: "deny", because, decision });
  }
  if (judged?.effect === "approve") {
    const { decision, because } = judged;
    work.note("policy.decided", path, { edge: edge.edge, agent, target, effect: "approve", because, decision });
  }
  return judged;
}

/** What was asked is no part of it: names alone said so, and those are in the entry that follows. */
function judgedByName({ policy, answer: { ruleId, because } }: { policy: Policy; answer: PolicyAnswer }): Judged {
  return { effect: "allow", decision: { policyVersion: versionOf(policy), ruleId }, because };
}

function judge(
  work: Work,
  policies: readonly Policy[],
  asked: PolicyRequest,
  payload: string | undefined,
): Judged | undefined {
  const strictest = strictestAnswer(policies, asked);
  if (!strictest) return undefined;
  const { policy } = strictest;
  const answer = assertAskable(asked, strictest.answer);
  const inputs = keyedHash(work.tenantKey, textOf(work, asked, payload));
  const decision = { inputs, policyVersion: versionOf(policy), ruleId: answer.ruleId };
  if (answer.effect !== "deny") return { effect: answer.effect, decision, because: answer.because };
  return { effect: "deny", decision, error: denialOf(policy, answer, asked).toRecord() };
}

/**
 * The canonical text of a request, member by member, of which only a hash is kept. What is the same on all edges of a run is
 * written once, and names of members are when this is loaded.
 */
function textOf(work: Work, asked: PolicyRequest, payload: string | undefined): string {
  const { principal, attributes } = asked;
  let shared = work.factTexts;
  if (shared?.principal !== principal || shared.attributes !== attributes) {
    const { tenant, run, supervisor } = asked;
    const facts = { tenant, run, supervisor, principal, attributes };
    const texts = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, canonicalJson(fact)]));
    shared = { principal, attributes, texts };
    work.factTexts = shared;
  }
  let text = "";
  for (const { name, lead, isShared } of membersOf.get(asked.edge) ?? []) {
    const member = (asked as unknown as Readonly<Record<string, unknown>>)[name];
    if (member === undefined) continue;
    if (isShared) text += lead + shared.texts[name];
    else if (typeof member === "string") text += lead + JSON.stringify(member);
    else if (payload !== undefined && name === "payload") text += lead + payload;
    else text += lead + (isNoItem(member) ? "[]" : canonicalJson(member));
  }
  return `${text}}`;
}

const isNoItem = (member: unknown) => Array.isArray(member) && member.length === 0;

type Names<Of> = { readonly [Name in keyof Of]-?: true };
type OwnNames<Edge extends PolicyEdge> = Names<Omit<RequestOn<Edge>, keyof PolicyFacts>>;

const factNames: Names<PolicyFacts> = {
  tenant: true,
  run: true,
  supervisor: true,
  principal: true,
  agent: true,
  path: true,
  labels: true,
  attributes: true,
};
const ofMemory: OwnNames<"memory.write"> = { edge: true, scope: true, key: true, value: true };
const ownNames: { readonly [Edge in PolicyEdge]: OwnNames<Edge> } = {
  tool: {
    edge: true,
    tool: true,
    effect: true,
    risk: true,
    reversible: true,
    arguments: true,
    flow: true,
    earlier: true,
  },
  handoff: { edge: true, handoff: true, to: true, payload: true, earlier: true },
  message: { edge: true, to: true, text: true },
  "memory.read": ofMemory,
  "memory.write": ofMemory,
  source: { edge: true, source: true, query: true },
  model: { edge: true, model: true, purpose: true, tools: true },
  egress: { edge: true, output: true, earlier: true },
};

const sharedNames: readonly string[] = ["tenant", "run", "supervisor", "principal", "attributes"];

/** Members of a request by its edge, in the order of their names. The first, which has no comma before it, is always there. */
const membersOf = new Map(
  Object.entries(ownNames).map(([edge, own]) => [
    edge,
    Object.keys({ ...factNames, ...own })
      .sort()
      .map((name, index) => ({
        name,
        lead: `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`,
        isShared: sharedNames.includes(name),
      })),
  ]),
);

/** Tells where a candidate differs in what would happen; that another rule says the same is no difference. */
function shadowed(work: Work, candidate: Policy, asked: PolicyRequest, judged: Judged | undefined): void {
  // It may look back to other calls than the policy in force.
  const before = earlierFor(work, [candidate], asked.edge, asked.edge === "tool" ? asked.tool : undefined);
  const answer = assertAskable(asked, answerOf(candidate, { ...asked, ...before }));
  const live = {
    effect: judged?.effect ?? ("allow" as const),
    decision: judged?.decision ?? { ruleId: "allowlist", policyVersion: work.policyVersion },
  };
  if (answer.effect === live.effect) return;
  const { edge, agent, path } = asked;
  const decision = { ruleId: answer.ruleId, policyVersion: versionOf(candidate) };
  const { effect, because } = answer;
  work.note("policy.shadowed", path, {
    edge,
    agent,
    target: targetOf(asked),
    live,
    candidate: { effect, decision, because },
  });
}

/** Asks about one call. `arguments` are what the tool would get. */
export function judgeCall(
  work: Work,
  asking: Asking,
  tool: AnyTool,
  args: Json,
  flow?: CallFlow,
): (AllowedCall | Extract<Judged, { effect: "deny" }>) | undefined {
  const { name, effect, risk, reversible, undo } = tool;
  for (const edge of edgesBeside(tool, args)) {
    const beside = askPolicy(work, asking, edge, name);
    if (beside?.effect === "deny") return beside;
  }
  const before = earlierFor(work, policiesFor(work.root, asking.agent, name, work.rules.inner), "tool", name);
  const judged = askPolicy(work, asking, {
    edge: "tool",
    tool: name,
    effect,
    risk,
    reversible: reversible || undo !== undefined,
    arguments: args,
    ...(flow === undefined ? {} : { flow }),
    ...before,
  });
  if (!judged || judged.effect === "deny") return judged;
  return { ...judged, facts: { ...factsOf(work, asking.labels, flow), ...before } };
}

/** What goes along to the gate, which asks again. */
export function factsOf(work: Work, labels: readonly string[], flow?: CallFlow): AskedFacts {
  const { principal } = work.state;
  return { supervisor: work.root.name, principal, labels, ...(flow === undefined ? {} : { flow }) };
}
