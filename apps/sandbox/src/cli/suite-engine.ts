import { type Engine, localEngine, silentLogger } from "@remit/core";
import { wakesOnly } from "../console/looking.ts";
import type { Store } from "./store.ts";

/**
 * The engine that one suite is played on, over the journal of its folder: it wakes runs of that suite alone. Suites of one
 * pack have the same definition, so that without this what falls due in one of them would go on with the world and the
 * models of another. It leaves the journal open when it closes.
 */
export function suiteEngine({ engine, ids }: Pick<Store, "engine" | "ids">, suite: string): Engine {
  return localEngine({
    name: engine.name,
    journal: { ...wakesOnly(engine.journal, suite), close: async () => {} },
    clock: engine.clock,
    logger: silentLogger,
    shared: engine.shared,
    ...(ids ? { ids } : {}),
  });
}
