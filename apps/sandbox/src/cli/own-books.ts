import { existsSync } from "node:fs";
import {
  type Engine,
  type Journal,
  localEngine,
  type Model,
  type Route,
  type Run,
  type RunRecord,
  reasonOf,
  runSupervisor,
  type Supervisor,
  silentLogger,
  systemClock,
} from "@remit/core";
import type { AtHand, ConfiguredEngine } from "../config/define-config.ts";
import type { ReadConfig } from "../config/read-config.ts";
import type { WentOn } from "../console/acting.ts";
import { SandboxError } from "../errors.ts";
import { nearest } from "../face/nearest.ts";
import { printable } from "../face/text.ts";
import type { Books, WhoseRuns } from "./books.ts";
import type { Context } from "./context.ts";
import { assertNamed, oneOf } from "./find.ts";
import { settled } from "./go-on.ts";
import { onInterrupt } from "./interrupt.ts";
import { noModel } from "./offline.ts";
import { ownWords } from "./own-words.ts";
import { configuredTools, type MadeSupervisor, madeSupervisors } from "./project-teams.ts";

/**
 * The runs of a person's own application, as its configuration has them. Invariants:
 *
 * O1 Nothing is taken up: no run of the application goes on in this process but the one that a command acts on, and what
 *    that command starts.
 * O2 A run that another process may be driving is left to it, unless the person says otherwise.
 * O3 A look makes no file.
 */
export async function ownBooks(options: WhoseRuns, context: Context): Promise<Books> {
  const { project, place } = context;
  const config = await project.required();
  const tenants = tenantsOf(config, options);
  const opened = new AsyncDisposableStack();
  try {
    const engine = await engineOf(config, opened);
    const { journal } = engine;
    await doubtTenant(options, config, journal, context);
    const tools = once(() => configuredTools(config, opened));
    const models = once(() => modelsOf(config));
    const made = (working: boolean) => async (): Promise<readonly MadeSupervisor[]> => {
      const supervisors = await madeSupervisors(config, async () => ({
        engine,
        models: working || typeof config.models !== "function" ? await models() : unasked,
        tools: await tools(),
        policy: typeof config.policy === "string" ? await policyIn(config.policy) : config.policy,
      }));
      if (supervisors.length === 0) throw missing(config, "supervisors");
      return supervisors;
    };
    const [looking, working] = [once(made(false)), once(made(true))];
    const offline = async (record: RunRecord) => {
      const found = supervisorOf(await looking(), record, config);
      return found.supervisor ?? compiled(found, engine, {}, config);
    };
    return {
      kind: "tenant",
      engine,
      place: { ...place, command: (words) => place.command(ownWords(words, options)) },
      named: (text) => {
        if (text === undefined || tenants.includes(text)) return oneTenant(text ?? "", tenants);
        throw new SandboxError("own/tenant-other", { tenant: text, tenants: tenants.join(", ") });
      },
      all: () => tenants,
      find: (text) => findOwn(journal, tenants, text, config),
      supervisors: async () => (await looking()).map((one) => one.supervisor ?? compiled(one, engine, {}, config)),
      offline,
      work: async (record, { drives } = { drives: true }) => {
        const isDriven = drives && record.status === "running" && engine.shared && !engine.routes;
        if (isDriven && options.takeOver !== true) throw new SandboxError("own/run-under-way", { run: record.runId });
        const found = supervisorOf(await working(), record, config);
        if (!found.supervisor) assertModels(found, await models(), config);
        return {
          supervisor: found.supervisor ?? compiled(found, engine, await models(), config),
          goOn: (run) => settledHere(run, engine, context),
          [Symbol.asyncDispose]: async () => {},
        };
      },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (thrown) {
    await opened.disposeAsync();
    throw thrown;
  }
}

/** Lets a run go on; the first Ctrl-C leaves it where it is, and what is known of it is on disk. */
async function settledHere(run: Run, engine: Engine, { err }: Context): Promise<WentOn> {
  using interrupt = onInterrupt(() => err.print("", "Stopping: what is being written comes to its end."));
  interrupt.signal.addEventListener("abort", () => void engine.close(), { once: true });
  try {
    return await settled(run);
  } catch (thrown) {
    if (!interrupt.signal.aborted) throw thrown;
    throw new SandboxError("own/left-under-way", { run: run.id }, { cause: thrown });
  }
}

function missing({ file }: ReadConfig, member: string): SandboxError {
  return new SandboxError("config/member-missing", { file, member });
}

function failed({ file }: ReadConfig, member: string, thrown: unknown): SandboxError {
  return new SandboxError("config/failed", { file, member, reason: reasonOf(thrown) }, { cause: thrown });
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function tenantsOf({ tenants, file }: ReadConfig, { tenant }: WhoseRuns): readonly string[] {
  if (tenant !== undefined) {
    assertNamed("tenant", tenant);
    return [tenant];
  }
  if (tenants.length === 0) throw new SandboxError("own/tenant-missing", { file });
  return tenants;
}

/** A tenant without a run may be one that is new; where it is spelt much like a configured one, the person hears of it. */
async function doubtTenant(
  { tenant }: WhoseRuns,
  { tenants }: ReadConfig,
  journal: Journal,
  { err }: Context,
): Promise<void> {
  if (tenant === undefined || tenants.includes(tenant)) return;
  const near = nearest(tenant, tenants);
  if (near === undefined || (await journal.listRuns({ tenant, most: 1 })).length > 0) return;
  err.print(err.paint.warn(`No run of a tenant ${printable(tenant)} is kept here; did you mean ${printable(near)}?`));
}

function oneTenant(text: string, tenants: readonly string[]): string {
  const [only, ...others] = text === "" ? tenants : [text];
  if (only !== undefined && others.length === 0) return only;
  throw new SandboxError("usage/wrong", {
    reason: `there are several tenants: name one of ${tenants.join(", ")} with --tenant`,
  });
}

async function engineOf(config: ReadConfig, opened: AsyncDisposableStack): Promise<Engine> {
  const { engine: wanted, supervisors } = config;
  const [own] = supervisors.flatMap((one) => ("engine" in one ? [one.engine] : []));
  if (wanted === undefined && !own) throw missing(config, "engine");
  const engine = wanted === undefined ? (own as Engine) : await openedEngine(wanted, config);
  opened.defer(() => engine.close());
  if (own && own !== engine) {
    const reason =
      "one was put to work on another engine than the configured one: give a function ({ engine }) => …, or leave out `engine`";
    throw new SandboxError("config/field-wrong", { file: config.file, field: "supervisors", reason });
  }
  return engine;
}

async function openedEngine(wanted: ConfiguredEngine, config: ReadConfig): Promise<Engine> {
  if (typeof wanted !== "function" && !("sqlite" in wanted)) return wanted;
  if (typeof wanted === "function") {
    try {
      return await wanted();
    } catch (thrown) {
      throw failed(config, "engine", thrown);
    }
  }
  const { sqlite: path } = wanted;
  if (!existsSync(path)) throw new SandboxError("own/journal-missing", { path, file: config.file });
  const { sqliteJournal } = await import("@remit/core/sqlite");
  return localEngine({
    name: "sqlite",
    journal: showingNoWork(sqliteJournal({ path, logger: silentLogger })),
    clock: systemClock(),
    logger: silentLogger,
    shared: true,
  });
}

/** A journal in which an engine finds nothing to take up: it drives what it is told of, and wakes nobody (O1). */
function showingNoWork(journal: Journal): Journal {
  return {
    ...journal,
    unfinishedRuns: async () => [],
    unfinishedTenants: async () => [],
    nextWakeAt: async () => undefined,
  };
}

type Models = Readonly<Record<string, Model | Route>>;

async function modelsOf(config: ReadConfig): Promise<Models> {
  const { models = {} } = config;
  if (typeof models !== "function") return models;
  try {
    return await models();
  } catch (thrown) {
    throw failed(config, "models", thrown);
  }
}

/** Stands where nobody may be asked. */
const unasked: Models = new Proxy({}, { get: () => noModel, has: () => true });

async function policyIn(file: string): Promise<AtHand["policy"]> {
  const { policyOfFile } = await import("./policy-file.ts");
  return (await policyOfFile(file)).policy;
}

function supervisorOf(all: readonly MadeSupervisor[], record: RunRecord, { file }: ReadConfig): MadeSupervisor {
  const named = all.filter(({ definition }) => definition.name === record.supervisor);
  const found = named.find(({ definition }) => definition.hash === record.definitionHash) ?? named[0];
  if (found) return found;
  throw new SandboxError("own/supervisor-unknown", {
    file,
    supervisor: record.supervisor,
    run: record.runId,
    known: all.map(({ definition }) => definition.name).join(", "),
  });
}

/** Puts a compiled supervisor to work; without models it decides, and asks none. */
function compiled({ definition }: MadeSupervisor, engine: Engine, models: Models, { policy }: ReadConfig): Supervisor {
  return runSupervisor(definition, {
    engine,
    models: Object.fromEntries(definition.aliases.map((alias) => [alias, models[alias] ?? noModel])),
    waitingRuns: "leave",
    check: "log",
    ...(policy === undefined || typeof policy === "string" ? {} : { livePolicy: policy }),
  });
}

/** A run that goes on without its models would fail of it. */
function assertModels({ definition }: MadeSupervisor, models: Models, config: ReadConfig): void {
  const alias = definition.aliases.find((name) => !Object.hasOwn(models, name));
  if (alias !== undefined) throw missing(config, `models.${alias}`);
}

const pageRuns = 1_000;

/** A run by its id, or by a part that no other run of these tenants has. */
async function findOwn(
  journal: Journal,
  tenants: readonly string[],
  text: string,
  { file }: ReadConfig,
): Promise<RunRecord> {
  assertNamed("run", text);
  const found: RunRecord[] = [];
  for (const tenant of tenants) {
    const exact = await journal.findRun(tenant, text);
    if (exact) return exact;
    for await (const record of allRuns(journal, tenant)) if (record.runId.includes(text)) found.push(record);
  }
  if (found.length === 0) throw new SandboxError("own/run-unknown", { run: text, tenants: tenants.join(", ") });
  return oneOf(found, text, file);
}

/** Newest first, a page at a time. */
async function* allRuns(journal: Journal, tenant: string): AsyncGenerator<RunRecord, void, void> {
  for (let last: RunRecord | undefined; ; ) {
    const page: readonly RunRecord[] = await journal.listRuns({
      tenant,
      most: pageRuns,
      ...(last ? { before: last.startedAt, beforeRunId: last.runId } : {}),
    });
    yield* page;
    last = page.at(-1);
    if (page.length < pageRuns) return;
  }
}
