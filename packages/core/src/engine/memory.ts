import { memoryJournal } from "../journal/memory.ts";
import { type Clock, systemClock } from "../port/clock.ts";
import type { Engine } from "../port/engine.ts";
import { type Logger, silentLogger } from "../port/logger.ts";
import { localEngine } from "./local.ts";

/** An engine for tests and scripts: everything is gone with the process. */
export function memoryEngine(
  options: {
    readonly clock?: Clock;
    readonly logger?: Logger;
    /** Runs that are driven at the same time; 256 when absent. */
    readonly driving?: number;
  } = {},
): Engine {
  return localEngine({
    name: "memory",
    journal: memoryJournal(),
    clock: options.clock ?? systemClock(),
    logger: options.logger ?? silentLogger,
    ...(options.driving === undefined ? {} : { driving: options.driving }),
  });
}
