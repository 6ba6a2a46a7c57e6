import type { z } from "zod";
import type { AnyAgent, InputOf, OutputOf } from "../agent.ts";
import { dispatcher } from "../effect/dispatcher.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry, EntryType } from "../event.ts";
import { checkGrant, fullGrant, type Grant, narrow } from "../grant.ts";
import { harmlessLogger, harmlessTracer } from "../harmless.ts";
import { sha256 } from "../hash.ts";
import { type IdSource, isIdText, randomIds } from "../ids.ts";
import { type Json, plainJson } from "../json.ts";
import { assertBound } from "../limits.ts";
import { modelGateway } from "../model/gateway.ts";
import { observers } from "../observer.ts";
import { policyVersion } from "../policy-version.ts";
import type { Engine, RunHost, RunKey } from "../port/engine.ts";
import type { RunFilter, RunRecord } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { Tracer } from "../port/tracer.ts";
import { osPrincipal, type Principal, type PrincipalSource, plainPrincipal } from "../principal.ts";
import { drive } from "../run/driver.ts";
import { noRestrictions } from "../run/empty.ts";
import { type ReplayReport, replayRun } from "../run/replay.ts";
import { type Run, runHandle } from "../run/run.ts";
import { type Issue, parseWith } from "../schema.ts";
import type { Threshold } from "../threshold.ts";
import { type AgentMap, defineSupervisor, type SupervisorDefinition, type SupervisorOptions } from "./definition.ts";
import { toMermaid, toStateJson } from "./picture.ts";
import { noteDefinition } from "./versions.ts";

export interface RuntimeOptions<Alias extends string> {
  /** One model for each alias that the agents use. */
  readonly models: { readonly [Name in Alias]: Model };
  readonly engine: Engine;
  /**
   * The tenants that are served, with what their runs may use at most (`{}` bounds nothing). A tenant that is not here
   * cannot start a run. Absent: every tenant is served, and its allowlists are the agents' own.
   */
  readonly tenants?: { readonly [tenant: string]: Grant };
  /** Who acts when a call names no principal; the operating system's user when absent (D11). */
  readonly principals?: PrincipalSource;
  readonly logger?: Logger;
  readonly tracer?: Tracer;
  readonly ids?: IdSource;
  /** Entries between two snapshots; 256 when absent. */
  readonly snapshotEvery?: number;
  /** Characters of a payload above which it is stored by reference; 16,384 when absent. */
  readonly blobChars?: number;
}

export interface StartOptions {
  readonly tenant: string;
  readonly principal?: Principal;
  /** The same key starts one run, however often it is sent. */
  readonly idempotencyKey?: string;
  /** Links runs; what they share, memory policy says. */
  readonly conversationId?: string;
  /** What this run may use at most, on top of every allowlist (R6). */
  readonly grant?: Grant;
  /** Text for the run's models and tools, such as the id of a simulated world. Not shown to models. */
  readonly attributes?: Readonly<Record<string, string>>;
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
  readonly find: (runId: string, options: { readonly tenant: string }) => Promise<Run<Output>>;
  readonly list: (filter: Omit<RunFilter, "supervisor">) => Promise<readonly RunRecord[]>;
  /** Continues the unfinished runs of this definition; resolves with how many were woken. */
  readonly resume: (filter?: { readonly tenant?: string; readonly runId?: string }) => Promise<number>;
  /** Checks a run's chain and decides it again, offline. Never throws for what it finds. */
  readonly replay: (runId: string, options: { readonly tenant: string }) => Promise<ReplayReport>;
  /** Watches entries of all runs that this process drives. A throwing listener hurts nobody else. */
  readonly on: <Type extends EntryType>(type: Type, listener: (entry: Entry<Type>, key: RunKey) => void) => () => void;
  readonly toMermaid: () => string;
  readonly toJson: () => Json;
}

type NameOf<Agents extends AgentMap> = Agents[keyof Agents]["name"];

/**
 * Compiles a supervisor and puts it to work at an engine.
 * @throws OrchestrationError `supervisor/*`, `limits/*`, `model/alias-unknown`, `model/alias-unused`
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
 * @throws OrchestrationError `model/alias-unknown`, `model/alias-unused`
 */
export function runSupervisor<Input, Output, Alias extends string>(
  typed: SupervisorDefinition<Input, Output, Alias>,
  options: RuntimeOptions<Alias>,
): Supervisor<Input, Output> {
  const definition = typed as unknown as SupervisorDefinition;
  const { engine } = options;
  const models = options.models as Readonly<Record<string, Model>>;
  checkModels(definition, models);
  const ids = options.ids ?? randomIds();
  const logger = harmlessLogger(options.logger);
  const tracer = harmlessTracer(options.tracer);
  const principals = options.principals ?? osPrincipal();
  const gateway = modelGateway({ models, definition, clock: engine.clock, tracer });
  const tools = dispatcher({ definition, clock: engine.clock, tracer });
  const watching = observers(logger);
  const id = `${definition.name}@${definition.hash}`;

  const host: RunHost = {
    drive: (session) =>
      drive(watching.around(session), {
        definition,
        gateway,
        logger,
        restrictions: () => noRestrictions,
        snapshotEvery: options.snapshotEvery ?? 256,
        blobChars: options.blobChars ?? 16_384,
      }),
    execute: (key, command, signal) => {
      switch (command.type) {
        case "callModel":
          return gateway.call(key, command, signal);
        case "callTool":
          return tools.call(key, command, signal);
        case "lookup":
          return tools.lookup(key, command, signal);
        case "reserve":
        case "returnBudget":
        case "startTimer":
          throw new OrchestrationError("run/internal", { reason: "a timer is the engine's own business" });
      }
    },
  };
  engine.register(id, host);

  let noted: Promise<readonly string[]> | undefined;
  /** Once per process, before its first run or recovery. */
  const note = () => {
    noted ??= noteDefinition(engine.journal, definition, {
      logger,
      now: () => engine.clock.now(),
      salt: ids.salt,
    }).catch((thrown: unknown) => {
      noted = undefined; // A journal that was not there may be there the next time.
      throw thrown;
    });
    return noted;
  };

  for (const [tenant, grant] of Object.entries(options.tenants ?? {})) {
    checkGrant(grant, definition.tools, `the tenant ${tenant}`);
  }
  /** What tenant and starter allow, as an input of the run: replay sees what was in force then. */
  const grantsOf = ({ tenant, grant: run }: StartOptions) => {
    const { tenants } = options;
    if (tenants && !Object.hasOwn(tenants, tenant)) {
      throw new OrchestrationError("policy/tenant-not-allowed", { supervisor: definition.name, tenant });
    }
    checkGrant(run, definition.tools, "the start of the run");
    const own = tenants?.[tenant];
    if (own === undefined && run === undefined) return undefined;
    return {
      ...(own === undefined ? {} : { tenant: narrow(fullGrant, own) }),
      ...(run === undefined ? {} : { run: narrow(fullGrant, run) }),
    };
  };

  const handle = (key: RunKey) => runHandle<Output>({ key, engine, definition, definitionId: id, principals, ids });

  const supervisor: Supervisor<Input, Output> = {
    definition,
    engine,
    start: async (given, start) => {
      assertId("tenant", start.tenant);
      if (start.conversationId !== undefined) assertId("conversation id", start.conversationId);
      const grants = grantsOf(start);
      const input = readInput(definition, given, start.attributes);
      await note();
      const { idempotencyKey, conversationId, attributes } = start;
      const runId =
        idempotencyKey === undefined
          ? ids.id("run")
          : `run_${sha256(`${start.tenant}\n${definition.name}\n${idempotencyKey}`).slice(0, 22)}`;
      const key: RunKey = { tenant: start.tenant, runId };
      const isKnown = async () =>
        idempotencyKey !== undefined && (await engine.journal.findRun(start.tenant, runId)) !== undefined;
      if (await isKnown()) return handle(key);
      const principal = plainPrincipal(start.principal ?? principals.current());
      try {
        await engine.deliver(key, id, {
          id: "start",
          type: "run.started",
          path: "",
          body: {
            supervisor: definition.name,
            definitionHash: definition.hash,
            input,
            principal,
            labels: { "": [principal.kind] },
            ...(conversationId === undefined ? {} : { conversationId }),
            ...(grants === undefined ? {} : { grants }),
            ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
            policyVersion,
            ...(definition.budget === undefined ? {} : { budget: definition.budget }),
            format: 1,
          },
        });
      } catch (thrown) {
        // Another process started it under the same key at the same moment: that is the one run.
        if (!OrchestrationError.is(thrown, "journal/conflict") || !(await isKnown())) throw thrown;
      }
      return handle(key);
    },
    find: async (runId, { tenant }) => {
      assertId("tenant", tenant);
      const record = await engine.journal.findRun(tenant, runId);
      if (!record || record.supervisor !== definition.name)
        throw new OrchestrationError("run/unknown", { run: runId, tenant });
      return handle({ tenant, runId });
    },
    list: async (filter) => {
      assertId("tenant", filter.tenant);
      return engine.journal.listRuns({ ...filter, supervisor: definition.name });
    },
    resume: async (filter) => {
      await note();
      return engine.resume({ ...filter, definition: id });
    },
    replay: async (runId, { tenant }) => {
      assertId("tenant", tenant);
      return replayRun(engine.journal, { tenant, kind: "run", id: runId }, definition);
    },
    on: watching.on,
    toMermaid: () => toMermaid(definition),
    toJson: () => toStateJson(definition),
  };
  return supervisor;
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

/** Exactly the aliases that the agents use. */
function checkModels(definition: SupervisorDefinition, models: Readonly<Record<string, Model>>): void {
  for (const alias of definition.aliases) {
    if (Object.hasOwn(models, alias)) continue;
    const agent = [...definition.agents.values()].find(({ model }) => model === alias)?.name ?? definition.name;
    throw new OrchestrationError("model/alias-unknown", { agent, alias });
  }
  for (const alias of Object.keys(models)) {
    if (!definition.aliases.includes(alias)) throw new OrchestrationError("model/alias-unused", { alias });
    const { timeoutMs } = models[alias] as Model;
    if (timeoutMs !== undefined) assertBound(`timeoutMs of the model ${alias}`, timeoutMs);
  }
}
