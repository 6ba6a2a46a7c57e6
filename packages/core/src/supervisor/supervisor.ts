import type { InputOf, OutputOf } from "../agent.ts";
import { answerDeltas } from "../answer/deltas.ts";
import { approvalService } from "../approval/approvals.ts";
import { OrchestrationError } from "../errors.ts";
import { allTenants } from "../governance/restrictions.ts";
import { harmlessLogger, harmlessTracer } from "../harmless.ts";
import { keyedHash } from "../hash.ts";
import { randomIds } from "../ids.ts";
import { canonicalJson } from "../json.ts";
import { withSummarisers } from "../model/summary.ts";
import { observers } from "../observer.ts";
import { operatorCheck } from "../policy/operators.ts";
import type { RunKey } from "../port/engine.ts";
import type { Model } from "../port/model.ts";
import { osPrincipal, plainPrincipal } from "../principal.ts";
import { type AdmissionRules, admission } from "../remote/admission.ts";
import { reaching } from "../remote/reach.ts";
import { runHandle } from "../run/handle.ts";
import { type HandleParts, pinnedOf } from "../run/held.ts";
import { assertKey, keyedRunId } from "../run/run-id.ts";
import { disclosures } from "../seal/disclosures.ts";
import { redactingLogger, redactingTracer } from "../seal/onlookers.ts";
import { sealing as sealingOf } from "../seal/sealing.ts";
import { sealRules } from "../seal/settings.ts";
import type { Threshold } from "../threshold.ts";
import { compensationAgent } from "../undo.ts";
import { grantsMoney, runBounds } from "./bounds.ts";
import { compensations } from "./compensate.ts";
import { listedCosts } from "./costs.ts";
import { defineSupervisor, type SupervisorDefinition } from "./definition.ts";
import { assertId, inputInvalid, oneTenant, readInput, startOf } from "./given.ts";
import { makeHost } from "./host.ts";
import type { AgentMap, RuntimeOptions, SupervisorOptions } from "./options.ts";
import { toMermaid, toStateJson } from "./picture.ts";
import { lettersToRedrive } from "./redrive.ts";
import { sealedDelivery } from "./sealed-delivery.ts";
import { everyTenant, type RestrictOptions, type Supervisor } from "./services.ts";
import { assertSound, checkModels, checkPrices } from "./sound.ts";
import { specialistsOf } from "./specialists.ts";
import { runStarts } from "./starts.ts";
import { assertRestriction, assertRuntime, assertStart, told } from "./wanted.ts";

type NameOf<Agents extends AgentMap> = Agents[keyof Agents]["name"];

/**
 * Compiles a supervisor and puts it to work at an engine.
 * @throws OrchestrationError `supervisor/*`, `limits/*`, `model/alias-unknown`, `model/alias-unused`, `budget/unpriced`,
 *   `options/invalid`
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
 *   `options/invalid`, `supervisor/unsound` for what `checkSupervisor` finds an error, unless `check` is `log`
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
  assertRuntime(definition.name, options, serving && { specialist: true, agent: true, callers: true, allows: true });
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
  const bounds = runBounds(definition, options, ledger);
  const specialists = specialistsOf(definition);
  const deliver = sealedDelivery(engine, definition, sealing);
  const reach = reaching(engine, deliver, specialists, ids.salt, sealing);
  const parts: HandleParts = { engine, definition, deliver: reach, principals, ids, deltas, may, sealing };
  const handle = <Out = Output>(key: RunKey) => runHandle<Out>(key, parts);

  const starts = runStarts({
    definition,
    definitionId: id,
    engine,
    deliver,
    ids,
    logger,
    board,
    sealing,
    handle,
    waitingRuns: options.waitingRuns,
  });
  const undoing = compensations({ definition, journal: engine.journal, principals, may, bounds, starts, handle });
  const admitted =
    serving &&
    admission({
      ...serving,
      definition,
      now: () => engine.clock.now(),
      restrictions: board.current,
      grantsOf: (tenant, starter) => bounds.grantsOf({ tenant }, starter),
      budgetOf: (tenant, own, grants) =>
        bounds.budgetOf({ tenant, ...(own === undefined ? {} : { budget: own }) }, grants),
      hasBudget: ledger.bounds,
      isUndo: undoing.isUndo,
    });

  const approvals = approvalService({
    journal: engine.journal,
    clock: engine.clock,
    ids,
    principals,
    may,
    deliver: reach,
    // Another version of this supervisor may have the run; its core reads an edit by its own schema again.
    toolOf: (record, tool) => pinnedOf({ parts }, record).tools.get(tool),
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

  // Last: what is refused above is not served.
  engine.register(id, { ...host, definition });
  return {
    definition,
    engine,
    start: async (given, start) => {
      assertStart(start);
      assertId("tenant", start.tenant);
      if (start.conversationId !== undefined) assertId("conversation id", start.conversationId);
      if (start.idempotencyKey !== undefined) assertKey(start.idempotencyKey);
      const principal = plainPrincipal(start.principal ?? principals.current());
      may("start", principal);
      const grants = bounds.grantsOf(start, principal);
      const input = readInput(definition, given, start.attributes);
      const refused = sealing?.refusals(start.tenant, input) ?? [];
      if (refused.length > 0) throw inputInvalid(definition, refused.slice(0, 20));
      const { idempotencyKey, conversationId, attributes } = start;
      const startAt = startOf(start, engine.clock.now());
      const budget = bounds.budgetOf(start, grants);
      const runId =
        idempotencyKey === undefined ? undefined : keyedRunId(start.tenant, definition.name, idempotencyKey);
      const inputHash =
        runId === undefined ? undefined : keyedHash(await engine.journal.tenantKey(start.tenant), canonicalJson(input));
      return starts.begin<Output>(
        { tenant: start.tenant, runId },
        {
          input,
          principal,
          labels: { "": [principal.kind] },
          ...(conversationId === undefined ? {} : { conversationId }),
          ...(grants === undefined ? {} : { grants }),
          ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
          ...(startAt === undefined ? {} : { startAt }),
          ...(budget === undefined ? {} : { budget }),
          ...(inputHash === undefined ? {} : { inputHash }),
        },
      );
    },
    find: async (runId, of) => {
      const { tenant, principal } = told("find", of);
      may("see", principal);
      assertId("tenant", tenant);
      const record = await engine.journal.findRun(tenant, runId);
      if (!record || record.supervisor !== definition.name)
        throw new OrchestrationError("run/unknown", { run: runId, tenant });
      return handle({ tenant, runId });
    },
    list: async (of) => {
      const { principal, ...filter } = told("list", of);
      may("see", principal);
      assertId("tenant", filter.tenant);
      return engine.journal.listRuns({ ...filter, supervisor: definition.name });
    },
    resume: async (filter) => {
      await starts.note();
      return engine.resume({ ...filter, definition: id });
    },
    replay: async (runId, of) => {
      const { tenant, principal } = told("replay", of);
      may("see", principal);
      assertId("tenant", tenant);
      const { replayRun } = await import("../run/replay.ts");
      return replayRun(engine.journal, { tenant, kind: "run", id: runId }, definition);
    },
    approvals,
    restrict: async (target, given) => {
      assertRestriction("restrict", target, given);
      const changed = await board.set(scopeOf(given.tenant), target, wordOf(given));
      if (target.kind !== "tenant" && !isOurs(definition, target)) {
        // It may be another supervisor's, or of another version.
        const { kind, name } = target;
        logger.warn({ supervisor: definition.name, kind, name }, "what was taken away is nothing of this supervisor");
      }
      return changed;
    },
    lift: async (target, given) => {
      assertRestriction("lift", target, given);
      return board.lift(scopeOf(given.tenant), target, wordOf(given));
    },
    restrictions: async (tenant, as) => {
      may("see", as?.principal);
      return board.list(oneTenant(tenant));
    },
    budget: async (tenant, as) => {
      may("see", as?.principal);
      return ledger.view(oneTenant(tenant));
    },
    costs: async (tenant, { principal, ...filter } = {}) => {
      may("see", principal);
      assertId("tenant", tenant);
      return listedCosts(engine.journal, { ...filter, tenant, supervisor: definition.name }, (runId) =>
        handle({ tenant, runId }).entries(),
      );
    },
    compensate: undoing.compensate,
    deadLetters: lettersToRedrive({
      definition,
      journal: engine.journal,
      now: () => engine.clock.now(),
      salt: ids.salt,
      current: () => plainPrincipal(principals.current()),
      may,
      bounds,
      starts,
    }),
    migrate: async (how) => {
      const { from, principal, ...given } = told("migrate", how);
      may("operate", principal);
      const by = principal ?? principals.current();
      const { migrateRuns } = await import("./migrate.ts");
      return migrateRuns(definition, {
        ...given,
        from: "definition" in from ? from.definition : from,
        engine,
        ids,
        by,
        blobChars: options.blobChars ?? 16_384,
      });
    },
    disclosures: async (runId, of) => {
      const { tenant, principal } = told("disclosures", of);
      may("see", principal);
      assertId("tenant", tenant);
      return disclosures(engine.journal, { tenant, runId }, { now: () => engine.clock.now(), salt: ids.salt }).read();
    },
    health,
    on: watching.on,
    toMermaid: () => toMermaid(definition),
    toJson: () => toStateJson(definition),
  };
}

/** True for a tool or an agent somewhere in the tree of teams, or for what undoes their writes. */
function isOurs(
  { tools, policies }: SupervisorDefinition,
  { kind, name }: { readonly kind: string; readonly name: string },
) {
  return kind === "tool" ? tools.has(name) : policies.has(name) || name === compensationAgent;
}
