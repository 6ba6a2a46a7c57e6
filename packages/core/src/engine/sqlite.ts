import { pathIn } from "../journal/file-path.ts";
import { sqliteJournal } from "../journal/sqlite.ts";
import { type Clock, systemClock } from "../port/clock.ts";
import type { Engine } from "../port/engine.ts";
import { type Logger, silentLogger } from "../port/logger.ts";
import { localEngine } from "./local.ts";

export interface SqliteEngineOptions {
  /** The journal's file; made, with its folder, when absent. */
  readonly path: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Runs that may be driven at a time; 256 when absent. */
  readonly driving?: number;
}

/**
 * The default engine: runs survive the process, in one SQLite file that several processes of one machine may share.
 * @throws OrchestrationError `journal/foreign-file`, `journal/newer-version`, `journal/unavailable`, `limits/not-a-bound`,
 *   `options/invalid` for a path that is none
 */
export function sqliteEngine(options: SqliteEngineOptions): Engine {
  const path = pathIn("sqliteEngine", options);
  const { clock = systemClock(), logger = silentLogger, driving } = options;
  const journal = sqliteJournal({ path, logger });
  return localEngine({
    name: "sqlite",
    journal,
    clock,
    logger,
    shared: true,
    ...(driving === undefined ? {} : { driving }),
  });
}
