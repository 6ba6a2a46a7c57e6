import type { ErrorCode } from "../errors.ts";

/**
 * Why a person was needed: a closed set, so that reports of different teams can be added up. A reason is read from entries,
 * or said by the caller; what neither tells is `unknown`.
 */
export const humanReasons = [
  /** An answer's confidence was below its threshold. */
  "low-confidence",
  /** Somebody had to be asked for what nobody in the run knew. */
  "missing-data",
  /** A verdict or a rule of policy stood against it. */
  "policy-conflict",
  /** A write (or what a policy says) that a person has to allow, whatever comes of it. */
  "approval-required",
  /** A value or a decision that rests on text of others. */
  "untrusted-data",
  /** An output, a payload or an edge did not fit. */
  "contract-broken",
  /** A limit, a time or a budget was used up. */
  "limit-reached",
  "tool-failure",
  "model-failure",
  /** Nobody knows whether a write happened. */
  "outcome-unknown",
  "asked-by-customer",
  /** The case itself, such as its severity, is one for a person. */
  "critical-case",
  "unknown",
] as const;

export type HumanReason = (typeof humanReasons)[number];

const known: ReadonlySet<string> = new Set(humanReasons);

/**
 * The reason that an escalation's word is by itself: a member of the set, also in `snake_case`. Another word is the team's own
 * and says nothing here.
 */
export function reasonOfWord(word: unknown): HumanReason | undefined {
  if (typeof word !== "string") return undefined;
  const spelt = word.replaceAll("_", "-");
  return known.has(spelt) ? (spelt as HumanReason) : undefined;
}

/** The reason that an error is. Of codes that are no part of it, such as `run/internal`, nothing is told. */
export function reasonOfError(code: unknown): HumanReason | undefined {
  if (typeof code !== "string") return undefined;
  const own = (byCode as Readonly<Record<string, HumanReason>>)[code];
  if (own !== undefined && Object.hasOwn(byCode, code)) return own;
  const family = code.slice(0, code.indexOf("/"));
  return Object.hasOwn(byFamily, family) ? (byFamily as Readonly<Record<string, HumanReason>>)[family] : undefined;
}

const byCode = {
  "agent/refused": "model-failure",
  "agent/output-invalid": "contract-broken",
  "agent/ask-not-allowed": "contract-broken",
  "supervisor/no-matching-handoff": "contract-broken",
  "policy/untrusted-argument": "untrusted-data",
  "policy/unplanned-write": "untrusted-data",
  "policy/grant-expired": "limit-reached",
  "tool/outcome-unknown": "outcome-unknown",
  "approval/expired": "approval-required",
  "approval/missing": "approval-required",
} as const satisfies Partial<Record<ErrorCode, HumanReason>>;

const byFamily = {
  model: "model-failure",
  tool: "tool-failure",
  policy: "policy-conflict",
  contract: "contract-broken",
  limits: "limit-reached",
  budget: "limit-reached",
} as const satisfies Readonly<Record<string, HumanReason>>;
