import type { Engine, Run, RunRecord, Supervisor } from "@remit/core";
import type { WentOn } from "../console/acting.ts";
import type { Context } from "./context.ts";
import { findRun, findSuite } from "./find.ts";
import { goOn } from "./go-on.ts";
import { offlineSupervisor } from "./offline.ts";
import { openPack } from "./packs.ts";
import type { Place } from "./place.ts";
import { openExistingStore } from "./store.ts";

/** Whose runs a command is about. */
export interface WhoseRuns {
  /** Those of the person's own application, of the tenants that its configuration names. */
  readonly own?: boolean;
  /** The same, of this tenant. */
  readonly tenant?: string;
  /** Acts on a run though another process may be driving it, which then loses it to this one. */
  readonly takeOver?: boolean;
}

/**
 * Runs that a command is about, wherever they are: those of the sandbox's suites, each a tenant of its own, or those of the
 * person's own application. Only `work` lets a run go on, and only the one that it is about.
 */
export interface Books {
  readonly kind: "suite" | "tenant";
  readonly engine: Engine;
  /** The person's place; its commands name the same runs. */
  readonly place: Place;
  /** The suite or the tenant that a text stands for; when absent the newest suite, or the only tenant. */
  readonly named: (text: string | undefined) => string;
  readonly all: () => readonly string[];
  /** The run that a text stands for. @throws SandboxError `suite/run-*`; `usage/wrong` for a text without a word */
  readonly find: (text: string) => Promise<RunRecord>;
  /** Supervisors that can decide, and let nothing go on. */
  readonly supervisors: (tenant: string) => Promise<readonly Supervisor[]>;
  /** The one of a run. */
  readonly offline: (record: RunRecord) => Promise<Supervisor>;
  /**
   * The one of a run, at work in this process.
   * @param drives false: what is asked of it lets no run go on
   */
  readonly work: (record: RunRecord, how?: { readonly drives: boolean }) => Promise<AtWork>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export interface AtWork {
  readonly supervisor: Supervisor;
  /** Lets a run go on until it ends or waits for somebody. */
  readonly goOn: (run: Run, scenario: string | undefined) => Promise<WentOn>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Opens what a command is about. @throws SandboxError `state/*`, `config/*`, `own/*` */
export async function openBooks(options: WhoseRuns, context: Context): Promise<Books> {
  if (options.own !== true && options.tenant === undefined) return suiteBooks(context);
  const { ownBooks } = await import("./own-books.ts");
  return ownBooks(options, context);
}

/** The runs of the suites in the state folder. */
function suiteBooks({ place }: Context): Books {
  const store = openExistingStore(place);
  const { workspace, engine } = store;
  const known = new Map<string, Promise<Supervisor>>();
  const offline = (tenant: string) => {
    const found = known.get(tenant) ?? offlineSupervisor(store, workspace.loadSuite(tenant));
    known.set(tenant, found);
    return found;
  };
  return {
    kind: "suite",
    engine,
    place,
    named: (text) => findSuite(workspace, text).id,
    all: () => workspace.suites().suites.map(({ id }) => id),
    find: async (text) => (await findRun(workspace, engine.journal, text)).record,
    supervisors: async (tenant) => [await offline(tenant)],
    offline: ({ tenant }) => offline(tenant),
    work: async ({ tenant }) => {
      const suite = workspace.loadSuite(tenant);
      const pack = await openPack(suite.pack);
      const { openStage } = await import("../suite/stage.ts");
      const stage = await openStage({ suite, pack, ...store, approver: "none" });
      return {
        supervisor: stage.supervisor,
        goOn: (run, scenario) => goOn(stage, pack, run, scenario),
        [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
