import { statSync } from "node:fs";
import { join } from "node:path";
import { localEngine, type Principal, type Run, type Supervisor, silentLogger, systemClock } from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import type { Acting } from "../console/acting.ts";
import { wakesNothing, wakesOnly } from "../console/looking.ts";
import type { ConsoleSource, RunGroup, Subject } from "../console/source.ts";
import { SandboxError } from "../errors.ts";
import { scenarioAttribute } from "../model/oracle.ts";
import type { Pack } from "../pack.ts";
import type { SuiteFile, Workspace } from "../suite/workspace.ts";
import { goOn } from "./go-on.ts";
import { offlineSupervisor } from "./offline.ts";
import { openPack } from "./packs.ts";
import type { Place } from "./place.ts";
import { readRun } from "./recorded-run.ts";

/** The suites of a state folder, or one of them, as the console looks at them and steps in. */
export interface SuitesSource extends ConsoleSource {
  /** Waits for runs that were set going here, and lets go of the journal. */
  readonly close: () => Promise<void>;
}

/** What is at work for one suite, for as long as somebody needs it. */
interface AtWork {
  users: number;
  readonly ready: Promise<{ readonly acting: Acting; readonly close: () => Promise<void> }>;
}

/** @param only the id of a suite; all of the folder when absent */
export function suitesSource(options: {
  readonly workspace: Workspace;
  readonly place: Place;
  readonly principal: Principal;
  readonly only?: string | undefined;
}): SuitesSource {
  const { workspace, place, principal, only } = options;
  const clock = systemClock();
  const path = workspace.journal;
  const journal = wakesNothing(sqliteJournal({ path, logger: silentLogger }));
  const engine = localEngine({ name: "sqlite", journal, clock, logger: silentLogger, shared: true });
  const packs = new Map<string, Promise<Pack>>();
  const atWork = new Map<string, AtWork>();
  const acts = new Set<Promise<void>>();
  const supervisors = new WeakMap<SuiteFile, Promise<Supervisor>>();
  let read:
    | {
        readonly mark: string;
        readonly suites: ReadonlyMap<string, SuiteFile>;
        readonly broken: readonly string[];
      }
    | undefined;

  const folder = () => {
    const mark = markOf(join(workspace.dir, "suites"));
    if (read?.mark !== mark) {
      const { suites, broken } = workspace.suites();
      const meant = suites.filter(({ id }) => only === undefined || id === only);
      // Of one suite that is named nobody asked for the others.
      read = {
        mark,
        suites: new Map(meant.map((suite) => [suite.id, suite])),
        broken: only === undefined ? broken : [],
      };
    }
    return read;
  };
  const suites = () => folder().suites;
  const suiteOf = ({ id }: RunGroup): SuiteFile => {
    const suite = suites().get(id);
    if (!suite) throw new SandboxError("suite/unknown", { suite: id, folder: workspace.dir });
    return suite;
  };
  const packOf = ({ pack }: SuiteFile): Promise<Pack> => {
    const name = JSON.stringify(pack);
    const known = packs.get(name) ?? openPack(pack);
    packs.set(name, known);
    // What was in the way may be gone the next time.
    known.catch(() => packs.delete(name));
    return known;
  };

  /** As the commands do it, by an engine of its own: tools and world of one suite serve the runs of that suite alone. */
  const openWork = async (suite: SuiteFile) => {
    const pack = await packOf(suite);
    const { openStage } = await import("../suite/stage.ts");
    const own = wakesOnly(sqliteJournal({ path, logger: silentLogger }), suite.id);
    const engine = localEngine({ name: "sqlite", journal: own, clock, logger: silentLogger, shared: true });
    try {
      const stage = await openStage({ suite, pack, workspace, engine, approver: "none" });
      return {
        acting: {
          supervisor: stage.supervisor,
          goOn: async (run: Run) =>
            goOn(stage, pack, run, (await readRun(journal, { tenant: run.tenant, runId: run.id })).scenario),
        },
        close: async () => {
          await engine.close();
          await stage[Symbol.asyncDispose]();
        },
      };
    } catch (thrown) {
      await engine.close();
      throw thrown;
    }
  };

  const actIn = async (group: RunGroup, act: (acting: Acting) => Promise<void>): Promise<void> => {
    const suite = suiteOf(group);
    const found = atWork.get(suite.id) ?? { users: 0, ready: openWork(suite) };
    atWork.set(suite.id, found);
    found.users++;
    try {
      await act((await found.ready).acting);
    } finally {
      found.users--;
      if (found.users === 0) {
        atWork.delete(suite.id);
        await found.ready.then(
          ({ close }) => close(),
          () => undefined, // Whoever wanted it was told.
        );
      }
    }
  };

  return {
    place: place.state,
    journal,
    clock,
    principal,
    command: place.command,
    groups: () =>
      [...suites().values()].map((suite) => ({
        id: suite.id,
        tenant: suite.id,
        about: aboutOf(suite),
        startedAt: suite.startedAt,
        sealed: suite.sealed === true,
      })),
    unreadable: () => folder().broken,
    subjectOf: async (group, attributes): Promise<Subject | undefined> => {
      const name = attributes[scenarioAttribute];
      if (name === undefined) return undefined;
      const pack = await packOf(suiteOf(group)).catch(() => undefined);
      return { name, title: pack?.scenarios().find((one) => one.name === name)?.title ?? name };
    },
    supervisorOf: (group) => {
      const suite = suiteOf(group);
      const known = supervisors.get(suite) ?? offlineSupervisor({ engine, workspace }, suite);
      supervisors.set(suite, known);
      known.catch(() => supervisors.delete(suite));
      return known;
    },
    acting: (group, act) => {
      const acted = actIn(group, act).finally(() => acts.delete(acted));
      acts.add(acted);
      return acted;
    },
    mark: () => markOf(path, `${path}-wal`, join(workspace.dir, "suites")),
    close: async () => {
      await Promise.allSettled([...acts]);
      await engine.close();
    },
  };
}

function aboutOf({ pack, model }: SuiteFile): string {
  return `${pack.name} · ${model.name === "noisy" ? `noisy, seed ${model.seed}` : model.name}`;
}

/** What the file system says of files, which changes whenever they do. */
function markOf(...paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat ? `${stat.size.toString(36)}.${stat.mtimeNs.toString(36)}` : "0";
    })
    .join("-");
}
