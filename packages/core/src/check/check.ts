import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import { checkBounds } from "./bounds.ts";
import { checkData } from "./data.ts";
import { checkDeclared } from "./declared.ts";
import { type Finding, inOrder, makeFinding } from "./finding.ts";
import { checkFlow } from "./flow.ts";
import { checkGrants } from "./grants.ts";
import { type Ground, survey } from "./ground.ts";
import { checkInner } from "./inner.ts";
import { checkModels } from "./models.ts";
import { checkPeople } from "./people.ts";
import { checkPolicies } from "./policies.ts";
import type { CheckOptions, Note, Rule } from "./rule.ts";
import { checkTexts } from "./texts.ts";
import { checkWrites } from "./writes.ts";

/**
 * Static proof over a compiled supervisor (R4): what can be known of it without a model, a tool or a run. A definition that
 * is no graph at all is refused where it is made; what is told here is what such a graph will do.
 */

export interface CheckReport {
  /** True without a finding of severity `error`. */
  readonly ok: boolean;
  /** Errors first, in the same order each time. */
  readonly findings: readonly Finding[];
  /** How often something was looked at: it grows with the definition, not with the ways through it. */
  readonly visited: Ground["visited"];
}

const rules: readonly Rule[] = [
  checkFlow,
  checkWrites,
  checkData,
  checkDeclared,
  checkGrants,
  checkPolicies,
  checkPeople,
  checkBounds,
  checkInner,
  checkModels,
  checkTexts,
];

/**
 * Looks for what is wrong with a supervisor, before anything starts. Calls no model and no tool; of functions it asks only
 * what a model quotes. Never throws for what it finds.
 * @param options what it will be run with; what is left out is not looked at
 */
export function checkSupervisor<Input, Output, Alias extends string>(
  definition: SupervisorDefinition<Input, Output, Alias>,
  options: CheckOptions = {},
): CheckReport {
  const findings: Finding[] = [];
  const note: Note = (code, path, data) => {
    findings.push(makeFinding(code, path, data));
  };
  const ground = survey(definition as unknown as SupervisorDefinition, (supervisor, path) =>
    note("check/nested-in-itself", path, { supervisor }),
  );
  for (const rule of rules) rule(ground, note, options);
  return {
    ok: findings.every(({ severity }) => severity !== "error"),
    findings: inOrder(findings),
    visited: ground.visited,
  };
}
