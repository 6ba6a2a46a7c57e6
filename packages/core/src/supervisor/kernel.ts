import { once } from "../once.ts";
import type { RunHost } from "../port/engine.ts";
import type { WorkParts } from "./at-work.ts";

/**
 * The kernel: what decides runs, drives them and carries out their commands, a third of the package. It is not loaded with
 * it, for who only defines, checks or looks never needs it. Loading begins when the first supervisor is put to work, so that
 * its first run seldom has to wait.
 */
const kernel = once(() => {
  const own: { loaded?: typeof import("./at-work.ts"); readonly coming: Promise<typeof import("./at-work.ts")> } = {
    coming: import("./at-work.ts").then((loaded) => {
      own.loaded = loaded;
      return loaded;
    }),
  };
  return own;
});

/**
 * Loads what the first run of a process needs. Without it that begins with the first supervisor that is put to work; a
 * process whose first run must be as quick as its second awaits it before it says that it is ready.
 */
export async function preload(): Promise<void> {
  await kernel().coming;
}

export function runHost(parts: WorkParts): RunHost {
  const { loaded, coming } = kernel();
  if (loaded) return loaded.runsAtWork(parts);
  let host: RunHost | undefined;
  const made = coming.then(({ runsAtWork }) => {
    host = runsAtWork(parts);
    return host;
  });
  made.catch(() => {}); // Whoever drives a run is told.
  return {
    drive: (session) => (host ? host.drive(session) : made.then((own) => own.drive(session))),
    // Commands come of runs that are driven.
    immediate: (key, command) => host?.immediate?.(key, command),
    execute: (key, command, signal) =>
      host ? host.execute(key, command, signal) : made.then((own) => own.execute(key, command, signal)),
  };
}
