import { reasonOf } from "../errors.ts";
import { later } from "../later.ts";
import type { RunHost } from "../port/engine.ts";
import type { WorkParts } from "./at-work.ts";

/**
 * What decides runs, drives them and carries out their commands: a third of the package. It is not loaded with it, for
 * whoever only defines, checks, draws or verifies never needs it. Loading begins when the first supervisor is put to work,
 * so that its first run seldom has to wait.
 */
const work = later(() => import("./at-work.ts"));

/**
 * Loads what is loaded when it is first needed: what works on runs, replay and migration. Without it that begins with the
 * first supervisor that is put to work; a process whose first run must be as quick as its second awaits it before it says
 * that it is ready.
 */
export async function preload(): Promise<void> {
  await Promise.all([work.load(), import("../run/replay.ts"), import("./migrate.ts")]);
}

/** The host of a supervisor's runs, at once. A session that comes before what works on it is there waits for it. */
export function hostAtWork(parts: WorkParts): RunHost {
  const loaded = work.now();
  if (loaded) return loaded.runsAtWork(parts);
  let host: RunHost | undefined;
  const ready = async () => {
    const { runsAtWork } = await work.load();
    host ??= runsAtWork(parts);
    return host;
  };
  ready().catch((thrown: unknown) => {
    const said = { supervisor: parts.definition.name, reason: reasonOf(thrown) };
    parts.logger.error(said, "what works on runs could not be loaded; it is tried again with the next run");
  });
  return {
    drive: (session) => (host ? host.drive(session) : ready().then((own) => own.drive(session))),
    // Commands come of runs that are driven.
    immediate: (key, command) => host?.immediate?.(key, command),
    execute: (key, command, signal) =>
      host ? host.execute(key, command, signal) : ready().then((own) => own.execute(key, command, signal)),
  };
}
