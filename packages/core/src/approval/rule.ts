import type { Effect } from "../effect/effect.ts";
import { OrchestrationError } from "../errors.ts";
import type { Tier } from "../event.ts";
import type { Json } from "../json.ts";
import type { AnyTool, Tool } from "../tool.ts";
import { type Known, strangeMember } from "../wanted.ts";

/**
 * Which writes wait, and for whom. The risk of a tool asks for a tier; a rule of the supervisor may only ask for more
 * (D13). There is no rule that lets a write through which its risk holds back.
 */

/** One tool's rule: `approvals: [{ tool: refundOrder, by: "human" }]`. */
export interface ApprovalRule<Name extends string = string> {
  /** The tool itself, so that a rule for one that is gone does not compile. */
  // biome-ignore lint/suspicious/noExplicitAny: as in `AnyTool`, a rule must accept every tool.
  readonly tool: Tool<Name, any, any, Effect>;
  /** `compliance`: a verdict by rule; `human`: a person's approval after it. */
  readonly by: "compliance" | "human";
  /** Approvals of different people that it takes, 1 to 100; 1 when absent. */
  readonly quorum?: number;
  /** Roles of which an approver needs one; any when absent or empty. */
  readonly roles?: readonly string[];
  /** Milliseconds that an approval may be waited for, at most 366 days; 24 hours when absent. */
  readonly expiresMs?: number;
}

/** What one write has to pass. Quorum, roles and expiry hold also where compliance hands a case to a person. */
export interface ResolvedRule {
  readonly tier: Exclude<Tier, "none">;
  readonly quorum: number;
  /** Sorted, each once. */
  readonly roles: readonly string[];
  readonly expiresMs: number;
}

const hourMs = 3_600_000;
const defaultExpiresMs: number = 24 * hourMs;
const expiresMsMax = 366 * 24 * hourMs;
const quorumMax = 100;

const tierByRisk = { low: "none", medium: "compliance", high: "person" } as const satisfies Record<string, Tier>;
const tierByRule = { compliance: "compliance", human: "person" } as const satisfies Record<ApprovalRule["by"], Tier>;
const strictness: Readonly<Record<Tier, number>> = { none: 0, compliance: 1, person: 2 };

/**
 * What has to happen before a tool is called: what its risk asks for, or more where a rule says so. A read never waits.
 * @throws OrchestrationError `supervisor/approval-loosens` for a rule that asks for less than the risk does
 */
export function tierOf(tool: Pick<AnyTool, "name" | "effect" | "risk">, rule?: Pick<ApprovalRule, "by">): Tier {
  if (tool.effect === "read") return "none";
  const asked = tierByRisk[tool.risk];
  if (!rule) return asked;
  const ruled = tierByRule[rule.by];
  if (strictness[ruled] < strictness[asked]) {
    throw new OrchestrationError("supervisor/approval-loosens", { tool: tool.name, risk: tool.risk });
  }
  return ruled;
}

/**
 * Checks a supervisor's rules and says for every write that has to wait what it waits for; a tool that is not in the
 * answer waits for nothing.
 * @param tools every tool of the team by name
 * @param inner what teams inside this one ask for: being one of a larger team loosens nothing
 * @throws OrchestrationError `supervisor/approval-unknown-tool`, `supervisor/approval-loosens`,
 *   `supervisor/approval-invalid` for a second rule, a rule for a read or for another tool of the same name, a bound
 *   that is none, or a member that a rule has not
 */
export function resolveRules(
  rules: readonly ApprovalRule[],
  tools: ReadonlyMap<string, AnyTool>,
  supervisor: string,
  inner: readonly ReadonlyMap<string, ResolvedRule>[] = [],
): ReadonlyMap<string, ResolvedRule> {
  const ruleOf = new Map<string, ApprovalRule>();
  for (const rule of rules) {
    checkRule(rule, tools, supervisor);
    const { name } = rule.tool;
    if (ruleOf.has(name)) throw invalid(name, "the tool has another rule");
    ruleOf.set(name, rule);
  }
  const resolved = new Map<string, ResolvedRule>();
  for (const [name, tool] of tools) {
    const rule = ruleOf.get(name);
    const tier = tierOf(tool, rule);
    if (tier === "none") continue;
    resolved.set(name, {
      tier,
      quorum: rule?.quorum ?? 1,
      roles: [...new Set(rule?.roles ?? [])].sort(),
      expiresMs: rule?.expiresMs ?? defaultExpiresMs,
    });
  }
  for (const asked of inner) {
    for (const [name, rule] of asked) {
      const outer = resolved.get(name);
      // An expiry that nobody named here is no wish: the team's own holds, longer than a day or shorter.
      const said = ruleOf.get(name)?.expiresMs !== undefined;
      resolved.set(name, outer ? strictest(name, outer, rule, said) : rule);
    }
  }
  return resolved;
}

function strictest(tool: string, outer: ResolvedRule, inner: ResolvedRule, said: boolean): ResolvedRule {
  const both = outer.roles.filter((role) => inner.roles.includes(role));
  const roles = outer.roles.length === 0 ? inner.roles : inner.roles.length === 0 ? outer.roles : both;
  if (outer.roles.length > 0 && inner.roles.length > 0 && both.length === 0) {
    throw invalid(tool, `a team inside asks for the roles ${inner.roles.join(", ")}, and none of them is here`);
  }
  return {
    tier: strictness[outer.tier] >= strictness[inner.tier] ? outer.tier : inner.tier,
    quorum: Math.max(outer.quorum, inner.quorum),
    roles,
    expiresMs: said ? Math.min(outer.expiresMs, inner.expiresMs) : inner.expiresMs,
  };
}

/**
 * What a definition's hash covers of its rules: what was said, not the defaults, in the order of tool names. Absent
 * where there is no rule, so that definitions without one keep their hash.
 */
export function describeRules(rules: readonly ApprovalRule[]): Json | undefined {
  if (rules.length === 0) return undefined;
  return rules
    .map(({ tool, by, quorum, roles, expiresMs }) => ({
      tool: tool.name,
      by,
      ...(quorum === undefined ? {} : { quorum }),
      ...(roles === undefined ? {} : { roles: [...new Set(roles)].sort() }),
      ...(expiresMs === undefined ? {} : { expiresMs }),
    }))
    .sort((left, right) => (left.tool < right.tool ? -1 : 1));
}

const members: Known<ApprovalRule> = { tool: true, by: true, quorum: true, roles: true, expiresMs: true };

function checkRule(rule: ApprovalRule, tools: ReadonlyMap<string, AnyTool>, supervisor: string): void {
  const { tool, by, quorum, roles, expiresMs } = rule;
  const { name } = tool;
  const known = tools.get(name);
  if (!known) throw new OrchestrationError("supervisor/approval-unknown-tool", { tool: name, supervisor });
  if (known !== tool) throw invalid(name, "the team has another tool of this name");
  if (tool.effect === "read") throw invalid(name, "it only reads, and a read waits for nobody");
  if (!Object.hasOwn(tierByRule, by)) throw invalid(name, `nobody is called ${String(by)}`);
  assertWithin(name, "quorum", quorum, quorumMax);
  assertWithin(name, "expiresMs", expiresMs, expiresMsMax);
  if (roles !== undefined && !Array.isArray(roles)) throw invalid(name, "`roles` is no list");
  if (roles?.some((role) => typeof role !== "string" || role === "")) throw invalid(name, "a role has no name");
  // A compiler sees it in a literal alone; a misspelt `roles` would let everybody approve.
  const unknown = strangeMember(rule, members);
  if (unknown !== undefined) throw invalid(name, `a rule has no \`${unknown}\``);
}

function assertWithin(tool: string, member: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  throw invalid(tool, `${member} is ${String(value)}, not a whole number from 1 to ${most}`);
}

function invalid(tool: string, reason: string): OrchestrationError {
  return new OrchestrationError("supervisor/approval-invalid", { tool, reason });
}
