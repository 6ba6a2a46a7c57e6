import { consoleApp } from "../console/app.ts";
import { openDoor } from "../console/door.ts";
import { readKept, writeKept } from "../console/keep.ts";
import { sessions as sessionsOf } from "../console/session.ts";
import { openWorkspace } from "../suite/workspace.ts";
import { complaintLines } from "./complaint.ts";
import { suitesSource } from "./console-suites.ts";
import type { Context, ExitCode } from "./context.ts";
import { findSuite } from "./find.ts";
import { onInterrupt } from "./interrupt.ts";
import { wholeNumber } from "./number.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { openExistingStore } from "./store.ts";

export interface ConsoleOptions extends PersonOptions {
  readonly port?: string;
}

/** Serves the console on this machine until Ctrl-C. */
export async function openConsole(
  suiteName: string | undefined,
  options: ConsoleOptions,
  { place, out, err }: Context,
): Promise<ExitCode> {
  const principal = personOf(options);
  const wanted = options.port === undefined ? undefined : wholeNumber("--port", options.port, 1, 65_535);
  // Whatever is wrong with the folder is said as every command says it.
  await openExistingStore(place)[Symbol.asyncDispose]();
  const workspace = openWorkspace(place.state);
  const only = suiteName === undefined ? undefined : findSuite(workspace, suiteName).id;
  const kept = readKept(workspace.dir);
  const source = suitesSource({ workspace, place, principal, only });
  const sessions = sessionsOf({ key: kept.key, clock: source.clock });
  const leaving = new AbortController();
  let origin = "";
  let port = 0;
  const address = () => `${origin}/enter?token=${sessions.token()}`;
  const { paint } = out;
  const app = consoleApp({
    source,
    sessions,
    port: () => port,
    entered: () => out.print(`${paint.good("A browser was let in.")} For another one: ${paint.name(address())}`),
    failed: (run, complaint) => {
      err.print(`${run} could not go on after a word that counted:`, ...complaintLines(complaint, place.command));
    },
    signal: leaving.signal,
  });
  try {
    // The port of the last time lets pages that are open go on; where it is taken, any other does.
    const ports = wanted === undefined ? [...(kept.port === undefined ? [] : [kept.port]), 0] : [wanted];
    const door = await openDoor(app.fetch, ports);
    ({ origin, port } = door);
    writeKept(workspace.dir, { ...kept, port });
    const stopped = Promise.withResolvers<void>();
    using _ = onInterrupt(() => {
      err.print("", "Closing: runs that were set going here come to rest first. Ctrl-C again ends at once.");
      stopped.resolve();
    });
    out.print(
      `${paint.strong("Remit console")} ${paint.quiet(`· ${only ?? place.shown(place.state)}`)}`,
      "",
      `  ${paint.name(address())}`,
      "",
      "Open this address; it lets one browser in, once. Ctrl-C ends the console.",
      `You act as ${principal.id}. ${developmentLine(out)}`,
    );
    await stopped.promise;
    leaving.abort();
    await door.close();
    return 0;
  } finally {
    leaving.abort();
    await source.close();
  }
}
