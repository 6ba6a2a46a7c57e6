/** What a finding can be about: a closed set. What has no rule is no finding. */

export const severities = ["low", "medium", "high", "critical"] as const;
export type RuleSeverity = (typeof severities)[number];

interface RuleFacts {
  readonly severity: RuleSeverity;
  readonly about: "style" | "risk" | "tests";
  /** The rule pass looks for it; else it takes somebody who reads. */
  readonly byPass: boolean;
  readonly says: string;
}

export const rules = {
  missing_test: { severity: "medium", about: "tests", byPass: true, says: "No test names this function." },
  disabled_test: { severity: "medium", about: "tests", byPass: true, says: "A test is turned off." },
  swallowed_error: { severity: "medium", about: "risk", byPass: true, says: "An error ends here and nobody is told." },
  secret_in_code: { severity: "critical", about: "risk", byPass: true, says: "A secret stands in the code." },
  off_by_one: { severity: "high", about: "risk", byPass: true, says: "The loop goes one past the end." },
  sql_from_strings: {
    severity: "critical",
    about: "risk",
    byPass: true,
    says: "A statement is put together of strings.",
  },
  removed_check: { severity: "high", about: "risk", byPass: true, says: "A check is gone, and nothing stands for it." },
  unpinned_dependency: { severity: "medium", about: "risk", byPass: true, says: "A dependency may change by itself." },
  weak_hash: { severity: "high", about: "risk", byPass: true, says: "This hash can be forged." },
  debug_output: { severity: "low", about: "style", byPass: true, says: "Output for debugging was left in." },
  todo_without_issue: { severity: "low", about: "style", byPass: true, says: "A TODO names no issue." },
  inverted_condition: { severity: "high", about: "risk", byPass: false, says: "The condition says the opposite." },
  wrong_unit: { severity: "high", about: "risk", byPass: false, says: "Seconds are taken for milliseconds." },
} as const satisfies Readonly<Record<string, RuleFacts>>;

export type RuleId = keyof typeof rules;
export const ruleIds = Object.keys(rules) as unknown as readonly [RuleId, ...RuleId[]];

export function isRule(name: string): name is RuleId {
  return Object.hasOwn(rules, name);
}

export interface Finding {
  /** Row of the diff, such as `PR-1001/f1/12`: the forge gives it, and a comment stands there. */
  readonly anchor: string;
  readonly file: string;
  /** Number of the line in the file as it becomes; of a line that goes, as it was. */
  readonly line: number;
  readonly rule: RuleId;
  readonly severity: RuleSeverity;
}

/** What a review of these findings comes to. */
export function verdictOf(found: readonly Pick<Finding, "severity">[]): "no_findings" | "comment" | "request_changes" {
  if (found.length === 0) return "no_findings";
  return found.some(({ severity }) => severity === "high" || severity === "critical") ? "request_changes" : "comment";
}
