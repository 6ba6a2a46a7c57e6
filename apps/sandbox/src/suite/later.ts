import {
  type Clock,
  type Engine,
  type IdSource,
  type Journal,
  localEngine,
  type Model,
  type Route,
  type Run,
  type RuntimeOptions,
  runSupervisor,
  type SealOptions,
  type SupervisorDefinition,
  silentLogger,
} from "@remit/core";

/**
 * Lets time pass for one run alone: another engine over the same journal takes it up, whose clock is ahead, so that what
 * is due by then falls due. The other runs notice nothing. Resolves when an approval of the run has expired and it waits
 * again or has ended.
 */
export async function passTimeFor(
  run: Run,
  until: number,
  {
    engine,
    definition,
    models,
    budgets = {},
    ids,
    sealing = {},
  }: {
    readonly engine: Engine;
    readonly definition: SupervisorDefinition;
    readonly models: Readonly<Record<string, Model | Route>>;
    readonly budgets?: NonNullable<RuntimeOptions<string>["budgets"]>;
    readonly ids?: IdSource | undefined;
    readonly sealing?: SealOptions;
  },
): Promise<void> {
  const later = localEngine({
    name: engine.name,
    journal: onlyOf(engine.journal, run),
    clock: aheadOf(engine.clock, Math.max(0, until - engine.clock.now()) + 1),
    logger: silentLogger,
    ...(ids ? { ids } : {}),
  });
  try {
    const supervisor = runSupervisor(definition, {
      engine: later,
      models,
      budgets,
      waitingRuns: "leave",
      ...sealing,
      ...(ids ? { ids } : {}),
    });
    const { id, tenant } = run;
    const fromSeq = (await run.entries()).length + 1;
    const same = await supervisor.find(id, { tenant });
    await supervisor.resume({ tenant, runId: id });
    for await (const { type } of same.events({ fromSeq })) if (type === "approval.expired") break;
    await same.settled();
  } finally {
    await later.close();
  }
}

/** The journal with one unfinished run: an engine that is ahead of its time must not wake the others. */
function onlyOf(journal: Journal, { tenant, id: runId }: Run): Journal {
  return {
    ...journal,
    unfinishedRuns: (page) => journal.unfinishedRuns({ ...page, tenant, runId }),
    unfinishedTenants: (page) => journal.unfinishedTenants({ ...page, tenant, runId }),
    nextWakeAt: async (after = 0) => {
      const at = (await journal.findRun(tenant, runId))?.wakeAt;
      return at !== undefined && at > after ? at : undefined;
    },
    // It belongs to the engine that it was opened with.
    close: async () => {},
  };
}

function aheadOf(clock: Clock, ms: number): Clock {
  return { now: () => clock.now() + ms, at: (dueAt, callback) => clock.at(dueAt - ms, callback) };
}
