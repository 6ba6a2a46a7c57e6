import type { BudgetLedger } from "../budget/ledger.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputBodies } from "../event.ts";
import { checkGrant, fullGrant, type Grant, leastAmount, narrow } from "../grant.ts";
import { assertBound } from "../limits.ts";
import type { Principal } from "../principal.ts";
import type { SupervisorDefinition } from "./definition.ts";
import { grantableOf } from "./grantable.ts";
import type { RuntimeOptions, StartOptions } from "./options.ts";

type Started = InputBodies["run.started"];

/** What a run may use and spend at most, as its first entry says it. */
export interface RunBounds {
  /**
   * What tenant and starter allow, as an input of the run: replay sees what was in force then.
   * @throws OrchestrationError `policy/tenant-not-allowed`, `policy/principal-not-granted`, and for a grant that is none
   */
  readonly grantsOf: (start: Pick<StartOptions, "tenant" | "grant">, starter: Principal) => Started["grants"];
  /** The budgets of one run: its supervisor's, narrowed by whoever starts it; nothing where none is in force. */
  readonly budgetOf: (start: Pick<StartOptions, "tenant" | "budget">, grants: Started["grants"]) => Started["budget"];
}

/** Looks at what the options grant before any run begins. */
export function runBounds(
  definition: SupervisorDefinition,
  options: Pick<RuntimeOptions<string>, "tenants" | "grants">,
  ledger: Pick<BudgetLedger, "bounds">,
): RunBounds {
  const grantable = grantableOf(definition);
  for (const [tenant, grant] of Object.entries(options.tenants ?? {})) {
    checkGrant(grant, grantable, `the tenant ${tenant}`);
  }
  for (const [role, grant] of Object.entries(options.grants?.principals ?? {})) {
    checkGrant(grant, grantable, `the role ${role}`);
  }
  const grantsOf: RunBounds["grantsOf"] = ({ tenant, grant: run }, starter) => {
    const { tenants } = options;
    if (tenants && !Object.hasOwn(tenants, tenant)) {
      throw new OrchestrationError("policy/tenant-not-allowed", { supervisor: definition.name, tenant });
    }
    checkGrant(run, grantable, "the start of the run");
    const own = tenants?.[tenant];
    const principal = principalGrant(definition.name, options.grants?.principals, starter);
    if (own === undefined && run === undefined && principal === undefined) return undefined;
    return {
      ...(principal === undefined ? {} : { principal }),
      ...(own === undefined ? {} : { tenant: narrow(fullGrant, own) }),
      ...(run === undefined ? {} : { run: narrow(fullGrant, run) }),
    };
  };
  return {
    grantsOf,
    budgetOf: (start, grants) => budgetOf(definition, start, ledger.bounds(start.tenant), grants),
  };
}

function budgetOf(
  definition: SupervisorDefinition,
  { budget: own }: Pick<StartOptions, "budget">,
  tenant: boolean,
  grants: Started["grants"],
): Started["budget"] {
  for (const member of ["microUsd", "tokens"] as const) {
    if (own?.[member] !== undefined) assertBound(`budget.${member} of the run`, own[member], 0);
  }
  const { budget } = definition;
  const bounds = [budget?.run, own, ...Object.values(grants ?? {}).map((grant) => grant.budget)];
  const run = bounds.reduce((least, bound) => (bound ? leastAmount(least ?? {}, bound) : least), undefined);
  if (run === undefined && budget?.agents === undefined && !tenant && !grantsMoney(definition)) return undefined;
  return {
    ...(run === undefined ? {} : { run }),
    ...(budget?.agents === undefined ? {} : { agents: budget.agents }),
    ...(tenant ? { tenant: true as const } : {}),
  };
}

/** What the roles of who starts a run allow. @throws OrchestrationError `policy/principal-not-granted` */
function principalGrant(
  supervisor: string,
  byRole: { readonly [role: string]: Grant } | undefined,
  { id, roles }: Principal,
): Grant | undefined {
  if (!byRole) return undefined;
  const own = roles.filter((role) => role !== "*" && Object.hasOwn(byRole, role));
  const named = own.length > 0 ? own : Object.hasOwn(byRole, "*") ? ["*"] : [];
  if (named.length === 0) throw new OrchestrationError("policy/principal-not-granted", { principal: id, supervisor });
  return named.reduce<Grant>((grant, role) => narrow(grant, byRole[role]), fullGrant);
}

/** True when a delegation bounds what it may spend. */
export function grantsMoney({ edges, agents }: SupervisorDefinition): boolean {
  const bounded = edges.some((edge) => {
    if (edge.kind === "ending") return false;
    const all = edge.kind === "parallel" ? [...edge.branches, edge.join] : [edge];
    return all.some(({ grant }) => grant?.budget !== undefined);
  });
  return bounded || [...agents.values()].some(({ team }) => team !== undefined && grantsMoney(team));
}
