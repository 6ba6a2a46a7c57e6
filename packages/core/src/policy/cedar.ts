import {
  type CedarValueJson,
  checkParsePolicySet,
  type DetailedError,
  type EntityJson,
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  type Response,
  statefulIsAuthorized,
  validate,
} from "@cedar-policy/cedar-wasm/nodejs";
import { OrchestrationError, reasonOf } from "../errors.ts";
import { sha256 } from "../hash.ts";
import type { Json } from "../json.ts";
import { isName } from "../name.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { failedRule, type PolicyAnswer } from "./answer.ts";
import { contextOf } from "./cedar-context.ts";
import { actionOf, type CedarShape, cedarSchemaOf, shapeOf } from "./cedar-schema.ts";
import {
  askedOf,
  type CedarRule,
  cedarSlices,
  groupsOf,
  headOf,
  type Part,
  type Slice,
  togetherId,
} from "./cedar-slice.ts";
import type { Policy } from "./policy.ts";

/**
 * A policy in Cedar. `permit` allows, `forbid` denies, and a `permit` with `@approve("why")` has a person asked. `@id`
 * names a policy in the journal, `@because` says why; without them it is `policy0` and on, in the order of the text.
 *
 * K1 Deny by default, and `forbid` overrides: Cedar's own rules, and those of {@link definePolicy} (P1, P2).
 * K2 Where several permits hold and one of them wants a person, a person is asked.
 * K3 Cedar leaves a policy out that cannot be evaluated. Here that is a denial, whatever the others say (P3).
 * K4 A policy is held against the schema of the compiled supervisor before anything starts.
 * K5 What Cedar is asked is a part of the text that gives the answer of the whole: `cedar-slice.ts`.
 */
export interface CedarPolicyOptions {
  readonly name: string;
  /** Raise it when the text changes its meaning (D4). */
  readonly version: string;
  readonly text: string;
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

/** The policies of a text, in its order; throws as {@link cedarPolicy}. */
export function readRules(name: string, text: string): readonly CedarRule[] {
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
  const shapes = new Map<string, CedarShape | undefined>();
  for (const { name, inputSchema } of definition.tools.values()) shapes.set(name, shapeOf(inputSchema));
  const slices = cedarSlices(policy.name, rules, (id, staticPolicies) => {
    const parsed = preparsePolicySet(id, { staticPolicies });
    if (parsed.type === "failure") throw invalid(policy.name, text, parsed.errors);
  });
  const answers = recent<PolicyAnswer>();
  /** Where nothing that stands forbids (L4). */
  const still = recent<boolean>();
  return {
    ...policy,
    evaluate: (request) => {
      const tool = request.edge === "tool" ? request.tool : undefined;
      if (tool !== undefined && !shapes.has(tool)) return failedRule(policy.name, `nobody defines the tool ${tool}`);
      const asked = askedOf(request);
      const { agent, action, type, resource } = asked;
      let slice: Slice;
      let context: Record<string, CedarValueJson>;
      try {
        slice = slices(asked);
        context = contextOf(request, slice.used, tool === undefined ? undefined : shapes.get(tool));
      } catch (thrown) {
        return failedRule(policy.name, reasonOf(thrown));
      }
      const ask = (preparsedPolicySetId: string, seen: Record<string, CedarValueJson>, entities: EntityJson[]) =>
        statefulIsAuthorized({
          principal: { type: "Agent", id: agent },
          action: { type: "Action", id: action },
          resource: { type, id: resource },
          context: seen,
          validateRequest: false,
          preparsedPolicySetId,
          entities,
        });
      const askPart = ({ id, asksGroups }: Part, seen: Record<string, CedarValueJson>) =>
        ask(id, seen, asksGroups ? groupsOf(asked) : []);
      return answers.of(JSON.stringify([agent, action, resource, context]), () => {
        const { standing, rest } = slice;
        const seen = standing && membersOf(context, standing);
        const isStill =
          !seen ||
          still.of(JSON.stringify([agent, action, resource, seen]), () => {
            const answer = askPart(standing, seen);
            return answer.type === "success" && !concerns(answer.response, togetherId);
          });
        let answer = isStill ? askPart(rest, membersOf(context, rest)) : undefined;
        // K5 Some of those that stand together hold or fail: which, the set as it was written says.
        if (!answer || (answer.type === "success" && concerns(answer.response, togetherId))) {
          answer = ask(slice.wholeId(), context, groupsOf(asked));
        }
        if (answer.type === "success") return read(answer.response, byId);
        return failedRule(policy.name, answer.errors[0]?.message ?? "Cedar has no answer");
      });
    },
    neverAllows: (agent, tool) => {
      const asked = { agent, action: actionOf(tool), type: "Tool", resource: tool };
      const fits = rules.filter(({ json }) => headOf(json, asked) !== "never");
      const always = fits.some(
        ({ json }) => json.effect === "forbid" && json.conditions.length === 0 && headOf(json, asked) === "always",
      );
      return always || !fits.some(({ json }) => json.effect === "permit");
    },
  };
}

const answersMax = 256;

/**
 * The last answers, by all that Cedar was shown. The gate asks what the core has asked, with a request of its own making;
 * where the two are the same so is the answer, and Cedar is not asked twice.
 */
function recent<Value>() {
  const known = new Map<string, Value>();
  return {
    of: (key: string, ask: () => Value): Value => {
      const before = known.get(key);
      if (before !== undefined) return before;
      const answer = ask();
      const [oldest] = known.keys();
      if (known.size >= answersMax && oldest !== undefined) known.delete(oldest);
      known.set(key, answer);
      return answer;
    },
  };
}

/** What of a context a part of a slice looks at. */
function membersOf(context: Record<string, CedarValueJson>, { members }: Part): Record<string, CedarValueJson> {
  if (members === undefined) return context;
  return Object.fromEntries(Object.entries(context).filter(([name]) => members.has(name)));
}

/** True where Cedar names a policy as a reason or as one that failed. */
function concerns({ diagnostics: { reason, errors } }: Response, id: string): boolean {
  return reason.includes(id) || errors.some(({ policyId }) => policyId === id);
}

/** What Cedar said, as an answer of ours. */
export function read(
  { decision, diagnostics }: Pick<Response, "decision" | "diagnostics">,
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
