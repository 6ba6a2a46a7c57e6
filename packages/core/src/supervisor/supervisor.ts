import type { z } from "zod";
import type { AnyAgent, InputOf, OutputOf } from "../agent.ts";
import { answerDeltas } from "../answer/deltas.ts";
import { type Approvals, approvalService } from "../approval/approvals.ts";
import type { BudgetView } from "../budget/ledger.ts";
import { checkSupervisor } from "../check/check.ts";
import type { Health } from "../effect/health.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { Entry, EntryType, InputBodies, InputEvent, RestrictionTarget } from "../event.ts";
import { allTenants, type RestrictionInForce } from "../governance/restrictions.ts";
import { checkGrant, fullGrant, type Grant, grantableOf, leastAmount, narrow } from "../grant.ts";
import { harmlessLogger, harmlessTracer } from "../harmless.ts";
import { sha256 } from "../hash.ts";
import { isIdText, randomIds } from "../ids.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { assertBound } from "../limits.ts";
import { modelsOf, type Route } from "../model/route.ts";
import { withSummarisers } from "../model/summary.ts";
import { observers } from "../observer.ts";
import { operatorCheck } from "../policy/operators.ts";
import { policyVersion } from "../policy-version.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { RunFilter, RunRecord } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import { osPrincipal, type Principal, plainPrincipal } from "../principal.ts";
import { type AdmissionRules, admission } from "../remote/admission.ts";
import { reaching } from "../remote/reach.ts";
import { addCosts, type Costs, costsOf, noCosts } from "../run/costs.ts";
import { noRestrictions } from "../run/empty.ts";
import type { ReplayReport } from "../run/replay.ts";
import { type Run, runHandle } from "../run/run.ts";
import { type Issue, parseWith } from "../schema.ts";
import { type Disclosure, disclosures } from "../seal/disclosures.ts";
import { redactingLogger, redactingTracer } from "../seal/onlookers.ts";
import { sealing as sealingOf } from "../seal/sealing.ts";
import { sealRules } from "../seal/settings.ts";
import type { Threshold } from "../threshold.ts";
import { undoConversation, undoStateOf, undosFor } from "./compensate.ts";
import { type AgentMap, defineSupervisor, type SupervisorDefinition, type SupervisorOptions } from "./definition.ts";
import { assertHomes } from "./homes.ts";
import { makeHost } from "./host.ts";
import { type DeadLetterRun, type DeadLetters, deadLetters } from "./letters.ts";
import type { MigrateOptions, MigrationReport } from "./migrate.ts";
import type { RuntimeOptions, StartOptions } from "./options.ts";
import { toMermaid, toStateJson } from "./picture.ts";
import { noteDefinition } from "./versions.ts";

/** Runs that are listed at once when their costs are summed. */
const costsPage = 100;

/** Who asks; whoever acts now when absent. Counts where `roles` are set: `policy/operator-not-allowed`. */
export interface As {
  readonly principal?: Principal;
}

/** A supervisor at an engine. */
export interface Supervisor<Input = unknown, Output = unknown> {
  readonly definition: SupervisorDefinition;
  readonly engine: Engine;
  /**
   * Starts a run and resolves when that is durable.
   * @throws OrchestrationError `run/input-invalid`, `run/id-invalid`, `journal/unavailable`, `engine/closed`
   */
  readonly start: (input: Input, options: StartOptions) => Promise<Run<Output>>;
  /** A run that was started before, here or elsewhere. @throws OrchestrationError `run/unknown` */
  readonly find: (runId: string, options: { readonly tenant: string } & As) => Promise<Run<Output>>;
  readonly list: (filter: Omit<RunFilter, "supervisor"> & As) => Promise<readonly RunRecord[]>;
  /** Continues the unfinished runs of this definition; resolves with how many were woken. */
  readonly resume: (filter?: { readonly tenant?: string; readonly runId?: string }) => Promise<number>;
  /** Writes of this supervisor's runs that wait for people, wherever in a tree of teams they were proposed (R8). */
  readonly approvals: Approvals;
  /**
   * Takes a tool, an agent or everything away from a tenant, or from all tenants: at once, also for runs that are parked.
   * Resolves when it is durable, with whether anything changed.
   * @throws OrchestrationError `run/id-invalid`, `journal/unavailable`
   */
  readonly restrict: (target: RestrictionTarget, options: RestrictOptions) => Promise<boolean>;
  readonly lift: (target: RestrictionTarget, options: RestrictOptions) => Promise<boolean>;
  /** What is taken away at present: who did it, when and why. */
  readonly restrictions: (tenant: string, as?: As) => Promise<readonly RestrictionInForce[]>;
  /** How a tenant's budget stands. */
  readonly budget: (tenant: string, as?: As) => Promise<BudgetView>;
  /**
   * What the model calls of a tenant's runs have cost, by run, agent, model, step and definition. It reads the journal of
   * each run that the filter lists, page by page: all of them where `most` is absent.
   */
  readonly costs: (tenant: string, filter?: Omit<RunFilter, "supervisor" | "tenant"> & As) => Promise<Costs>;
  /**
   * Undoes writes of an ended run, the last one first, by the tools that their tools name, as effects of a run of its own:
   * each with a key, a tier and, where its risk asks for it, an approval. Asked again it gives the same run; what is
   * undone is not undone twice.
   * @throws OrchestrationError `run/unknown`, `run/not-undoable`
   */
  readonly compensate: (
    runId: string,
    options: {
      readonly tenant: string;
      /** Paths of the effects; all that can be undone when absent. */
      readonly effects?: readonly string[];
      readonly principal?: Principal;
      readonly attributes?: Readonly<Record<string, string>>;
    },
  ) => Promise<Run<Compensation>>;
  /** Runs that failed, to be looked at, done again, or put aside. */
  readonly deadLetters: DeadLetters;
  /** Has parked runs of an older definition go on under this one. */
  readonly migrate: (
    options: Omit<MigrateOptions, "from"> & {
      readonly from: SupervisorDefinition | { readonly definition: SupervisorDefinition };
    },
  ) => Promise<MigrationReport>;
  /** Which values of a run were shown in the clear, to whom and when: tokens, and no values. Empty where nothing is sealed. */
  readonly disclosures: (
    runId: string,
    options: { readonly tenant: string },
  ) => Promise<readonly (Disclosure & { readonly at: number })[]>;
  /** How the other sides of the gates are, as far as this process knows. */
  readonly health: () => Health;
  /** Checks a run's chain and decides it again, offline. Never throws for what it finds. */
  readonly replay: (runId: string, options: { readonly tenant: string } & As) => Promise<ReplayReport>;
  /** Watches entries of all runs that this process drives. A throwing listener hurts nobody else. */
  readonly on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void) => () => void;
  readonly toMermaid: () => string;
  readonly toJson: () => Json;
}

/** What a compensating run came to. */
export interface Compensation {
  readonly run: string;
  readonly undone: readonly { readonly effect: string; readonly tool: string; readonly output: Json }[];
  readonly failed: readonly { readonly effect: string; readonly tool: string; readonly error: ErrorRecord }[];
}

export interface RestrictOptions {
  /** `all`: for every tenant, those to come included. */
  readonly tenant: string | typeof everyTenant;
  readonly reason: string;
  readonly principal?: Principal;
}

/** Stands for every tenant where restrictions are set. */
export const everyTenant: unique symbol = Symbol.for("remit.every-tenant");

type NameOf<Agents extends AgentMap> = Agents[keyof Agents]["name"];

/**
 * Compiles a supervisor and puts it to work at an engine.
 * @throws OrchestrationError `supervisor/*`, `limits/*`, `model/alias-unknown`, `model/alias-unused`, `budget/unpriced`
 */
export function createSupervisor<
  const Agents extends AgentMap,
  const Entry extends keyof Agents & string,
  const Exit extends keyof Agents & string,
  const Thresholds extends readonly Threshold<NameOf<Agents>>[] = readonly [],
>(
  options: SupervisorOptions<Agents, Entry, Exit, Thresholds> &
    RuntimeOptions<Agents[keyof Agents]["model"] | Extract<Thresholds[number]["stronger"], string>>,
): Supervisor<InputOf<Agents[Entry]>, OutputOf<Agents[Exit]>> {
  return runSupervisor(defineSupervisor(options), options);
}

/**
 * Puts a compiled supervisor to work at an engine.
 * @throws OrchestrationError `model/alias-unknown`, `model/alias-unused`, `budget/unpriced`, `limits/not-a-bound`,
 *   `supervisor/unsound` for what `checkSupervisor` finds an error, unless `check` is `log`
 */
export function runSupervisor<Input, Output, Alias extends string>(
  typed: SupervisorDefinition<Input, Output, Alias>,
  options: RuntimeOptions<Alias>,
): Supervisor<Input, Output> {
  return supervise(typed, options);
}

/** The same; with `serving` its runs are those alone that other runs have delegated, as their owner admits them. */
export function supervise<Input, Output, Alias extends string>(
  typed: SupervisorDefinition<Input, Output, Alias>,
  options: RuntimeOptions<Alias>,
  serving?: AdmissionRules,
): Supervisor<Input, Output> {
  const definition = typed as unknown as SupervisorDefinition;
  const { engine } = options;
  const models = options.models as Readonly<Record<string, Model>>;
  checkModels(definition, models);
  if (definition.budget || Object.keys(options.budgets ?? {}).length > 0 || grantsMoney(definition))
    checkPrices(withSummarisers(models, options.context));
  const ids = options.ids ?? randomIds();
  const rules = sealRules(options);
  const detectors = rules?.detectors ?? [];
  const logger = harmlessLogger(options.logger && redactingLogger(options.logger, detectors));
  if (options.check !== "done") assertSound(definition, options, logger);
  const tracer = harmlessTracer(options.tracer && redactingTracer(options.tracer, detectors));
  const sealing =
    rules && sealingOf({ rules, definition, journal: engine.journal, now: () => engine.clock.now(), salt: ids.salt });
  const principals = options.principals ?? osPrincipal();
  const may = operatorCheck(options.roles, principals);
  if (!options.roles) {
    logger.info(
      { supervisor: definition.name },
      "development mode: no operator roles are set, everybody may do everything",
    );
  }
  const watching = observers(logger);
  const id = `${definition.name}@${definition.hash}`;
  const deltas = answerDeltas(options.detectors ?? (detectors.length > 0 ? detectors : undefined));
  const { host, board, ledger, health } = makeHost({
    deltas,
    sealing,
    admit: serving && ((key, event) => admitted?.(key, event) ?? Promise.resolve(event)),
    definition,
    engine,
    models,
    ids,
    logger,
    tracer,
    observers: watching,
    options,
  });
  engine.register(id, host);

  let noted: Promise<readonly string[]> | undefined;
  /** Once per process, before its first run or recovery. */
  const note = () => {
    noted ??= (async () => {
      if (options.waitingRuns !== "leave") await assertHomes(engine, definition.name);
      return noteDefinition(engine.journal, definition, { logger, now: () => engine.clock.now(), salt: ids.salt });
    })().catch((thrown: unknown) => {
      noted = undefined; // A journal that was not there may be there the next time.
      throw thrown;
    });
    return noted;
  };

  const grantable = grantableOf(definition);
  for (const [tenant, grant] of Object.entries(options.tenants ?? {})) {
    checkGrant(grant, grantable, `the tenant ${tenant}`);
  }
  for (const [role, grant] of Object.entries(options.grants?.principals ?? {})) {
    checkGrant(grant, grantable, `the role ${role}`);
  }
  /** What tenant and starter allow, as an input of the run: replay sees what was in force then. */
  const grantsOf = ({ tenant, grant: run }: StartOptions, starter: Principal) => {
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

  const admitted =
    serving &&
    admission({
      ...serving,
      definition,
      now: () => engine.clock.now(),
      restrictions: board.current,
      grantsOf: (tenant, starter) => grantsOf({ tenant }, starter),
      budgetOf: (tenant, own, grants) =>
        budgetOf(definition, { tenant, ...(own === undefined ? {} : { budget: own }) }, ledger.bounds(tenant), grants),
      hasBudget: ledger.bounds,
      isUndo: async ({ tenant, runId }, { compensates }) => {
        if (!compensates) return false;
        const { run, undos } = compensates;
        const { undone, count } = await undoStateOf(engine.journal, tenant, run);
        if (runId !== idOf(tenant, `undo:${run}#${count + 1}`)) return false;
        const only = undos.map(({ effect }) => effect);
        const left = await undosFor(engine.journal, definition, { tenant, run, only, undone });
        return canonicalJson(await handedOver(tenant, run, runId, left)) === canonicalJson(undos);
      },
    });

  const specialists = specialistsOf(definition);
  const reach = reaching(engine, specialists, ids.salt, sealing);
  const handle = <Out = Output>(key: RunKey) =>
    runHandle<Out>({
      key,
      engine,
      definition,
      definitionId: id,
      deliver: reach,
      principals,
      ids,
      deltas,
      may,
      sealing,
    });

  const idOf = (tenant: string, idempotencyKey: string): string =>
    `run_${sha256(`${tenant}\n${definition.name}\n${idempotencyKey}`).slice(0, 22)}`;

  type Beginning = Omit<InputBodies["run.started"], "supervisor" | "definitionHash" | "policyVersion" | "format">;
  /** Journals a run's first entry, once for a key. */
  const begin = async <Out>(tenant: string, idempotencyKey: string | undefined, body: Beginning): Promise<Run<Out>> => {
    await note();
    const runId = idempotencyKey === undefined ? ids.id("run") : idOf(tenant, idempotencyKey);
    const key: RunKey = { tenant, runId };
    const isKnown = async () =>
      idempotencyKey !== undefined && (await engine.journal.findRun(tenant, runId)) !== undefined;
    if (await isKnown()) return handle<Out>(key);
    const restrictions = await board.current(tenant);
    if (restrictions.stopped) throw new OrchestrationError("policy/revoked", { target: "everything", tenant });
    try {
      const event: InputEvent = {
        id: "start",
        type: "run.started",
        path: "",
        body: {
          supervisor: definition.name,
          definitionHash: definition.hash,
          ...body,
          policyVersion,
          ...(restrictions.version === noRestrictions.version ? {} : { restrictions }),
          format: 1,
        },
      };
      await engine.deliver(key, id, event, idempotencyKey === undefined);
    } catch (thrown) {
      // Another process started it under the same key at the same moment: that is the one run.
      if (!OrchestrationError.is(thrown, "journal/conflict") || !(await isKnown())) throw thrown;
    }
    return handle<Out>(key);
  };

  const approvals = approvalService({
    journal: engine.journal,
    clock: engine.clock,
    ids,
    principals,
    may,
    deliver: reach,
    // Another version of this supervisor may have the run; its core reads an edit by its own schema.
    toolOf: (_, tool) => definition.tools.get(tool),
    // Nobody else can drive a run of an engine that is not shared.
    isElsewhere: (record) => engine.shared && record.status === "running" && !engine.drives(record),
    supervisor: definition.name,
    specialists: new Set(specialists.keys()),
    ...(sealing ? { seal: sealing.json, show: sealing.show } : {}),
    ...(options.approvers === undefined ? {} : { registry: options.approvers }),
  });

  /** Only the symbol means everybody: what came in as a tenant's name, from wherever, is one tenant or none. */
  const scopeOf = (tenant: RestrictOptions["tenant"]) => (tenant === everyTenant ? allTenants : oneTenant(tenant));
  const wordOf = ({ reason, principal }: RestrictOptions) => {
    const who = plainPrincipal(principal ?? principals.current());
    may("restrict", who);
    return { reason, principal: who };
  };

  /** Tokens of one run mean nothing in another: its values are handed over, and sealed there. */
  const handedOver = async <Value>(tenant: string, runId: string, to: string, value: Value): Promise<Value> =>
    sealing ? sealing.handOver({ tenant, runId }, value, to) : value;

  const redriveKey = ({ run }: DeadLetterRun) => `redrive:${run}`;
  const letters = deadLetters({
    definition,
    journal: engine.journal,
    now: () => engine.clock.now(),
    salt: ids.salt,
    current: () => plainPrincipal(principals.current()),
    nameOf: (letter) => idOf(letter.tenant, redriveKey(letter)),
    start: async ({ tenant, run, ...letter }, { body }) => {
      const { principal, labels, conversationId } = body;
      const { input, attributes, compensates } = await handedOver(
        tenant,
        run,
        idOf(tenant, redriveKey({ tenant, run, ...letter })),
        {
          input: body.input,
          attributes: body.attributes,
          compensates: body.compensates,
        },
      );
      // What whoever started it allowed still holds; what the tenant may, and has to spend, is that of today (R6, R10).
      const grants = grantsOf(
        { tenant, ...(body.grants?.run === undefined ? {} : { grant: body.grants.run }) },
        principal,
      );
      const own = body.budget?.run === undefined ? {} : { budget: body.budget.run };
      const budget = budgetOf(definition, { tenant, ...own }, ledger.bounds(tenant), grants);
      return begin(tenant, redriveKey({ tenant, run, ...letter }), {
        input,
        principal,
        labels,
        redrives: run,
        ...(conversationId === undefined ? {} : { conversationId }),
        ...(grants === undefined ? {} : { grants }),
        ...(attributes === undefined ? {} : { attributes }),
        ...(compensates === undefined ? {} : { compensates }),
        ...(budget === undefined ? {} : { budget }),
      });
    },
    undone: async (tenant, run) => (await undoStateOf(engine.journal, tenant, run)).undone,
  });

  const compensate: Supervisor["compensate"] = async (run, { tenant, effects, principal, attributes }) => {
    assertId("tenant", tenant);
    const record = await engine.journal.findRun(tenant, run);
    if (record?.supervisor !== definition.name) throw new OrchestrationError("run/unknown", { run, tenant });
    const who = plainPrincipal(principal ?? principals.current());
    may("operate", who);
    const grants = grantsOf({ tenant }, who);
    const { undone, unfinished, count } = await undoStateOf(engine.journal, tenant, run);
    if (unfinished !== undefined) return handle<Compensation>({ tenant, runId: unfinished });
    const left = await undosFor(engine.journal, definition, { tenant, run, only: effects, undone });
    const undos = await handedOver(tenant, run, idOf(tenant, `undo:${run}#${count + 1}`), left);
    // Counted, so that two who ask at the same moment ask for one run.
    return begin<Compensation>(tenant, `undo:${run}#${count + 1}`, {
      input: null,
      principal: who,
      labels: { "": [who.kind] },
      conversationId: undoConversation(run),
      compensates: { run, undos },
      ...(grants === undefined ? {} : { grants }),
      ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
    });
  };

  const supervisor: Supervisor<Input, Output> = {
    definition,
    engine,
    start: async (given, start) => {
      assertId("tenant", start.tenant);
      if (start.conversationId !== undefined) assertId("conversation id", start.conversationId);
      const principal = plainPrincipal(start.principal ?? principals.current());
      may("start", principal);
      const grants = grantsOf(start, principal);
      const input = readInput(definition, given, start.attributes);
      const refused = sealing?.refusals(start.tenant, input) ?? [];
      if (refused.length > 0) {
        const issues = refused.slice(0, 20) as unknown as Json;
        throw new OrchestrationError("run/input-invalid", {
          supervisor: definition.name,
          agent: definition.entry,
          issues,
        });
      }
      const { idempotencyKey, conversationId, attributes } = start;
      const startAt = startOf(start, engine.clock.now());
      const budget = budgetOf(definition, start, ledger.bounds(start.tenant), grants);
      return begin<Output>(start.tenant, idempotencyKey, {
        input,
        principal,
        labels: { "": [principal.kind] },
        ...(conversationId === undefined ? {} : { conversationId }),
        ...(grants === undefined ? {} : { grants }),
        ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
        ...(startAt === undefined ? {} : { startAt }),
        ...(budget === undefined ? {} : { budget }),
      });
    },
    find: async (runId, { tenant, principal }) => {
      may("see", principal);
      assertId("tenant", tenant);
      const record = await engine.journal.findRun(tenant, runId);
      if (!record || record.supervisor !== definition.name)
        throw new OrchestrationError("run/unknown", { run: runId, tenant });
      return handle({ tenant, runId });
    },
    list: async ({ principal, ...filter }) => {
      may("see", principal);
      assertId("tenant", filter.tenant);
      return engine.journal.listRuns({ ...filter, supervisor: definition.name });
    },
    resume: async (filter) => {
      await note();
      return engine.resume({ ...filter, definition: id });
    },
    replay: async (runId, { tenant, principal }) => {
      may("see", principal);
      assertId("tenant", tenant);
      const { replayRun } = await import("../run/replay.ts");
      return replayRun(engine.journal, { tenant, kind: "run", id: runId }, definition);
    },
    approvals,
    restrict: async (target, given) => board.set(scopeOf(given.tenant), target, wordOf(given)),
    lift: async (target, given) => board.lift(scopeOf(given.tenant), target, wordOf(given)),
    restrictions: async (tenant, as) => {
      may("see", as?.principal);
      return board.list(oneTenant(tenant));
    },
    budget: async (tenant, as) => {
      may("see", as?.principal);
      return ledger.view(oneTenant(tenant));
    },
    costs: async (tenant, { most = Number.POSITIVE_INFINITY, principal, ...filter } = {}) => {
      may("see", principal);
      assertId("tenant", tenant);
      let costs = noCosts;
      let page: RunFilter = { ...filter, tenant, supervisor: definition.name };
      for (let left = most; left > 0; ) {
        const records = await engine.journal.listRuns({ ...page, most: Math.min(left, costsPage) });
        for (const { runId } of records) {
          costs = addCosts(costs, costsOf(runId, await handle({ tenant, runId }).entries()));
        }
        const last = records.at(-1);
        if (!last || records.length < Math.min(left, costsPage)) break;
        left -= records.length;
        page = { ...page, before: last.startedAt, beforeRunId: last.runId };
      }
      return costs;
    },
    compensate,
    deadLetters: {
      list: async (filter) => {
        may("see");
        return letters.list(filter);
      },
      inspect: async (tenant, run) => {
        may("see");
        return letters.inspect(tenant, run);
      },
      redrive: async (tenant, run, as) => {
        may("operate", as?.principal);
        return letters.redrive(tenant, run, as);
      },
      dismiss: async (tenant, run, word) => {
        may("operate", word.principal);
        return letters.dismiss(tenant, run, word);
      },
    },
    migrate: async ({ from, principal, ...given }) => {
      may("operate", principal);
      const { migrateRuns } = await import("./migrate.ts");
      return migrateRuns(definition, {
        ...given,
        from: "definition" in from ? from.definition : from,
        engine,
        ids,
        by: principal ?? principals.current(),
        blobChars: options.blobChars ?? 16_384,
      });
    },
    disclosures: async (runId, { tenant }) => {
      assertId("tenant", tenant);
      return disclosures(engine.journal, { tenant, runId }, { now: () => engine.clock.now(), salt: ids.salt }).read();
    },
    health,
    on: watching.on,
    toMermaid: () => toMermaid(definition),
    toJson: () => toStateJson(definition),
  };
  return supervisor;
}

/** @throws OrchestrationError `supervisor/unsound` for an error that `check` finds; its warnings are for people who ask */
function assertSound(definition: SupervisorDefinition, options: RuntimeOptions<string>, logger: Logger): void {
  const errors = checkSupervisor(definition, options).findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (!first) return;
  const supervisor = definition.name;
  if (options.check !== "log") {
    const told = `${first.code}: ${first.message}. ${first.hint}`;
    const findings = errors as unknown as Json;
    throw new OrchestrationError("supervisor/unsound", { supervisor, count: errors.length, first: told, findings });
  }
  for (const { code, message, path } of errors) {
    logger.error({ supervisor, code, path: path.join(" > "), reason: message }, "a supervisor will go wrong");
  }
}

/** Addresses of the specialists elsewhere that work for a team, by their supervisors: what they wait for stands in its inbox too. */
function specialistsOf({ agents }: SupervisorDefinition): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { remote, team } of agents.values()) {
    const [name] = remote?.specialist.split("@") ?? [];
    if (remote && name !== undefined) found.set(name, remote.specialist);
    if (team) for (const [inner, address] of specialistsOf(team)) found.set(inner, address);
  }
  return found;
}

/** When a run shall begin, if not at once. @throws OrchestrationError `limits/not-a-bound` */
function startOf({ startAt, delayMs }: StartOptions, now: number): number | undefined {
  if (startAt !== undefined) assertBound("startAt", startAt, 0);
  if (delayMs !== undefined) assertBound("delayMs", delayMs, 0);
  return startAt ?? (delayMs === undefined ? undefined : now + delayMs);
}

/** The budgets of one run: its supervisor's, narrowed by whoever starts it; nothing where none is in force. */
function budgetOf(
  definition: SupervisorDefinition,
  { budget: own }: StartOptions,
  tenant: boolean,
  grants: InputBodies["run.started"]["grants"],
): InputBodies["run.started"]["budget"] {
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

/** True when a delegation bounds what it may spend. */
function grantsMoney({ edges, agents }: SupervisorDefinition): boolean {
  const bounded = edges.some((edge) => {
    if (edge.kind === "ending") return false;
    const all = edge.kind === "parallel" ? [...edge.branches, edge.join] : [edge];
    return all.some(({ grant }) => grant?.budget !== undefined);
  });
  return bounded || [...agents.values()].some(({ team }) => team !== undefined && grantsMoney(team));
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

/** The name of one tenant. @throws OrchestrationError `run/id-invalid` */
function oneTenant(tenant: string): string {
  assertId("tenant", tenant);
  return tenant;
}

function assertId(what: string, value: string): void {
  if (typeof value !== "string" || !isIdText(value)) {
    throw new OrchestrationError("run/id-invalid", { what, value: String(value).slice(0, 200) });
  }
}

/** What a run starts with: JSON, of a bearable size, as its first agent takes it. */
function readInput(definition: SupervisorDefinition, given: unknown, attributes: StartOptions["attributes"]): Json {
  const { entry, limits } = definition;
  const refuse = (issues: readonly Issue[]) => {
    const data = { supervisor: definition.name, agent: entry, issues: issues as unknown as Json };
    return new OrchestrationError("run/input-invalid", data);
  };
  const toPlain = (value: unknown): Json => {
    const plain = plainJson(value);
    if (plain.ok) return plain.value;
    throw refuse([{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }]);
  };
  const input = toPlain(given);
  const parsed = parseWith((definition.agents.get(entry) as AnyAgent).input as z.ZodType, input);
  if (!parsed.ok) throw refuse(parsed.issues);
  toPlain(parsed.value);
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > limits.payloadBytes) {
    throw refuse([{ pointer: "", message: `${bytes} bytes, more than the limit of ${limits.payloadBytes}` }]);
  }
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value !== "string") throw refuse([{ pointer: "", message: `the attribute ${name} is not text` }]);
  }
  return input;
}

/** Where a budget is in force, every paid model says what a call may cost: one that does not would never be called. */
function checkPrices(models: Readonly<Record<string, Model | Route>>): void {
  for (const [alias, source] of Object.entries(models)) {
    for (const { id: model, cost, quote } of modelsOf(source)) {
      if (cost !== "zero" && !quote) throw new OrchestrationError("budget/unpriced", { model, alias });
    }
  }
}

/** Exactly the aliases that the agents use. */
function checkModels(definition: SupervisorDefinition, models: Readonly<Record<string, Model | Route>>): void {
  for (const alias of definition.aliases) {
    if (Object.hasOwn(models, alias)) continue;
    const agent = [...definition.agents.values()].find(({ model }) => model === alias)?.name ?? definition.name;
    throw new OrchestrationError("model/alias-unknown", { agent, alias });
  }
  for (const alias of Object.keys(models)) {
    if (!definition.aliases.includes(alias)) throw new OrchestrationError("model/alias-unused", { alias });
    for (const model of modelsOf(models[alias] as Model | Route)) {
      for (const bound of ["timeoutMs", "firstSignMs"] as const) {
        const value = model[bound];
        if (value !== undefined) assertBound(`${bound} of the model ${model.id}`, value);
      }
    }
  }
}
