import type { Supervisor } from "@remit/core";
import type { Books, WhoseRuns } from "./books.ts";
import type { Context } from "./context.ts";
import { findRun, findSuite } from "./find.ts";
import { goOn } from "./go-on.ts";
import { offlineSupervisor } from "./offline.ts";
import { openPack } from "./packs.ts";
import { openExistingStore } from "./store.ts";
import { suiteEngine } from "./suite-engine.ts";

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
      const own = suiteEngine(store, suite.id);
      const stage = await openStage({ suite, pack, ...store, engine: own, approver: "none" });
      return {
        supervisor: stage.supervisor,
        goOn: (run, scenario) => goOn(stage, pack, run, scenario),
        [Symbol.asyncDispose]: async () => {
          await own.close();
          await stage[Symbol.asyncDispose]();
        },
      };
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
