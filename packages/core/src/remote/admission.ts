import { z } from "zod";
import type { KeyText } from "../approval/signature.ts";
import { knownKeys } from "../audit/signer.ts";
import { type ErrorRecord, OrchestrationError, ownError } from "../errors.ts";
import type { Delegation, InputBodies, InputEvent, Restrictions } from "../event.ts";
import { fullGrant, type Grant, narrow } from "../grant.ts";
import type { Json } from "../json.ts";
import { once } from "../once.ts";
import { PassingSession } from "../passing-session.ts";
import { policyVersion } from "../policy-version.ts";
import type { RunKey, RunSession } from "../port/engine.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { nobody, noRestrictions } from "../run/empty.ts";
import { parseWith } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { AnySpecialist } from "./contract.ts";
import { delegatedRun, delegationText } from "./delegation.ts";

/**
 * What a specialist's owner makes of a delegation before anything of it is done. It is asked where the run is driven, behind
 * every way in which a start can come there, so that whoever reaches the engine has not passed it yet.
 *
 * T1 What a start says of grants, budgets, policy and restrictions is not taken from it: what its caller was granted is one
 *    bound more, beside the owner's own. The run gets the intersection (R6).
 * T2 A delegation begins the one run that is named by it (no replay under another name), and under the contract that both
 *    sides hold.
 * T3 Where callers are known, nothing is taken that none of them has signed; where they are not, nobody counts as shown.
 * T4 A refusal is an input of the run, which ends by it: it is on record, and replays.
 */
export interface Caller {
  /** Ed25519, PEM or JWK: the public half of the caller's `delegations.signer`. */
  readonly key: KeyText;
  /** What is done for this caller at most. */
  readonly grant?: Grant;
}

export interface AdmissionRules {
  readonly specialist: AnySpecialist;
  /** By name. Absent: development mode, in which everybody is served and nobody has shown who they are. */
  readonly callers?: { readonly [name: string]: Caller };
  /** What is done for any caller at most. */
  readonly allows?: Grant;
}

export interface AdmissionOptions extends AdmissionRules {
  readonly definition: SupervisorDefinition;
  readonly now: () => number;
  readonly restrictions: (tenant: string) => Restrictions | Promise<Restrictions>;
  /** What the owner allows a tenant and whoever started the caller's run; throws where that is nothing. */
  readonly grantsOf: (tenant: string, starter: Principal) => InputBodies["run.started"]["grants"];
  /** The budgets of the run, the caller's rest among them. */
  readonly budgetOf: (
    tenant: string,
    budget: Delegation["budget"],
    grants: InputBodies["run.started"]["grants"],
  ) => InputBodies["run.started"]["budget"];
  readonly hasBudget: (tenant: string) => boolean;
  /** True for a run that undoes what a run of this specialist did, and nothing else: its owner needs nobody's word for that. */
  readonly isUndo: (key: RunKey, body: InputBodies["run.started"]) => Promise<boolean>;
}

/** What is taken from a start. */
type Started = Pick<InputBodies["run.started"], "input" | "principal" | "labels"> & {
  readonly conversationId?: string | undefined;
  readonly attributes?: { readonly [name: string]: string } | undefined;
};

export type Admit = (key: RunKey, event: InputEvent<"run.started">) => Promise<InputEvent<"run.started">>;

const text = () => z.string().max(1_000);
const count = () => z.int().min(0);
const amount = () => z.strictObject({ microUsd: count().optional(), tokens: count().optional() });
const range = () =>
  z.strictObject({
    min: z.number().optional(),
    max: z.number().optional(),
    oneOf: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
    pattern: z.union([z.string(), z.array(z.string())]).optional(),
  });
const grantForm = () =>
  z.strictObject({
    tools: z.array(z.string()).optional(),
    effects: z.enum(["read", "write"]).optional(),
    arguments: z.record(z.string(), z.record(z.string(), range())).optional(),
    budget: amount().optional(),
    sources: z.array(z.string()).optional(),
    untilMs: count().optional(),
    untilAt: count().optional(),
  });
const form = once(() =>
  z.object({
    input: z.json(),
    principal: z.object({
      id: text(),
      kind: z.enum(["user", "operator", "service"]),
      roles: z.array(text()),
      authenticated: z.boolean(),
      onBehalfOf: text().optional(),
    }),
    labels: z.record(z.string(), z.array(z.string())),
    conversationId: text().optional(),
    attributes: z.record(z.string(), z.string()).optional(),
    delegation: z.strictObject({
      parent: z.strictObject({ run: text(), path: text(), definition: text() }),
      specialist: text(),
      contract: text(),
      grant: grantForm(),
      deadlineAt: count(),
      budget: amount().optional(),
      tenantBudget: z.literal(true).optional(),
      depth: z.int().min(1),
      signature: z.strictObject({ keyId: text(), value: text() }).optional(),
    }),
  }),
);

/** @throws OrchestrationError `audit/key-invalid` for a caller's key that is none */
export function admission(options: AdmissionOptions): Admit {
  const { specialist, callers, allows, definition, now, restrictions, grantsOf, budgetOf, hasBudget, isUndo } = options;
  const { address } = specialist;
  const keys = Object.entries(callers ?? {}).map(([name, { key }]) => ({ name, keys: knownKeys([key]) }));

  /** Whose delegation it is; nothing in development mode. */
  const callerOf = (key: RunKey, body: Parameters<typeof delegationText>[1]): string | undefined => {
    if (!callers) return undefined;
    const { signature } = body.delegation;
    const said = signature && delegationText({ tenant: key.tenant, run: key.runId }, body);
    for (const { name, keys: known } of keys) {
      const good = said === undefined ? undefined : known.check(said, signature?.keyId ?? "", signature?.value ?? "");
      if (good === undefined) continue;
      if (good) return name;
      throw new OrchestrationError("specialist/signature-invalid", { specialist: address, caller: name });
    }
    throw new OrchestrationError("specialist/caller-unknown", { specialist: address });
  };

  const checked = (key: RunKey, given: InputBodies["run.started"]) => {
    const { tenant, runId } = key;
    if (given.delegation === undefined) {
      throw new OrchestrationError("specialist/not-delegated", { run: runId, specialist: address });
    }
    const read = parseWith(form(), given);
    if (!read.ok) {
      const [issue] = read.issues;
      const reason = `${issue?.pointer || "/"}: ${issue?.message ?? ""}`;
      throw new OrchestrationError("specialist/delegation-invalid", { specialist: address, reason });
    }
    // What was read is what was given: the schema turns nothing into something else.
    const body = given as Parameters<typeof delegationText>[1];
    const { delegation } = body;
    const caller = callerOf(key, body);
    const { parent, specialist: to, contract } = delegation;
    if (delegatedRun({ tenant, specialist: address, ...parent }) !== runId) {
      throw new OrchestrationError("specialist/misdirected", { run: runId, specialist: address });
    }
    if (to !== address || contract !== specialist.hash) {
      const data = { specialist: to, expected: contract, served: specialist.hash };
      throw new OrchestrationError("specialist/contract-mismatch", data);
    }
    const input = parseWith(specialist.input as z.ZodType, given.input);
    if (!input.ok) {
      const data = { contract: address, from: parent.definition, to: definition.entry };
      const issues = input.issues as unknown as Json;
      throw new OrchestrationError("contract/input-invalid", { ...data, issues });
    }
    if (delegation.deadlineAt <= now()) {
      throw new OrchestrationError("limits/exceeded", { limit: "deadlineMs", bound: delegation.deadlineAt, path: "" });
    }
    if (delegation.tenantBudget && !hasBudget(tenant)) {
      throw new OrchestrationError("specialist/budget-missing", { tenant, specialist: address });
    }
    return { body, caller };
  };

  /** What a refused start leaves of itself: who sent what for whom, as far as it can be read, and nothing to work with. */
  const refused = (given: InputBodies["run.started"], error: ErrorRecord): InputBodies["run.started"] => {
    const isRead = parseWith(form(), given).ok;
    const kept = isRead ? given : { ...given, ...unread };
    return { ...own(kept), delegation: { ...nowhere, ...(isRead ? given.delegation : {}), refused: error } };
  };

  const own = ({ input, principal, labels, conversationId, attributes }: Started) => ({
    supervisor: definition.name,
    definitionHash: definition.hash,
    input,
    principal: plainPrincipal(principal),
    labels,
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(attributes === undefined ? {} : { attributes }),
    policyVersion,
    format: 1 as const,
  });

  /** Stands for what nobody could read. */
  const unread = {
    input: null,
    principal: { ...nobody, roles: [] },
    labels: {},
    conversationId: undefined,
    attributes: undefined,
  } as const;
  const nowhere: Delegation = {
    parent: { run: "", path: "", definition: "" },
    specialist: address,
    contract: "",
    grant: fullGrant,
    deadlineAt: 0,
    depth: 1,
  };

  /** What the owner's own compensation begins with: bounded as anything here. */
  const undoing = async (key: RunKey, body: InputBodies["run.started"]): Promise<InputBodies["run.started"]> => {
    const { compensates } = body;
    const grants = grantsOf(key.tenant, body.principal);
    return {
      ...own(body),
      ...(compensates === undefined ? {} : { compensates }),
      ...(grants === undefined ? {} : { grants }),
      ...(await inForce(key.tenant)),
    };
  };
  /** What is taken away now, where there is anything. */
  const inForce = async (tenant: string): Promise<Pick<InputBodies["run.started"], "restrictions">> => {
    const taken = await restrictions(tenant);
    if (taken.stopped) throw new OrchestrationError("policy/revoked", { target: "everything", tenant });
    return taken.version === noRestrictions.version ? {} : { restrictions: taken };
  };

  return async (key, event) => {
    try {
      const { body: given } = event;
      if (given.compensates && given.delegation === undefined && (await isUndo(key, given))) {
        return { ...event, body: await undoing(key, given) };
      }
      const { body, caller } = checked(key, event.body);
      const said = body.delegation;
      const principal = { ...body.principal, authenticated: body.principal.authenticated && caller !== undefined };
      const taken = await inForce(key.tenant);
      const mine = grantsOf(key.tenant, principal);
      const run = admittedGrant(said.grant, allows, caller === undefined ? undefined : callers?.[caller]?.grant);
      const grants = { ...mine, run };
      const budget = budgetOf(key.tenant, said.budget, grants);
      const { caller: _, refused: __, ...delegation } = said;
      return {
        ...event,
        body: {
          ...own({ ...body, principal }),
          grants,
          ...(budget === undefined ? {} : { budget }),
          ...taken,
          delegation: { ...delegation, ...(caller === undefined ? {} : { caller }) },
        },
      };
    } catch (thrown) {
      // A journal that is away says nothing about the delegation: the run has not begun, and is begun again.
      if (OrchestrationError.is(thrown) && thrown.retryable) throw thrown;
      const error = ownError(thrown);
      return { ...event, body: refused(event.body, error.toRecord()) };
    }
  };
}

/** What a caller was granted, and what the owner allows everybody and this caller: never more than any of them (R6). */
export function admittedGrant(delegated: Grant, allows: Grant | undefined, caller: Grant | undefined): Grant {
  return narrow(narrow(narrow(fullGrant, delegated), allows), caller);
}

/** The same session, whose run begins with what was admitted. */
export function admitting(session: RunSession, admit: Admit): RunSession {
  return new AdmittingSession(session, admit);
}

class AdmittingSession extends PassingSession {
  readonly #admit: Admit;

  constructor(inner: RunSession, admit: Admit) {
    super(inner);
    this.#admit = admit;
  }

  override next(): Promise<InputEvent | undefined> | InputEvent | undefined {
    const coming = super.next();
    return coming instanceof Promise ? coming.then((event) => this.#look(event)) : this.#look(coming);
  }

  #look(event: InputEvent | undefined): Promise<InputEvent | undefined> | InputEvent | undefined {
    if (event?.type !== "run.started") return event;
    return this.#admit({ tenant: this.key.tenant, runId: this.key.id }, event);
  }
}
