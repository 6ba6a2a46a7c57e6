import {
  type CedarValueJson,
  checkParsePolicySet,
  type DetailedError,
  type EntityJson,
  type PolicyJson,
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  statefulIsAuthorized,
  validate,
} from "@cedar-policy/cedar-wasm/nodejs";
import { isName } from "../agent.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import { sha256 } from "../hash.ts";
import type { Json } from "../json.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { actionOf, type CedarShape, cedarSchemaOf, shapeOf } from "./cedar-schema.ts";
import { type UsedContext, usedContext } from "./cedar-used.ts";
import { failedRule, type Policy, type PolicyAnswer } from "./policy.ts";
import { type PolicyRequest, targetOf } from "./request.ts";

/**
 * A policy in Cedar. `permit` allows, `forbid` denies, and a `permit` with `@approve("why")` has a person asked. `@id`
 * names a policy in the journal, `@because` says why; without them it is `policy0` and on, in the order of the text.
 *
 * K1 Deny by default, and `forbid` overrides: Cedar's own rules, and those of {@link definePolicy} (P1, P2).
 * K2 Where several permits hold and one of them wants a person, a person is asked.
 * K3 Cedar leaves a policy out that cannot be evaluated. Here that is a denial, whatever the others say (P3).
 * K4 A policy is held against the schema of the compiled supervisor before anything starts.
 */
export interface CedarPolicyOptions {
  readonly name: string;
  /** Raise it when the text changes its meaning (D4). */
  readonly version: string;
  readonly text: string;
}

interface CedarRule {
  readonly id: string;
  readonly json: PolicyJson;
  /** What Cedar reads: a number of its JSON form may be another one in JavaScript. */
  readonly text: string;
  readonly approve: string | undefined;
  readonly because: string;
}

/**
 * Reads a policy of Cedar's language.
 * @throws OrchestrationError `policy/cedar-invalid` for a text that cannot be read, a template, or an id that is there twice
 */
export function cedarPolicy({ name, version, text }: CedarPolicyOptions): Policy {
  if (!isName(name) || version === "") {
    throw new OrchestrationError("policy/rule-invalid", {
      policy: name,
      rule: "",
      reason: "it has no name or no version",
    });
  }
  const rules = readRules(name, text);
  const policy: Policy = {
    kind: "policy",
    name,
    version,
    evaluate: () => failedRule(name, "it is bound to no supervisor"),
    bind: (definition) => bindTo(policy, text, rules, definition),
    data: { cedar: sha256(text) },
    text,
  };
  return policy;
}

function readRules(name: string, text: string): readonly CedarRule[] {
  const checked = checkParsePolicySet({ staticPolicies: text });
  if (checked.type === "failure") throw invalid(name, text, checked.errors);
  const parts = policySetTextToParts(text);
  if (parts.type === "failure") throw invalid(name, text, parts.errors);
  if (parts.policy_templates.length > 0) throw invalidAt(name, "a template", "templates are not taken here");
  // They come in the order of the ids that Cedar gave them, as text: `policy10` before `policy2`.
  const ids = parts.policies.map((_, index) => `policy${index}`).sort();
  const rules = parts.policies.map((part, index): CedarRule => {
    const read = policyToJson(part);
    if (read.type === "failure") throw invalid(name, text, read.errors);
    const { id, approve, because } = read.json.annotations ?? {};
    const own = id ?? ids[index] ?? "";
    return {
      id: own,
      json: read.json,
      text: part,
      approve,
      because: because ?? (approve || `the policy ${own} says so`),
    };
  });
  const seen = new Set<string>();
  for (const { id, json, approve } of rules) {
    if (id === "" || seen.has(id)) throw invalidAt(name, id, "another policy has this id");
    seen.add(id);
    if (approve !== undefined && json.effect !== "permit") throw invalidAt(name, id, "only a permit can ask a person");
  }
  return rules;
}

function bindTo(policy: Policy, text: string, rules: readonly CedarRule[], definition: SupervisorDefinition): Policy {
  const schema = cedarSchemaOf(definition);
  const validated = validate({ schema, policies: { staticPolicies: text } });
  if (validated.type === "failure") throw invalid(policy.name, text, validated.errors);
  // What Cedar warns of, such as a policy that can never hold, is a name that was not meant: nobody writes it on purpose.
  const errors = [...validated.validationErrors, ...validated.validationWarnings].map(({ error }) => error);
  if (errors.length > 0) throw invalid(policy.name, text, errors);
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const setId = `${policy.name}@${policy.version}:${sha256(text)}`;
  const shapes = new Map<string, CedarShape | undefined>();
  for (const { name, inputSchema } of definition.tools.values()) shapes.set(name, shapeOf(inputSchema));
  /** Actions stand in a group, which Cedar is told with every request; the others stand alone. */
  const groups = new Map(
    [...definition.tools.keys()].map((tool) => {
      const uid = { type: "Action", id: actionOf(tool) };
      return [tool, [{ uid, attrs: {}, parents: [{ type: "Action", id: "tool" }] }]] as [string, EntityJson[]];
    }),
  );
  const slices = new Map<string, Slice>();
  /** What could be about such a request by its head: the others can neither hold nor fail. Cedar reads it once. */
  const sliceFor = (asked: Asked): Slice => {
    const key = `${asked.agent}\n${asked.action}\n${asked.type === "Agent" || asked.type === "Model" ? asked.resource : ""}`;
    const known = slices.get(key);
    if (known) return known;
    const fits = rules.filter(({ json }) => couldMatch(json, asked));
    const id = `${setId}:${sha256(fits.map((rule) => rule.id).join("\n"))}`;
    const parsed = preparsePolicySet(id, {
      staticPolicies: Object.fromEntries(fits.map(({ id: rule, text: own }) => [rule, own])),
    });
    if (parsed.type === "failure") throw invalid(policy.name, text, parsed.errors);
    const made = { id, used: usedContext(fits.map(({ json }) => json)) };
    slices.set(key, made);
    return made;
  };
  const answers = recentAnswers();
  return {
    ...policy,
    evaluate: (request) => {
      const tool = request.edge === "tool" ? request.tool : undefined;
      if (tool !== undefined && !groups.has(tool)) return failedRule(policy.name, `nobody defines the tool ${tool}`);
      const asked = askedOf(request);
      let slice: Slice;
      let context: Record<string, CedarValueJson>;
      try {
        slice = sliceFor(asked);
        context = contextOf(request, slice.used, tool === undefined ? undefined : shapes.get(tool));
      } catch (thrown) {
        return failedRule(policy.name, reasonOf(thrown));
      }
      const { agent, action, type, resource } = asked;
      return answers.of(JSON.stringify([agent, action, resource, context]), () => {
        const answer = statefulIsAuthorized({
          principal: { type: "Agent", id: agent },
          action: { type: "Action", id: action },
          resource: { type, id: resource },
          context,
          validateRequest: false,
          preparsedPolicySetId: slice.id,
          entities: tool === undefined ? [] : (groups.get(tool) ?? []),
        });
        if (answer.type === "success") return read(answer.response, byId);
        return failedRule(policy.name, answer.errors[0]?.message ?? "Cedar has no answer");
      });
    },
    neverAllows: (agent, tool) => {
      const asked = { agent, action: actionOf(tool), type: "Tool", resource: tool };
      const fits = rules.filter(({ json }) => couldMatch(json, asked));
      const always = fits.some(({ json }) => json.effect === "forbid" && isAboutAll(json));
      return always || !fits.some(({ json }) => json.effect === "permit");
    },
  };
}

interface Slice {
  readonly id: string;
  readonly used: UsedContext;
}

/** A request as the head of a policy sees it. */
interface Asked {
  readonly agent: string;
  readonly action: string;
  readonly type: string;
  readonly resource: string;
}

function askedOf(request: PolicyRequest): Asked {
  const action = request.edge === "tool" ? actionOf(request.tool) : request.edge;
  return { agent: request.agent, action, type: resourceTypes[request.edge], resource: targetOf(request) };
}

const answersMax = 256;

/**
 * The last answers, by all that Cedar was shown. The gate asks what the core has asked, with a request of its own making;
 * where the two are the same so is the answer, and Cedar is not asked twice.
 */
function recentAnswers() {
  const known = new Map<string, PolicyAnswer>();
  return {
    of: (key: string, ask: () => PolicyAnswer): PolicyAnswer => {
      const before = known.get(key);
      if (before) return before;
      const answer = ask();
      const [oldest] = known.keys();
      if (known.size >= answersMax && oldest !== undefined) known.delete(oldest);
      known.set(key, answer);
      return answer;
    },
  };
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

function read(
  {
    decision,
    diagnostics,
  }: {
    readonly decision: string;
    readonly diagnostics: {
      readonly reason: readonly string[];
      readonly errors: readonly { readonly policyId: string; readonly error: { readonly message: string } }[];
    };
  },
  byId: ReadonlyMap<string, CedarRule>,
): PolicyAnswer {
  const [error] = [...diagnostics.errors].sort((left, right) => (left.policyId < right.policyId ? -1 : 1));
  if (error) return failedRule(error.policyId, error.error.message);
  const reasons = [...diagnostics.reason].sort().flatMap((id) => byId.get(id) ?? []);
  const say = (effect: PolicyAnswer["effect"], deciding: readonly CedarRule[]): PolicyAnswer => ({
    effect,
    ruleId: deciding.map(({ id }) => id).join(","),
    because: deciding.map(({ because }) => because).join("; "),
    ...(effect === "deny" ? { code: "policy/denied" as const } : {}),
  });
  if (decision !== "allow") {
    if (reasons.length > 0) return say("deny", reasons);
    return { effect: "deny", ruleId: "no-rule", because: "no policy permits it", code: "policy/no-rule" };
  }
  const asking = reasons.filter(({ approve }) => approve !== undefined);
  return asking.length > 0 ? say("approve", asking) : say("allow", reasons);
}

/** The context of a request, as far as the policies look at it. Throws for arguments that do not fit their schema. */
function contextOf(
  request: PolicyRequest,
  { members }: UsedContext,
  shape: CedarShape | undefined,
): Record<string, CedarValueJson> {
  const made: Record<string, CedarValueJson> = {};
  const put = (name: string, value: () => CedarValueJson | undefined) => {
    if (members !== undefined && !members.has(name)) return;
    const given = value();
    if (given !== undefined) made[name] = given;
  };
  const { tenant, run, supervisor, path, principal, labels, attributes } = request;
  put("tenant", () => tenant);
  put("run", () => run);
  put("supervisor", () => supervisor);
  put("path", () => path);
  put("principal", () => {
    const { id, kind, roles, authenticated } = principal;
    return { id, kind, roles: [...roles], authenticated };
  });
  put("labels", () => [...labels]);
  put("attributes", () => Object.entries(attributes).map(([name, value]) => `${name}=${value}`));
  switch (request.edge) {
    case "tool": {
      const { flow } = request;
      put("effect", () => request.effect);
      put("risk", () => request.risk);
      put("reversible", () => request.reversible);
      put("flow", () => flow && { untrusted: [...flow.untrusted], planned: flow.planned, clean: flow.clean });
      put("arguments", () =>
        shape?.type.type === "Record" ? shape.read(request.arguments, members?.get("arguments")) : {},
      );
      break;
    }
    case "handoff":
      put("handoff", () => ({ __entity: { type: "Handoff", id: request.handoff } }));
      break;
    case "message":
      put("text", () => request.text);
      break;
    case "memory.read":
    case "memory.write":
      put("key", () => request.key);
      break;
    case "source":
      put("query", () => request.query);
      break;
    case "model":
      put("purpose", () => request.purpose);
      put("tools", () => [...request.tools]);
      break;
    case "egress":
  }
  return made;
}

/** True unless the head of a policy alone says that it is not about such a request. */
function couldMatch({ principal, action, resource }: PolicyJson, asked: Asked): boolean {
  const { agent, action: own, type, resource: id } = asked;
  const inGroup = type === "Tool" ? [own, "tool"] : [own];
  // Heads about memory and sources are left to Cedar: their names are anybody's, and no slice is kept for each.
  const open = type !== "Tool" && type !== "Agent" && type !== "Model";
  return (
    names(principal, "Agent", [agent]) && names(action, "Action", inGroup) && (open || names(resource, type, [id]))
  );
}

/** True for a policy without conditions whose head asks for no more than {@link couldMatch} has looked at. */
function isAboutAll({ conditions, principal, resource }: PolicyJson): boolean {
  return conditions.length === 0 && [principal, resource].every((one) => one.op !== "is" || !("in" in one));
}

function names(constraint: object, type: string, wanted: readonly string[]): boolean {
  const { op, entity, entities, entity_type } = constraint as {
    readonly op: string;
    readonly entity?: object;
    readonly entities?: readonly object[];
    readonly entity_type?: string;
  };
  if (op === "All") return true;
  if (op === "is") return entity_type === type;
  // `==` a group is about the group itself, and nobody asks about that.
  const known = op === "==" ? wanted.slice(0, 1) : wanted;
  const listed = entities ?? (entity ? [entity] : []);
  return listed.some((one) => {
    const uid = ("__entity" in one ? one.__entity : one) as { readonly type: string; readonly id: string };
    return uid.type === type && known.includes(uid.id);
  });
}

function invalidAt(policy: string, position: string, reason: string): OrchestrationError {
  return new OrchestrationError("policy/cedar-invalid", { policy, position, reason });
}

/** Cedar's own words, with the line and the column of each. */
function invalid(policy: string, text: string, errors: readonly DetailedError[]): OrchestrationError {
  const bytes = Buffer.from(text);
  const issues = errors.map(({ message, help, sourceLocations = [] }) => {
    const [at] = sourceLocations;
    const before = bytes.subarray(0, at?.start ?? 0).toString();
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    const label = at?.label ?? undefined;
    const reason = [message, label, help ?? undefined].filter((one) => one !== undefined).join("; ");
    return { position: at === undefined ? "the text" : `${line}:${column}`, reason };
  });
  const [first] = issues;
  return new OrchestrationError("policy/cedar-invalid", {
    policy,
    position: first?.position ?? "the text",
    reason: first?.reason ?? "Cedar gave no reason",
    issues: issues as unknown as Json,
  });
}
