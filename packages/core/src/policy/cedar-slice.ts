import type { Policy as CedarPolicy, EntityJson, Expr, PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { sha256 } from "../hash.ts";
import { actionOf } from "./cedar-schema.ts";
import { type UsedContext, usedContext } from "./cedar-used.ts";
import { type PolicyRequest, targetOf } from "./request.ts";

/**
 * What of a policy's text Cedar is asked about one kind of request. Cedar copies and evaluates every policy of a set for
 * every request, so a set is cut down beforehand, once for each agent, action and resource, to one with the same answer:
 *
 * L1 A policy whose head says that it is not about such a request is left out: it can neither hold nor fail.
 * L2 A policy whose head says that it is about every such request has its head no more: nothing is looked up for it.
 * L3 Several such `forbid`s stand together, as one whose condition is that any of theirs holds. Where it does not hold, and
 *    does not fail, none of them does. Where it does, the whole slice is asked which.
 * L4 Those of them that look at nothing that differs from call to call stand apart from the rest, as a set of their own:
 *    what Cedar says of it holds for the next call too, and it is not asked again.
 */
export interface Slice {
  /** Asked first, where it is there: what only forbids, and looks at who asks and what was read before (L4). */
  readonly standing: Part | undefined;
  readonly rest: Part;
  /** Of the slice as it was written (L1 alone); parsed when it is first needed. */
  readonly wholeId: () => string;
  /** What of the context some policy of the slice looks at. */
  readonly used: UsedContext;
}

/** One parsed set. */
export interface Part {
  readonly id: string;
  /** Members of the context that it looks at; all of them when absent. */
  readonly members: ReadonlySet<string> | undefined;
  /** Some policy of it asks in which group something is. */
  readonly asksGroups: boolean;
}

export interface CedarRule {
  readonly id: string;
  readonly json: PolicyJson;
  /** What Cedar reads: a number of its JSON form may be another one in JavaScript. */
  readonly text: string;
  readonly approve: string | undefined;
  readonly because: string;
}

/** A request as the head of a policy sees it. */
export interface Asked {
  readonly agent: string;
  readonly action: string;
  readonly type: string;
  readonly resource: string;
}

/** The id of what stands together; no policy of a text has it. */
export const togetherId = "";

export function askedOf(request: PolicyRequest): Asked {
  const action = request.edge === "tool" ? actionOf(request.tool) : request.edge;
  return { agent: request.agent, action, type: resourceTypes[request.edge], resource: targetOf(request) };
}

/** Actions of tools stand in a group, which Cedar is told with every request that needs it; the others stand alone. */
export function groupsOf({ action, type }: Asked): EntityJson[] {
  if (type !== "Tool") return [];
  return [{ uid: { type: "Action", id: action }, attrs: {}, parents: [{ type: "Action", id: "tool" }] }];
}

const resourceTypes = {
  tool: "Tool",
  handoff: "Agent",
  message: "Person",
  "memory.read": "Memory",
  "memory.write": "Memory",
  source: "Source",
  model: "Model",
  egress: "Answer",
} as const satisfies Record<PolicyRequest["edge"], string>;

/**
 * The slices of a text, each made when it is first asked for.
 * @param parse has Cedar read a set under an id; may throw
 */
export function cedarSlices(
  name: string,
  rules: readonly CedarRule[],
  parse: (id: string, policies: Record<string, CedarPolicy>) => void,
): (asked: Asked) => Slice {
  const slices = new Map<string, Slice>();
  const parsed = new Set<string>();
  const idOf = (policies: Record<string, CedarPolicy>): string => {
    const id = `${name}:${sha256(JSON.stringify(policies))}`;
    if (!parsed.has(id)) parse(id, policies);
    parsed.add(id);
    return id;
  };
  return (asked) => {
    const key = `${asked.agent}\n${asked.action}\n${isOpen(asked) ? "" : asked.resource}`;
    const known = slices.get(key);
    if (known) return known;
    const fits = rules.filter(({ json }) => headOf(json, asked) !== "never");
    const { standing, rest } = shortened(fits, asked);
    const partOf = (policies: Record<string, CedarPolicy>, own: readonly CedarRule[]): Part => {
      const { members } = usedContext(own.map(({ json }) => json));
      return {
        id: idOf(policies),
        members: members && new Set(members.keys()),
        asksGroups: Object.values(policies).some((one) => typeof one === "string" || mentionsIn(one.conditions)),
      };
    };
    const made: Slice = {
      standing: standing.length === 0 ? undefined : partOf({ [togetherId]: together(standing) }, standing),
      rest: partOf(
        rest,
        fits.filter((rule) => !standing.includes(rule)),
      ),
      wholeId: () => idOf(Object.fromEntries(fits.map(({ id, text }) => [id, text]))),
      used: usedContext(fits.map(({ json }) => json)),
    };
    slices.set(key, made);
    return made;
  };
}

/** The policies of a slice with L2, L3 and L4. What cannot be written anew stays as it was written. */
function shortened(
  fits: readonly CedarRule[],
  asked: Asked,
): { readonly standing: readonly CedarRule[]; readonly rest: Record<string, CedarPolicy> } {
  const made: (readonly [string, CedarPolicy])[] = [];
  const standing: CedarRule[] = [];
  const forbids: CedarRule[] = [];
  for (const rule of fits) {
    const { id, json, text } = rule;
    if (headOf(json, asked) !== "always" || !isWritable(json.conditions)) made.push([id, text]);
    // One without conditions always holds: it would have the whole asked each time.
    else if (json.effect !== "forbid" || json.conditions.length === 0) {
      made.push([id, headless(json.effect, json.conditions)]);
    } else if (differs(json)) forbids.push(rule);
    else standing.push(rule);
  }
  const [only, ...others] = forbids;
  if (only && others.length === 0) made.push([only.id, headless("forbid", only.json.conditions)]);
  else if (only) made.push([togetherId, together(forbids)]);
  // Not member by member: a policy may be called `__proto__`.
  return { standing, rest: Object.fromEntries(made) };
}

/** What another call of the same run may have otherwise. */
const ofOneCall = ["path", "arguments", "flow", "text", "key", "query"] as const;

function differs(json: PolicyJson): boolean {
  const { members } = usedContext([json]);
  return members === undefined || ofOneCall.some((name) => members.has(name));
}

function together(forbids: readonly CedarRule[]): PolicyJson {
  const body = joined(
    "||",
    forbids.map(({ json }) => conditionOf(json)),
  );
  return headless("forbid", [{ kind: "when", body }]);
}

function headless(effect: PolicyJson["effect"], conditions: PolicyJson["conditions"]): PolicyJson {
  return { effect, principal: { op: "All" }, action: { op: "All" }, resource: { op: "All" }, conditions };
}

/** All clauses of a policy as one, evaluated in their order. */
function conditionOf({ conditions }: PolicyJson): Expr {
  return joined(
    "&&",
    conditions.map(({ kind, body }) => (kind === "when" ? body : { "!": { arg: body } })),
  );
}

/** Left to right and short of the rest, as Cedar has it; balanced, because Cedar reads JSON of a limited depth. */
function joined(operator: "&&" | "||", parts: readonly Expr[]): Expr {
  const [first] = parts;
  if (first === undefined) return { Value: operator === "&&" };
  if (parts.length === 1) return first;
  const middle = Math.ceil(parts.length / 2);
  const sides = { left: joined(operator, parts.slice(0, middle)), right: joined(operator, parts.slice(middle)) };
  return operator === "&&" ? { "&&": sides } : { "||": sides };
}

/** Half of the depth of JSON that Cedar reads: the rest is for what stands around an expression. */
const depthMax = 64;

/** True where the JSON form says what the text says: whole numbers beyond 2^53 come out of it as others. */
function isWritable(node: unknown, depth = 0): boolean {
  if (typeof node === "number") return Number.isSafeInteger(node);
  if (typeof node !== "object" || node === null) return true;
  return depth < depthMax && Object.values(node).every((child) => isWritable(child, depth + 1));
}

/** True where a condition may ask for a group; one that has a member of that name is taken for one. */
function mentionsIn(conditions: PolicyJson["conditions"]): boolean {
  return JSON.stringify(conditions).includes('"in":');
}

/** Memory and sources have anybody's names, so no slice is kept for each; their heads are left to Cedar. */
function isOpen({ type }: Asked): boolean {
  return type !== "Tool" && type !== "Agent" && type !== "Model";
}

/** What the head of a policy alone says about a request: that it is about none such, about each, or neither. */
export function headOf({ principal, action, resource }: PolicyJson, asked: Asked): "never" | "always" | "maybe" {
  const { agent, action: own, type, resource: id } = asked;
  const inGroup = type === "Tool" ? [own, "tool"] : [own];
  const said = [
    constraintOn(principal, "Agent", [agent]),
    constraintOn(action, "Action", inGroup),
    constraintOn(resource, type, isOpen(asked) ? undefined : [id]),
  ];
  if (said.includes("never")) return "never";
  return said.includes("maybe") ? "maybe" : "always";
}

/** @param wanted the entity and its groups; absent where the entity is not known beforehand */
function constraintOn(
  constraint: object,
  type: string,
  wanted: readonly string[] | undefined,
): "never" | "always" | "maybe" {
  const { op, entity, entities, entity_type } = constraint as {
    readonly op: string;
    readonly entity?: object;
    readonly entities?: readonly object[];
    readonly entity_type?: string;
  };
  if (op === "All") return "always";
  if (op === "is") {
    if (entity_type !== type) return "never";
    return "in" in constraint ? "maybe" : "always";
  }
  if (wanted === undefined) return "maybe";
  // `==` a group is about the group itself, and nobody asks about that.
  const known = op === "==" ? wanted.slice(0, 1) : wanted;
  const listed = entities ?? (entity ? [entity] : []);
  const isAbout = listed.some((one) => {
    const uid = ("__entity" in one ? one.__entity : one) as { readonly type: string; readonly id: string };
    return uid.type === type && known.includes(uid.id);
  });
  return isAbout ? "always" : "never";
}
