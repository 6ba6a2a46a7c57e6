import { once } from "../once.ts";
import type { RunHost } from "../port/engine.ts";
import type { WorkParts } from "./at-work.ts";

/**
 * The kernel: what decides runs, drives them and carries out their commands, a third of the package. It is not loaded with
 * it, for who only defines, checks or looks never needs it. Loading begins when the first supervisor is put to work, so that
 * its first run seldom has to wait.
 */
let loaded: typeof import("./at-work.ts") | undefined;

const load = once(async () => {
  loaded = await import("./at-work.ts");
  return loaded;
});

/**
 * Loads what the first run of a process needs. Without it that begins with the first supervisor that is put to work; a
 * process whose first run must be as quick as its second awaits it before it says that it is ready.
 */
export async function preload(): Promise<void> {
  await load();
}

export function runHost(parts: WorkParts): RunHost {
  if (loaded) return loaded.runsAtWork(parts);
  let host: RunHost | undefined;
  const coming = load().then(({ runsAtWork }) => {
    host = runsAtWork(parts);
    return host;
  });
  coming.catch(() => {}); // Whoever drives a run is told.
  return {
    drive: (session) => (host ? host.drive(session) : coming.then((own) => own.drive(session))),
    // Commands come of runs that are driven.
    immediate: (key, command) => host?.immediate?.(key, command),
    execute: (key, command, signal) =>
      host ? host.execute(key, command, signal) : coming.then((own) => own.execute(key, command, signal)),
  };
}
