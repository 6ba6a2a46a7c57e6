import { type OrchestrationError, reasonOf } from "../errors.ts";
import type { RunWatcher } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";

/** Who looks on at which run of an engine, and which runs stopped with an error and were not taken up again here. */
export interface Watchers {
  /** Who comes after the run stopped is told that. */
  readonly watch: (run: string, watcher: RunWatcher) => () => void;
  /** Whether anybody looks on at any run. */
  readonly isAny: () => boolean;
  /** A throw of a watcher's own hurts nobody else. */
  readonly tell: (run: string, act: (watcher: RunWatcher) => void) => void;
  /** Driving stopped. It is remembered, so that who asks later does not wait for ever. */
  readonly stopped: (run: string, error: OrchestrationError) => void;
  /** The run is taken up again. */
  readonly resumed: (run: string) => void;
  /** Nothing of any run will be heard here any more. */
  readonly closed: (error: OrchestrationError) => void;
}

/** How many stopped runs are remembered; the oldest are forgotten first. */
const stoppedMax = 1024;

export function runWatchers(logger: Logger): Watchers {
  const watching = new Map<string, readonly RunWatcher[]>();
  const errors = new Map<string, OrchestrationError>();
  const tellOne = (watcher: RunWatcher, act: (watcher: RunWatcher) => void) => {
    try {
      act(watcher);
    } catch (thrown) {
      logger.warn({ reason: reasonOf(thrown) }, "a watcher threw");
    }
  };
  const tell = (run: string, act: (watcher: RunWatcher) => void) => {
    for (const watcher of watching.get(run) ?? []) tellOne(watcher, act);
  };
  return {
    watch: (run, watcher) => {
      watching.set(run, watching.get(run)?.concat(watcher) ?? [watcher]);
      if (errors.has(run)) {
        queueMicrotask(() => {
          const error = errors.get(run);
          if (error && watching.get(run)?.includes(watcher)) tellOne(watcher, (one) => one.stopped(error));
        });
      }
      return () => {
        const others = watching.get(run)?.filter((one) => one !== watcher) ?? [];
        if (others.length > 0) watching.set(run, others);
        else watching.delete(run);
      };
    },
    isAny: () => watching.size > 0,
    tell,
    stopped: (run, error) => {
      errors.set(run, error);
      const [oldest] = errors.keys();
      if (oldest !== undefined && errors.size > stoppedMax) errors.delete(oldest);
      tell(run, (one) => one.stopped(error));
    },
    resumed: (run) => void errors.delete(run),
    closed: (error) => {
      for (const run of [...watching.keys()]) tell(run, (one) => one.stopped(error));
    },
  };
}
