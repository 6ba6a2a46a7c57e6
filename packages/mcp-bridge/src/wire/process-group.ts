import type { Clock } from "@remit/core";

/**
 * A process and all that it started, as one thing to end. The process must have been started with `detached`, so that
 * its id is the id of its group.
 */
export interface ProcessGroup {
  /** Sends a signal to every process of the group; false when none is left. */
  readonly signal: (signal: "SIGTERM" | "SIGKILL") => boolean;
  readonly isEmpty: () => boolean;
}

/** The group of a process. Where groups do not exist, the process alone. */
export function processGroup(processId: number): ProcessGroup {
  const target = process.platform === "win32" ? processId : -processId;
  const send = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(target, signal);
    } catch (thrown) {
      // EPERM: there are some, but not ours to signal. Anything else: there are none.
      return (thrown as NodeJS.ErrnoException).code === "EPERM";
    }
  };
  return { signal: send, isEmpty: () => !send(0) };
}

const pollMs = 10;

/** Waits until the group is empty, at most `withinMs`. True when it is. */
export function emptied(group: ProcessGroup, withinMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.now() + withinMs;
  return new Promise((resolve) => {
    const look = () => {
      if (group.isEmpty()) resolve(true);
      else if (clock.now() >= deadline) resolve(false);
      else clock.at(clock.now() + pollMs, look);
    };
    look();
  });
}
